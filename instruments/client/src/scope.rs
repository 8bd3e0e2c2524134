//! A scope: armed for one shot, and its record fetched as its own preamble
//! explains it.
//!
//! The trigger is where the model has it after its start: in the middle of the
//! record, on a rising edge of channel 1; dialects have no command for that. Who
//! takes a record for what it is looks for the edge in it.
//! Not here: what the samples mean; the error of the front end's zero.

use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Nanos;

use crate::dialect::{Dialect, Function, Identity, Verb};
use crate::driver::Driver;
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Link, Move, Outcome};
use crate::scpi;

/// Most samples of a record that is fetched.
const MOST: usize = 1 << 20;
/// Fields of a preamble.
const FIELDS: usize = 10;
/// Limits of the error of the gain: of 8-bit scopes about 3 % are told.
const GAIN: f64 = 0.03;

/// What a dialect must have, beyond what every scope's has, for [`Scope`].
pub const NEEDS: [Verb; 5] = [Verb::SetTriggerLevel, Verb::Single, Verb::QueryAcquisition, Verb::SelectWaveform, Verb::QueryPreamble];

/// How it looks at one of its channels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct View {
    /// Counted from 1.
    pub channel: u32,
    /// Volts a division.
    pub scale: f64,
}

/// One channel of a record.
#[derive(Clone, PartialEq, Debug)]
pub struct Shot {
    /// The middle of the first sample, in seconds from the trigger.
    pub first: f64,
    /// From sample to sample, in seconds.
    pub interval: f64,
    /// In V; none was at the end of what the scope can show.
    pub volts: Vec<f64>,
    /// One step of its converter, in V.
    pub step: f64,
}

impl Shot {
    /// When sample `n` was, in seconds from the trigger.
    pub fn at(&self, n: usize) -> f64 {
        self.first + self.interval * n as f64
    }

    /// Limits of a sample's error near `volts`: a step, and the gain's error.
    pub fn error(&self, volts: f64) -> f64 {
        self.step + volts.abs() * GAIN
    }
}

/// A scope behind its link.
pub struct Scope {
    /// One a channel; the first stands for the whole.
    channels: Vec<Driver>,
}

impl Scope {
    /// A scope that is expected to have this serial number. Sends nothing.
    pub fn new(link: &Link, dialect: &Dialect, serial: &str) -> Self {
        let channel = |n| Driver::new(link.clone(), Rc::new(dialect.for_channel(n)), serial);
        Self { channels: (1..=dialect.channels.max(1)).map(channel).collect() }
    }

    fn whole(&self) -> &Driver {
        &self.channels[0]
    }

    fn channel(&self, number: u32) -> Result<&Driver, ClientError> {
        let found = (number as usize).checked_sub(1).and_then(|n| self.channels.get(n));
        let legal = format!("1 .. {}", self.channels.len());
        let wrong = || self.whole().link.error(ErrorKind::OutOfRange { found: format!("channel {number}"), legal });
        found.ok_or_else(wrong)
    }

    /// Proves its identity and drops what befell it before.
    ///
    /// # Errors
    /// `WrongIdentity`, and the link's.
    pub async fn open(&self) -> Result<Identity, ClientError> {
        self.whole().prepare(Verb::PlainReplies).await?;
        let identity = self.whole().identify().await?;
        self.whole().forget_the_past().await?;
        Ok(identity)
    }

    /// As [`crate::Source::prove`].
    ///
    /// # Errors
    /// The first thing that is not so, and the link's.
    pub async fn prove(&self, since: Nanos) -> Result<(), ClientError> {
        self.whole().prove(since).await
    }

    /// As [`Link::late`].
    pub fn late(&self, since: Nanos) -> Option<Duration> {
        self.whole().link.late(since)
    }

