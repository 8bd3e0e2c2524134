//! Signals: the named quantities and levels that plans stimulate or observe.

use std::fmt;

use crate::quantity::Unit;

/// `battery.voltage`, `btv.atd`, `led.charge-disconnect`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SignalId(pub String);

impl SignalId {
    /// From its dotted name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
    /// Its dotted name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SignalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What values a signal takes.
#[derive(Clone, PartialEq, Debug)]
pub enum SignalKind {
    /// A quantity, displayed in `unit`.
    Analog {
        /// Unit of reports and of the CSV column.
        unit: &'static Unit,
    },
    /// `high`, `low` or `floating`.
    Digital,
    /// `on`, `off` or `blinking`.
    Led,
    /// One of a list of words; stimuli such as `btv.pre-alarm` and states such
    /// as `status.system-plus`.
    Choice {
        /// Legal words, sorted.
        words: Vec<String>,
    },
    /// Any text.
    Text,
}

/// What a plan may do with a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Set by the bench.
    Stimulus,
    /// Observed by the bench.
    Observation,
    /// Both (a supply's voltage, a setting that is read back).
    Both,
}

/// One signal of a product.
#[derive(Clone, PartialEq, Debug)]
pub struct Signal {
    /// Its name.
    pub id: SignalId,
    /// For people.
    pub title: String,
    /// What values it takes.
    pub kind: SignalKind,
    /// What a plan may do with it.
    pub role: Role,
    /// None of its values may be shown ([`crate::secrets`]).
    pub secret: bool,
}
