//! A product: its signals, requirements and tables, shared by all its plans.

use std::collections::BTreeMap;

use crate::independence::Influence;
use crate::signal::{Signal, SignalId};

/// What plans may say about one product.
#[derive(Clone, PartialEq, Debug)]
pub struct Product {
    /// `smart-bms-12-200`.
    pub id: String,
    /// For people.
    pub title: String,
    /// Letters, digits, `-` and `_`; longest legal serial.
    pub serial_max_length: usize,
    /// By name.
    pub signals: BTreeMap<SignalId, Signal>,
    /// Requirement id to its clause in the manual.
    pub requirements: BTreeMap<String, Requirement>,
    /// Tables a plan's `for-each` may use; cells are TOML strings.
    pub tables: BTreeMap<String, Vec<BTreeMap<String, String>>>,
    /// What moves what: which actions may run side by side.
    pub influences: Vec<Influence>,
    /// Error, warning and alarm codes: `E-B32` to its meaning.
    pub codes: BTreeMap<String, String>,
}

/// One testable sentence of the manual.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// `§2.2`.
    pub clause: String,
    /// In our words.
    pub text: String,
    /// What a violation puts at risk, in a word: `reverse flow`. A step that
    /// judges such a requirement is never tried again, and the plan stops when
    /// it fails.
    pub safety: Option<String>,
}
