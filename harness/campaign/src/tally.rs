//! Figures of a campaign.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::Case;
use crate::ran::Ran;

/// How runs ended, by their units and by their faults.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// By unit and exit code.
    ends: BTreeMap<(&'static str, u8), u64>,
    /// By kind of fault and exit code; a run with two counts with both.
    kinds: BTreeMap<(String, u8), u64>,
    /// Bad units that pass without faults, too.
    pub escaped: u64,
    /// Runs that broke a promise.
    pub broken: u64,
}

impl Tally {
    /// Counts one run.
    pub fn add(&mut self, case: &Case, ran: &Ran) {
        let unit = if case.defect.is_some() { "bad unit" } else { "good unit" };
        *self.ends.entry((unit, ran.exit_code())).or_default() += 1;
        for (fault, suffered) in case.faults.iter().zip(&ran.faults) {
            if suffered.begun.is_some() {
                let part = fault.part.split(' ').next().unwrap_or_default();
                *self.kinds.entry((format!("{part} {}", fault.what.word()), ran.exit_code())).or_default() += 1;
            }
        }
    }

    /// Adds another's figures.
    pub fn merge(&mut self, other: &Self) {
        for (key, n) in &other.ends {
            *self.ends.entry(*key).or_default() += n;
        }
        for (key, n) in &other.kinds {
            *self.kinds.entry(key.clone()).or_default() += n;
        }
        self.escaped += other.escaped;
        self.broken += other.broken;
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.ends.values().sum()
    }
}

const CODES: [(u8, &str); 6] = [(0, "pass"), (1, "fail"), (3, "tester"), (4, "aborted"), (5, "undecided"), (6, "not safe")];

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<26}", "")?;
        CODES.iter().try_for_each(|(code, word)| write!(f, "{:>12}", format!("{code} {word}")))?;
        let mut row = |name: &str, of: &dyn Fn(u8) -> u64| {
            write!(f, "\n{name:<26}")?;
            CODES.iter().try_for_each(|(code, _)| write!(f, "{:>12}", of(*code)))
        };
        for unit in ["good unit", "bad unit"] {
            row(unit, &|code| self.ends.get(&(unit, code)).copied().unwrap_or(0))?;
        }
        let mut kinds: Vec<&String> = self.kinds.keys().map(|(kind, _)| kind).collect();
        kinds.dedup();
        for kind in kinds {
            row(kind, &|code| self.kinds.get(&(kind.clone(), code)).copied().unwrap_or(0))?;
        }
        Ok(())
    }
}
