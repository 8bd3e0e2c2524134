//! Undervoltage: the warning, the time it gives, and the cut.
//!
//! The load is cut at max(t of ATD loss, t of warning + 30 s) (§2.2 and our
//! reading of A10); a lost ATD without pre-alarm is itself the warning. The
//! cut ends with ATD's return; when, the battery decides.

use crate::held::Held;
use crate::io::PreAlarmLine;
use crate::params::Params;
use crate::rules::Rules;
use crate::settings::{PreAlarmMode, PreAlarmUsage};

/// What a warning may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeadStart {
    /// Pre-alarm line.
    pub pre_alarm: PreAlarmLine,
    /// Whether the batteries have one.
    pub usage: PreAlarmUsage,
    /// Allow to discharge.
    pub atd: bool,
}

/// Rule: a pre-alarm that is in use, or a lost ATD.
#[must_use]
pub fn start(view: &LeadStart) -> bool {
    let alarm = view.pre_alarm == PreAlarmLine::Alarm && view.usage == PreAlarmUsage::Use;
    alarm || !view.atd
}

/// What the cut may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadCut {
    /// Allow to discharge.
    pub atd: bool,
    /// Pre-alarm line.
    pub pre_alarm: PreAlarmLine,
    /// Since the warning began, ms; `None` without one.
    pub warned_ms: Option<u32>,
    /// Since ATD was lost, ms; `None` while it is there.
    pub atd_lost_ms: Option<u32>,
    /// Least time from warning to cut, ms.
    pub lead_ms: u32,
}

/// Rule: ATD lost and the user warned long enough.
#[must_use]
pub fn cut(view: &LoadCut) -> bool {
    !view.atd && view.warned_ms.is_some_and(|ms| ms >= view.lead_ms)
}

/// What the pre-alarm output may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PreAlarmOutput {
    /// Since the warning began, ms; `None` without one.
    pub warned_ms: Option<u32>,
    /// There has been a warning since power-up.
    pub warned_before: bool,
    /// How the output signals.
    pub mode: PreAlarmMode,
    /// Intermittent: on, ms.
    pub on_ms: u32,
    /// Intermittent: off, ms.
    pub off_ms: u32,
}

/// Rule: high while the warning lasts, after the cut as well; in intermittent
/// mode it begins with the on time.
#[must_use]
pub fn output(view: &PreAlarmOutput) -> bool {
    let Some(ms) = view.warned_ms else {
        return false;
    };
    match view.mode {
        PreAlarmMode::Continuous => true,
        PreAlarmMode::Intermittent => {
            let period = view.on_ms.saturating_add(view.off_ms).max(1);
            ms % period < view.on_ms
        }
    }
}

/// What one tick of the lead needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LeadTick {
    pub(crate) pre_alarm: PreAlarmLine,
    pub(crate) usage: PreAlarmUsage,
    pub(crate) mode: PreAlarmMode,
    pub(crate) atd: bool,
    /// The unit works, so a warning reaches the user.
    pub(crate) announces: bool,
    /// Loads were connected in the tick before.
    pub(crate) loads_on: bool,
}

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LeadState {
    pub(crate) warning: bool,
    pub(crate) cut: bool,
    pub(crate) pre_alarm_output: bool,
}

/// State of warning and cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Lead {
    warned: Held,
    warned_before: bool,
    atd_lost: Held,
    cut: bool,
}

impl Lead {
    /// One tick. The lead runs from the tick in which the output rises, so
    /// that who is warned has all of it.
    pub(crate) fn tick(&mut self, params: &Params, rules: &Rules, now: LeadTick) -> LeadState {
        let due = (rules.lead_start)(&LeadStart { pre_alarm: now.pre_alarm, usage: now.usage, atd: now.atd });
        let warned_ms = self.warned.tick(due && now.announces);
        self.warned_before |= warned_ms.is_some();
        let atd_lost_ms = self.atd_lost.tick(!now.atd);
        let rule_cuts =
            (rules.load_cut)(&LoadCut { atd: now.atd, pre_alarm: now.pre_alarm, warned_ms, atd_lost_ms, lead_ms: params.lead_ms });
        // Loads that are off anyway need no warning to stay off: an empty
        // battery is not connected for 30 s at power-up, nor after a cable fault.
        self.cut = rule_cuts || (!now.atd && (self.cut || !now.loads_on));
        let pre_alarm_output = now.announces
            && (rules.pre_alarm_output)(&PreAlarmOutput {
                warned_ms,
                warned_before: self.warned_before,
                mode: now.mode,
                on_ms: params.pre_alarm_on_ms,
                off_ms: params.pre_alarm_off_ms,
            });
        LeadState { warning: warned_ms.is_some(), cut: self.cut, pre_alarm_output }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PreAlarmLine::{Absent, Alarm, Healthy};

    #[test]
    fn a_used_pre_alarm_or_a_lost_atd_warns() {
        use PreAlarmUsage::{NotAvailable, Use};
        let due = |pre_alarm, usage, atd| start(&LeadStart { pre_alarm, usage, atd });
        assert!(due(Alarm, Use, true));
        assert!(due(Healthy, Use, false));
        assert!(due(Absent, NotAvailable, false));
        assert!(!due(Alarm, NotAvailable, true));
        assert!(!due(Healthy, Use, true));
        assert!(!due(Absent, Use, true));
    }

    #[test]
    fn the_cut_needs_both_a_lost_atd_and_the_whole_lead() {
        let at = |atd, warned_ms| cut(&LoadCut { atd, pre_alarm: Alarm, warned_ms, atd_lost_ms: Some(0), lead_ms: 30_050 });
        assert!(!at(false, Some(30_049)));
        assert!(at(false, Some(30_050)));
        assert!(!at(true, Some(60_000)));
        assert!(!at(false, None));
    }

    #[test]
    fn intermittent_begins_with_on() {
        let at = |warned_ms, mode| output(&PreAlarmOutput { warned_ms, warned_before: true, mode, on_ms: 800, off_ms: 800 });
        for (ms, high) in [(0, true), (799, true), (800, false), (1_599, false), (1_600, true)] {
            assert_eq!(at(Some(ms), PreAlarmMode::Intermittent), high, "{ms} ms");
            assert!(at(Some(ms), PreAlarmMode::Continuous));
        }
        assert!(!at(None, PreAlarmMode::Intermittent));
        assert!(!at(None, PreAlarmMode::Continuous));
    }

    #[test]
    fn a_cut_outlives_its_warning_until_atd_returns() {
        let (params, rules) = (Params::default(), Rules::default());
        let now = LeadTick {
            pre_alarm: Healthy,
            usage: PreAlarmUsage::Use,
            mode: PreAlarmMode::Continuous,
            atd: false,
            announces: true,
            loads_on: false,
        };
        let mut lead = Lead::default();
        let state = lead.tick(&params, &rules, now);
        assert!(state.cut && state.warning && state.pre_alarm_output);
        let silent = LeadTick { announces: false, loads_on: true, ..now };
        let state = lead.tick(&params, &rules, silent);
        assert!(state.cut && !state.warning && !state.pre_alarm_output);
        let state = lead.tick(&params, &rules, LeadTick { atd: true, ..now });
        assert!(!state.cut && !state.warning);
    }
}
