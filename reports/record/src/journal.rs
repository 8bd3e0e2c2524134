//! The journal: one event a line, as JSON, in order, each with the hash of the
//! line before ([`crate::chain`]). What every report is rebuilt from, also after
//! the run was killed.
//!
//! Knows no files and no durability: whoever opens the file decides whether a
//! flush reaches the disk.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};

use crate::chain::{self, Hash};
use crate::event::Event;
use crate::reader::Journal;
use crate::seal::Seal;
use crate::sink::{EventSink, SinkError};

/// Writes each event as one line, whole and flushed before it returns.
/// After an error it writes nothing more: what follows a torn line could not
/// be read.
pub struct JournalWriter<W> {
    out: W,
    name: String,
    line: Vec<u8>,
    before: Hash,
    failed: Option<SinkError>,
}

impl<W: Write> JournalWriter<W> {
    /// Onto `out`; messages call it `journal`.
    pub fn new(out: W) -> Self {
        Self::named(out, "journal")
    }

    /// Onto `out`, with what messages call it: its path.
    pub fn named(out: W, name: impl Into<String>) -> Self {
        Self { out, name: name.into(), line: Vec::new(), before: Hash::NONE, failed: None }
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
        chain::link(&mut self.line, self.before);
        self.before = Hash::of(&self.line);
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

/// The journal of `events`, if that and nothing else is what `from` holds, byte for
/// byte: whoever has written it need not understand it again.
pub fn as_written(from: impl Read, events: Vec<Event>) -> Option<Journal> {
    let mut writer = JournalWriter::new(Expecting(BufReader::new(from)));
    let mut seal = Seal::default();
    for event in &events {
        writer.write(event).ok()?;
        seal.add(writer.before);
    }
    let ends = writer.out.0.fill_buf().ok()?.is_empty();
    ends.then_some(Journal { events, torn: false, damage: None, seal })
}

/// Takes only what there is to read.
struct Expecting<R>(R);

impl<R: BufRead> Write for Expecting<R> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let found = self.0.fill_buf()?;
        let length = found.len().min(bytes.len());
        if length == 0 || found[..length] != bytes[..length] {
            return Err(ErrorKind::InvalidData.into());
        }
        self.0.consume(length);
        Ok(length)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
