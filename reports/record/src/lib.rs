//! What happened: events, verdicts, the two results of a run, and the journal.
//!
//! Knows plans' quantities and limits, but no bench, no clock and no format
//! other than the journal's.

pub mod datum;
pub mod decision;
pub mod event;
pub mod journal;
pub mod outcome;
pub mod sink;
pub mod verdict;

pub use datum::Datum;
pub use decision::Decision;
pub use event::{CallResult, Event, EventKind, Exclusion, Measurement, PartIdentity, SafeOutput};
pub use journal::{Journal, JournalError, JournalWriter, read_journal};
pub use outcome::{Disposition, Outcome, Status};
pub use sink::{EventSink, SinkError};
pub use verdict::Verdict;
