//! The table of decisions. Each is a plain function of a plain struct of all
//! it may look at; a twin replaces one by one to be a faulty unit.
//!
//! Rules keep no state and no time: how long something has lasted is counted
//! by their callers and shown to them.

use crate::alternator::{self, AlternatorStart, AlternatorStop, LimiterView, PercentView, SoftStart};
use crate::btv::{self, CableView, DebounceView};
use crate::codes::{self, CodeView};
use crate::guard::{self, BrownOutView, OverTemperatureView, OverloadView};
use crate::lead::{self, LeadStart, LoadCut, PreAlarmOutput};
use crate::leds::{self, LedView};
use crate::limit::{self, ChargeLimitView, ChargeLimitVolts};
use crate::paths::{self, PathView};
use crate::remote::{self, EnabledView, EverythingOffView, RemoteView};

/// All decisions; `Default` is the reference unit.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Set value of the alternator port's limiter, A.
    pub limiter: fn(&LimiterView) -> f64,
    /// Set value of the limiter while it starts, A.
    pub soft_start: fn(&SoftStart) -> f64,
    /// The alternator's voltage is high enough to start.
    pub alternator_start: fn(&AlternatorStart) -> bool,
    /// The running alternator port must stop.
    pub alternator_stop: fn(&AlternatorStop) -> bool,
    /// The status page's alternator current, per cent; `None` is absent.
    pub alternator_percent: fn(&PercentView) -> Option<f64>,

    /// The charge limit in force, V.
    pub charge_limit_volts: fn(&ChargeLimitVolts) -> f64,
    /// The battery has reached the charge limit.
    pub charge_limit: fn(&ChargeLimitView) -> bool,
    /// The battery is low enough for the re-enable time to run.
    pub charge_reenable: fn(&ChargeLimitView) -> bool,

    /// A battery line's new state is believed.
    pub debounce: fn(&DebounceView) -> bool,
    /// The battery cable counts as broken; everything goes off at once.
    pub cable_fault: fn(&CableView) -> bool,

    /// A warning is due; starts the lead.
    pub lead_start: fn(&LeadStart) -> bool,
    /// The load is cut for undervoltage.
    pub load_cut: fn(&LoadCut) -> bool,
    /// Pre-alarm output high.
    pub pre_alarm_output: fn(&PreAlarmOutput) -> bool,

    /// The remote terminal says on.
    pub remote_on: fn(&RemoteView) -> bool,
    /// Terminal and soft switch together say on.
    pub enabled: fn(&EnabledView) -> bool,
    /// Load and charge disconnect are switched off, too.
    pub everything_off: fn(&EverythingOffView) -> bool,

    /// Supply too low to work.
    pub brown_out: fn(&BrownOutView) -> bool,
    /// Too hot inside.
    pub over_temperature: fn(&OverTemperatureView) -> bool,
    /// System+ current too high.
    pub overload: fn(&OverloadView) -> bool,

    /// The alternator port is permitted (it also needs its voltage).
    pub alternator: fn(&PathView) -> bool,
    /// System+ may charge.
    pub system_charge: fn(&PathView) -> bool,
    /// System+ may discharge.
    pub system_discharge: fn(&PathView) -> bool,
    /// Charge disconnect output high.
    pub charge_disconnect: fn(&PathView) -> bool,
    /// Load disconnect output high.
    pub load_disconnect: fn(&PathView) -> bool,

    /// A-A12.
    pub code_overload: fn(&CodeView) -> bool,
    /// A-B11.
    pub code_undervoltage: fn(&CodeView) -> bool,
    /// A-B15.
    pub code_over_temperature: fn(&CodeView) -> bool,
    /// E-B30.
    pub code_calibration: fn(&CodeView) -> bool,
    /// E-B31.
    pub code_configuration: fn(&CodeView) -> bool,
    /// E-B32.
    pub code_cable: fn(&CodeView) -> bool,
    /// E-B33.
    pub code_reference: fn(&CodeView) -> bool,
    /// W-B12.
    pub code_warning: fn(&CodeView) -> bool,

    /// LED 1.
    pub led_alternator_charging: fn(&LedView) -> bool,
    /// LED 2.
    pub led_over_temperature: fn(&LedView) -> bool,
    /// LED 3.
    pub led_active: fn(&LedView) -> bool,
    /// LED 4.
    pub led_bluetooth: fn(&LedView) -> bool,
    /// LED 5.
    pub led_charge_disconnect: fn(&LedView) -> bool,
    /// LED 6.
    pub led_load_disconnect: fn(&LedView) -> bool,
    /// LED 7.
    pub led_system_charging: fn(&LedView) -> bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            limiter: alternator::limiter,
            soft_start: alternator::soft_start,
            alternator_start: alternator::start,
            alternator_stop: alternator::stop,
            alternator_percent: alternator::percent,
            charge_limit_volts: limit::volts,
            charge_limit: limit::reached,
            charge_reenable: limit::low_again,
            debounce: btv::debounce,
            cable_fault: btv::cable_fault,
            lead_start: lead::start,
            load_cut: lead::cut,
            pre_alarm_output: lead::output,
            remote_on: remote::on,
            enabled: remote::enabled,
            everything_off: remote::everything_off,
            brown_out: guard::brown_out,
            over_temperature: guard::over_temperature,
            overload: guard::overload,
            alternator: paths::alternator,
            system_charge: paths::system_charge,
            system_discharge: paths::system_discharge,
            charge_disconnect: paths::charge_disconnect,
            load_disconnect: paths::load_disconnect,
            code_overload: codes::overload,
            code_undervoltage: codes::undervoltage,
            code_over_temperature: codes::over_temperature,
            code_calibration: codes::calibration,
            code_configuration: codes::configuration,
            code_cable: codes::cable,
            code_reference: codes::reference,
            code_warning: codes::warning,
            led_alternator_charging: leds::alternator_charging,
            led_over_temperature: leds::over_temperature,
            led_active: leds::active,
            led_bluetooth: leds::bluetooth,
            led_charge_disconnect: leds::charge_disconnect,
            led_load_disconnect: leds::load_disconnect,
            led_system_charging: leds::system_charging,
        }
    }
}
