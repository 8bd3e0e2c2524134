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
    pub(crate) fn tick(
        &mut self,
        params: &Params,
        rules: &Rules,
        setting_volts: f64,
        battery_volts: f64,
    ) -> bool {
        let view = ChargeLimitView {
            battery_volts,
            limit_volts: (rules.charge_limit_volts)(&ChargeLimitVolts { setting_volts }),
            hysteresis_volts: params.charge_hysteresis_volts,
        };
        if (rules.charge_limit)(&view) {
            *self = Self {
                tripped: true,
                low: Held::default(),
            };
            return true;
        }
        // One sample above the re-enable voltage starts the time anew: "consecutive".
        self.low
            .tick(self.tripped && (rules.charge_reenable)(&view));
        if self.low.reached(params.charge_reenable_ms) {
            *self = Self::default();
        }
        self.tripped
    }
}
