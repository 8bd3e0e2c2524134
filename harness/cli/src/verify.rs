//! `hil verify`: whether a run's record is what the run wrote, and who signed
//! it. Asks nobody outside of this machine.

use std::fs;
use std::path::Path;

use hil_record::{Event, EventKind, JournalError, Outcome};

use crate::args::VerifyArguments;
use crate::evidence::{Evidence, Finding};
use crate::failure::Failure;
use crate::station;
use crate::station::signature::PublicKey;

/// Damaged: as an error of the tester.
const DAMAGED: u8 = 3;
/// Nothing is wrong, but not all is proved: as an inconclusive run.
const UNPROVED: u8 = 5;

/// Says of each run what its folder proves: exit code 0 if each is whole and
/// signed by a known key, 3 if one is damaged, else 5 if one cannot be proved.
///
/// # Errors
/// A key that is none, a run that is not there (exit code 2), once the others were
/// looked at.
pub fn verify(arguments: &VerifyArguments) -> Result<u8, Failure> {
    let mut keys = arguments.key.iter().map(|path| key(path)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        keys.extend(station::public());
    }
    let (mut codes, mut missing) = (Vec::new(), String::new());
    for run in &arguments.runs {
        match one(run, &keys) {
            Ok((code, text)) => {
                crate::say(&format!("{text}: {}", run.display()));
                codes.push(code);
            }
            // What is wrong with the others must not go unsaid for it.
            Err(failure) => missing.push_str(&failure.text),
        }
    }
    let worst = [DAMAGED, UNPROVED].into_iter().find(|code| codes.contains(code)).unwrap_or(0);
    if missing.is_empty() { Ok(worst) } else { Err(Failure { text: missing, code: if worst == DAMAGED { DAMAGED } else { 2 } }) }
}

fn key(path: &Path) -> Result<PublicKey, Failure> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string());
    let key = text.and_then(|text| PublicKey::read(&text));
    key.map_err(|e| Failure::invalid(format!("--key: `{}`: {e}", path.display()), Some("a station's is `station.pub`")))
}

fn one(run: &Path, keys: &[PublicKey]) -> Result<(u8, String), Failure> {
    let evidence = match Evidence::read(run) {
        Ok(evidence) => evidence,
        Err((path, JournalError::Unreadable(cause))) => {
            return Err(Failure::invalid(format!("cannot read `{}`: {cause}", path.display()), None));
        }
        Err((_, error)) => return Ok((DAMAGED, format!("DAMAGED   event 0 was changed or removed: {error}"))),
    };
    let count = evidence.journal.events.len();
    let whose = whose(&evidence.journal.events, run);
    Ok(match &evidence.finding {
        Finding::Broken(what) => (DAMAGED, format!("DAMAGED   {what}; {count} events before it are intact{whose}")),
        Finding::Open => (UNPROVED, format!("unproved  {count} events in an unbroken chain, {}{whose}", open(&evidence))),
        Finding::Unsigned => (UNPROVED, format!("unproved  {count} events in an unbroken chain, sealed, but not signed{whose}")),
        Finding::Signed(name, key) if keys.contains(key) => {
            (0, format!("verified  {count} events, signed by station {name} (key {}){whose}", key.id()))
        }
        Finding::Signed(name, key) => {
            let known = if keys.is_empty() { "no key is known here" } else { "which is not a key that is known here" };
            (UNPROVED, format!("unproved  {count} events, signed by key {} (\"{}\"), {known}{whose}", key.id(), name.escape_default()))
        }
    })
}

/// Which run it is by its own account: a folder's name proves nothing.
fn whose(events: &[Event], folder: &Path) -> String {
    let Some(EventKind::RunStarted { run, serial, .. }) = events.first().map(|e| &e.kind) else { return String::new() };
    let result = events.last().and_then(|e| match &e.kind {
        EventKind::RunFinished { disposition, status, safe, .. } => {
            let outcome = Outcome { disposition: *disposition, status: *status, safe: *safe };
            Some(format!(", {}", crate::list_runs::result(outcome, false).0))
        }
        _ => None,
    });
    let unit = serial.as_deref().map_or_else(|| "no serial number".to_owned(), |serial| format!("unit {}", serial.escape_default()));
    let named = fs::canonicalize(folder).is_ok_and(|path| path.ends_with(run) || path.parent().is_some_and(|p| p.ends_with(run)));
    let elsewhere = if named { "" } else { ", in a folder of another name" };
    format!("; run {}, {unit}{}{elsewhere}", run.escape_default(), result.unwrap_or_default())
}

/// Why nothing seals the end.
fn open(evidence: &Evidence) -> &'static str {
    match evidence.journal.events.last().map(|e| &e.kind) {
        Some(EventKind::RunFinished { .. }) => "but no record seals its end",
        _ if evidence.journal.torn => "cut short within the next event",
        _ => "cut short: the run did not end",
    }
}
