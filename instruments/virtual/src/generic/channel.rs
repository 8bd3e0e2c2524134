//! One channel of an instrument that a dialect describes: its set values, its
//! output, its protection, and what it is clamped to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::dialect::{Accuracy, Dialect, ReadRange, Verb};
use hil_client::{Function, Kind};
use hil_timebase::{Clock, Nanos};
use rand_chacha::ChaCha8Rng;

use super::data_log::DataLog;
use crate::imperfection::{Imperfection, quantised};
use crate::terminals::{SourceState, Terminals};

/// What a load does with its input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mode {
    Current,
    Voltage,
    Resistance,
    Power,
}

impl Mode {
    /// Each with the command that chooses it.
    pub(crate) const ALL: [(Verb, Self); 4] = [
        (Verb::ModeCurrent, Self::Current),
        (Verb::ModeVoltage, Self::Voltage),
        (Verb::ModeResistance, Self::Resistance),
        (Verb::ModePower, Self::Power),
    ];
}

/// Which protection has tripped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trip {
    Voltage,
    Current,
}

/// How it is wrong in one function.
#[derive(Clone, Copy)]
struct Errors {
    set: Imperfection,
    read: Imperfection,
}

pub(crate) struct Channel {
    /// The dialect of this channel alone.
    pub(crate) dialect: Dialect,
    /// `None`: nothing is clamped to it.
    terminals: Option<Arc<dyn Terminals>>,
    values: BTreeMap<Function, f64>,
    errors: BTreeMap<Function, Errors>,
    pub(crate) on: bool,
    pub(crate) mode: Mode,
    /// What is armed.
    pub(crate) over_voltage: bool,
    pub(crate) over_current: bool,
    pub(crate) tripped: Option<Trip>,
    pub(crate) log: DataLog,
    derated: Option<f64>,
    /// How often the output was told something: one that is on its way is overtaken.
    turns: Rc<Cell<u64>>,
}

impl Channel {
    pub(crate) fn new(dialect: Dialect, terminals: Option<Arc<dyn Terminals>>, rng: &mut ChaCha8Rng) -> Self {
        let mut errors = BTreeMap::new();
        for (_, function) in Function::WORDS {
            let of = |accuracy: Option<Accuracy>| accuracy.map_or((0.0, 0.0), |a| (a.percent, a.offset.si));
            let (percent, offset) = of(dialect.set_range(function).and_then(|r| r.accuracy));
            let set = Imperfection::of_reading(percent, offset, 0.0, rng);
            // In every range it is wrong by no more than in the smallest.
            let row = dialect.read_range(function, 0.0);
            let (percent, offset) = of(row.and_then(|r| r.accuracy));
            let read = Imperfection::of_reading(percent, offset, offset / 20.0, rng);
            errors.insert(function, Errors { set, read });
        }
        let mut channel = Self {
            dialect,
            terminals,
            values: BTreeMap::new(),
            errors,
            on: false,
            mode: Mode::Current,
            over_voltage: false,
            over_current: false,
            tripped: None,
            log: DataLog::default(),
            derated: None,
            turns: Rc::default(),
        };
        channel.reset();
        channel
    }

    /// All at its smallest, protections at their largest, off.
    pub(crate) fn reset(&mut self) {
        for range in &self.dialect.sets {
            let protection = matches!(range.function, Function::OverVoltage | Function::OverCurrent);
            let value = if protection { range.max.si } else { range.min.si.max(0.0) };
            self.values.insert(range.function, value);
        }
        self.on = false;
        self.mode = Mode::Current;
        // Armed only by command, unless it cannot be told.
        self.over_voltage = !self.dialect.can(Verb::EnableOverVoltage);
        self.over_current = !self.dialect.can(Verb::EnableOverCurrent);
        self.tripped = None;
        self.log.reset();
        self.drive();
    }

    /// A set value, as it reads back.
    pub(crate) fn get(&self, function: Function) -> f64 {
        self.values.get(&function).copied().unwrap_or(0.0)
    }

    /// Whether it takes this set value; the output follows at once, or so long `after`.
    pub(crate) fn set(&mut self, function: Function, value: f64, after: Option<(&Clock, Duration)>) -> bool {
        let Some(range) = self.dialect.set_range(function) else { return false };
        // Also refuses NaN.
        if !(range.min.si..=range.max.si).contains(&value) {
            return false;
        }
        self.values.insert(function, quantised(value, range.resolution.si));
        self.drive_after(after);
        true
    }

    pub(crate) fn switch(&mut self, on: bool, after: Option<(&Clock, Duration)>) {
        self.on = on;
        self.drive_after(after);
    }

    fn drive_after(&self, after: Option<(&Clock, Duration)>) {
        let (Some((clock, after)), Some(terminals), Some(state)) = (after, &self.terminals, self.state()) else {
            return self.drive();
        };
        let (clock, terminals, turns) = (clock.clone(), Arc::clone(terminals), Rc::clone(&self.turns));
        let turn = turns.get() + 1;
        turns.set(turn);
        tokio::task::spawn_local(async move {
            clock.sleep(after).await;
            if turns.get() == turn {
                terminals.drive(state);
            }
        });
    }

