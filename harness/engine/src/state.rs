//! The run so far, as a fold over its events. Decides the verdict of a step
//! and the two results of the run; does and writes nothing.

use std::collections::BTreeMap;

use hil_model::quantity::significant;
use hil_record::{Datum, Disposition, EventKind, Exclusion, Measurement, Outcome, Status, Verdict};

/// What the events so far amount to.
#[derive(Default)]
pub(crate) struct State {
    /// The first event is out.
    pub(crate) started: bool,
    /// The bench answered: teardown has something to work on.
    pub(crate) opened: bool,
    /// `setup` or `teardown`, while it runs.
    pub(crate) phase: Option<String>,
    /// The steps that run, in the order in which they began.
    pub(crate) open: Vec<OpenStep>,
    /// How often somebody asked to stop.
    pub(crate) interrupts: u32,
    /// The interlock opened.
    pub(crate) interlocked: bool,
    /// The safe state's event is out; whether it was confirmed.
    pub(crate) safe: Option<bool>,
    /// The last event is out.
    pub(crate) outcome: Option<Outcome>,
    /// Steps that ended or were skipped, by id.
    steps: BTreeMap<String, Attempts>,
    retried: Vec<String>,
    judged: usize,
    /// The tester was at fault outside of the steps.
    trouble: bool,
    /// The bench was not in order after the last step.
    unproved: bool,
}

/// The phase after the last step in which the bench is proved; it is journalled
/// only where that fails.
pub(crate) const PROOF: &str = "proof";

/// What became of one step so far.
#[derive(Default)]
struct Attempts {
    /// All that ended, from 1.
    count: u32,
    /// The worst, and why.
    worst: Option<Verdict>,
    reason: String,
    /// What `worst` was before the last attempt.
    earlier: Option<Verdict>,
    /// The same, while that attempt is being tried again.
    before: Option<Option<Verdict>>,
    excluded: Option<Exclusion>,
}

/// A step that runs.
pub(crate) struct OpenStep {
    /// Its id.
    pub(crate) id: String,
    /// From 1.
    pub(crate) attempt: u32,
    has_requirements: bool,
    worst: Option<Verdict>,
    /// What went wrong first.
    reason: Option<String>,
}

impl State {
    /// Takes one event.
    pub(crate) fn fold(&mut self, kind: &EventKind) {
        match kind {
            EventKind::RunStarted { .. } => self.started = true,
            EventKind::BenchOpened { .. } => self.opened = true,
            EventKind::PhaseStarted { phase } => self.phase = Some(phase.clone()),
            EventKind::PhaseFinished { phase, .. } => {
                self.unproved |= phase == PROOF;
                self.phase = None;
            }
            EventKind::StepStarted { step, attempt, requirements, .. } => {
                self.open.push(OpenStep {
                    id: step.clone(),
                    attempt: *attempt,
                    has_requirements: !requirements.is_empty(),
                    worst: None,
                    reason: None,
                });
            }
            EventKind::Measurement(m) => self.fold_measurement(m),
            EventKind::Problem { step, verdict, message } => self.fold_problem(step.as_deref(), *verdict, message),
            EventKind::StepExcluded { step, by, .. } => self.steps.entry(step.clone()).or_default().excluded = Some(*by),
            EventKind::Retry { step, .. } => self.steps.entry(step.clone()).or_default().tries_again(),
            EventKind::StepFinished { step, verdict, reason, .. } => self.fold_step(step, *verdict, reason.as_deref()),
            EventKind::Interrupted { count, .. } => self.interrupts = *count,
            EventKind::InterlockOpened { .. } => self.interlocked = true,
            // A bench whose studs nobody knows to be dead is out of order.
            EventKind::Lid { unlocked, .. } => self.trouble |= !unlocked,
            EventKind::SafeState { confirmed, .. } => self.safe = Some(*confirmed),
            EventKind::RunFinished { disposition, status, safe, .. } => {
                self.outcome = Some(Outcome { disposition: *disposition, status: *status, safe: *safe });
            }
            EventKind::ActionStarted { .. }
            | EventKind::BranchFinished { .. }
            | EventKind::Stimulus { .. }
            | EventKind::Reading { .. }
            | EventKind::Edge { .. }
            | EventKind::Waveform { .. }
            | EventKind::Wire { .. }
            | EventKind::Answer { .. }
            | EventKind::Call { .. } => {}
        }
    }

