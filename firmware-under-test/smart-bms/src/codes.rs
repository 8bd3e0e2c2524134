//! Codes of appendix B, and when each shows.
//!
//! Latch rule [P] (A18): a code follows its condition, except that A-A12 stays
//! until remote off or a power cycle, and E-B30, E-B31, E-B33 until repair.

use core::fmt;

use crate::guard::SelfTest;

/// A code of appendix B, in the order of its text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Code {
    /// A-A12: short circuit, overload or inrush at System+.
    Overload,
    /// A-B11: the battery disallows discharge and the load is cut.
    Undervoltage,
    /// A-B15: too hot inside.
    OverTemperature,
    /// E-B30: calibration data missing.
    Calibration,
    /// E-B31: configuration data missing.
    Configuration,
    /// E-B32: battery cable not connected or defective.
    Cable,
    /// E-B33: reference voltage missing.
    Reference,
    /// W-B12: undervoltage ahead.
    Warning,
}

impl Code {
    /// All, sorted by their text.
    pub const ALL: [Self; 8] = [
        Self::Overload,
        Self::Undervoltage,
        Self::OverTemperature,
        Self::Calibration,
        Self::Configuration,
        Self::Cable,
        Self::Reference,
        Self::Warning,
    ];

    /// As printed in the manual.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Overload => "A-A12",
            Self::Undervoltage => "A-B11",
            Self::OverTemperature => "A-B15",
            Self::Calibration => "E-B30",
            Self::Configuration => "E-B31",
            Self::Cable => "E-B32",
            Self::Reference => "E-B33",
            Self::Warning => "W-B12",
        }
    }
}

/// A set of codes; prints them sorted with spaces between, or `none`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Codes(u8);

impl Codes {
    /// With or without one code.
    #[must_use]
    pub fn with(self, code: Code, shows: bool) -> Self {
        if shows { Self(self.0 | 1 << code as u8) } else { self }
    }

    /// True if the code shows.
    #[must_use]
    pub fn contains(self, code: Code) -> bool {
        self.0 & (1 << code as u8) != 0
    }

    /// True if none shows.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The codes that show, sorted by their text.
    pub fn iter(self) -> impl Iterator<Item = Code> {
        Code::ALL.into_iter().filter(move |code| self.contains(*code))
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (place, code) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(code.text())?;
        }
        Ok(())
    }
}

/// Everything a code may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CodeView {
    /// The battery is watched: boot is over and not everything is switched off.
    pub watching: bool,
    /// What the unit found at power-up.
    pub self_test: SelfTest,
    /// The battery cable counts as broken.
    pub cable_fault: bool,
    /// A warning lasts.
    pub warning: bool,
    /// The load is cut for undervoltage.
    pub cut: bool,
    /// Too hot inside.
    pub over_temperature: bool,
    /// System+ tripped.
    pub overload: bool,
}

/// Rule: A-A12.
#[must_use]
pub fn overload(view: &CodeView) -> bool {
    view.overload
}

/// Rule: A-B11 from the cut on.
#[must_use]
pub fn undervoltage(view: &CodeView) -> bool {
    view.watching && !view.cable_fault && view.cut
}

/// Rule: A-B15.
#[must_use]
pub fn over_temperature(view: &CodeView) -> bool {
    view.over_temperature
}

/// Rule: E-B30.
#[must_use]
pub fn calibration(view: &CodeView) -> bool {
    !view.self_test.calibration
}

/// Rule: E-B31.
#[must_use]
pub fn configuration(view: &CodeView) -> bool {
    !view.self_test.configuration
}

/// Rule: E-B32.
#[must_use]
pub fn cable(view: &CodeView) -> bool {
    view.watching && view.cable_fault
}

/// Rule: E-B33.
#[must_use]
pub fn reference(view: &CodeView) -> bool {
    !view.self_test.reference
}

/// Rule: W-B12 until A-B11 takes its place.
#[must_use]
pub fn warning(view: &CodeView) -> bool {
    view.watching && view.warning && !view.cut
}

/// The codes that show.
pub(crate) fn all(rules: &crate::rules::Rules, view: &CodeView) -> Codes {
    Codes::default()
        .with(Code::Overload, (rules.code_overload)(view))
        .with(Code::Undervoltage, (rules.code_undervoltage)(view))
        .with(Code::OverTemperature, (rules.code_over_temperature)(view))
        .with(Code::Calibration, (rules.code_calibration)(view))
        .with(Code::Configuration, (rules.code_configuration)(view))
        .with(Code::Cable, (rules.code_cable)(view))
        .with(Code::Reference, (rules.code_reference)(view))
        .with(Code::Warning, (rules.code_warning)(view))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    const QUIET: CodeView = CodeView {
        watching: true,
        self_test: SelfTest { calibration: true, configuration: true, reference: true },
        cable_fault: false,
        warning: false,
        cut: false,
        over_temperature: false,
        overload: false,
    };

    fn text(view: &CodeView) -> std::string::String {
        all(&crate::rules::Rules::default(), view).to_string()
    }

    #[test]
    fn each_condition_shows_its_code() {
        let bad =
            |calibration, configuration, reference| CodeView { self_test: SelfTest { calibration, configuration, reference }, ..QUIET };
        let rows = [
            (QUIET, "none"),
            (CodeView { overload: true, ..QUIET }, "A-A12"),
            (CodeView { warning: true, ..QUIET }, "W-B12"),
            (CodeView { warning: true, cut: true, ..QUIET }, "A-B11"),
            (CodeView { over_temperature: true, ..QUIET }, "A-B15"),
            (CodeView { cable_fault: true, cut: true, ..QUIET }, "E-B32"),
            (CodeView { watching: false, cable_fault: true, cut: true, ..QUIET }, "none"),
            (bad(false, true, true), "E-B30"),
            (bad(true, false, true), "E-B31"),
            (bad(true, true, false), "E-B33"),
        ];
        for (view, expected) in rows {
            assert_eq!(text(&view), expected);
        }
    }

    #[test]
    fn several_codes_are_sorted() {
        let view = CodeView {
            overload: true,
            over_temperature: true,
            warning: true,
            self_test: SelfTest { reference: false, ..QUIET.self_test },
            ..QUIET
        };
        assert_eq!(text(&view), "A-A12 A-B15 E-B33 W-B12");
        assert!(Code::ALL.is_sorted_by_key(|code| code.text()));
    }
}
