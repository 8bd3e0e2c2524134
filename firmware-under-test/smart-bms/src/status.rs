//! What the status page shows (§3.5.1-4).

use crate::codes::Codes;

/// How much of the unit works; decides what it consumes (§4).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Activity {
    /// Remote on (17.5 mA).
    On,
    /// Remote off, BMS function active (6.5 mA).
    RemoteOff,
    /// BMS function disabled by "Switch everything off" (4.5 mA).
    #[default]
    Disabled,
}

/// The status page.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Status {
    /// Lithium battery, V.
    pub battery_volts: f64,
    /// Alternator/starter battery, V.
    pub alternator_volts: f64,
    /// System+, V.
    pub system_volts: f64,
    /// Alternator current in per cent of the limit of the fuse type that is
    /// set; `None` while none is.
    pub alternator_percent: Option<f64>,
    /// System+ conducts in either direction.
    pub system_plus: bool,
    /// The switch in the app.
    pub soft_switch: bool,
    /// Codes that show.
    pub codes: Codes,
    /// A telephone is connected.
    pub connected: bool,
    /// Not on the page, for the maker: power stage, °C.
    pub temperature_c: f64,
    /// Not on the page, for the maker: into the alternator port, A.
    pub alternator_amps: f64,
    /// Not on the page: how much of the unit works.
    pub activity: Activity,
}