    /// What its error queue holds, oldest first; empties it.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn queued(&self) -> Result<Vec<String>, ClientError> {
        self.whole().queued().await
    }

    /// Asks who it is; compares that with nothing.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn who(&self) -> Result<Identity, ClientError> {
        self.whole().who().await
    }

    /// Waits for one edge of `line` through `level`, in V. Scales and time base, in
    /// seconds a division, are read back.
    ///
    /// # Errors
    /// `OutOfRange`, `Refused`, `Readback`, `Unsupported`, and the link's.
    pub async fn arm(&self, line: View, level: f64, signal: View, timebase: f64) -> Result<(), ClientError> {
        for view in [line, signal] {
            let channel = self.channel(view.channel)?;
            channel.set(Function::Scale, Verb::SetScale, Verb::QueryScale, view.scale).await?;
            if channel.dialect.can(Verb::SetOffset) {
                channel.write(Lane::Normal, channel.command(Verb::SetOffset, 0.0)?).await?;
            }
        }
        self.whole().set(Function::Timebase, Verb::SetTimebase, Verb::QueryTimebase, timebase).await?;
        let channel = self.channel(line.channel)?;
        channel.write(Lane::Normal, channel.command(Verb::SetTriggerLevel, level)?).await?;
        self.whole().write(Lane::Normal, self.whole().command(Verb::Single, 0.0)?).await?;
        Ok(())
    }

    /// Whether the record is complete.
    ///
    /// # Errors
    /// `Unsupported`, and the link's.
    pub async fn complete(&self) -> Result<bool, ClientError> {
        let query = self.whole().command(Verb::QueryAcquisition, 0.0)?;
        let reply = self.whole().ask(&query).await?;
        let command = self.whole().dialect.commands.get(&Verb::QueryAcquisition);
        match command.and_then(|c| c.answer.as_ref()) {
            // Any other word is some other state.
            Some(word) => Ok(reply.trim().eq_ignore_ascii_case(word)),
            None => self.whole().says_yes(Verb::QueryAcquisition, &query, reply.as_bytes()),
        }
    }

    /// One channel of the record.
    ///
    /// # Errors
    /// `Garbled` for a preamble or a block that is none, and for samples at the end
    /// of what the scope can show; the link's.
    pub async fn fetch(&self, channel: u32) -> Result<Shot, ClientError> {
        let driver = self.channel(channel)?;
        for verb in [Verb::SelectWaveform, Verb::WaveformBytes] {
            driver.prepare(verb).await?;
        }
        let query = driver.command(Verb::QueryPreamble, 0.0)?;
        let reply = driver.ask(&query).await?;
        let preamble = Preamble::read(&reply)
            .ok_or_else(|| driver.garbled(&query, reply.as_bytes(), "a preamble of bytes with no vertical offset"))?;
        let query = driver.command(Verb::FetchWaveform, 0.0)?;
        let outcomes = driver.run(Lane::Normal, vec![Move::AskBlock { query: query.clone(), length: preamble.points }]).await?;
        let [.., Outcome::Answered { reply, .. }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
        let Some(bytes) = scpi::block(reply).ok().filter(|body| body.len() == preamble.points) else {
            return Err(driver.garbled(&query, reply, &format!("a block of {} bytes", preamble.points)));
        };
        if bytes.iter().any(|b| matches!(b, 0 | 255)) {
            let expected = format!("samples within what channel {channel} can show; a larger scale shows more");
            return Err(driver.link.error(ErrorKind::Garbled { command: query, answer: "clipped samples".into(), expected }));
        }
        Ok(preamble.shot(bytes))
    }
}

/// What the bytes of a block mean.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Preamble {
    points: usize,
    /// Of the first sample.
    first: f64,
    interval: f64,
    /// Volts a step.
    step: f64,
    /// The byte of 0 V.
    zero: f64,
}

impl Preamble {
    /// `format, type, points, count, x increment, x origin, x reference, y increment,
    /// y origin, y reference`. Models differ in what a vertical origin counts: only
    /// none at all is understood.
    fn read(text: &str) -> Option<Self> {
        let fields: Vec<f64> = text.trim().split(',').map(|f| f.trim().parse().ok()).collect::<Option<_>>()?;
        let [format, _, points, _, dx, x0, xr, dy, y0, yr] = <[f64; FIELDS]>::try_from(fields).ok()?;
        let fits = format == 0.0 && (2.0..=MOST as f64).contains(&points) && points.fract() == 0.0;
        let sane = [dx, dy].iter().all(|d| d.is_finite() && *d > 0.0) && [x0, xr].iter().all(|x| x.is_finite());
        let level = y0 == 0.0 && (0.0..=255.0).contains(&yr);
        (fits && sane && level).then_some(Self { points: points as usize, first: x0 - xr * dx, interval: dx, step: dy, zero: yr })
    }

    fn shot(self, bytes: &[u8]) -> Shot {
        let volts = bytes.iter().map(|b| (f64::from(*b) - self.zero) * self.step).collect();
        Shot { first: self.first, interval: self.interval, volts, step: self.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preamble_says_what_bytes_mean() {
        let preamble = Preamble::read("0,2,3,1,1.0e-05,-6.0e-03,0,4.0e-04,0,127\n").expect("a preamble");
        let shot = preamble.shot(&[127, 128, 102]);
        assert!((shot.at(2) + 5.98e-3).abs() < 1e-12 && (shot.volts[2] + 0.01).abs() < 1e-12, "{shot:?}");
        assert_eq!((shot.volts[0], shot.volts[1], shot.error(0.0)), (0.0, 4e-4, 4e-4));
        for wrong in [
            "",
            "0,2,3,1,1.0e-05,-6.0e-03,0,4.0e-04,0",
            "1,2,3,1,1.0e-05,-6.0e-03,0,4.0e-04,0,127",
            "0,2,0,1,1.0e-05,-6.0e-03,0,4.0e-04,0,127",
            "0,2,3e9,1,1.0e-05,-6.0e-03,0,4.0e-04,0,127",
            "0,2,3,1,NaN,-6.0e-03,0,4.0e-04,0,127",
            "0,2,3,1,1.0e-05,inf,0,4.0e-04,0,127",
            "0,2,3,1,1.0e-05,-6.0e-03,0,0,0,127",
            "0,2,3,1,1.0e-05,-6.0e-03,0,4.0e-04,7,127",
        ] {
            assert_eq!(Preamble::read(wrong), None, "{wrong}");
        }
    }
}