    fn fold_measurement(&mut self, m: &Measurement) {
        match self.open.iter_mut().find(|o| o.id == m.step) {
            Some(open) => {
                self.judged += 1;
                open.take(m.verdict, || describe(m));
            }
            None => self.trouble |= m.verdict == Verdict::Error,
        }
    }

    fn fold_problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) {
        match self.open.iter_mut().find(|o| Some(o.id.as_str()) == step) {
            Some(open) => open.take(verdict, || message.to_owned()),
            None => self.trouble |= verdict == Verdict::Error,
        }
    }

    fn fold_step(&mut self, step: &str, verdict: Verdict, reason: Option<&str>) {
        self.open.retain(|o| o.id != step);
        if self.steps.entry(step.to_owned()).or_default().end(verdict, reason) {
            self.retried.push(step.to_owned());
        }
    }

    /// A step that runs.
    pub(crate) fn open_step(&self, step: &str) -> Option<&OpenStep> {
        self.open.iter().find(|o| o.id == step)
    }

    /// How many attempts of a step have ended.
    pub(crate) fn attempts(&self, step: &str) -> u32 {
        self.steps.get(step).map_or(0, |s| s.count)
    }

    /// What a step came to; `None` before it ended.
    pub(crate) fn result(&self, step: &str) -> Option<Verdict> {
        self.steps.get(step)?.worst
    }

    /// What was wrong with a step that ended.
    pub(crate) fn reason(&self, step: &str) -> String {
        self.steps.get(step).map_or_else(String::new, |s| s.reason.clone())
    }

    /// Steps that passed only when they were tried again.
    pub(crate) fn retried(&self) -> &[String] {
        &self.retried
    }

    /// Whether a step was left out because the bench cannot judge it.
    pub(crate) fn is_beyond_the_bench(&self, step: &str) -> bool {
        self.steps.get(step).is_some_and(|s| s.excluded == Some(Exclusion::Bench))
    }

    /// Both results, as far as the events say.
    pub(crate) fn verdict(&self) -> Outcome {
        Outcome { disposition: self.disposition(), status: self.status(), safe: self.safe == Some(true) }
    }

    /// What the unit is.
    fn disposition(&self) -> Disposition {
        let any = |test: fn(&Attempts) -> bool| self.steps.values().any(test);
        let is = |s: &Attempts, verdict| s.worst == Some(verdict);
        if any(|s| s.worst == Some(Verdict::Fail)) {
            Disposition::Fail
        } else if self
            .steps
            .values()
            .any(|s| is(s, Verdict::Aborted) || is(s, Verdict::Error) || is(s, Verdict::Skipped) && s.excluded.is_none())
            || self.unproved
        {
            Disposition::None
        } else if any(|s| s.worst == Some(Verdict::Inconclusive) || matches!(s.excluded, Some(Exclusion::Selection | Exclusion::Bench)))
            || self.judged == 0
        {
            Disposition::Inconclusive
        } else {
            Disposition::Pass
        }
    }

    /// What the run was. Any wish to stop makes it aborted, however late it
    /// came, and so does an interlock that opened: that too is a person's doing.
    /// An error of the tester weighs more.
    fn status(&self) -> Status {
        if self.trouble || self.steps.values().any(|s| s.worst == Some(Verdict::Error)) {
            Status::TesterError
        } else if self.interrupts > 0 || self.interlocked {
            Status::Aborted
        } else {
            Status::Completed
        }
    }

    /// Where something that goes wrong now belongs: the step or phase that runs.
    /// Of several steps side by side it is the first, and the others end too.
    pub(crate) fn place(&self) -> Option<String> {
        self.open.first().map(|o| o.id.clone()).or_else(|| self.phase.clone())
    }
}

