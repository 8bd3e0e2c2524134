//! A run folded from its events, for the reports that need it whole.
//!
//! Every text is cleaned on its way in ([`crate::text::plain`]). Decides no
//! verdict; only of a run without an end it says that it was aborted.

mod fold;
mod part;

use std::collections::BTreeMap;

use hil_record::{Disposition, Event, Measurement, Outcome, PartIdentity, SafeOutput, Status, Verdict};

pub(crate) use self::part::{Answer, Attempt, Edge, Phase, Problem, Reading, Step, Stimulus};
use crate::text::plain;

/// Everything the journal says of a run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub(crate) id: String,
    pub(crate) plan: String,
    pub(crate) title: String,
    pub(crate) product: String,
    pub(crate) serial: Option<String>,
    pub(crate) bench: String,
    pub(crate) seed: u64,
    pub(crate) version: String,
    pub(crate) digests: BTreeMap<String, String>,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) calibration: BTreeMap<String, String>,
    pub(crate) operator: Option<String>,
    pub(crate) defects: Vec<String>,
    /// Each of the product's requirements and its clause in the manual.
    pub(crate) clauses: BTreeMap<String, String>,
    pub(crate) parts: Vec<PartIdentity>,
    /// In the plan's order, also those that never ran.
    pub(crate) steps: Vec<Step>,
    /// Where each of them is.
    places: BTreeMap<String, usize>,
    /// Setup and teardown, in order.
    pub(crate) phases: Vec<Phase>,
    /// What belongs to no step.
    pub(crate) problems: Vec<Problem>,
    /// By whom, how often.
    pub(crate) interrupted: Option<(String, u32)>,
    pub(crate) safe_state: Option<SafeState>,
    /// What guards people at the bench.
    pub(crate) safeguards: BTreeMap<String, String>,
    /// The lid's lock after it.
    pub(crate) lid: Option<Lid>,
    pub(crate) outcome: Option<Outcome>,
    /// Steps that passed only when they were tried again.
    pub(crate) retried: Vec<String>,
    /// Requirements that the bench could not judge, or not wholly.
    pub(crate) not_judged: Vec<String>,
    /// Wall clock of the first and the last event.
    pub(crate) began: String,
    pub(crate) ended: String,
    /// Bench time of the last event.
    pub(crate) bench_ns: u64,
}

/// What the bench said when it was switched off.
#[derive(Clone, Debug)]
pub(crate) struct SafeState {
    pub(crate) outputs: Vec<SafeOutput>,
    pub(crate) confirmed: bool,
    pub(crate) took_ns: u64,
}

/// What became of the lid's lock.
#[derive(Clone, Debug)]
pub(crate) struct Lid {
    pub(crate) unlocked: bool,
    /// Why it stays locked.
    pub(crate) reason: String,
}

/// How many of each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) steps: usize,
    pub(crate) passed: usize,
    pub(crate) measurements: usize,
    pub(crate) good: usize,
    pub(crate) provisional: usize,
}

impl Run {
    /// Of all events of a journal, whether the run ended or not.
    pub fn of(events: &[Event]) -> Self {
        let mut run = Self::default();
        events.iter().for_each(|event| run.take(event));
        run
    }

    /// Where the step of that name stands.
    pub(crate) fn place(&self, step: &str) -> usize {
        self.places.get(step).copied().unwrap_or(0)
    }

    /// The journal stops before the run ended: it was killed, or its journal
    /// was cut short.
    pub fn is_cut_short(&self) -> bool {
        self.outcome.is_none()
    }

    /// Nobody knows whether the bench was left safe: the journal ends before.
    pub(crate) fn is_safety_unknown(&self) -> bool {
        self.is_cut_short() && self.safe_state.is_none()
    }

    /// As the run said at its end; without an end it was aborted. What is
    /// unknown of the bench is told beside it, see [`Self::is_safety_unknown`].
    pub fn outcome(&self) -> Outcome {
        self.outcome.unwrap_or_else(|| {
            let failed = self.measurements().any(|m| m.verdict == Verdict::Fail)
                || self.problems().any(|p| p.verdict == Verdict::Fail)
                || self.steps.iter().any(|s| s.verdict() == Some(Verdict::Fail));
            let disposition = if failed { Disposition::Fail } else { Disposition::None };
            let safe = self.safe_state.as_ref().is_none_or(|s| s.confirmed);
            Outcome { disposition, status: Status::Aborted, safe }
        })
    }

    /// Of setup, steps and teardown, in order.
    pub(crate) fn measurements(&self) -> impl Iterator<Item = &Measurement> {
        let phases = |when: &'static str| self.phases.iter().filter(move |p| (p.name == "teardown") == (when == "after"));
        let steps = self.steps.iter().flat_map(Step::measurements);
        phases("before").flat_map(|p| &p.work.measurements).chain(steps).chain(phases("after").flat_map(|p| &p.work.measurements))
    }

    /// Of the run, of setup, steps and teardown.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Problem> {
        let steps = self.steps.iter().flat_map(|s| s.attempts.iter().flat_map(|a| &a.problems));
        self.problems.iter().chain(self.phases.iter().flat_map(|p| &p.work.problems)).chain(steps)
    }

    pub(crate) fn counts(&self) -> Counts {
        let is = |verdict| self.steps.iter().filter(|s| s.verdict() == Some(verdict)).count();
        Counts {
            steps: self.steps.len(),
            passed: is(Verdict::Pass),
            measurements: self.measurements().count(),
            good: self.measurements().filter(|m| m.verdict == Verdict::Pass).count(),
            provisional: self.measurements().filter(|m| m.provisional).count(),
        }
    }

    /// Each requirement that a step or a measurement names, and what judged it.
    pub(crate) fn coverage(&self) -> BTreeMap<&str, Coverage<'_>> {
        let mut all: BTreeMap<&str, Coverage<'_>> = BTreeMap::new();
        for step in &self.steps {
            for requirement in &step.requirements {
                let of = all.entry(requirement).or_default();
                of.steps.push(step);
                of.verdict = of.verdict.max(step.verdict());
            }
            for m in step.measurements() {
                for requirement in &m.requirements {
                    let of = all.entry(requirement).or_default();
                    of.measurements += 1;
                }
            }
        }
        all
    }
}

/// What judged a requirement.
#[derive(Default)]
pub(crate) struct Coverage<'a> {
    pub(crate) steps: Vec<&'a Step>,
    /// The worst of the steps'; `None`: none of them ended.
    pub(crate) verdict: Option<Verdict>,
    /// How many measurements name it.
    pub(crate) measurements: usize,
}

/// The text of an event, cleaned.
fn clean(text: &str) -> String {
    plain(text)
}
