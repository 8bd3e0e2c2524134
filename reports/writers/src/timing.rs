//! What ran when, as a fold over events: phases and steps with their actions.
//! Where the bench time went is told by [`crate::critical`].
//!
//! Works of a run that was killed end with its journal. Of journals older than
//! branches, actions side by side follow each other.

use hil_record::{Event, EventKind};

/// Something of a run that takes time.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    pub(crate) kind: Kind,
    /// Step id or phase; empty for the others.
    pub(crate) name: String,
    /// From 1.
    pub(crate) attempt: u32,
    /// The step that it runs beside.
    pub(crate) beside: Option<String>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// In the order in which they began.
    pub(crate) acts: Vec<Act>,
    open: bool,
}

/// What kind of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Opening,
    Phase,
    Step,
    SafeState,
}

/// One action.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    pub(crate) text: String,
    /// Its branches, outermost first; empty outside of a `together`.
    pub(crate) branch: Vec<usize>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    open: bool,
}

/// All works of a run, in the order in which they began.
#[derive(Clone, Default, Debug)]
pub(crate) struct Timing {
    pub(crate) works: Vec<Work>,
    /// Bench time of the last event.
    pub(crate) end: u64,
}

impl Timing {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut timing = Self::default();
        events.iter().for_each(|event| timing.take(event));
        timing.settle();
        timing
    }

    /// Takes one event.
    pub(crate) fn take(&mut self, event: &Event) {
        // Nothing ends before it began, whatever a journal that somebody else has
        // written says.
        let now = self.end.max(event.bench_ns);
        self.end = now;
        match &event.kind {
            EventKind::RunStarted { .. } => self.begin(Kind::Opening, "", 1, None, now),
            EventKind::BenchOpened { .. } => self.finish(Kind::Opening, "", now),
            EventKind::PhaseStarted { phase } => self.begin(Kind::Phase, phase, 1, None, now),
            EventKind::PhaseFinished { phase, .. } => self.finish(Kind::Phase, phase, now),
            EventKind::StepStarted { step, attempt, beside, .. } => self.begin(Kind::Step, step, *attempt, beside.clone(), now),
            EventKind::StepFinished { step, .. } => self.finish(Kind::Step, step, now),
            EventKind::ActionStarted { step, text, branch, .. } => self.act(step, text, branch, now),
            EventKind::BranchFinished { step, branch, .. } => {
                if let Some(work) = self.running(step) {
                    work.end_acts(branch, now);
                }
            }
            EventKind::SafeState { took_ns, .. } => {
                self.finish(Kind::Opening, "", now.saturating_sub(*took_ns));
                self.begin(Kind::SafeState, "", 1, None, now.saturating_sub(*took_ns));
                self.finish(Kind::SafeState, "", now);
            }
            EventKind::Stimulus { .. }
            | EventKind::Reading { .. }
            | EventKind::Edge { .. }
            | EventKind::Waveform { .. }
            | EventKind::Wire { .. }
            | EventKind::Measurement(_)
            | EventKind::Problem { .. }
            | EventKind::Answer { .. }
            | EventKind::StepExcluded { .. }
            | EventKind::Retry { .. }
            | EventKind::Interrupted { .. }
            | EventKind::InterlockOpened { .. }
            | EventKind::Lid { .. }
            | EventKind::Call { .. }
            | EventKind::RunFinished { .. } => {}
        }
    }

    /// What has not ended lasts until the last event.
    pub(crate) fn settle(&mut self) {
        for work in self.works.iter_mut().filter(|w| w.open) {
            work.to = self.end;
            work.acts.iter_mut().filter(|a| a.open).for_each(|a| a.to = self.end);
        }
    }

    fn begin(&mut self, kind: Kind, name: &str, attempt: u32, beside: Option<String>, now: u64) {
        self.works.push(Work { kind, name: name.to_owned(), attempt, beside, from: now, to: now, acts: Vec::new(), open: true });
    }

    fn finish(&mut self, kind: Kind, name: &str, now: u64) {
        if let Some(work) = self.works.iter_mut().rev().find(|w| w.open && w.kind == kind && w.name == name) {
            work.end_acts(&[], now);
            (work.to, work.open) = (now.max(work.from), false);
        }
    }

    fn running(&mut self, name: &str) -> Option<&mut Work> {
        self.works.iter_mut().rev().find(|w| w.open && w.name == name)
    }

    fn act(&mut self, step: &str, text: &str, branch: &[usize], now: u64) {
        if let Some(work) = self.running(step) {
            work.end_acts(branch, now);
            work.acts.push(Act { text: text.to_owned(), branch: branch.to_vec(), from: now, to: now, open: true });
        }
    }
}

impl Work {
    /// The actions of a branch end, with those of the branches in it.
    fn end_acts(&mut self, branch: &[usize], now: u64) {
        for act in self.acts.iter_mut().filter(|a| a.open && a.branch.starts_with(branch)) {
            (act.to, act.open) = (now.max(act.from), false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_before_it_began() {
        let phase = || "setup".to_owned();
        let kinds = [
            (5, EventKind::PhaseStarted { phase: phase() }),
            (3, EventKind::PhaseFinished { phase: phase(), error: None }),
            (9, EventKind::SafeState { outputs: Vec::new(), confirmed: true, took_ns: 100 }),
        ];
        let events: Vec<Event> =
            kinds.into_iter().zip(0..).map(|((at, kind), seq)| Event { seq, bench_ns: at, wall: String::new(), kind }).collect();
        let timing = Timing::of(&events);
        assert_eq!(timing.works.iter().map(|w| (w.from, w.to)).collect::<Vec<_>>(), [(5, 5), (0, 9)]);
        assert_eq!(timing.end, 9);
    }
}
