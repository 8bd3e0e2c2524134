//! A run's journal on a disk: how sure it is there when somebody acts on it or
//! is shown it.
//!
//! `write` hands every line to the operating system first: it outlives this
//! program, but not a power cut. `sync` waits until it is on the disk. A third
//! policy, in memory, is `JournalWriter<Vec<u8>>`.

mod medium;
mod synced;

use std::path::PathBuf;

use hil_record::{Event, EventKind, EventSink, JournalWriter, SinkError};

pub use medium::{JournalFile, Medium};
pub use synced::SyncedJournal;

/// What the journal is proof against.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// The end of this program, however it ends.
    Write,
    /// A power cut.
    Sync,
}

impl Durability {
    /// What a run has on such a bench, unless told otherwise.
    pub const fn of(is_hardware: bool) -> Self {
        if is_hardware { Self::Sync } else { Self::Write }
    }
}

/// Policy `write`.
pub struct WrittenJournal<M> {
    writer: JournalWriter<M>,
    name: String,
}

impl<M: Medium> WrittenJournal<M> {
    /// Onto `medium`, which messages call `name`.
    pub fn new(medium: M, name: PathBuf) -> Self {
        let name = name.display().to_string();
        Self { writer: JournalWriter::named(medium, name.clone()), name }
    }
}

impl<M: Medium> EventSink for WrittenJournal<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.writer.handle(event)?;
        // A deleted file takes every line and keeps none.
        if matches!(event.kind, EventKind::StepFinished { .. } | EventKind::RunFinished { .. }) {
            let place = self.writer.get_mut().check_place();
            place.map_err(|e| SinkError { sink: self.name.clone(), cause: e.to_string() })?;
        }
        Ok(())
    }
}
