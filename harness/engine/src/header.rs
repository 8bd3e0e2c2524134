//! What a run is told before it begins, and what it may be told later.

use std::collections::BTreeMap;

use hil_model::{SignalId, SignalKind};
use hil_record::EventSink;

/// What the first event of a run says, as far as the plan does not say it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunHeader {
    /// The run's id.
    pub run: String,
    /// As scanned; `None` when no serial was given.
    pub serial: Option<String>,
    /// The bench's name.
    pub bench: String,
    /// Seeds noise and, on the virtual bench, the unit.
    pub seed: u64,
    /// Version of this program.
    pub version: String,
    /// SHA-256 in hex by what it is of: `plan`, `product`, `limits`, `bench`.
    pub digests: BTreeMap<String, String>,
    /// Defects the virtual unit was given.
    pub defects: Vec<String>,
    /// The product's requirements: id to its clause in the manual.
    pub clauses: BTreeMap<String, String>,
    /// Wall clock at the run's beginning: nanoseconds since 1970, UTC. Every
    /// later wall time is this plus bench time.
    pub wall_start_ns: i128,
    /// Kinds of the product's signals, for the units that events use; SI units
    /// for a signal that is not listed.
    pub kinds: BTreeMap<SignalId, SignalKind>,
}

/// Where events go. The journal has each first.
pub struct Sinks {
    /// If it fails, the run ends as a tester error.
    pub journal: Box<dyn EventSink>,
    /// Each hears of every event; one that fails is a problem of the run and
    /// never stops the others.
    pub others: Vec<Box<dyn EventSink>>,
}

/// What may be asked of a run from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    /// Stop. The first cancels the step and runs teardown; the second cancels
    /// teardown too. The safe state is never cancelled.
    Interrupt {
        /// `SIGINT`, `SIGTERM`.
        by: String,
    },
}
