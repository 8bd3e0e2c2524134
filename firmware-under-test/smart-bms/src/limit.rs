//! Battery charge limit (§3.5.1-5d): deactivates the alternator port at the
//! limit, and permits it again after 10 s on end 0.5 V below.
//!
//! System+ and charge disconnect are not its business (our reading of A7).

use crate::held::Held;
use crate::params::Params;
use crate::rules::Rules;

/// What the limit in force may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ChargeLimitVolts {
    /// The setting, V.
    pub setting_volts: f64,
}

/// Rule: the setting, V.
#[must_use]
pub fn volts(view: &ChargeLimitVolts) -> f64 {
    view.setting_volts
}

/// What trip and re-enable may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ChargeLimitView {
    /// Battery stud, V.
    pub battery_volts: f64,
    /// The limit in force, V.
    pub limit_volts: f64,
    /// Re-enable this far below, V.
    pub hysteresis_volts: f64,
}

/// Rule: trips at the limit, not only above it ("as soon as this value is reached").
#[must_use]
pub fn reached(view: &ChargeLimitView) -> bool {
    view.battery_volts >= view.limit_volts
}

/// Rule: low enough at 0.5 V below the limit exactly.
#[must_use]
pub fn low_again(view: &ChargeLimitView) -> bool {
    view.battery_volts <= view.limit_volts - view.hysteresis_volts
}

/// State of the charge limit.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct ChargeLimit {
    tripped: bool,
    low: Held,
}

impl ChargeLimit {
    /// One tick; returns true while the limit forbids the alternator port.
    pub(crate) fn tick(&mut self, params: &Params, rules: &Rules, setting_volts: f64, battery_volts: f64) -> bool {
        let view = ChargeLimitView {
            battery_volts,
            limit_volts: (rules.charge_limit_volts)(&ChargeLimitVolts { setting_volts }),
            hysteresis_volts: params.charge_hysteresis_volts,
        };
        if (rules.charge_limit)(&view) {
            *self = Self { tripped: true, low: Held::default() };
            return true;
        }
        // One sample above the re-enable voltage starts the time anew: "consecutive".
        self.low.tick(self.tripped && (rules.charge_reenable)(&view));
        if self.low.reached(params.charge_reenable_ms) {
            *self = Self::default();
        }
        self.tripped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(battery_volts: f64, limit_volts: f64) -> ChargeLimitView {
        ChargeLimitView { battery_volts, limit_volts, hysteresis_volts: 0.5 }
    }

    #[test]
    fn trips_at_the_limit_and_is_low_at_half_a_volt_below() {
        for (limit, low) in [(13.0, 12.5), (14.2, 13.7), (15.3, 14.8)] {
            assert!(!reached(&view(limit - 0.001, limit)));
            assert!(reached(&view(limit, limit)));
            assert!(low_again(&view(low, limit)));
            assert!(!low_again(&view(low + 0.001, limit)));
        }
        assert!(!reached(&view(f64::NAN, 14.2)));
        assert!(!low_again(&view(f64::NAN, 14.2)));
    }

    #[test]
    fn the_setting_is_the_limit() {
        assert_eq!(volts(&ChargeLimitVolts { setting_volts: 13.0 }), 13.0);
    }

    /// Ticks with one voltage for a time; true if it forbids after the last.
    fn run(limit: &mut ChargeLimit, volts: f64, ms: u32) -> bool {
        let (params, rules) = (Params::default(), Rules::default());
        let mut forbids = limit.tripped;
        for _ in 0..ms {
            forbids = limit.tick(&params, &rules, 14.2, volts);
        }
        forbids
    }

    #[test]
    fn permits_again_after_ten_seconds() {
        let mut limit = ChargeLimit::default();
        assert!(!run(&mut limit, 14.19, 20_000));
        assert!(run(&mut limit, 14.2, 1));
        assert!(run(&mut limit, 13.6, 10_000));
        assert!(!run(&mut limit, 13.6, 1));
    }

    #[test]
    fn one_sample_above_starts_the_ten_seconds_anew() {
        let mut limit = ChargeLimit::default();
        run(&mut limit, 14.2, 1);
        assert!(run(&mut limit, 13.7, 9_999));
        assert!(run(&mut limit, 13.701, 1));
        assert!(run(&mut limit, 13.7, 10_000));
        assert!(!run(&mut limit, 13.7, 1));
    }

    #[test]
    fn stays_off_between_limit_and_re_enable() {
        let mut limit = ChargeLimit::default();
        run(&mut limit, 14.25, 1);
        assert!(run(&mut limit, 13.8, 60_000));
    }
}
