//! Every text of an event that may hold what somebody wrote or read: for
//! whoever must hide something in all of them.

use crate::datum::Datum;
use crate::event::EventKind;

impl EventKind {
    /// Calls `change` with each text that is no name, id, unit or word of ours.
    pub fn change_texts(&mut self, change: &mut dyn FnMut(&mut String)) {
        match self {
            Self::RunStarted { title, parameters, .. } => {
                change(title);
                parameters.values_mut().for_each(change);
            }
            Self::PhaseFinished { error, .. } => error.iter_mut().for_each(change),
            Self::StepStarted { title, .. } => change(title),
            Self::ActionStarted { text, .. } => change(text),
            Self::Stimulus { value, .. } | Self::Reading { value, .. } => datum(value, change),
            Self::Edge { trigger, .. } => change(trigger),
            Self::Measurement(m) => {
                datum(&mut m.value, change);
                change(&mut m.of);
                m.expected.iter_mut().for_each(change);
            }
            Self::Wire { text, .. } => change(text),
            Self::Problem { message, .. } => change(message),
            Self::Answer { prompt, value, .. } => {
                change(prompt);
                datum(value, change);
            }
            Self::Call { arguments, results, .. } => {
                arguments.values_mut().for_each(&mut *change);
                results.iter_mut().for_each(|r| datum(&mut r.value, change));
            }
            Self::StepExcluded { reason, .. } => change(reason),
            Self::StepFinished { reason, .. } => reason.iter_mut().for_each(change),
            Self::SafeState { outputs, .. } => outputs.iter_mut().for_each(|o| change(&mut o.readback)),
            Self::Lid { reason, .. } => reason.iter_mut().for_each(change),
            Self::BenchOpened { .. }
            | Self::PhaseStarted { .. }
            | Self::Waveform { .. }
            | Self::BranchFinished { .. }
            | Self::Retry { .. }
            | Self::Interrupted { .. }
            | Self::InterlockOpened { .. }
            | Self::RunFinished { .. } => {}
        }
    }

    /// The signal whose value the event tells, and that value.
    pub fn told_value(&mut self) -> Option<(&str, Vec<&mut String>)> {
        let text = |value| match value {
            Told::Datum(Datum::Text(text)) => Some(text),
            Told::Datum(Datum::Number(_)) => None,
            Told::Text(text) => Some(text),
        };
        let (signal, told) = match self {
            Self::Stimulus { signal, value, .. } | Self::Reading { signal, value, .. } => (signal, vec![Told::Datum(value)]),
            Self::Edge { signal, trigger, .. } => (signal, vec![Told::Text(trigger)]),
            Self::Measurement(m) => {
                (&mut m.of, std::iter::once(Told::Datum(&mut m.value)).chain(m.expected.as_mut().map(Told::Text)).collect())
            }
            Self::RunStarted { .. }
            | Self::BenchOpened { .. }
            | Self::PhaseStarted { .. }
            | Self::PhaseFinished { .. }
            | Self::StepStarted { .. }
            | Self::ActionStarted { .. }
            | Self::Waveform { .. }
            | Self::Wire { .. }
            | Self::Problem { .. }
            | Self::Answer { .. }
            | Self::Call { .. }
            | Self::BranchFinished { .. }
            | Self::StepExcluded { .. }
            | Self::Retry { .. }
            | Self::StepFinished { .. }
            | Self::Interrupted { .. }
            | Self::InterlockOpened { .. }
            | Self::SafeState { .. }
            | Self::Lid { .. }
            | Self::RunFinished { .. } => return None,
        };
        Some((signal, told.into_iter().filter_map(text).collect()))
    }
}

enum Told<'a> {
    Datum(&'a mut Datum),
    Text(&'a mut String),
}

fn datum(value: &mut Datum, change: &mut dyn FnMut(&mut String)) {
    if let Datum::Text(text) = value {
        change(text);
    }
}
