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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: PathView = PathView {
        ready: true,
        cable_fault: false,
        atc: true,
        atd: true,
        cut: false,
        enabled: true,
        everything_off: false,
        over_temperature: false,
        overload: false,
        charge_limited: false,
        battery_volts: 13.3,
    };

    /// Alternator, System+ charge, System+ discharge, charge disconnect, load disconnect.
    fn all(view: &PathView) -> [bool; 5] {
        [alternator(view), system_charge(view), system_discharge(view), charge_disconnect(view), load_disconnect(view)]
    }

    #[test]
    fn each_cause_switches_off_what_it_should_and_no_more() {
        let (on, off) = (true, false);
        let rows = [
            ("good", GOOD, [on, on, on, on, on]),
            ("boot", PathView { ready: false, ..GOOD }, [off; 5]),
            ("cable", PathView { cable_fault: true, ..GOOD }, [off; 5]),
            ("no ATC", PathView { atc: false, ..GOOD }, [off, off, on, off, on]),
            ("no ATD, lead runs", PathView { atd: false, ..GOOD }, [on; 5]),
            ("no ATD, cut", PathView { atd: false, cut: true, ..GOOD }, [on, on, off, on, off]),
            ("neither, cut", PathView { atc: false, cut: true, ..GOOD }, [off; 5]),
            ("remote off", PathView { enabled: false, ..GOOD }, [off, off, off, on, on]),
            ("everything off", PathView { enabled: false, everything_off: true, ..GOOD }, [off; 5]),
            ("hot", PathView { over_temperature: true, ..GOOD }, [off, off, off, on, on]),
            ("overload", PathView { overload: true, ..GOOD }, [on, off, off, on, on]),
            ("charge limit", PathView { charge_limited: true, ..GOOD }, [off, on, on, on, on]),
        ];
        for (cause, view, expected) in rows {
            assert_eq!(all(&view), expected, "{cause}");
        }
    }

    #[test]
    fn protection_holds_while_remote_is_off() {
        let cut = PathView { enabled: false, atd: false, cut: true, ..GOOD };
        assert!(!load_disconnect(&cut) && charge_disconnect(&cut));
        let cold = PathView { enabled: false, atc: false, ..GOOD };
        assert!(load_disconnect(&cold) && !charge_disconnect(&cold));
    }
}
