//! What a run folder holds, and what it proves: the journal's chain, the record
//! that seals its end, the signature on that.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hil_record::{FoundRecord, Journal, JournalError, read_sealed};
use hil_writers::Integrity;

use crate::failure::Failure;
use crate::station::signature::{PublicKey, Signed};

/// The journal's name in a run folder.
pub const JOURNAL: &str = "journal.jsonl";
/// The record's.
pub const RECORD: &str = "record.json";
/// Its signature's.
pub const SIGNATURE: &str = "record.json.minisig";

/// What a folder proves of its run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finding {
    /// Something was changed after the run; what, and where first.
    Broken(String),
    /// The chain holds as far as it goes; nothing seals its end.
    Open,
    /// Journal and record belong to each other, and nobody signed them.
    Unsigned,
    /// By this key, of a station that calls itself so.
    Signed(String, PublicKey),
}

/// A run that was read.
pub struct Evidence {
    /// The journal's file.
    pub path: PathBuf,
    /// Its intact part.
    pub journal: Journal,
    /// What it proves.
    pub finding: Finding,
}

impl Evidence {
    /// Of a run folder or a journal file.
    ///
    /// # Errors
    /// What cannot be read or is no journal.
    pub fn read(run: &Path) -> Result<Self, (PathBuf, JournalError)> {
        let path = if run.is_dir() { run.join(JOURNAL) } else { run.to_owned() };
        let unreadable = |e: &dyn std::fmt::Display| JournalError::Unreadable(e.to_string());
        // A journal by another name was taken out of its folder.
        let beside = |name: &str| match fs::read(path.with_file_name(name)) {
            Ok(bytes) if path.ends_with(JOURNAL) => Ok(Some(bytes)),
            Err(e) if e.kind() != ErrorKind::NotFound => Err(unreadable(&format!("{name}: {e}"))),
            Ok(_) | Err(_) => Ok(None),
        };
        let read = || {
            let (record, signature) = (beside(RECORD)?, beside(SIGNATURE)?);
            let found = record.as_deref().and_then(|bytes| FoundRecord::read(bytes).ok());
            let file = File::open(&path).map_err(|e| unreadable(&e))?;
            let journal = read_sealed(file, found.as_ref().map(|f| &f.seal))?;
            let finding = judge(&journal, record.as_deref(), signature.as_deref());
            Ok((journal, finding))
        };
        match read() {
            Ok((journal, finding)) => Ok(Self { path, journal, finding }),
            Err(error) => Err((path, error)),
        }
    }

    /// As [`Evidence::read`], for whoever only wants what is there.
    ///
    /// # Errors
    /// Also when it holds no event at all (exit code 2).
    pub fn of_a_run(run: &Path) -> Result<Self, Failure> {
        let evidence = Self::read(run).map_err(|(path, e)| match e {
            JournalError::Unreadable(cause) => Failure::invalid(format!("cannot read `{}`: {cause}", path.display()), None),
            e => Failure::invalid(format!("cannot read `{}`: {e}", path.display()), None),
        })?;
        if evidence.journal.events.is_empty() {
            let why = match &evidence.finding {
                Finding::Broken(what) => what.clone(),
                _ => "the journal is empty".to_owned(),
            };
            return Err(Failure::invalid(format!("no run in `{}`: {why}", evidence.path.display()), None));
        }
        Ok(evidence)
    }

    /// For reports, which say the same wherever they are made.
    pub fn integrity(&self) -> Integrity {
        integrity(&self.finding, self.journal.events.len())
    }
}

/// For reports.
pub fn integrity(finding: &Finding, events: usize) -> Integrity {
    match finding {
        Finding::Broken(what) => Integrity::Broken { what: what.clone() },
        Finding::Open => Integrity::Open { events },
        Finding::Unsigned => Integrity::Holds { events, signed: None },
        Finding::Signed(name, key) => Integrity::Holds { events, signed: Some(format!("{name}, {}", key.id())) },
    }
}

/// A journal that was read with its record's seal, the record and its signature.
pub fn judge(journal: &Journal, record: Option<&[u8]>, signature: Option<&[u8]>) -> Finding {
    if let Some(damage) = &journal.damage {
        return Finding::Broken(damage.to_string());
    }
    let Some(bytes) = record else { return Finding::Open };
    match signed(journal, bytes, signature) {
        Ok(finding) => finding,
        Err(what) => Finding::Broken(what),
    }
}

fn signed(journal: &Journal, record: &[u8], signature: Option<&[u8]>) -> Result<Finding, String> {
    let found = FoundRecord::read(record).map_err(|e| format!("{RECORD} was changed: {e}"))?;
    if let Some(key) = found.contradicts(journal) {
        return Err(format!("{RECORD} was changed: `{key}` is not what the journal says"));
    }
    let Some(station) = found.station else { return Ok(Finding::Unsigned) };
    let signature = signature.ok_or_else(|| format!("{SIGNATURE} was removed"))?;
    let signed = Signed::read(&String::from_utf8_lossy(signature)).map_err(|e| format!("{SIGNATURE} was changed: {e}"))?;
    let key = PublicKey::read(&station.key).map_err(|e| format!("{RECORD} was changed: its `station`: {e}"))?;
    if !key.signed(record, &signed) {
        return Err(format!("{RECORD} or {SIGNATURE} was changed after it was signed"));
    }
    Ok(Finding::Signed(station.name, key))
}
