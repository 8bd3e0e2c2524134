//! What the user sets in the app (manual §3.5.1-5).

use crate::io::FuseRow;

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
