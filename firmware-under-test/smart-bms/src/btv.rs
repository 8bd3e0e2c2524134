//! The battery cable: debounced lines, and when it counts as broken.

use crate::held::Held;
use crate::io::{BtvInputs, PreAlarmLine};
use crate::params::Params;
use crate::rules::Rules;
use crate::settings::PreAlarmUsage;

/// What believing a line's new state may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DebounceView {
    /// The new state has held for, ms.
    pub held_ms: u32,
    /// It must hold for, ms.
    pub needed_ms: u32,
}

/// Rule: believed once it has held long enough.
#[must_use]
pub fn debounce(view: &DebounceView) -> bool {
    view.held_ms >= view.needed_ms
}

/// What a cable fault may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CableView {
    /// A cable is detected.
    pub cable: bool,
    /// Pre-alarm line.
    pub pre_alarm: PreAlarmLine,
    /// Whether the batteries have one.
    pub usage: PreAlarmUsage,
}

/// Rule: no cable, or a pre-alarm line that should be there and is not. The
/// manual gives both one code (E-B32), so the unit does not tell them apart,
/// and both switch off everything at once [P]: without the line no warning
/// could precede a cut.
#[must_use]
pub fn cable_fault(view: &CableView) -> bool {
    !view.cable || (view.pre_alarm == PreAlarmLine::Absent && view.usage == PreAlarmUsage::Use)
}

/// One line: its believed state and how long another one has been seen.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Line<T> {
    believed: T,
    seen: T,
    held: Held,
}

impl<T: Copy + PartialEq> Line<T> {
    fn new(believed: T) -> Self {
        Self {
            believed,
            seen: believed,
            held: Held::default(),
        }
    }

    fn tick(&mut self, params: &Params, rules: &Rules, raw: T) {
        if raw != self.seen {
            self.seen = raw;
            self.held = Held::default();
        }
        let held_ms = self.held.tick(raw != self.believed);
        let needed_ms = params.debounce_ms;
        if held_ms.is_some_and(|held_ms| (rules.debounce)(&DebounceView { held_ms, needed_ms })) {
            self.believed = raw;
            self.held = Held::default();
        }
    }

    fn restart(&mut self) {
        self.seen = self.believed;
        self.held = Held::default();
    }
}

/// All lines. Open until seen otherwise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Btv {
    cable: Line<bool>,
    pre_alarm: Line<PreAlarmLine>,
    atc: Line<bool>,
    atd: Line<bool>,
}

impl Default for Btv {
    fn default() -> Self {
        Self {
            cable: Line::new(false),
            pre_alarm: Line::new(PreAlarmLine::Absent),
            atc: Line::new(false),
            atd: Line::new(false),
        }
    }
}

impl Btv {
    /// One tick; returns the believed states.
    pub(crate) fn tick(&mut self, params: &Params, rules: &Rules, raw: BtvInputs) -> BtvInputs {
        if raw.cable {
            self.pre_alarm.tick(params, rules, raw.pre_alarm);
            self.atc.tick(params, rules, raw.atc);
            self.atd.tick(params, rules, raw.atd);
        } else {
            // Without a cable the other lines say nothing; a false lead must not start.
            self.pre_alarm.restart();
            self.atc.restart();
            self.atd.restart();
        }
        self.cable.tick(params, rules, raw.cable);
        BtvInputs {
            cable: self.cable.believed,
            pre_alarm: self.pre_alarm.believed,
            atc: self.atc.believed,
            atd: self.atd.believed,
        }
    }
}
