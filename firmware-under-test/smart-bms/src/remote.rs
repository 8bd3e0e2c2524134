//! Remote on/off: the terminal pair, the soft switch, and what they control.

use crate::held::Held;
use crate::io::Inputs;
use crate::params::Params;
use crate::rules::Rules;
use crate::settings::{RemoteFunction, Settings};

/// What the terminal's state may depend on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RemoteView {
    /// Terminal L, V; floats near battery plus.
    pub l_volts: f64,
    /// Terminal H, V; floats near minus.
    pub h_volts: f64,
    /// On when L is below, V.
    pub l_below_volts: f64,
    /// On when H is above, V.
    pub h_above_volts: f64,
}

/// Rule: §4 modes 2 and 3. Mode 1, the joined pair, needs nothing of its own:
/// pull-up and pull-down put it where one of the two holds.
#[must_use]
pub fn on(view: &RemoteView) -> bool {
    view.l_volts < view.l_below_volts || view.h_volts > view.h_above_volts
}

/// What being enabled may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnabledView {
    /// The terminal says on.
    pub terminal: bool,
    /// The switch in the app says on.
    pub soft_switch: bool,
}

/// Rule: on only if both are [P] (A6).
#[must_use]
pub fn enabled(view: &EnabledView) -> bool {
    view.terminal && view.soft_switch
}

/// What switching off everything may depend on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EverythingOffView {
    /// Terminal and soft switch say on.
    pub enabled: bool,
    /// §3.5.1-5e.
    pub function: RemoteFunction,
}

/// Rule: only with "Switch everything off".
#[must_use]
pub fn everything_off(view: &EverythingOffView) -> bool {
    !view.enabled && view.function == RemoteFunction::Everything
}

/// State of the terminal.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Remote {
    terminal: bool,
    changing: Held,
}

impl Remote {
    /// One tick; returns whether the unit is enabled and whether all is off.
    pub(crate) fn tick(&mut self, params: &Params, rules: &Rules, settings: &Settings, inputs: &Inputs) -> (bool, bool) {
        let raw = (rules.remote_on)(&RemoteView {
            l_volts: inputs.remote_l_volts,
            h_volts: inputs.remote_h_volts,
            l_below_volts: params.remote_l_below_volts,
            h_above_volts: params.remote_h_above_volts,
        });
        self.changing.tick(raw != self.terminal);
        if self.changing.reached(params.remote_debounce_ms) {
            self.terminal = raw;
            self.changing = Held::default();
        }
        let enabled = (rules.enabled)(&EnabledView { terminal: self.terminal, soft_switch: settings.soft_switch });
        let everything_off = (rules.everything_off)(&EverythingOffView { enabled, function: settings.remote_function });
        (enabled, everything_off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(l_volts: f64, h_volts: f64) -> bool {
        on(&RemoteView { l_volts, h_volts, l_below_volts: 5.0, h_above_volts: 3.0 })
    }

    #[test]
    fn truth_table_of_the_terminals() {
        let (floating_l, floating_h) = (12.7, 0.1);
        assert!(terminal(6.4, 6.4), "joined, in the middle");
        assert!(terminal(4.0, 4.0), "joined, both modes hold");
        assert!(terminal(0.0, floating_h), "L at minus");
        assert!(terminal(floating_l, 12.8), "H at plus");
        assert!(!terminal(floating_l, floating_h), "plug out");
        assert!(!terminal(12.8, floating_h), "L at plus");
        assert!(!terminal(floating_l, 0.0), "H at minus");
        assert!(terminal(0.0, 12.8), "both driven on");
        assert!(!terminal(12.8, 0.0), "both driven off");
    }

    #[test]
    fn thresholds_are_strict() {
        assert!(terminal(4.999, 0.0));
        assert!(!terminal(5.0, 0.0));
        assert!(!terminal(12.8, 3.0));
        assert!(terminal(12.8, 3.001));
        assert!(!terminal(f64::NAN, f64::NAN));
    }

    #[test]
    fn on_only_with_both_switches() {
        for (terminal, soft_switch) in [(false, false), (false, true), (true, false), (true, true)] {
            let on = enabled(&EnabledView { terminal, soft_switch });
            assert_eq!(on, terminal && soft_switch);
        }
    }

    #[test]
    fn everything_goes_off_only_on_request() {
        let off = |enabled, function| everything_off(&EverythingOffView { enabled, function });
        assert!(off(false, RemoteFunction::Everything));
        assert!(!off(false, RemoteFunction::ChargePaths));
        assert!(!off(true, RemoteFunction::Everything));
    }
}
