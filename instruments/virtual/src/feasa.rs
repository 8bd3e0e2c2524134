//! A Feasa LED analyser, by its user manual: commands in any case, replies end with
//! CR LF, a capture takes about 350 ms and then says OK, dark and glaring LEDs have
//! replies of their own. What it does not know it does not answer: our assumption.
//! Not here: fixed ranges, chromaticity, sequences, the bus.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::{Clock, Nanos};

use crate::terminals::{Light, Terminals};
use crate::unit::Served;

/// Of a capture that finds its range itself.
const CAPTURE: Duration = Duration::from_millis(350);
/// Of one that looks at pulsed light.
const PULSED: Duration = Duration::from_secs(2);
/// It has so many fibres.
const FIBRES: u32 = 20;

pub(crate) struct Feasa {
    serial: String,
    terminals: Arc<dyn Terminals>,
    clock: Clock,
    /// A capture is under way since, and takes so long.
    capturing: Option<(Nanos, Duration)>,
    /// What each fibre saw.
    seen: Vec<Option<Light>>,
}

impl Feasa {
    pub(crate) fn new(serial: &str, terminals: Arc<dyn Terminals>, clock: Clock) -> Self {
        Self { serial: serial.to_owned(), terminals, clock, capturing: None, seen: Vec::new() }
    }

    fn reply(&mut self, message: &str) -> Option<String> {
        let message = message.trim().to_ascii_lowercase();
        match message.as_str() {
            "getserial" => return Some(self.serial.clone()),
            "capture" => self.capturing = Some((self.clock.now(), CAPTURE)),
            "capturepwm" => self.capturing = Some((self.clock.now(), PULSED)),
            _ => return self.fibre(message.strip_prefix("gethsi")?),
        }
        None
    }

    fn fibre(&self, number: &str) -> Option<String> {
        let number: u32 = number.parse().ok().filter(|n| (1..=FIBRES).contains(n))?;
        let light = self.seen.get(number as usize - 1).copied().flatten();
        Some(match light {
            None => "999.99 999 00000".into(),
            Some(Light { hue, saturation, intensity }) => format!("{hue:06.2} {saturation:03.0} {:05.0}", intensity.min(99_999.0)),
        })
    }
}

impl Served for Feasa {
    fn latency(&mut self) -> Duration {
        Duration::from_millis(2)
    }

    fn execute(&mut self, message: &[u8], out: &mut Vec<u8>) {
        if let Some(reply) = self.reply(&String::from_utf8_lossy(message)) {
            out.extend_from_slice(reply.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    fn aperture(&self) -> Option<Duration> {
        self.capturing.map(|(_, takes)| takes)
    }

    fn complete(&mut self, out: &mut Vec<u8>) {
        if self.capturing.take().is_some() {
            self.seen = (1..=FIBRES).map(|fibre| self.terminals.light(fibre)).collect();
            out.extend_from_slice(b"OK\r\n");
        }
    }

    fn idle_close(&self) -> Option<Duration> {
        None
    }

    fn inhibit(&mut self) {}

    fn refuse(&mut self) {}

    fn trigger(&mut self) {}

    fn interrupted(&mut self) {}

    fn status_byte(&self) -> u8 {
        0
    }

    fn reboot(&mut self) {
        self.capturing = None;
        self.seen.clear();
    }

    fn derate(&mut self, _: Option<f64>) {}
}
