//! The parts of a [`super::Run`].

use hil_record::event::Exclusion;
use hil_record::{Datum, Measurement, Verdict};

/// A step with all its attempts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Step {
    pub(crate) id: String,
    /// Empty if it never began.
    pub(crate) title: String,
    pub(crate) requirements: Vec<String>,
    pub(crate) attempts: Vec<Attempt>,
    /// Why it was skipped.
    pub(crate) skipped: Option<String>,
    /// It was left out on purpose.
    pub(crate) excluded: Option<Exclusion>,
}

/// One try of a step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempt {
    pub(crate) number: u32,
    pub(crate) began_ns: u64,
    /// `None`: cut short.
    pub(crate) ended_ns: Option<u64>,
    pub(crate) verdict: Option<Verdict>,
    pub(crate) reason: Option<String>,
    pub(crate) measurements: Vec<Measurement>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) stimuli: Vec<Stimulus>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) readings: Vec<Reading>,
    pub(crate) answers: Vec<Answer>,
    /// It failed like this, and the step was tried once more.
    pub(crate) retried_as: Option<String>,
}

/// Setup or teardown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) work: Attempt,
}

/// What went wrong and was no measurement.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) verdict: Verdict,
    pub(crate) lines: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stimulus {
    pub(crate) signal: String,
    pub(crate) value: Datum,
    pub(crate) unit: String,
    pub(crate) at_ns: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Edge {
    pub(crate) name: String,
    pub(crate) signal: String,
    pub(crate) trigger: String,
    pub(crate) at_ns: u64,
    pub(crate) uncertainty_ns: u64,
    pub(crate) source: String,
    /// Of the samples.
    pub(crate) unit: String,
    /// When and what, in order; none where it was not found on samples.
    pub(crate) samples: Vec<(u64, f64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) name: String,
    pub(crate) signal: String,
    pub(crate) value: Datum,
    pub(crate) unit: String,
}

/// What a person said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) prompt: String,
    pub(crate) value: Datum,
    pub(crate) unit: String,
    pub(crate) by: String,
}

impl Step {
    pub(crate) fn new(id: String) -> Self {
        Self { id, ..Self::default() }
    }

    /// Of its last attempt; of one that was cut short while it had failed, a
    /// fail; `None` if it was never judged.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self.attempts.last() {
            Some(attempt) => attempt.verdict.or_else(|| attempt.has_failed().then_some(Verdict::Fail)),
            None => self.skipped.is_some().then_some(Verdict::Skipped),
        }
    }

    pub(crate) fn measurements(&self) -> impl Iterator<Item = &Measurement> {
        self.attempts.iter().flat_map(|a| &a.measurements)
    }

    /// Bench time of all attempts; `None` if it never began.
    pub(crate) fn took_ns(&self, run_ended_ns: u64) -> Option<u64> {
        let took = |a: &Attempt| a.ended_ns.unwrap_or(run_ended_ns).saturating_sub(a.began_ns);
        (!self.attempts.is_empty()).then(|| self.attempts.iter().map(took).fold(0, u64::saturating_add))
    }

    /// Why it was not good.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.attempts.last().and_then(|a| a.reason.as_deref()).or(self.skipped.as_deref())
    }
}

impl Attempt {
    fn has_failed(&self) -> bool {
        self.measurements.iter().map(|m| m.verdict).chain(self.problems.iter().map(|p| p.verdict)).any(|v| v == Verdict::Fail)
    }
}
