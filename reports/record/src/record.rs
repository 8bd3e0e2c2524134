//! A run's record: who tested what with what and what came of it, in one JSON
//! object that a station signs. A fold over the journal, whose seal it holds, so
//! it says nothing that the journal does not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{EventKind, PartIdentity};
use crate::outcome::{Disposition, Status};
use crate::reader::Journal;
use crate::seal::Seal;

/// The record's schema version.
pub const RECORD_SCHEMA: u32 = 1;

/// As `record.json` holds it.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Record {
    /// [`RECORD_SCHEMA`].
    pub record: u32,
    /// The run's id.
    pub run: String,
    /// Plan id.
    pub plan: String,
    /// Product id.
    pub product: String,
    /// As scanned.
    pub serial: Option<String>,
    /// Bench name.
    pub bench: String,
    /// Who ran it, if that was said.
    pub operator: Option<String>,
    /// Seeds noise and, on the virtual bench, the unit.
    pub seed: u64,
    /// Wall clock of the first event.
    pub began: String,
    /// Wall clock of the last event.
    pub ended: String,
    /// What the unit is.
    pub disposition: Disposition,
    /// What the run was.
    pub status: Status,
    /// The bench was left safe.
    pub safe: bool,
    /// See [`crate::Outcome::exit_code`].
    pub exit_code: u8,
    /// Version of this program.
    pub version: String,
    /// Models, serial numbers and firmware of the bench.
    pub parts: Vec<PartIdentity>,
    /// What guards people at the bench.
    pub safeguards: BTreeMap<String, String>,
    /// SHA-256 in hex by what it is of.
    pub digests: BTreeMap<String, String>,
    /// Each instrument's calibration on that day.
    pub calibration: BTreeMap<String, String>,
    /// Plan parameters as text.
    pub parameters: BTreeMap<String, String>,
    /// Defects the virtual unit was given.
    pub defects: Vec<String>,
    /// Proves every line of the journal.
    pub journal: Seal,
    /// Whose signature belongs to it; `None`: it is not signed.
    pub station: Option<Station>,
}

/// Who signs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Station {
    /// Its name.
    pub name: String,
    /// Its public key, as `minisign` writes it. Whose key that is, only whoever
    /// got it from the station knows.
    pub key: String,
}

impl Record {
    /// Of a journal whose run ended; of another there is none.
    pub fn of(journal: &Journal, station: Option<Station>) -> Option<Self> {
        let (first, last) = (journal.events.first()?, journal.events.last()?);
        let EventKind::RunStarted {
            run,
            plan,
            product,
            serial,
            bench,
            operator,
            seed,
            version,
            digests,
            calibration,
            parameters,
            defects,
            ..
        } = &first.kind
        else {
            return None;
        };
        let EventKind::RunFinished { disposition, status, safe, exit_code, .. } = last.kind else { return None };
        let opened = journal.events.iter().find_map(|e| match &e.kind {
            EventKind::BenchOpened { parts, safeguards } => Some((parts.clone(), safeguards.clone())),
            _ => None,
        });
        let (parts, safeguards) = opened.unwrap_or_default();
        Some(Self {
            record: RECORD_SCHEMA,
            run: run.clone(),
            plan: plan.clone(),
            product: product.clone(),
            serial: serial.clone(),
            bench: bench.clone(),
            operator: operator.clone(),
            seed: *seed,
            began: first.wall.clone(),
            ended: last.wall.clone(),
            disposition,
            status,
            safe,
            exit_code,
            version: version.clone(),
            parts,
            safeguards,
            digests: digests.clone(),
            calibration: calibration.clone(),
            parameters: parameters.clone(),
            defects: defects.clone(),
            journal: journal.seal.clone(),
            station,
        })
    }

    /// As a file holds it: indented, with a line feed at its end.
    pub fn to_json(&self) -> Vec<u8> {
        // Maps of strings and finite numbers: nothing here can fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// A record as it was found.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundRecord {
    all: Map<String, Value>,
    /// What it says of the journal.
    pub seal: Seal,
    /// Whose signature belongs to it.
    pub station: Option<Station>,
}

impl FoundRecord {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Known {
            record: u32,
            journal: Seal,
            station: Option<Station>,
        }
        let all: Map<String, Value> = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        let known: Known = serde_json::from_value(Value::Object(all.clone())).map_err(|e| e.to_string())?;
        if known.record != RECORD_SCHEMA {
            return Err(format!("record schema {}, expected {RECORD_SCHEMA}", known.record));
        }
        Ok(Self { all, seal: known.journal, station: known.station })
    }

    /// The first key that says something else than the journal it belongs to.
    pub fn contradicts(&self, journal: &Journal) -> Option<String> {
        let Some(own) = Record::of(journal, self.station.clone()) else { return Some("status".into()) };
        let own = serde_json::to_value(own).unwrap_or_default();
        // What a later version adds, an older record has not.
        self.all.iter().find(|(key, value)| own.get(key.as_str()) != Some(*value)).map(|(key, _)| key.clone())
    }
}
