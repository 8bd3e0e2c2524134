//! What a run is told before it begins, and what it may be told later.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hil_channel::BoxFuture;
use hil_model::{Secrets, SignalId, SignalKind};
use hil_record::EventSink;

/// What the first event of a run says, as far as the plan does not say it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct RunHeader {
    /// The run's id.
    pub run: String,
    /// As scanned; `None` when no serial was given.
    pub serial: Option<String>,
    /// The bench's name.
    pub bench: String,
    /// Seeds noise and, on the virtual bench, the unit.
    pub seed: u64,
    /// Version of this program.
    pub version: String,
    /// SHA-256 in hex by what it is of: `plan`, `product`, `limits`, `bench`.
    pub digests: BTreeMap<String, String>,
    /// Each instrument's calibration on that day.
    pub calibration: BTreeMap<String, String>,
    /// Who runs it, if that was said.
    pub operator: Option<String>,
    /// Defects the virtual unit was given.
    pub defects: Vec<String>,
    /// The product's requirements: id to its clause in the manual.
    pub clauses: BTreeMap<String, String>,
    /// Wall clock at the run's beginning: nanoseconds since 1970, UTC. Every
    /// later wall time is this plus bench time.
    pub wall_start_ns: i128,
    /// What no event may say.
    pub secrets: Secrets,
    /// Kinds of the product's signals, for the units that events use; SI units
    /// for a signal that is not listed.
    pub kinds: BTreeMap<SignalId, SignalKind>,
}

/// Where events go. The journal has each first.
pub struct Sinks {
    /// If it fails, the run ends as a tester error.
    pub journal: Box<dyn EventSink>,
    /// Each hears of every event; one that fails is a problem of the run and
    /// never stops the others.
    pub others: Vec<Box<dyn EventSink>>,
}

/// Which steps run, and how often: for whoever looks for a fault.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// Ids of the steps that run; all when `None`. A run that leaves any out
    /// passes no unit.
    pub steps: Option<BTreeSet<String>>,
    /// On whose word: `--step alternator-start`.
    pub why: String,
    /// How often all steps run; 0 counts as 1.
    pub repeat: u32,
    /// Ends at the first step that fails.
    pub until_fail: bool,
    /// Asks after each step that failed, before anything else is done to it.
    pub pause_on_fail: bool,
    /// One step after the other, also those that may run side by side.
    pub one_by_one: bool,
}

impl Selection {
    pub(crate) fn has(&self, step: &str) -> bool {
        self.steps.as_ref().is_none_or(|steps| steps.contains(step))
    }

    /// Whether steps run beside others. Whoever looks at a failure wants nothing
    /// else to go on meanwhile.
    pub(crate) fn side_by_side(&self) -> bool {
        !(self.one_by_one || self.until_fail || self.pause_on_fail)
    }

    pub(crate) fn rounds(&self) -> u32 {
        self.repeat.max(1)
    }
}

/// Something that only a person can answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// `STEP.name`; empty for a pause.
    pub id: String,
    /// What is asked.
    pub text: String,
    /// What would be an answer.
    pub expects: Expects,
    /// How long there is for it, in real time.
    pub limit: Duration,
}

/// What would be an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expects {
    /// One of these words.
    Words(Vec<String>),
    /// A quantity, in this unit when it is a plain number.
    Quantity(String),
    /// Any text.
    Text,
    /// Only that somebody has looked.
    GoOn,
}

impl Question {
    /// A pause of at most a day.
    pub fn go_on(text: String) -> Self {
        Self { id: String::new(), text, expects: Expects::GoOn, limit: Duration::from_secs(86_400) }
    }
}

/// What somebody said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// As given, without spaces around it.
    pub text: String,
    /// `option` or `terminal`.
    pub by: String,
}

/// Answers questions. One that waits for a person outside the runtime holds
/// virtual time.
pub trait Operator {
    /// Answers, or says why there is no answer.
    fn ask<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Answer, String>>;
}

/// Nobody: every question is an error of the tester.
pub(crate) struct Unattended;

impl Operator for Unattended {
    fn ask<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async { Err("nobody is there to answer".to_owned()) })
    }
}

/// What may be asked of a run from outside.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Control {
    /// Stop. The first cancels the step and runs teardown; the second cancels
    /// teardown too. The safe state is never cancelled.
    Interrupt {
        /// `SIGINT`, `SIGTERM`.
        by: String,
    },
    /// Stop, as for an interrupt, because something of the tester's is out of
    /// order: the unit is not blamed.
    Fault {
        /// What.
        what: String,
    },
}
