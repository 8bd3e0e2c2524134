//! Which measurements a plan declares, by step: what a journal must have of a
//! unit that passes.

use std::collections::BTreeMap;

use hil_model::{Act, Action, Plan, Step};
use hil_record::{Event, EventKind, Exclusion, Verdict};

/// Names of a step's measurements, and how often each is taken.
fn of_step(step: &Step) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    add(&step.acts, &mut all);
    all
}

fn add(acts: &[Act], all: &mut BTreeMap<String, usize>) {
    for act in acts {
        if let Action::Together { branches } = &act.action {
            branches.iter().for_each(|acts| add(acts, all));
        }
        for name in taken(&act.action) {
            *all.entry(name.to_owned()).or_default() += 1;
        }
    }
}

/// Names of the measurements that an action takes itself.
fn taken(action: &Action) -> Vec<&str> {
    match action {
        Action::Measure { name, .. } | Action::Require { name, .. } | Action::Prompt { name, check: Some(_), .. } => vec![name],
        Action::Expect { conditions, .. } => conditions.iter().map(|(signal, _)| signal.as_str()).collect(),
        Action::Ramp { check: Some(_), capture, name, .. } => {
            name.as_deref().or(capture.as_ref().map(|s| s.as_str())).into_iter().collect()
        }
        Action::Write { entries, state, .. } => std::iter::once(state.as_str()).chain(entries.iter().map(|e| e.signal.as_str())).collect(),
        Action::Ramp { check: None, .. }
        | Action::Prompt { check: None, .. }
        | Action::Set { .. }
        | Action::Profile { .. }
        | Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Watch { .. }
        | Action::Read { .. }
        | Action::Call(_)
        | Action::Together { .. } => Vec::new(),
    }
}

/// What a unit that passed lacks: steps without a pass, measurements that were
/// not taken, or not good. A step whose `when` does not hold may be left out.
pub fn missing(plan: &Plan, events: &[Event]) -> Vec<String> {
    plan.steps.iter().flat_map(|step| missing_of(step, events)).collect()
}

fn missing_of(step: &Step, events: &[Event]) -> Vec<String> {
    let excluded =
        events.iter().any(|e| matches!(&e.kind, EventKind::StepExcluded { step: id, by: Exclusion::Condition, .. } if *id == step.id));
    if excluded {
        return Vec::new();
    }
    let mut ends = events.iter().filter_map(|e| match &e.kind {
        EventKind::StepFinished { step: id, attempt, verdict, .. } if *id == step.id => Some((*attempt, *verdict)),
        _ => None,
    });
    let Some((attempt, verdict)) = ends.next_back() else { return vec![format!("step `{}` did not run", step.id)] };
    if verdict != Verdict::Pass {
        return vec![format!("step `{}` is {verdict}", step.id)];
    }
    let mut left = of_step(step);
    for event in events {
        if let EventKind::Measurement(m) = &event.kind
            && m.step == step.id
            && m.attempt == attempt
            && m.verdict == Verdict::Pass
            && let Some(times) = left.get_mut(&m.name)
        {
            *times = times.saturating_sub(1);
        }
    }
    left.retain(|_, times| *times > 0);
    left.into_keys().map(|name| format!("step `{}` has no good `{name}`", step.id)).collect()
}
