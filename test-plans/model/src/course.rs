//! The course of a plan's steps: whether a step runs, how often, and what a
//! failure of it means for the steps after it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::expression::Expression;
use crate::value::Value;

/// How a step runs among the others. [`Course::default`] is that of a step
/// that says nothing about it.
#[derive(Clone, PartialEq, Debug)]
pub struct Course {
    /// The step runs only if this holds.
    pub when: Option<When>,
    /// Names of this step that later steps use as `STEP.name`.
    pub exports: Vec<String>,
    /// What it uses of earlier steps: `STEP.name` to the step's id.
    pub imports: BTreeMap<String, String>,
    /// How often it runs, at least once; every repetition must pass.
    pub repeat: u32,
    /// After a failure of these kinds it runs once more.
    pub retry_on: BTreeSet<FailureKind>,
    /// The steps after it run also when it failed.
    pub continue_on_fail: bool,
    /// It runs also when somebody selects other steps, and once however often they are
    /// repeated: what must be known before power.
    pub always: bool,
    /// It runs while this step does, one of its lane after the other.
    pub beside: Option<String>,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            when: None,
            exports: Vec::new(),
            imports: BTreeMap::new(),
            repeat: 1,
            retry_on: BTreeSet::new(),
            continue_on_fail: true,
            always: false,
            beside: None,
        }
    }
}

/// A condition over what earlier steps exported.
#[derive(Clone, PartialEq, Debug)]
pub struct When {
    /// As written, with parameters replaced.
    pub text: String,
    /// What must hold.
    pub comparison: Comparison,
}

/// What `when` compares.
#[derive(Clone, PartialEq, Debug)]
pub enum Comparison {
    /// The first is above the second; both of one dimension.
    Above(Expression, Expression),
    /// The first is below the second; both of one dimension.
    Below(Expression, Expression),
    /// A word that an earlier step exported equals this one.
    Is(String, Value),
    /// Known already when the plan is read: words of parameters and rows.
    Known(bool),
}

/// Failures that come from the contact between the fixture and the unit rather
/// than from the unit: the only ones that may be tried again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FailureKind {
    /// A part of the bench or of the unit did not answer.
    NoCommunication,
    /// A needle or plug did not touch.
    OpenContact,
}

impl FailureKind {
    /// All, with the word a plan uses.
    pub const WORDS: [(&'static str, Self); 2] = [("no-communication", Self::NoCommunication), ("open-contact", Self::OpenContact)];

    /// From the word a plan uses.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, k)| *k)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCommunication => "no-communication",
            Self::OpenContact => "open-contact",
        })
    }
}