    pub(crate) fn derate(&mut self, amps: Option<f64>) {
        self.derated = amps;
        self.drive();
    }

    pub(crate) fn inhibited(&self) -> bool {
        self.terminals.as_ref().is_some_and(|t| t.inhibited())
    }

    /// Tells the world what stands at the terminals.
    pub(crate) fn drive(&self) {
        let (Some(terminals), Some(state)) = (&self.terminals, self.state()) else { return };
        self.turns.set(self.turns.get() + 1);
        terminals.drive(state);
    }

    fn state(&self) -> Option<SourceState> {
        let terminals = self.terminals.as_ref()?;
        let real = |f: Function| self.errors.get(&f).map_or(0.0, |e| e.set.steady(self.get(f)));
        let most = self.derated.unwrap_or(f64::INFINITY);
        Some(match self.dialect.kind {
            Kind::Source => {
                let limit = real(Function::SourceLimit).clamp(0.0, most);
                let both = self.dialect.quirks.one_limit_both_ways.is_some();
                let sink = if both { limit } else { real(Function::SinkLimit).clamp(0.0, most) };
                SourceState { on: self.on, volts: real(Function::Voltage), source_amps: limit, sink_amps: sink }
            }
            Kind::Load => {
                let amps = self.load_amps(&**terminals, real);
                let volts = if self.mode == Mode::Voltage { real(Function::LoadVoltage) } else { 0.0 };
                SourceState { on: self.on, volts, source_amps: 0.0, sink_amps: amps.clamp(0.0, most) }
            }
            Kind::Meter | Kind::Scope | Kind::LedAnalyser => return None,
        })
    }

    /// The current that a load takes; a resistance and a power follow the voltage
    /// from message to message.
    fn load_amps(&self, terminals: &dyn Terminals, real: impl Fn(Function) -> f64) -> f64 {
        let most = self.dialect.set_range(Function::SinkLimit).map_or(0.0, |r| r.max.si);
        let volts = terminals.volts().max(0.0);
        match self.mode {
            Mode::Current => real(Function::SinkLimit),
            Mode::Voltage => most,
            Mode::Resistance => (volts / real(Function::LoadResistance).max(1e-9)).min(most),
            Mode::Power => (real(Function::LoadPower) / volts.max(1e-3)).min(most),
        }
    }

    /// Its protections; which has tripped just now.
    pub(crate) fn watch(&mut self) -> Option<Trip> {
        if self.dialect.kind == Kind::Load && self.on {
            self.drive();
        }
        let terminals = self.terminals.as_ref()?;
        if !self.on {
            return None;
        }
        let above = |f: Function, armed: bool, found: f64| armed && self.dialect.set_range(f).is_some() && found > self.get(f);
        let tripped = if above(Function::OverVoltage, self.over_voltage, terminals.volts()) {
            Trip::Voltage
        } else if above(Function::OverCurrent, self.over_current, terminals.amps().abs()) {
            Trip::Current
        } else {
            return None;
        };
        self.tripped = Some(tripped);
        self.switch(false, None);
        Some(tripped)
    }

    /// What it measures now, SI; current positive out of it, unless its model says
    /// otherwise.
    pub(crate) fn measured(&self, function: Function, rng: &mut ChaCha8Rng) -> f64 {
        let truth = match (&self.terminals, function) {
            (Some(t), Function::Current) if self.dialect.quirks.sink_is_positive.is_some() => -t.amps(),
            (Some(t), Function::Current) => t.amps(),
            (Some(t), _) => t.volts(),
            (None, Function::Voltage) if self.on => self.get(Function::Voltage),
            (None, _) => 0.0,
        };
        self.seen(function, truth, 0.0, rng)
    }

    /// The same as means over `count` intervals, one after the other, all of them past;
    /// true values.
    pub(crate) fn means(&self, function: Function, first: Nanos, interval: Duration, count: usize) -> Vec<f64> {
        match (&self.terminals, function) {
            (Some(t), Function::Current) if self.dialect.quirks.sink_is_positive.is_some() => {
                t.current_samples(first, interval, count).into_iter().map(|amps| -amps).collect()
            }
            (Some(t), Function::Current) => t.current_samples(first, interval, count),
            (Some(t), _) => t.samples(first, interval, count),
            (None, Function::Voltage) if self.on => vec![self.get(Function::Voltage); count],
            (None, _) => vec![0.0; count],
        }
    }

    /// A true value as it reads it, in the smallest range of at least `range`.
    pub(crate) fn seen(&self, function: Function, truth: f64, range: f64, rng: &mut ChaCha8Rng) -> f64 {
        let row = self.row(function, range);
        let Some(errors) = self.errors.get(&function) else { return truth };
        let read = errors.read.noisy(truth, 1.0, rng);
        match row {
            Some(row) if read.abs() > row.max.si => 9.9e37_f64.copysign(read),
            Some(row) => quantised(read, row.resolution.si),
            None => read,
        }
    }

    pub(crate) fn row(&self, function: Function, range: f64) -> Option<&ReadRange> {
        self.dialect.read_range(function, range)
    }

    pub(crate) fn terminals(&self) -> Option<&Arc<dyn Terminals>> {
        self.terminals.as_ref()
    }
}
