//! A channel's data log: the means of its voltage or current over one period after the
//! other, in a buffer that a fetch takes them out of and that overwrites what is old.
//!
//! Our assumptions: one converter, so that voltage and current cannot be logged at once;
//! it begins some milliseconds after it was told so; a record is in the buffer some
//! milliseconds after its period; its clock is off by at most 50 ppm; beginning empties
//! the buffer. The log is brought to the present by each message; the world remembers
//! some seconds. Not here: least and largest values of a period, triggers.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hil_client::template::Template;
use hil_client::{DataLogFacts, Function};
use hil_timebase::Nanos;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use scpi::error::ErrorCode;

use super::channel::Channel;
use super::pattern::Pattern;

/// Largest error of its clock.
const CLOCK: f64 = 50e-6;
/// It begins so late at most, and a record can be fetched so late.
const LATE: Duration = Duration::from_millis(4);

/// What a message can want of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wish {
    /// Log this function, or do not.
    Choose(Function, bool),
    /// This one of what it must be told before.
    Prepare(usize),
    SetPeriod,
    QueryPeriod,
    Start,
    Fetch,
    Stop,
}

#[derive(Default)]
pub(crate) struct DataLog {
    chosen: BTreeSet<Function>,
    /// What it was told of what it must be told before.
    prepared: BTreeSet<usize>,
    period: Duration,
    run: Option<Run>,
    /// What can be fetched, the oldest first.
    records: VecDeque<f32>,
}

/// A log under way.
#[derive(Clone, Copy)]
struct Run {
    function: Function,
    begins: Nanos,
    /// By the world's clock.
    period: Duration,
    late: Duration,
    /// Records so far, fetched or not.
    taken: usize,
}

/// All that a dialect's commands mean, with their patterns.
pub(crate) fn patterns(facts: &DataLogFacts) -> Vec<(Wish, Pattern)> {
    let mut all = vec![
        (Wish::Choose(Function::Voltage, true), &facts.voltage_on),
        (Wish::Choose(Function::Voltage, false), &facts.voltage_off),
        (Wish::Choose(Function::Current, true), &facts.current_on),
        (Wish::Choose(Function::Current, false), &facts.current_off),
        (Wish::SetPeriod, &facts.set_period),
        (Wish::QueryPeriod, &facts.query_period),
        (Wish::Start, &facts.start),
        (Wish::Fetch, &facts.fetch),
        (Wish::Stop, &facts.stop),
    ];
    all.extend(facts.prepare.iter().enumerate().map(|(n, template)| (Wish::Prepare(n), template)));
    all.into_iter().filter_map(|(wish, template)| Some((wish, Pattern::of(template)?))).collect()
}

impl DataLog {
    /// How it is after it was switched on.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    fn choose(&mut self, function: Function, on: bool) -> Result<(), ErrorCode> {
        if on && self.chosen.iter().any(|other| *other != function) {
            return Err(ErrorCode::SettingsConflict);
        }
        if on {
            self.chosen.insert(function)
        } else {
            self.chosen.remove(&function)
        };
        Ok(())
    }

    fn set_period(&mut self, seconds: f64, facts: &DataLogFacts) -> Result<(), ErrorCode> {
        let wanted = Duration::try_from_secs_f64(seconds).map_err(|_| ErrorCode::DataOutOfRange)?;
        if !(facts.shortest_period..=facts.longest_period).contains(&wanted) {
            return Err(ErrorCode::DataOutOfRange);
        }
        self.period = facts.period(wanted);
        Ok(())
    }

    fn start(&mut self, now: Nanos, facts: &DataLogFacts, rng: &mut ChaCha8Rng) -> Result<(), ErrorCode> {
        if self.run.is_some() {
            return Err(ErrorCode::InitIgnored);
        }
        let ready = self.prepared.len() == facts.prepare.len() && !self.period.is_zero();
        let function = self.chosen.first().copied().filter(|_| ready).ok_or(ErrorCode::SettingsConflict)?;
        let period = self.period.mul_f64(1.0 + rng.random_range(-CLOCK..=CLOCK));
        let (begins, late) = (now + LATE.mul_f64(rng.random_range(0.0..1.0)), LATE.mul_f64(rng.random_range(0.0..1.0)));
        self.records.clear();
        self.run = Some(Run { function, begins, period, late, taken: 0 });
        Ok(())
    }

    fn fetch(&mut self, most: f64) -> Vec<u8> {
        let count = self.records.len().min(most.max(0.0) as usize);
        let bytes: Vec<u8> = self.records.drain(..count).flat_map(f32::to_be_bytes).collect();
        let length = bytes.len().to_string();
        [format!("#{}{length}", length.len()).as_bytes(), &bytes].concat()
    }
}

impl Channel {
    /// Brings its log to the present.
    pub(crate) fn log_on(&mut self, now: Nanos, rng: &mut ChaCha8Rng) {
        let (Some(run), Some(facts)) = (self.log.run, &self.dialect.data_log) else { return };
        let passed = now.since(run.begins + run.late).as_nanos() / run.period.as_nanos().max(1);
        let missing = usize::try_from(passed).unwrap_or(usize::MAX).saturating_sub(run.taken);
        if missing == 0 {
            return;
        }
        let holds = usize::try_from(facts.buffer.as_nanos() / facts.shortest_period.as_nanos().max(1)).unwrap_or(usize::MAX).max(1);
        // What would be overwritten at once is not measured.
        let kept = missing.min(holds);
        let nanos = run.period.as_nanos().saturating_mul((run.taken + missing - kept) as u128);
        let first = run.begins + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let truth = self.means(run.function, first, run.period, kept);
        let seen: Vec<f32> = truth.into_iter().map(|value| self.seen(run.function, value, 0.0, rng) as f32).collect();
        self.log.records.extend(seen);
        let over = self.log.records.len().saturating_sub(holds);
        self.log.records.drain(..over);
        self.log.run = Some(Run { taken: run.taken + missing, ..run });
    }

    /// What its log must be told before, the `n`th.
    pub(crate) fn prepares(&self, n: usize) -> Option<Template> {
        self.dialect.data_log.as_ref()?.prepare.get(n).cloned()
    }

    /// Does what a message wants of its log; what it replies.
    pub(crate) fn log(&mut self, wish: Wish, values: &[f64], now: Nanos, rng: &mut ChaCha8Rng) -> Result<Vec<u8>, ErrorCode> {
        self.log_on(now, rng);
        let (log, Some(facts)) = (&mut self.log, &self.dialect.data_log) else { return Err(ErrorCode::UndefinedHeader) };
        let value = || values.first().copied().ok_or(ErrorCode::MissingParameter);
        match wish {
            Wish::Choose(function, on) => log.choose(function, on)?,
            Wish::Prepare(n) => drop(log.prepared.insert(n)),
            Wish::SetPeriod => log.set_period(value()?, facts)?,
            Wish::QueryPeriod => return Ok(format!("{:.8E}", log.period.as_secs_f64()).into_bytes()),
            Wish::Start => log.start(now, facts, rng)?,
            Wish::Fetch => return Ok(log.fetch(value()?)),
            Wish::Stop => log.run = None,
        }
        Ok(Vec::new())
    }
}
