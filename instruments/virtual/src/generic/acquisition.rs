//! A scope's single shot: what its channels saw round a rising edge of channel 1
//! through the trigger's level, as bytes with a preamble.
//!
//! Our assumptions: the trigger is in the middle, the screen has 12 divisions and
//! 100 samples for each, a division has 25 steps; the gain of each channel is off by
//! at most 3 %. The world remembers some seconds, so the trigger is looked for when
//! somebody asks. Not here: other triggers, a vertical offset.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::Nanos;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::terminals::Terminals;

const DIVISIONS: u32 = 12;
const PER_DIVISION: u32 = 100;
/// Steps of the converter a division, and the one of 0 V.
const STEPS: f64 = 25.0;
const ZERO: f64 = 127.0;
/// Largest relative error of a gain.
const GAIN: f64 = 0.03;
/// Largest noise, in steps.
const NOISE: f64 = 0.4;
/// So far back a trigger is looked for.
const BACK: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(crate) struct Acquisition {
    pub(crate) level: f64,
    /// Waits for a trigger since.
    armed: Option<Nanos>,
    triggered: Option<Nanos>,
    /// One a channel.
    gains: Vec<f64>,
    record: Option<Record>,
}

struct Record {
    interval: f64,
    /// Volts a step and the bytes, by channel.
    channels: Vec<(f64, Vec<u8>)>,
}

/// A channel's probe, where it has one, and its volts a division.
pub(crate) type Probe<'a> = (Option<&'a Arc<dyn Terminals>>, f64);

impl Acquisition {
    pub(crate) fn new(channels: u32, rng: &mut ChaCha8Rng) -> Self {
        Self { gains: (0..channels).map(|_| 1.0 + rng.random_range(-GAIN..=GAIN)).collect(), ..Self::default() }
    }

    /// Waits for one trigger from now on.
    pub(crate) fn single(&mut self, now: Nanos) {
        (self.armed, self.triggered, self.record) = (Some(now), None, None);
    }

    pub(crate) fn stop(&mut self) {
        (self.armed, self.triggered) = (None, None);
    }

    /// It waits for nothing any more.
    pub(crate) const fn stopped(&self) -> bool {
        self.armed.is_none()
    }

    /// Brings it to the present.
    pub(crate) fn look(&mut self, now: Nanos, timebase: f64, probes: &[Probe<'_>], rng: &mut ChaCha8Rng) {
        let interval = Duration::from_secs_f64(timebase / f64::from(PER_DIVISION)).max(Duration::from_nanos(1));
        let half = interval * (PER_DIVISION * DIVISIONS / 2);
        let Some(armed) = self.armed else { return };
        if self.triggered.is_none() {
            // What is before the trigger must be there first.
            let from = (armed + half).max(Nanos(now.0.saturating_sub(nanos(BACK))));
            self.triggered = rise(probes.first(), self.level, from, now, interval);
        }
        if let Some(trigger) = self.triggered.filter(|t| now >= *t + half) {
            let first = Nanos(trigger.0.saturating_sub(nanos(half)));
            let channel = |((probe, scale), gain): (&Probe<'_>, &f64)| {
                let step = scale / STEPS;
                let volts = probe.map_or_else(Vec::new, |p| p.samples(first, interval, (PER_DIVISION * DIVISIONS) as usize));
                let byte = |v: &f64| (ZERO + v * gain / step + rng.random_range(-NOISE..=NOISE)).round().clamp(0.0, 255.0) as u8;
                (step, volts.iter().map(byte).collect())
            };
            let channels = probes.iter().zip(&self.gains).map(channel).collect();
            self.record = Some(Record { interval: interval.as_secs_f64(), channels });
            self.stop();
        }
    }

    /// What the bytes of a channel mean: ten fields.
    pub(crate) fn preamble(&self, channel: usize) -> Option<Vec<u8>> {
        let record = self.record.as_ref()?;
        let (step, bytes) = record.channels.get(channel)?;
        let (points, dx) = (bytes.len(), record.interval);
        // The trigger is at the beginning of a sample, whose own time is its middle.
        let x0 = dx * (0.5 - f64::from(PER_DIVISION * DIVISIONS / 2));
        Some(format!("0,0,{points},1,{dx:e},{x0:e},0,{step:e},0,{ZERO}").into_bytes())
    }

    pub(crate) fn bytes(&self, channel: usize) -> Option<&[u8]> {
        self.record.as_ref()?.channels.get(channel).map(|(_, bytes)| bytes.as_slice())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The first sample between `from` and `now` at which a probe is above `level`, after
/// one at which it was not.
fn rise(probe: Option<&Probe<'_>>, level: f64, from: Nanos, now: Nanos, interval: Duration) -> Option<Nanos> {
    let probe = probe?.0?;
    let count = usize::try_from(now.since(from).as_nanos() / interval.as_nanos()).ok()?;
    let volts = probe.samples(from, interval, count);
    let n = volts.windows(2).position(|v| v[0] < level && v[1] >= level)?;
    Some(from + interval * u32::try_from(n + 1).ok()?)
}
