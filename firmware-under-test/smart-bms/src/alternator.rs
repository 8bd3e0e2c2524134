//! The alternator port: when it runs, and its current limit.
//!
//! The hardware holds the current to the set value and blocks reverse flow
//! like a diode; here only the set value and the permission are decided.

use crate::held::Held;
use crate::io::{FuseRow, Inputs, TICK_MS};
use crate::params::Params;
use crate::rules::Rules;

/// What the limit may depend on. The fuse is the shunt (§3.4 step 2), so the
/// fitted one decides and the setting does not.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LimiterView {
    /// The fuse that is fitted.
    pub fitted: FuseRow,
    /// The fuse type in the app.
    pub setting: Option<FuseRow>,
    /// Limits in the order of [`FuseRow::ALL`], A.
    pub table_amps: [f64; FuseRow::ALL.len()],
}

/// Rule: the row of table 1 for the fitted fuse, A.
#[must_use]
pub fn limiter(view: &LimiterView) -> f64 {
    view.table_amps.get(view.fitted.index()).copied().unwrap_or(0.0)
}

/// What the set value during a start may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SoftStart {
    /// The limit in the end, A.
    pub limit_amps: f64,
    /// Since the start, ms.
    pub running_ms: u32,
    /// Rise, A/s.
    pub amps_per_s: f64,
}

/// Rule: a straight rise up to the limit, A.
#[must_use]
pub fn soft_start(view: &SoftStart) -> f64 {
    let seconds = (f64::from(view.running_ms) + f64::from(TICK_MS)) / 1_000.0;
    view.limit_amps.min(view.amps_per_s * seconds)
}

/// What the start may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AlternatorStart {
    /// Alternator stud, V.
    pub alternator_volts: f64,
    /// Battery stud, V.
    pub battery_volts: f64,
    /// Starts above, V.
    pub start_volts: f64,
}

/// Rule: strictly above the threshold (§2.2 "exceeds 13V").
#[must_use]
pub fn start(view: &AlternatorStart) -> bool {
    view.alternator_volts > view.start_volts
}

/// What the stop of a running port may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AlternatorStop {
    /// Alternator stud, V.
    pub alternator_volts: f64,
    /// Into the port, A.
    pub alternator_amps: f64,
    /// Starts above, V.
    pub start_volts: f64,
    /// Stops below, V.
    pub stop_volts: f64,
    /// Reverse current that stops at once, A, positive.
    pub reverse_amps: f64,
    /// The current has been as good as none for the time that stops.
    pub no_current: bool,
}

/// Rule: stops below the stop voltage, at reverse current, and between stop
/// and start voltage once no current flows. Without the last, a dead starter
/// battery would hold the port.
#[must_use]
pub fn stop(view: &AlternatorStop) -> bool {
    let low = view.alternator_volts < view.stop_volts;
    let reverse = view.alternator_amps < -view.reverse_amps;
    let idle = view.no_current && view.alternator_volts <= view.start_volts;
    low || reverse || idle
}

/// What the status page's percentage may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PercentView {
    /// Into the port, A.
    pub alternator_amps: f64,
    /// Limit of the fuse type in the app, A; `None` when it is not set.
    pub setting_limit_amps: Option<f64>,
}

/// Rule: per cent of the limit of the fuse type set in the app (§3.5.1-4).
#[must_use]
pub fn percent(view: &PercentView) -> Option<f64> {
    view.setting_limit_amps.map(|limit| 100.0 * view.alternator_amps / limit)
}

/// State of the port.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Alternator {
    above: Held,
    idle: Held,
    running: Held,
    holdoff_ms: u32,
}

