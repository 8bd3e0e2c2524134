//! The seven LEDs (appendix C, our reading of A15).

use crate::rules::Rules;

/// Everything an LED may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct LedView {
    /// The BMS function works: not everything is switched off.
    pub active: bool,
    /// Into the alternator port, A.
    pub alternator_amps: f64,
    /// LED 1 is lit above, A.
    pub charging_amps: f64,
    /// The alternator port conducts.
    pub alternator_on: bool,
    /// Too hot inside.
    pub over_temperature: bool,
    /// A telephone is connected.
    pub connected: bool,
    /// Since power-up, ms.
    pub uptime_ms: u32,
    /// Half a period of blinking, ms.
    pub blink_ms: u32,
    /// Charge disconnect is high.
    pub charge_disconnect: bool,
    /// Load disconnect is high.
    pub load_disconnect: bool,
    /// System+ may charge.
    pub system_charge: bool,
}

/// Rule: LED 1, current flows, not only may flow.
#[must_use]
pub fn alternator_charging(view: &LedView) -> bool {
    view.alternator_on && view.alternator_amps > view.charging_amps
}

/// Rule: LED 2.
#[must_use]
pub fn over_temperature(view: &LedView) -> bool {
    view.over_temperature
}

/// Rule: LED 3; stays lit with remote off unless everything is off [P].
#[must_use]
pub fn active(view: &LedView) -> bool {
    view.active
}

/// Rule: LED 4 blinks until somebody is connected.
#[must_use]
pub fn bluetooth(view: &LedView) -> bool {
    let half = view.blink_ms.max(1);
    view.connected || (view.uptime_ms / half).is_multiple_of(2)
}

/// Rule: LED 5, the output's level.
#[must_use]
pub fn charge_disconnect(view: &LedView) -> bool {
    view.charge_disconnect
}

/// Rule: LED 6, the output's level.
#[must_use]
pub fn load_disconnect(view: &LedView) -> bool {
    view.load_disconnect
}

/// Rule: LED 7, the permission, not the current.
#[must_use]
pub fn system_charging(view: &LedView) -> bool {
    view.system_charge
}

/// All from left to right.
pub(crate) fn all(rules: &Rules, view: &LedView) -> [bool; 7] {
    [
        (rules.led_alternator_charging)(view),
        (rules.led_over_temperature)(view),
        (rules.led_active)(view),
        (rules.led_bluetooth)(view),
        (rules.led_charge_disconnect)(view),
        (rules.led_load_disconnect)(view),
        (rules.led_system_charging)(view),
    ]
}
