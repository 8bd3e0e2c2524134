//! Reads a journal, as far as it is intact.

use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

use crate::chain::{self, Hash};
use crate::damage::Damage;
use crate::event::{Event, SCHEMA};
use crate::seal::Seal;

/// What is no journal, or not one that can be read. Lines count from 1.
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
}

/// What could be read of a journal.
#[derive(Clone, PartialEq, Debug)]
pub struct Journal {
    /// In order, without gaps, each in the chain of hashes. Of a run that did
    /// not end, the last is not `run-finished`.
    pub events: Vec<Event>,
    /// A last line was cut short, because the run was killed while it wrote,
    /// and is left out.
    pub torn: bool,
    /// What ends the intact part, if not its end.
    pub damage: Option<Damage>,
    /// Number, hash and marks of the intact part.
    pub seal: Seal,
}

/// Reads a journal up to its end, its tear, or the first event that was
/// changed, removed or moved. An empty one has no events. Nothing proves here
/// that the last event is what it was, nor that it was the last: see
/// [`read_sealed`].
///
/// # Errors
/// For what cannot be read, or is no journal of this [`SCHEMA`].
pub fn read_journal(from: impl Read) -> Result<Journal, JournalError> {
    read_sealed(from, None)
}

/// As [`read_journal`]; up to the first event that is not what `sealed` says.
///
/// # Errors
/// For what cannot be read, or is no journal of this [`SCHEMA`].
pub fn read_sealed(from: impl Read, sealed: Option<&Seal>) -> Result<Journal, JournalError> {
    let mut reader = Reader { from: BufReader::new(from), sealed, before: Hash::NONE, events: Vec::new(), seal: Seal::default() };
    let end = reader.read()?;
    let Reader { mut events, mut seal, .. } = reader;
    let (torn, mut damage) = match end {
        End::Whole => (false, None),
        End::Torn => (true, None),
        End::Damaged(damage) => (false, Some(damage)),
    };
    if damage.is_none() {
        damage = sealed.and_then(|sealed| sealed.broken_by(&seal));
        // Nothing follows the last line that was sealed, not even half of one.
        damage = damage.or_else(|| (torn && sealed.is_some()).then_some(Damage::Added { event: seal.events }));
    }
    if let Some(damage) = &damage {
        let intact = usize::try_from(damage.event()).unwrap_or(usize::MAX);
        events.truncate(intact);
        seal.shorten(intact);
    }
    Ok(Journal { events, torn, damage, seal })
}

enum End {
    Whole,
    Torn,
    Damaged(Damage),
}

struct Reader<'a, R> {
    from: BufReader<R>,
    sealed: Option<&'a Seal>,
    /// Hash of the last line.
    before: Hash,
    events: Vec<Event>,
    seal: Seal,
}

impl<R: Read> Reader<'_, R> {
    fn read(&mut self) -> Result<End, JournalError> {
        let mut line = Vec::new();
        loop {
            if !self.next(&mut line)? {
                return Ok(End::Whole);
            }
            // A line is one only with its line feed.
            let Some(text) = line.strip_suffix(b"\n") else { return Ok(End::Torn) };
            let number = self.events.len() as u64;
            if number == 0 {
                check_header(text)?;
            }
            let event: Event = match serde_json::from_slice(text) {
                Ok(event) => event,
                Err(e) => return Ok(End::Damaged(Damage::NoEvent { event: number, cause: e.to_string() })),
            };
            if let Some(damage) = self.misplaced(text, event.seq)? {
                return Ok(End::Damaged(damage));
            }
            self.before = Hash::of(text);
            self.seal.add(self.before);
            self.events.push(event);
        }
    }

    /// Whether there was another line.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<bool, JournalError> {
        line.clear();
        self.from.read_until(b'\n', line).map_err(|e| JournalError::Unreadable(e.to_string()))?;
        Ok(!line.is_empty())
    }

    /// Why this line does not follow the last one.
    fn misplaced(&mut self, line: &[u8], seq: u64) -> Result<Option<Damage>, JournalError> {
        let number = self.events.len() as u64;
        let follows = chain::follows(line, self.before);
        if seq != number {
            // In its place, so its number was changed; or another's place.
            let damage = if follows && number > 0 {
                Damage::Changed { event: number }
            } else if seq < number {
                Damage::Twice { event: number, found: seq }
            } else if self.comes_later(number)? {
                Damage::Moved { event: number, found: seq }
            } else {
                Damage::Removed { event: number, found: seq }
            };
            return Ok(Some(damage));
        }
        if follows {
            return Ok(None);
        }
        if number == 0 || chain::linked(line).is_none() {
            return Ok(Some(Damage::Changed { event: number }));
        }
        self.which_of_two(line, number).map(Some)
    }

    /// This line carries another hash than the line before it has: one of them
    /// was changed.
    fn which_of_two(&mut self, line: &[u8], number: u64) -> Result<Damage, JournalError> {
        let before = Damage::Changed { event: number - 1 };
        if let Some(mark) = self.sealed.and_then(|s| s.mark(number - 1)) {
            return Ok(if mark == self.before.mark() { Damage::Changed { event: number } } else { before });
        }
        let mut next = Vec::new();
        self.next(&mut next)?;
        let vouched = chain::follows(next.strip_suffix(b"\n").unwrap_or(&next), Hash::of(line));
        Ok(if vouched { before } else { Damage::ChangedOrNext { event: number - 1 } })
    }

    /// Whether an event of this number stands anywhere in what is left.
    fn comes_later(&mut self, number: u64) -> Result<bool, JournalError> {
        let start = format!("{{\"seq\":{number},");
        let mut line = Vec::new();
        while self.next(&mut line)? {
            if line.starts_with(start.as_bytes()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
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
