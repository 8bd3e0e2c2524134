//! One test case while it is folded, and what JUnit makes of its verdict.

use hil_record::Verdict;
use junit_report::{Duration, TestCase, TestCaseBuilder};

use super::clean::{clean, line};
use crate::text;

/// A step, a phase, or the run itself.
#[derive(Default)]
pub(super) struct Case {
    pub(super) name: String,
    /// Bench time when it began; `Some` while it goes on.
    pub(super) running: Option<u64>,
    /// Bench nanoseconds of all attempts.
    pub(super) took: u64,
    /// The worst verdict; `None`: never judged.
    pub(super) verdict: Option<Verdict>,
    pub(super) reason: Option<String>,
    /// The verdict and the number of faults before the last attempt began.
    before: (Option<Verdict>, usize),
    /// That attempt is being tried again: what was before it.
    retrying: Option<(Option<Verdict>, usize)>,
    /// What was not good, in order.
    pub(super) faults: Vec<String>,
    /// Measurements and what else a reader wants, in order.
    pub(super) lines: Vec<String>,
}

impl Case {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// A case that is an error of the tester.
    pub(super) fn error(name: &str, fault: impl Into<String>) -> Self {
        let mut case = Self::new(name);
        case.fault(Verdict::Error, fault.into());
        case
    }

    pub(super) fn begin(&mut self, now: u64) {
        self.running = Some(now);
        self.before = (self.verdict, self.faults.len());
    }

    pub(super) fn end(&mut self, now: u64) {
        self.took += self.running.take().map_or(0, |began| now.saturating_sub(began));
    }

    /// A verdict stays unless a worse one comes: a fail in the first attempt
    /// is not washed away by the second.
    pub(super) fn worsen(&mut self, verdict: Verdict) {
        self.verdict = self.verdict.max(Some(verdict));
    }

    pub(super) fn fault(&mut self, verdict: Verdict, fault: String) {
        self.worsen(verdict);
        self.faults.push(fault);
    }

    /// The attempt that just failed is tried once more; it counts unless that
    /// passes.
    pub(super) fn try_again(&mut self, attempt: u32, failure: &str) {
        self.lines.push(format!("attempt {attempt} failed as {}, tried once more", text::plain(failure)));
        self.retrying = Some(self.before);
    }

    /// The end of an attempt that may undo the one before it.
    pub(super) fn decide_retry(&mut self, verdict: Verdict) {
        let Some((before, faults)) = self.retrying.take().filter(|_| verdict == Verdict::Pass) else { return };
        self.verdict = before;
        self.reason = None;
        let undone = self.faults.split_off(faults.min(self.faults.len()));
        self.lines.extend(undone.into_iter().map(|fault| format!("undone by the retry: {fault}")));
        self.lines.push("passed only when tried again".to_owned());
    }

    pub(super) fn is_bad(&self) -> bool {
        self.verdict > Some(Verdict::Pass)
    }

    pub(super) fn build(&self, class: &str) -> TestCase {
        let name = line(&self.name);
        let took = milliseconds(self.took);
        let message = self.reason.as_deref().or(self.faults.first().map(String::as_str)).unwrap_or("no reason given");
        let message = line(message.lines().next().unwrap_or(""));
        let mut case = match self.verdict {
            None => TestCaseBuilder::skipped_with_cause(&name, "not-run", &line(self.reason.as_deref().unwrap_or("not run"))),
            Some(Verdict::Skipped) => TestCaseBuilder::skipped_with_cause(&name, "skipped", &message),
            Some(Verdict::Pass) => TestCaseBuilder::success(&name, took),
            Some(Verdict::Fail) => TestCaseBuilder::failure(&name, took, "fail", &message),
            // Not the unit's fault, and never a pass.
            Some(Verdict::Inconclusive) => TestCaseBuilder::error(&name, took, "inconclusive", &message),
            Some(Verdict::Aborted) => TestCaseBuilder::error(&name, took, "aborted", &message),
            Some(Verdict::Error) => TestCaseBuilder::error(&name, took, "tester-error", &message),
        };
        case.set_classname(&line(class));
        if !self.faults.is_empty() {
            case.set_trace(&clean(&self.faults.join("\n")));
        }
        if !self.lines.is_empty() {
            case.set_system_out(&clean(&self.lines.join("\n")));
        }
        case.build()
    }
}

/// To the millisecond, so that a suite's time is the sum of what its cases show.
fn milliseconds(ns: u64) -> Duration {
    Duration::milliseconds(i64::try_from(ns.saturating_add(500_000) / 1_000_000).unwrap_or(i64::MAX))
}
