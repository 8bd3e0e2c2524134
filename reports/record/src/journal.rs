//! The journal: one event a line, as JSON, in order. What every report is
//! rebuilt from, also after the run was killed.
//!
//! Knows no files and no durability: whoever opens the file decides whether a
//! flush reaches the disk.

use std::io::{BufRead, Write};

use serde::Deserialize;

use crate::event::{Event, SCHEMA};
use crate::sink::{EventSink, SinkError};

/// Writes each event as one line, whole and flushed before it returns.
/// After an error it writes nothing more: what follows a torn line could not
/// be read.
pub struct JournalWriter<W> {
    out: W,
    name: String,
    line: Vec<u8>,
    failed: Option<SinkError>,
}

impl<W: Write> JournalWriter<W> {
    /// Onto `out`; messages call it `journal`.
    pub fn new(out: W) -> Self {
        Self::named(out, "journal")
    }

    /// Onto `out`, with what messages call it: its path.
    pub fn named(out: W, name: impl Into<String>) -> Self {
        Self { out, name: name.into(), line: Vec::new(), failed: None }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    /// What is written to.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    fn write(&mut self, event: &Event) -> std::io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)?;
        self.out.flush()
    }
}

impl<W: Write> EventSink for JournalWriter<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.write(event).map_err(|e| {
            let error = SinkError { sink: self.name.clone(), cause: e.to_string() };
            self.failed.insert(error).clone()
        })
    }
}

/// A journal that cannot be trusted. Lines count from 1.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JournalError {
    /// The operating system's words.
    #[error("cannot read the journal: {0}")]
    Unreadable(String),
    /// The journal does not begin as one.
    #[error("journal, line 1: expected a `run-started` event with its schema")]
    NoHeader,
    /// Written by another version of this program.
    #[error("journal, line 1: schema {found}, expected {SCHEMA}")]
    Schema {
        /// What the first line says.
        found: u64,
    },
    /// A line in the middle that is no event.
    #[error("journal, line {line}: no event: {cause}")]
    Line {
        /// Which.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// Events are missing, doubled or out of order.
    #[error("journal, line {line}: event {found}, expected event {expected}")]
    Gap {
        /// Where it shows.
        line: usize,
        /// The number that should stand there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
}

/// What could be read of a journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Journal {
    /// In order, without gaps. Of a run that did not end, the last is not
    /// `run-finished`.
    pub events: Vec<Event>,
    /// A last line was cut short, because the run was killed while it wrote,
    /// and is left out.
    pub torn: bool,
}

/// Reads a journal up to its end or its tear. An empty one has no events.
///
/// # Errors
/// For anything else than whole, numbered events of this [`SCHEMA`].
pub fn read_journal(mut from: impl BufRead) -> Result<Journal, JournalError> {
    let mut events = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        from.read_until(b'\n', &mut line).map_err(|e| JournalError::Unreadable(e.to_string()))?;
        if line.is_empty() {
            return Ok(Journal { events, torn: false });
        }
        match read_line(&line, events.len()) {
            Ok(event) => events.push(event),
            Err(JournalError::Line { .. } | JournalError::NoHeader) if line.last() != Some(&b'\n') => {
                return Ok(Journal { events, torn: true });
            }
            Err(e) => return Err(e),
        }
    }
}

/// The event of a line that follows `before` events.
fn read_line(line: &[u8], before: usize) -> Result<Event, JournalError> {
    if before == 0 {
        check_header(line)?;
    }
    let number = before + 1;
    let event: Event = serde_json::from_slice(line).map_err(|e| JournalError::Line { line: number, cause: e.to_string() })?;
    let expected = before as u64;
    if event.seq != expected {
        return Err(JournalError::Gap { line: number, expected, found: event.seq });
    }
    Ok(event)
}

/// The header before the rest, so that a journal of another schema is named as
/// such, whatever else has changed.
fn check_header(line: &[u8]) -> Result<(), JournalError> {
    #[derive(Deserialize)]
    struct Header {
        kind: String,
        schema: u64,
    }
    let header: Header = serde_json::from_slice(line).map_err(|_| JournalError::NoHeader)?;
    if header.kind != "run-started" {
        return Err(JournalError::NoHeader);
    }
    if header.schema != u64::from(SCHEMA) {
        return Err(JournalError::Schema { found: header.schema });
    }
    Ok(())
}
