//! An LED analyser: optical fibres that each look at one LED (Feasa's serial
//! protocol, which is not SCPI).
//!
//! It captures all LEDs at once, and is then asked for one fibre after the other. Its
//! intensity is relative: limits come from golden samples.

use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Nanos;

use crate::dialect::{Dialect, Identity, Verb};
use crate::driver::Driver;
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Link, Move, Outcome};

/// The longest capture: pulsed light, range found by itself (manual: 2 s).
const CAPTURE_WITHIN: Duration = Duration::from_secs(3);

/// What a usual capture takes (manual).
pub const CAPTURE_TAKES: Duration = Duration::from_millis(350);

/// The reply of a fibre that sees too little light (manual).
const UNDER_RANGE: &str = "999.99 999 00000";

/// The intensity of one that sees too much.
const OVER_RANGE: f64 = 99_999.0;

/// What a fibre saw.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Light {
    /// Too little light for a colour.
    Dark,
    /// Too much of it.
    TooBright,
    /// It blinks or is dimmed by pulses: to be captured as such.
    Pulsed,
    /// A colour.
    Colour {
        /// From 0 to 360 degrees.
        hue: f64,
        /// In percent.
        saturation: f64,
        /// Relative, from 0 to 99999.
        intensity: f64,
    },
}

impl Light {
    /// Reads `123.47 098 06383`, and the replies that stand for none.
    pub fn parse(reply: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(reply).ok()?.trim();
        if !text.is_empty() && text.bytes().all(|b| b.eq_ignore_ascii_case(&b'X') || b == b' ' || b == b'.') {
            return Some(Self::Pulsed);
        }
        if text == UNDER_RANGE {
            return Some(Self::Dark);
        }
        // Digits and points alone: no sign, no exponent, no `NaN`.
        let number = |field: &str| field.parse().ok().filter(|_| field.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
        let fields = text.split_ascii_whitespace().map(number).collect::<Option<Vec<f64>>>()?;
        let [hue, saturation, intensity] = fields[..] else { return None };
        if !(0.0..=360.0).contains(&hue) || !(0.0..=100.0).contains(&saturation) || intensity > OVER_RANGE {
            return None;
        }
        Some(if intensity >= OVER_RANGE {
            Self::TooBright
        } else if intensity > 0.0 {
            Self::Colour { hue, saturation, intensity }
        } else {
            Self::Dark
        })
    }
}

/// An LED analyser behind its link.
pub struct LedAnalyser {
    driver: Driver,
}

impl LedAnalyser {
    /// One that is expected to have this serial number. Sends nothing.
    pub fn new(link: Link, dialect: Rc<Dialect>, serial: &str) -> Self {
        Self { driver: Driver::new(link, dialect, serial) }
    }

    /// Proves its identity by the serial number, which is all that it tells.
    ///
    /// # Errors
    /// `WrongIdentity`, and the link's.
    pub async fn open(&self) -> Result<Identity, ClientError> {
        let who = self.who().await?;
        self.driver.has_serial(&who)
    }

    /// Who it is; compares that with nothing.
    ///
    /// # Errors
    /// The link's.
    pub async fn who(&self) -> Result<Identity, ClientError> {
        let found = self.driver.ask(&self.driver.command(Verb::Identify, 0.0)?).await?;
        Ok(self.driver.with_serial(found.trim()))
    }

    /// That question and answer belonged together since `since`, and that it is
    /// still who it was: it tells no more of itself.
    ///
    /// # Errors
    /// What is not so, and the link's.
    pub async fn prove(&self, since: Nanos) -> Result<(), ClientError> {
        if self.driver.link.had_trouble(since) {
            let cause = "question and answer have come apart since it was opened".into();
            return Err(self.driver.link.error(ErrorKind::LinkLost { cause }));
        }
        self.open().await.map(drop)
    }

    /// As [`Link::late`].
    pub fn late(&self, since: Nanos) -> Option<Duration> {
        self.driver.link.late(since)
    }

    /// Looks at all LEDs.
    ///
    /// # Errors
    /// `Garbled` when it does not say that it is done, and the link's.
    pub async fn capture(&self) -> Result<(), ClientError> {
        let query = self.driver.command(Verb::Capture, 0.0)?;
        let asked = Move::Ask { query: query.clone(), within: Some(CAPTURE_WITHIN) };
        match self.driver.run(Lane::Normal, vec![asked]).await?.as_slice() {
            [Outcome::Answered { reply, .. }] if reply.trim_ascii() == b"OK" => Ok(()),
            [Outcome::Answered { reply, .. }] => Err(self.driver.garbled(&query, reply, "OK")),
            _ => Err(self.driver.incomplete()),
        }
    }

    /// What a fibre, counted from 1, saw at the last capture.
    ///
    /// # Errors
    /// `OutOfRange`, `Garbled`, and the link's.
    pub async fn light(&self, fibre: u32) -> Result<Light, ClientError> {
        if !(1..=99).contains(&fibre) {
            let kind = ErrorKind::OutOfRange { found: format!("fibre {fibre}"), legal: "1 .. 99".into() };
            return Err(self.driver.link.error(kind));
        }
        let query = self.driver.command(Verb::ReadColour, f64::from(fibre))?;
        let reply = self.driver.ask(&query).await?;
        Light::parse(reply.as_bytes()).ok_or_else(|| self.driver.garbled(&query, reply.as_bytes(), "hue, saturation and intensity"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_light_from_none() {
        let colour = |hue, saturation, intensity| Some(Light::Colour { hue, saturation, intensity });
        for (reply, expected) in [
            ("123.47 098 06383", colour(123.47, 98.0, 6383.0)),
            ("000.00 000 00001\r", colour(0.0, 0.0, 1.0)),
            ("999.99 999 00000", Some(Light::Dark)),
            ("123.47 098 99999", Some(Light::TooBright)),
            ("XXX.XX XXX XXXXX", Some(Light::Pulsed)),
            ("", None),
            ("OK", None),
            ("123.47 098", None),
            ("123.47 098 06383 1", None),
            ("400.00 098 06383", None),
            ("123.47 098 00000", Some(Light::Dark)),
            ("123.47 098 100000", None),
            ("NaN 098 06383", None),
            ("NaN 098 00000", None),
            ("123.47 NaN 00000", None),
            ("inf 098 06383", None),
            ("inf 098 99999", None),
            ("999.99 999 NaN", None),
            ("999.99 999 05000", None),
            ("999.99 098 00000", None),
            ("-5 000 00000", None),
            ("123.47 098 -0", None),
            ("1e2 098 06383", None),
        ] {
            assert_eq!(Light::parse(reply.as_bytes()), expected, "{reply:?}");
        }
    }
}
