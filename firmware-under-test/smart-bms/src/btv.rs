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
        Self { believed, seen: believed, held: Held::default() }
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
        Self { cable: Line::new(false), pre_alarm: Line::new(PreAlarmLine::Absent), atc: Line::new(false), atd: Line::new(false) }
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
        BtvInputs { cable: self.cable.believed, pre_alarm: self.pre_alarm.believed, atc: self.atc.believed, atd: self.atd.believed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: BtvInputs = BtvInputs { cable: true, pre_alarm: PreAlarmLine::Healthy, atc: true, atd: true };

    fn run(btv: &mut Btv, raw: BtvInputs, ms: u32) -> BtvInputs {
        let (params, rules) = (Params::default(), Rules::default());
        let mut believed = raw;
        for _ in 0..ms {
            believed = btv.tick(&params, &rules, raw);
        }
        believed
    }

    fn healthy() -> Btv {
        let mut btv = Btv::default();
        assert_eq!(run(&mut btv, HEALTHY, 21), HEALTHY);
        btv
    }

    #[test]
    fn a_new_state_counts_from_its_first_to_its_last_sample() {
        let at = |held_ms| debounce(&DebounceView { held_ms, needed_ms: 20 });
        assert!(!at(19));
        assert!(at(20));
    }

    #[test]
    fn short_glitches_pass_unseen() {
        let open = BtvInputs { atc: false, ..HEALTHY };
        let mut btv = healthy();
        for _ in 0..5 {
            assert_eq!(run(&mut btv, open, 20), HEALTHY);
            assert_eq!(run(&mut btv, HEALTHY, 1), HEALTHY);
        }
        assert_eq!(run(&mut btv, open, 21), open);
    }

    #[test]
    fn a_line_that_bounces_between_two_new_states_is_not_believed() {
        let alarm = BtvInputs { pre_alarm: PreAlarmLine::Alarm, ..HEALTHY };
        let absent = BtvInputs { pre_alarm: PreAlarmLine::Absent, ..HEALTHY };
        let mut btv = healthy();
        for _ in 0..10 {
            assert_eq!(run(&mut btv, alarm, 15), HEALTHY);
            assert_eq!(run(&mut btv, absent, 15), HEALTHY);
        }
    }

    #[test]
    fn an_open_cable_does_not_speak_for_the_other_lines() {
        let open = BtvInputs { cable: false, pre_alarm: PreAlarmLine::Absent, atc: false, atd: false };
        let mut btv = healthy();
        let believed = run(&mut btv, open, 21);
        assert_eq!(believed, BtvInputs { cable: false, ..HEALTHY });
    }

    #[test]
    fn poles_that_open_one_after_another_are_one_fault() {
        let mut btv = healthy();
        let atd = BtvInputs { atd: false, ..HEALTHY };
        run(&mut btv, atd, 15);
        let believed = run(&mut btv, BtvInputs { cable: false, ..atd }, 21);
        assert!(believed.atd && !believed.cable);
    }

    #[test]
    fn a_missing_pre_alarm_is_a_fault_only_where_it_is_used() {
        let fault = |cable, pre_alarm, usage| cable_fault(&CableView { cable, pre_alarm, usage });
        use PreAlarmLine::{Absent, Alarm, Healthy};
        use PreAlarmUsage::{NotAvailable, Use};
        assert!(fault(true, Absent, Use));
        assert!(!fault(true, Absent, NotAvailable));
        for line in [Healthy, Alarm, Absent] {
            assert!(fault(false, line, Use) && fault(false, line, NotAvailable));
        }
        assert!(!fault(true, Alarm, Use) && !fault(true, Healthy, Use));
    }
}
