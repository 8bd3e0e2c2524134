//! The DMM6500's digitizer: samples of the voltage into a buffer, behind a trigger
//! model of two blocks that clears the buffer and then fills it.
//!
//! Each sample is the mean over the time to the next (automatic aperture). The
//! buffer is brought to the present by each message; the world remembers some
//! seconds. Our assumption: the first sample begins with `INIT`.
//! Not here: other blocks, other buffers, currents, analog triggers.

use std::time::Duration;

use hil_timebase::Nanos;
use scpi::error::Result;
use scpi::tree::prelude::*;
use scpi::{cmd_both, cmd_nquery, cmd_qonly};

use crate::dmm6500::Dmm6500;
use crate::unit::Unit;

/// Samples a second.
const RATES: std::ops::RangeInclusive<f64> = 1e3..=1e6;
/// Most samples in the buffer.
const MOST: usize = 7_000_000;
const BUFFER: &[u8] = b"defbuffer1";

pub(crate) struct Digitizing {
    /// The digitizer is the active function.
    active: bool,
    hertz: f64,
    size: usize,
    /// Of the trigger model: clear the buffer, fill it with so many.
    clears: bool,
    fills: Option<usize>,
    /// Since when it fills, and with how many.
    since: Option<(Nanos, usize)>,
    /// As measured.
    samples: Vec<f64>,
}

impl Default for Digitizing {
    fn default() -> Self {
        Self { active: false, hertz: 1e6, size: 100_000, clears: false, fills: None, since: None, samples: Vec::new() }
    }
}

impl Digitizing {
    fn interval(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.hertz)
    }

    pub(crate) const fn stop(&mut self) {
        self.since = None;
    }

    pub(crate) const fn leave(&mut self) {
        self.active = false;
        self.since = None;
    }

    /// What has passed and is not in the buffer yet: from when on, how far apart,
    /// and how many.
    pub(crate) fn missing(&self, now: Nanos) -> Option<(Nanos, Duration, usize)> {
        let ((since, count), interval) = (self.since?, self.interval());
        let passed = usize::try_from(now.since(since).as_nanos() / interval.as_nanos().max(1)).unwrap_or(usize::MAX).min(count);
        let have = self.samples.len();
        (passed > have).then(|| (since + interval.mul_f64(have as f64), interval, passed - have))
    }

    pub(crate) fn add(&mut self, samples: impl IntoIterator<Item = f64>) {
        self.samples.extend(samples);
        if self.since.is_some_and(|(_, count)| self.samples.len() >= count) {
            self.since = None;
        }
    }
}

fn buffer(parameters: &mut Parameters) -> Result<()> {
    let name: &[u8] = parameters.next_data()?;
    if name == BUFFER { Ok(()) } else { Err(ErrorCode::IllegalParameterValue.into()) }
}

/// `DIGitize:FUNCtion`
pub(crate) struct Function;

impl Command<Unit<Dmm6500>> for Function {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let function: &[u8] = parameters.next_data()?;
        if !(function.eq_ignore_ascii_case(b"VOLT") || function.eq_ignore_ascii_case(b"VOLTAGE")) {
            return Err(ErrorCode::IllegalParameterValue.into());
        }
        unit.behaviour.digitizing.active = true;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let active = unit.behaviour.digitizing.active;
        response.data(if active { &b"VOLT"[..] } else { b"NONE" }).finish()
    }
}

/// `DIGitize:VOLTage:SRATe`
pub(crate) struct Rate;

impl Command<Unit<Dmm6500>> for Rate {
    cmd_both!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let hertz: f64 = parameters.next_data()?;
        if !RATES.contains(&hertz) {
            return Err(ErrorCode::DataOutOfRange.into());
        }
        unit.behaviour.digitizing.hertz = hertz;
        Ok(())
    }
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters, mut response: ResponseUnit) -> Result<()> {
        let reply = unit.behaviour.digitizing.hertz.to_string();
        response.data(Character(reply.as_bytes())).finish()
    }
}

/// `TRACe:POINts`
pub(crate) struct Points;

