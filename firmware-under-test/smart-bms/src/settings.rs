//! What the user sets in the app (manual §3.5.1-5).

use core::fmt;

use crate::io::FuseRow;
use crate::params::Params;

/// All settings; `Default` is the state as shipped.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settings {
    /// Only scales the current in per cent; `None` as shipped.
    pub fuse_type: Option<FuseRow>,
    /// Whether the batteries have a pre-alarm line.
    pub pre_alarm_usage: PreAlarmUsage,
    /// How the pre-alarm output signals.
    pub pre_alarm_mode: PreAlarmMode,
    /// Battery charge limit in V, 13.0..=15.3.
    pub charge_limit_volts: f64,
    /// What the remote terminal controls.
    pub remote_function: RemoteFunction,
    /// The switch in the app.
    pub soft_switch: bool,
}

/// §3.5.1-5b.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PreAlarmUsage {
    /// "Use pre-alarm".
    #[default]
    Use,
    /// "Pre-alarm not available".
    NotAvailable,
}

/// §3.5.1-5c.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PreAlarmMode {
    /// Steady.
    #[default]
    Continuous,
    /// Switches on and off.
    Intermittent,
}

/// §3.5.1-5e.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RemoteFunction {
    /// Alternator and System+ only.
    #[default]
    ChargePaths,
    /// "Switch everything off".
    Everything,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            fuse_type: None,
            pre_alarm_usage: PreAlarmUsage::default(),
            pre_alarm_mode: PreAlarmMode::default(),
            charge_limit_volts: 14.2,
            remote_function: RemoteFunction::default(),
            soft_switch: true,
        }
    }
}

/// One setting with its new value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Setting {
    /// §3.5.1-5a.
    FuseType(Option<FuseRow>),
    /// §3.5.1-5b.
    PreAlarmUsage(PreAlarmUsage),
    /// §3.5.1-5c.
    PreAlarmMode(PreAlarmMode),
    /// §3.5.1-5d, V.
    ChargeLimit(f64),
    /// §3.5.1-5e.
    RemoteFunction(RemoteFunction),
    /// The switch in the app.
    SoftSwitch(bool),
}

/// A charge limit out of range.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SettingError {
    /// What was asked for, V.
    pub volts: f64,
    /// Least, V.
    pub min_volts: f64,
    /// Most, V.
    pub max_volts: f64,
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { volts, min_volts, max_volts } = self;
        write!(f, "charge limit: {volts} V, expected {min_volts:.1} V to {max_volts:.1} V")
    }
}

impl core::error::Error for SettingError {}

impl Settings {
    /// Changes one setting; a charge limit out of range is refused, not clamped [P].
    ///
    /// # Errors
    /// [`SettingError`]; nothing changes then.
    pub fn set(&mut self, params: &Params, setting: Setting) -> Result<(), SettingError> {
        match setting {
            Setting::FuseType(fuse) => self.fuse_type = fuse,
            Setting::PreAlarmUsage(usage) => self.pre_alarm_usage = usage,
            Setting::PreAlarmMode(mode) => self.pre_alarm_mode = mode,
            Setting::ChargeLimit(volts) => {
                let (min_volts, max_volts) = (params.charge_limit_min_volts, params.charge_limit_max_volts);
                if !(min_volts..=max_volts).contains(&volts) {
                    return Err(SettingError { volts, min_volts, max_volts });
                }
                self.charge_limit_volts = volts;
            }
            Setting::RemoteFunction(function) => self.remote_function = function,
            Setting::SoftSwitch(on) => self.soft_switch = on,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn as_shipped() {
        let shipped = Settings::default();
        assert_eq!(shipped.fuse_type, None);
        assert_eq!(shipped.pre_alarm_usage, PreAlarmUsage::Use);
        assert_eq!(shipped.remote_function, RemoteFunction::ChargePaths);
        assert_eq!(shipped.charge_limit_volts, 14.2);
        assert!(shipped.soft_switch);
    }

    #[test]
    fn a_charge_limit_out_of_range_is_refused() {
        let params = Params::default();
        let mut settings = Settings::default();
        for volts in [13.0, 15.3, 14.2] {
            assert_eq!(settings.set(&params, Setting::ChargeLimit(volts)), Ok(()));
            assert_eq!(settings.charge_limit_volts, volts);
        }
        for volts in [12.9, 15.4, 15.8, f64::NAN, f64::INFINITY] {
            assert!(settings.set(&params, Setting::ChargeLimit(volts)).is_err());
            assert_eq!(settings.charge_limit_volts, 14.2);
        }
        let refused = settings.set(&params, Setting::ChargeLimit(15.4));
        assert_eq!(refused.map_err(|error| error.to_string()), Err("charge limit: 15.4 V, expected 13.0 V to 15.3 V".to_string()));
    }
}