impl Attempts {
    /// The attempt that just ended does not count if the next one passes.
    fn tries_again(&mut self) {
        self.before = Some(self.earlier);
    }

    /// Takes the end of an attempt; whether it undoes the one before it.
    fn end(&mut self, verdict: Verdict, reason: Option<&str>) -> bool {
        self.count += 1;
        let undone = self.before.take().filter(|_| verdict == Verdict::Pass);
        if let Some(before) = undone {
            self.worst = before;
        }
        self.earlier = self.worst;
        if self.worst < Some(verdict) {
            self.reason = reason.unwrap_or_default().to_owned();
        }
        self.worst = self.worst.max(Some(verdict));
        undone.is_some()
    }
}

impl OpenStep {
    fn take(&mut self, verdict: Verdict, reason: impl FnOnce() -> String) {
        if self.reason.is_none() && verdict > Verdict::Pass {
            self.reason = Some(reason());
        }
        self.worst = self.worst.max(Some(verdict));
    }

    /// The worst so far.
    pub(crate) const fn worst(&self) -> Option<Verdict> {
        self.worst
    }

    /// The verdict of its measurements and problems, at least `floor`, and
    /// what went wrong first. Nothing judged where there are requirements is
    /// no pass.
    pub(crate) fn verdict(&self, floor: Option<Verdict>, floor_reason: &str) -> (Verdict, Option<String>) {
        let floor_says = |v: Verdict| (v, self.reason.clone().or_else(|| Some(floor_reason.to_owned())));
        match (self.worst, floor) {
            (Some(worst), Some(floor)) if worst >= floor => (worst, self.reason.clone()),
            (_, Some(floor)) => floor_says(floor),
            (Some(worst), None) => (worst, self.reason.clone()),
            (None, None) if self.has_requirements => (Verdict::Inconclusive, Some("nothing was judged, though it has requirements".into())),
            (None, None) => (Verdict::Pass, None),
        }
    }
}

/// `` `lead` is 29.5 s, expected 30 .. 31 s ``.
fn describe(m: &Measurement) -> String {
    let unit = if m.unit.is_empty() { String::new() } else { format!(" {}", m.unit) };
    let expected = match (&m.expected, m.low, m.high) {
        (Some(text), _, _) => format!("`{text}`"),
        (None, Some(low), Some(high)) => format!("{low} .. {high}{unit}"),
        (None, Some(low), None) => format!(">= {low}{unit}"),
        (None, None, Some(high)) => format!("<= {high}{unit}"),
        (None, None, None) => "a value that can be judged".into(),
    };
    let found = match &m.value {
        Datum::Number(x) => rounded(*x, (m.low, m.high)),
        Datum::Text(text) => text.clone(),
    };
    format!("`{}` is {found}{unit}, expected {expected}", m.name)
}

/// Six digits, or as many as leave it on its side of both limits.
fn rounded(x: f64, (low, high): (Option<f64>, Option<f64>)) -> String {
    let side = |x: f64| (low.is_some_and(|low| x < low), high.is_some_and(|high| x > high));
    let stays = |digits: &String| digits.parse().is_ok_and(|rounded| side(rounded) == side(x));
    (6..=17).map(|digits| significant(x, digits)).find(stays).unwrap_or_else(|| x.to_string())
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn a_number_is_rounded_and_stays_on_its_side() {
        assert_eq!(rounded(-5.033_499_999_999_999, (Some(-5.0), None)), "-5.0335");
        assert_eq!(rounded(10.000_000_4, (None, Some(10.0))), "10.0000004");
        assert_eq!(rounded(9.999_999_9, (Some(10.0), Some(11.0))), "9.9999999");
        assert_eq!(rounded(1e-15, (None, Some(0.0))), "0.000000000000001");
    }
}
