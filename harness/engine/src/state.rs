//! The run so far, as a fold over its events. Decides the verdict of a step
//! and the two results of the run; does and writes nothing.

use hil_record::{Disposition, EventKind, Measurement, Outcome, Status, Verdict};

/// What the events so far amount to.
#[derive(Default)]
pub(crate) struct State {
    /// The first event is out.
    pub(crate) started: bool,
    /// The bench answered: teardown has something to work on.
    pub(crate) opened: bool,
    /// `setup` or `teardown`, while it runs.
    pub(crate) phase: Option<String>,
    /// The step that runs.
    pub(crate) open: Option<OpenStep>,
    /// Steps that ended or were skipped.
    pub(crate) finished: usize,
    /// How often somebody asked to stop.
    pub(crate) interrupts: u32,
    /// The safe state's event is out; whether it was confirmed.
    pub(crate) safe: Option<bool>,
    /// The last event is out.
    pub(crate) outcome: Option<Outcome>,
    failed: bool,
    undecided: bool,
    incomplete: bool,
    judged: usize,
    trouble: bool,
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
            EventKind::PhaseFinished { .. } => self.phase = None,
            EventKind::StepStarted { step, attempt, requirements, .. } => {
                self.open = Some(OpenStep {
                    id: step.clone(),
                    attempt: *attempt,
                    has_requirements: !requirements.is_empty(),
                    worst: None,
                    reason: None,
                });
            }
            EventKind::Measurement(m) => self.fold_measurement(m),
            EventKind::Problem { step, verdict, message } => self.fold_problem(step.as_deref(), *verdict, message),
            EventKind::StepFinished { verdict, .. } => self.fold_step(*verdict),
            EventKind::Interrupted { count, .. } => self.interrupts = *count,
            EventKind::SafeState { confirmed, .. } => self.safe = Some(*confirmed),
            EventKind::RunFinished { disposition, status, safe, .. } => {
                self.outcome = Some(Outcome { disposition: *disposition, status: *status, safe: *safe });
            }
            EventKind::ActionStarted { .. } | EventKind::Stimulus { .. } | EventKind::Reading { .. } | EventKind::Edge { .. } => {}
        }
    }

    fn fold_measurement(&mut self, m: &Measurement) {
        self.trouble |= m.verdict == Verdict::Error;
        if let Some(open) = self.open.as_mut().filter(|o| o.id == m.step) {
            self.judged += 1;
            open.take(m.verdict, || describe(m));
        }
    }

    fn fold_problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) {
        self.trouble |= verdict == Verdict::Error;
        if let Some(open) = self.open.as_mut().filter(|o| Some(o.id.as_str()) == step) {
            open.take(verdict, || message.to_owned());
        }
    }

    fn fold_step(&mut self, verdict: Verdict) {
        self.open = None;
        self.finished += 1;
        match verdict {
            Verdict::Pass => {}
            Verdict::Inconclusive => self.undecided = true,
            Verdict::Fail => self.failed = true,
            Verdict::Skipped | Verdict::Aborted => self.incomplete = true,
            Verdict::Error => {
                self.incomplete = true;
                self.trouble = true;
            }
        }
    }

    /// Both results, as far as the events say.
    pub(crate) fn verdict(&self) -> Outcome {
        Outcome { disposition: self.disposition(), status: self.status(), safe: self.safe == Some(true) }
    }

    /// What the unit is.
    fn disposition(&self) -> Disposition {
        if self.failed {
            Disposition::Fail
        } else if self.incomplete {
            Disposition::None
        } else if self.undecided || self.judged == 0 {
            Disposition::Inconclusive
        } else {
            Disposition::Pass
        }
    }

    /// What the run was. Any wish to stop makes it aborted, however late it
    /// came; an error of the tester weighs more.
    fn status(&self) -> Status {
        if self.trouble {
            Status::TesterError
        } else if self.interrupts > 0 {
            Status::Aborted
        } else {
            Status::Completed
        }
    }

    /// Where something that goes wrong now belongs: the step or phase that runs.
    pub(crate) fn place(&self) -> Option<String> {
        self.open.as_ref().map(|o| o.id.clone()).or_else(|| self.phase.clone())
    }
}

impl OpenStep {
    fn take(&mut self, verdict: Verdict, reason: impl FnOnce() -> String) {
        if self.reason.is_none() && verdict > Verdict::Pass {
            self.reason = Some(reason());
        }
        self.worst = self.worst.max(Some(verdict));
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
    format!("`{}` is {}{unit}, expected {expected}", m.name, m.value)
}
