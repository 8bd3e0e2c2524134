//! The decision table: which path and which output is on.

/// Everything a path or an output may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PathView {
    /// Boot is over and the self-test passed.
    pub ready: bool,
    /// The battery cable counts as broken.
    pub cable_fault: bool,
    /// Allow to charge.
    pub atc: bool,
    /// Allow to discharge.
    pub atd: bool,
    /// The load is cut for undervoltage.
    pub cut: bool,
    /// Terminal and soft switch say on.
    pub enabled: bool,
    /// … and if not, everything is off.
    pub everything_off: bool,
    /// Too hot inside.
    pub over_temperature: bool,
    /// System+ tripped.
    pub overload: bool,
    /// The battery charge limit forbids the alternator port.
    pub charge_limited: bool,
    /// Battery stud, V.
    pub battery_volts: f64,
}

/// Ready and the batteries are heard.
fn works(view: &PathView) -> bool {
    view.ready && !view.cable_fault
}

/// Current may flow at all: heat takes all power paths off [P] (A-B15).
fn power(view: &PathView) -> bool {
    works(view) && view.enabled && !view.over_temperature
}

/// Rule: the alternator port is permitted.
#[must_use]
pub fn alternator(view: &PathView) -> bool {
    power(view) && view.atc && !view.charge_limited
}

/// Rule: System+ may charge; whatever the reason, a lost ATC forbids it (A3).
#[must_use]
pub fn system_charge(view: &PathView) -> bool {
    power(view) && view.atc && !view.overload
}

/// Rule: System+ may discharge until the cut.
#[must_use]
pub fn system_discharge(view: &PathView) -> bool {
    power(view) && !view.cut && !view.overload
}

/// Rule: charge disconnect is high while charging is allowed; neither heat
/// inside nor the charge limit concerns other chargers [P].
#[must_use]
pub fn charge_disconnect(view: &PathView) -> bool {
    works(view) && !view.everything_off && view.atc
}

/// Rule: load disconnect is high until the cut.
#[must_use]
pub fn load_disconnect(view: &PathView) -> bool {
    works(view) && !view.everything_off && !view.cut
}
