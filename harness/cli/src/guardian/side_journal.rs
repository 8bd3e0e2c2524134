//! What a guardian did: `guardian.jsonl` beside the run's journal, which it never
//! touches. One line a deed, on the disk before the next; written by a thread of its
//! own, for a disk that stands still must not keep anything switched on.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use serde::{Deserialize, Serialize};

/// Its name in a run folder.
pub const SIDE_JOURNAL: &str = "guardian.jsonl";

/// One line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// Wall clock, RFC 3339.
    pub wall: String,
    /// Since the guardian took over, in real time, µs.
    pub after_us: u64,
    /// What.
    pub deed: Deed,
}

/// What a guardian does, in this order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Deed {
    /// It acts.
    TookOver {
        /// Because of what.
        why: String,
    },
    /// The run commands nothing any more.
    Fenced {
        /// It has ended, or has closed its links itself.
        ended: bool,
    },
    /// The hardware inhibit.
    Inhibited {
        /// Pulled, as far as the fixture says.
        done: bool,
        /// What the fixture said otherwise.
        problem: Option<String>,
    },
    /// One attempt at the safe state.
    SafeState {
        /// Every part, in order.
        outputs: Vec<Output>,
        /// All of them off.
        confirmed: bool,
        /// What came in its way.
        problem: Option<String>,
    },
}

/// One part of a safe state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub part: String,
    /// Off.
    pub off: bool,
    /// What it said.
    pub readback: String,
}

/// What is to be written, and who does.
pub(super) struct SideJournal {
    words: Option<Sender<Entry>>,
    writer: Option<JoinHandle<()>>,
}

impl SideJournal {
    /// Without a file, for a disk that is gone, all that is said is lost; what is
    /// done is not.
    pub(super) fn open(folder: &Path) -> Self {
        let (words, heard) = channel();
        let path = folder.join(SIDE_JOURNAL);
        let writer = Builder::new().name("side journal".into()).spawn(move || keep(path, &heard));
        Self { words: Some(words), writer: writer.inspect_err(|error| tracing::warn!(%error, "no side journal")).ok() }
    }

    /// Does not wait for the disk.
    pub(super) fn note(&self, entry: Entry) {
        if let Some(words) = &self.words {
            // A writer that is gone has said why.
            let _ = words.send(entry);
        }
    }
}

impl Drop for SideJournal {
    /// Until all is on the disk.
    fn drop(&mut self) {
        self.words = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn keep(path: PathBuf, words: &Receiver<Entry>) {
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        for entry in words {
            write_line(&mut file, &entry)?;
        }
        Ok(())
    };
    if let Err(error) = write() {
        tracing::warn!(%error, "the side journal cannot be written");
    }
}

fn write_line(file: &mut File, entry: &Entry) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(entry)?;
    line.push(b'\n');
    file.write_all(&line)?;
    file.sync_data()
}

/// What a guardian did in a run; empty where none had to.
pub fn read(folder: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(folder.join(SIDE_JOURNAL)).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// Whether a guardian that had to act could confirm that the bench is off.
pub fn switched_off(entries: &[Entry]) -> Option<bool> {
    let confirmed = |deed: &Deed| if let Deed::SafeState { confirmed, .. } = deed { *confirmed } else { false };
    (!entries.is_empty()).then(|| entries.iter().any(|e| confirmed(&e.deed)))
}