impl Alternator {
    /// One tick; returns whether the port conducts and the limiter's set value, A.
    pub(crate) fn tick(
        &mut self,
        params: &Params,
        rules: &Rules,
        inputs: &Inputs,
        setting: Option<FuseRow>,
        permitted: bool,
    ) -> (bool, f64) {
        self.holdoff_ms = self.holdoff_ms.saturating_sub(TICK_MS);
        self.above.tick((rules.alternator_start)(&AlternatorStart {
            alternator_volts: inputs.alternator_volts,
            battery_volts: inputs.battery_volts,
            start_volts: params.alternator_start_volts,
        }));
        let was_running = self.running.ms().is_some();
        let runs = permitted && if was_running { self.keeps_running(params, rules, inputs) } else { self.may_start(params) };
        self.running.tick(runs);
        let Some(running_ms) = self.running.ms() else {
            self.idle = Held::default();
            return (false, 0.0);
        };
        let limit_amps = (rules.limiter)(&LimiterView { fitted: inputs.fuse, setting, table_amps: params.limiter_amps });
        let set = SoftStart { limit_amps, running_ms, amps_per_s: params.soft_start_amps_per_s };
        (true, (rules.soft_start)(&set))
    }

    fn may_start(&self, params: &Params) -> bool {
        self.holdoff_ms == 0 && self.above.reached(params.alternator_start_ms)
    }

    /// The pause follows a stop for lack of voltage, not one for lack of permission.
    fn keeps_running(&mut self, params: &Params, rules: &Rules, inputs: &Inputs) -> bool {
        self.idle.tick(inputs.alternator_amps < params.alternator_zero_amps);
        let stops = (rules.alternator_stop)(&AlternatorStop {
            alternator_volts: inputs.alternator_volts,
            alternator_amps: inputs.alternator_amps,
            start_volts: params.alternator_start_volts,
            stop_volts: params.alternator_stop_volts,
            reverse_amps: params.alternator_reverse_amps,
            no_current: self.idle.reached(params.alternator_zero_ms),
        });
        if stops {
            self.holdoff_ms = params.alternator_holdoff_ms;
        }
        !stops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_at(alternator_volts: f64) -> bool {
        start(&AlternatorStart { alternator_volts, battery_volts: 12.8, start_volts: 13.0 })
    }

    /// 13.000 V does not start. No bench can resolve this; only this test does.
    #[test]
    fn starts_strictly_above_13_volts() {
        assert!(!start_at(12.999));
        assert!(!start_at(13.0));
        assert!(start_at(13.0_f64.next_up()));
        assert!(start_at(13.1));
        assert!(!start_at(f64::NAN));
    }

    fn stop_at(alternator_volts: f64, alternator_amps: f64, no_current: bool) -> bool {
        stop(&AlternatorStop { alternator_volts, alternator_amps, start_volts: 13.0, stop_volts: 12.8, reverse_amps: 0.5, no_current })
    }

    #[test]
    fn stops_with_hysteresis_and_without_current() {
        assert!(!stop_at(12.8, 5.0, false));
        assert!(stop_at(12.799, 5.0, false));
        assert!(stop_at(13.0, 0.0, true));
        assert!(!stop_at(13.001, 0.0, true));
        assert!(stop_at(14.4, -0.51, false));
        assert!(!stop_at(14.4, -0.5, false));
    }

    #[test]
    fn the_fitted_fuse_decides_the_limit() {
        let view = LimiterView { fitted: FuseRow::Pair7A5, setting: Some(FuseRow::Mega100A), table_amps: Params::default().limiter_amps };
        assert_eq!(limiter(&view), 9.0);
        let view = LimiterView { fitted: FuseRow::Mega125A, setting: None, ..view };
        assert_eq!(limiter(&view), 100.0);
    }

    #[test]
    fn the_limit_rises_softly() {
        let at = |running_ms| soft_start(&SoftStart { limit_amps: 9.0, running_ms, amps_per_s: 100.0 });
        assert!((at(0) - 0.1).abs() < 1e-12);
        assert!((at(49) - 5.0).abs() < 1e-12);
        assert_eq!(at(89), 9.0);
        assert_eq!(at(u32::MAX), 9.0);
    }

    #[test]
    fn per_cent_needs_the_fuse_type() {
        let at = |setting_limit_amps| percent(&PercentView { alternator_amps: 4.5, setting_limit_amps });
        assert_eq!(at(None), None);
        assert_eq!(at(Some(9.0)), Some(50.0));
        assert_eq!(at(Some(90.0)), Some(5.0));
    }
}
