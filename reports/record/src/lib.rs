//! What happened: events, verdicts, the two results of a run, and the journal.
//!
//! Knows plans' quantities and limits, but no bench, no clock and no format
//! other than the journal's.

pub mod chain;
pub mod damage;
pub mod datum;
pub mod decision;
pub mod event;
pub mod journal;
pub mod outcome;
pub mod reader;
pub mod record;
pub mod seal;
pub mod sink;
mod texts;
pub mod verdict;

pub use chain::Hash;
pub use damage::Damage;
pub use datum::Datum;
pub use decision::Decision;
pub use event::{CallResult, Event, EventKind, Exclusion, Measurement, PartIdentity, SafeOutput, StudVolts, Way};
pub use journal::{JournalWriter, as_written};
pub use outcome::{Disposition, Outcome, Status};
pub use reader::{Journal, JournalError, read_journal, read_sealed};
pub use record::{FoundRecord, Record, Station};
pub use seal::Seal;
pub use sink::{EventSink, Kept, SinkError};
pub use verdict::Verdict;
