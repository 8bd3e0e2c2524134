//! What the firmware sees and what it drives, once a tick.

/// Milliseconds between two ticks.
pub const TICK_MS: u32 = 1;

/// Rows of the manual's table 1 (§3.4), smallest fuse first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FuseRow {
    /// 2 × 7.5 A ATO pair.
    Pair7A5,
    /// 2 × 10 A ATO pair.
    Pair10A,
    /// 2 × 15 A ATO pair.
    Pair15A,
    /// 2 × 20 A ATO pair.
    Pair20A,
    /// 2 × 30 A ATO pair.
    Pair30A,
    /// 60 A.
    Mega60A,
    /// 80 A.
    Mega80A,
    /// 100 A.
    Mega100A,
    /// 125 A.
    Mega125A,
}

impl FuseRow {
    /// All rows, smallest fuse first.
    pub const ALL: [Self; 9] = [
        Self::Pair7A5,
        Self::Pair10A,
        Self::Pair15A,
        Self::Pair20A,
        Self::Pair30A,
        Self::Mega60A,
        Self::Mega80A,
        Self::Mega100A,
        Self::Mega125A,
    ];

    /// Place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The row as the app and the product file write it: `2x7.5A`, `125A`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair7A5 => "2x7.5A",
            Self::Pair10A => "2x10A",
            Self::Pair15A => "2x15A",
            Self::Pair20A => "2x20A",
            Self::Pair30A => "2x30A",
            Self::Mega60A => "60A",
            Self::Mega80A => "80A",
            Self::Mega100A => "100A",
            Self::Mega125A => "125A",
        }
    }

    /// The row of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|row| row.name() == name)
    }
}

/// The pre-alarm line of the battery cable.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PreAlarmLine {
    /// No alarm.
    #[default]
    Healthy,
    /// A cell is low.
    Alarm,
    /// The batteries have no such line.
    Absent,
}

/// The battery cable (BTV).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BtvInputs {
    /// A cable is detected, by a line of its own (our reading).
    pub cable: bool,
    /// Pre-alarm line.
    pub pre_alarm: PreAlarmLine,
    /// Allow to charge: loop closed.
    pub atc: bool,
    /// Allow to discharge: loop closed.
    pub atd: bool,
}

/// One sample of every sensor, as the converter delivers it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Inputs {
    /// Battery+ stud, V.
    pub battery_volts: f64,
    /// Alternator/Starter Batt+ stud, V.
    pub alternator_volts: f64,
    /// System+ stud, V.
    pub system_volts: f64,
    /// Into the alternator port, A.
    pub alternator_amps: f64,
    /// Out of System+ (discharge), A.
    pub system_amps: f64,
    /// Power stage temperature, °C.
    pub temperature_c: f64,
    /// Battery cable.
    pub btv: BtvInputs,
    /// Remote terminal L, V; floats near battery plus (internal pull-up).
    pub remote_l_volts: f64,
    /// Remote terminal H, V; floats near minus (internal pull-down).
    pub remote_h_volts: f64,
    /// The fuse that is fitted, known from its resistance.
    pub fuse: FuseRow,
    /// A telephone is connected.
    pub connected: bool,
}

/// LEDs from left to right (manual, appendix C).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Led {
    /// 1, green.
    AlternatorCharging,
    /// 2, red.
    OverTemperature,
    /// 3, green.
    Active,
    /// 4, blue.
    Bluetooth,
    /// 5, yellow.
    ChargeDisconnect,
    /// 6, orange.
    LoadDisconnect,
    /// 7, green.
    SystemCharging,
}

impl Led {
    /// Place in [`Self::ALL`] and in [`Outputs::leds`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// All, from left to right.
    pub const ALL: [Self; 7] = [
        Self::AlternatorCharging,
        Self::OverTemperature,
        Self::Active,
        Self::Bluetooth,
        Self::ChargeDisconnect,
        Self::LoadDisconnect,
        Self::SystemCharging,
    ];
}

/// What the firmware drives.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Outputs {
    /// Alternator port may conduct into the battery.
    pub alternator_on: bool,
    /// Set value of the hardware current limiter of that port, A.
    pub alternator_limit_amps: f64,
    /// System+ may charge the battery.
    pub system_charge_on: bool,
    /// System+ may discharge the battery.
    pub system_discharge_on: bool,
    /// Load disconnect: true is high, false floats.
    pub load_disconnect: bool,
    /// Charge disconnect: true is high, false floats.
    pub charge_disconnect: bool,
    /// Pre-alarm: true is high, false floats.
    pub pre_alarm: bool,
    /// Lit LEDs, from left to right.
    pub leds: [bool; 7],
}
