//! A product: its signals, requirements and tables, shared by all its plans.

use std::collections::BTreeMap;

use crate::independence::Influence;
use crate::quantity::Quantity;
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
    /// What `write` writes to.
    pub memory: Option<Memory>,
}

/// The unit's memory for what its maker writes. Written values are staged: the
/// unit goes on with what it has until all of them are made valid together.
#[derive(Clone, PartialEq, Debug)]
pub struct Memory {
    /// Takes [`Memory::DISCARD`] and [`Memory::WRITE`].
    pub commit: SignalId,
    /// Is [`Memory::CLEAN`] once what was written is valid.
    pub state: SignalId,
    /// What is kept in it: quantities in these steps, words (`None`) as they are.
    pub holds: BTreeMap<SignalId, Option<Quantity>>,
}

impl Memory {
    /// Forgets what is staged.
    pub const DISCARD: &str = "discard";
    /// Makes what is staged valid, or none of it.
    pub const WRITE: &str = "write";
    /// Nothing is staged or being written, and what the memory holds is valid.
    pub const CLEAN: &str = "clean";
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
