//! What proves that a journal is whole: how many events it has, the hash of the
//! last line, and a mark of each, which tells where it was changed.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::chain::{Hash, MARK};
use crate::damage::Damage;

/// Of the lines of a journal.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Seal {
    /// How many.
    pub events: u64,
    /// Hash of the last line in hex; proves all lines, for each proves the one
    /// before. Empty where there is none.
    pub last: String,
    /// The first eight digits of each line's hash, one after the other: they
    /// only tell which line was changed.
    pub marks: String,
}

impl Seal {
    /// Takes the next line's hash.
    pub(crate) fn add(&mut self, hash: Hash) {
        self.last.clear();
        // Onto a text, nothing fails.
        let _ = write!(self.last, "{hash}");
        self.marks.push_str(&self.last[..MARK]);
        self.events += 1;
    }

    /// Keeps the first so many; the hash of the last of them is then not known.
    pub(crate) fn shorten(&mut self, events: usize) {
        if (events as u64) < self.events {
            self.events = events as u64;
            self.marks.truncate(events * MARK);
            self.last.clear();
        }
    }

    /// The mark of an event.
    pub(crate) fn mark(&self, event: u64) -> Option<&str> {
        let at = usize::try_from(event).ok()?.checked_mul(MARK)?;
        self.marks.get(at..at + MARK)
    }

    /// What of `found`, a chain that holds, is not as it is here.
    pub fn broken_by(&self, found: &Self) -> Option<Damage> {
        let both = self.events.min(found.events);
        let changed = (0..both).find(|event| self.mark(*event) != found.mark(*event));
        if let Some(event) = changed {
            return Some(Damage::Changed { event });
        }
        if found.events < self.events {
            return Some(Damage::CutShort { event: found.events, recorded: self.events });
        }
        if found.events > self.events {
            return Some(Damage::Added { event: self.events });
        }
        (self.last != found.last).then(|| Damage::Changed { event: self.events.saturating_sub(1) })
    }
}
