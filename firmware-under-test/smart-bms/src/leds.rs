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

#[cfg(test)]
mod tests {
    use super::*;

    const DARK: LedView = LedView {
        active: false,
        alternator_amps: 0.0,
        charging_amps: 0.5,
        alternator_on: false,
        over_temperature: false,
        connected: false,
        uptime_ms: 500,
        blink_ms: 500,
        charge_disconnect: false,
        load_disconnect: false,
        system_charge: false,
    };

    #[test]
    fn each_led_has_one_meaning() {
        let views = [
            LedView { alternator_on: true, alternator_amps: 0.6, ..DARK },
            LedView { over_temperature: true, ..DARK },
            LedView { active: true, ..DARK },
            LedView { connected: true, ..DARK },
            LedView { charge_disconnect: true, ..DARK },
            LedView { load_disconnect: true, ..DARK },
            LedView { system_charge: true, ..DARK },
        ];
        assert_eq!(all(&Rules::default(), &DARK), [false; 7]);
        for (place, view) in views.into_iter().enumerate() {
            let mut expected = [false; 7];
            expected[place] = true;
            assert_eq!(all(&Rules::default(), &view), expected);
        }
    }

    #[test]
    fn led_1_wants_current_not_permission() {
        let at = |alternator_amps| alternator_charging(&LedView { alternator_on: true, alternator_amps, ..DARK });
        assert!(!at(0.0) && !at(0.5) && at(0.501));
        assert!(!alternator_charging(&LedView { alternator_amps: 9.0, ..DARK }));
    }

    #[test]
    fn led_4_blinks_at_1_hz_until_connected() {
        let at = |uptime_ms, connected| bluetooth(&LedView { uptime_ms, connected, ..DARK });
        for (ms, lit) in [(0, true), (499, true), (500, false), (999, false), (1_000, true)] {
            assert_eq!(at(ms, false), lit, "{ms} ms");
            assert!(at(ms, true));
        }
    }
}