impl Command<Unit<Dmm6500>> for Points {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let size: usize = parameters.next_data()?;
        buffer(&mut parameters)?;
        if !(10..=MOST).contains(&size) {
            return Err(ErrorCode::DataOutOfRange.into());
        }
        unit.behaviour.digitizing.size = size;
        unit.behaviour.digitizing.samples.clear();
        Ok(())
    }
}

/// `TRACe:ACTual?`
pub(crate) struct Actual;

impl Command<Unit<Dmm6500>> for Actual {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters, mut response: ResponseUnit) -> Result<()> {
        buffer(&mut parameters)?;
        unit.behaviour.digitize();
        response.data(unit.behaviour.digitizing.samples.len()).finish()
    }
}

/// `TRACe:DATA? FIRST, LAST, "BUFFER", READing`
pub(crate) struct Data;

impl Command<Unit<Dmm6500>> for Data {
    cmd_qonly!();
    fn query(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters, mut response: ResponseUnit) -> Result<()> {
        let (first, last): (usize, usize) = (parameters.next_data()?, parameters.next_data()?);
        buffer(&mut parameters)?;
        let Character(element) = parameters.next_data()?;
        if !(element.eq_ignore_ascii_case(b"READ") || element.eq_ignore_ascii_case(b"READING")) {
            return Err(ErrorCode::IllegalParameterValue.into());
        }
        let wanted = first.checked_sub(1).and_then(|from| unit.behaviour.digitizing.samples.get(from..last));
        let bytes = unit.behaviour.formatted(wanted.filter(|w| !w.is_empty()).ok_or(ErrorCode::DataOutOfRange)?);
        response.data(Character(&bytes)).finish()
    }
}

/// `TRIGger:LOAD "Empty"`
pub(crate) struct Load;

impl Command<Unit<Dmm6500>> for Load {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let model: &[u8] = parameters.next_data()?;
        if !model.eq_ignore_ascii_case(b"EMPTY") {
            return Err(ErrorCode::IllegalParameterValue.into());
        }
        let digitizing = &mut unit.behaviour.digitizing;
        (digitizing.clears, digitizing.fills) = (false, None);
        Ok(())
    }
}

/// `TRIGger:BLOCk:BUFFer:CLEar NUMBER, "BUFFER"`
pub(crate) struct BlockClear;

impl Command<Unit<Dmm6500>> for BlockClear {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let _number: usize = parameters.next_data()?;
        buffer(&mut parameters)?;
        unit.behaviour.digitizing.clears = true;
        Ok(())
    }
}

/// `TRIGger:BLOCk:MDIGitize NUMBER, "BUFFER", COUNT`
pub(crate) struct BlockDigitize;

impl Command<Unit<Dmm6500>> for BlockDigitize {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, mut parameters: Parameters) -> Result<()> {
        let _number: usize = parameters.next_data()?;
        buffer(&mut parameters)?;
        let count: usize = parameters.next_data()?;
        unit.behaviour.digitizing.fills = Some(count);
        Ok(())
    }
}

/// `INITiate`
pub(crate) struct Initiate;

impl Command<Unit<Dmm6500>> for Initiate {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters) -> Result<()> {
        let now = unit.behaviour.now();
        let digitizing = &mut unit.behaviour.digitizing;
        let Some(count) = digitizing.fills.filter(|_| digitizing.active && digitizing.clears) else {
            return Err(ErrorCode::SettingsConflict.into());
        };
        if digitizing.since.is_some() {
            return Err(ErrorCode::InitIgnored.into());
        }
        digitizing.samples.clear();
        digitizing.since = Some((now, count.min(digitizing.size)));
        Ok(())
    }
}

/// `ABORt`
pub(crate) struct Abort;

impl Command<Unit<Dmm6500>> for Abort {
    cmd_nquery!();
    fn event(&self, unit: &mut Unit<Dmm6500>, _: &mut Context, _: Parameters) -> Result<()> {
        unit.behaviour.digitize();
        unit.behaviour.digitizing.stop();
        Ok(())
    }
}
