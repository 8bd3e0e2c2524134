//! `hil run --dry-run`: what would be commanded, in order, without opening
//! anything. What depends on the unit (edges, values, failures) is not known
//! here: conditions are shown, not decided.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hil_channel::Abilities;
use hil_engine::Selection;
use hil_model::{Act, Action, SignalId, Step};

use crate::load::Loaded;

/// The whole plan as text.
pub fn dry_run(loaded: &Loaded, selection: &Selection) -> String {
    let abilities = loaded.bench.abilities(&loaded.dialects);
    let (plan, mut out) = (&loaded.plan, String::new());
    let rounds = if selection.repeat > 1 { format!(", up to {} rounds", selection.repeat) } else { String::new() };
    let _ = writeln!(out, "dry run of `{}` on bench `{}`{rounds}: nothing is opened or switched on", plan.id, loaded.place());
    acts(&mut out, &abilities, "setup", &plan.setup);
    for step in &plan.steps {
        if selection.steps.as_ref().is_some_and(|steps| !steps.contains(&step.id)) {
            let _ = writeln!(out, "\n[{}]  not selected", step.id);
            continue;
        }
        if let Some(reason) = loaded.lacking.get(&step.id) {
            let _ = writeln!(out, "\n[{}]  {reason}", step.id);
            continue;
        }
        acts(&mut out, &abilities, &header(step), &step.acts);
    }
    acts(&mut out, &abilities, "recover, after a failed step", &plan.recover);
    acts(&mut out, &abilities, "teardown", &plan.teardown);
    let _ = writeln!(out, "\n[safe state]\n  every output off, confirmed by readback");
    out
}

fn header(step: &Step) -> String {
    let mut text = step.id.clone();
    if let Some(when) = &step.course.when {
        let _ = write!(text, ", when {}", when.text);
    }
    if step.course.repeat > 1 {
        let _ = write!(text, ", {} times", step.course.repeat);
    }
    if step.course.always {
        text.push_str(", also when other steps are selected");
    }
    if !step.course.continue_on_fail {
        text.push_str(", ends the plan if it fails");
    }
    text
}

fn acts(out: &mut String, abilities: &BTreeMap<SignalId, Abilities>, header: &str, acts: &[Act]) {
    if acts.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n[{header}]");
    acts.iter().for_each(|act| one(out, abilities, "  ", act));
}

fn one(out: &mut String, abilities: &BTreeMap<SignalId, Abilities>, indent: &str, act: &Act) {
    let part = |signal: &SignalId| abilities.get(signal).map_or("?", |a| a.part.as_str());
    match &act.action {
        Action::Set { assignments, .. } => {
            for (signal, value) in assignments {
                let _ = writeln!(out, "{indent}set {signal} = {value}  ->  {}", part(signal));
            }
        }
        Action::Write { entries, commit, .. } => {
            for entry in entries {
                let _ = writeln!(out, "{indent}stage {} = {}  ->  {}", entry.signal, entry.setpoint, part(&entry.signal));
            }
            let _ = writeln!(out, "{indent}write what is staged, and read it back  ->  {}", part(commit));
        }
        Action::Ramp { signal, .. } | Action::Profile { signal, .. } => {
            let _ = writeln!(out, "{indent}{}  ->  {}", act.text, part(signal));
        }
        Action::Call(call) => {
            let _ = writeln!(out, "{indent}{}  ->  program `{}`", act.text, call.program);
        }
        Action::Together { branches } => {
            for (index, acts) in branches.iter().enumerate() {
                let _ = writeln!(out, "{indent}branch {} beside the others:", index + 1);
                acts.iter().for_each(|act| one(out, abilities, &format!("{indent}  "), act));
            }
        }
        Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Measure { .. }
        | Action::Watch { .. }
        | Action::Require { .. }
        | Action::Expect { .. }
        | Action::Read { .. }
        | Action::Prompt { .. } => {
            let _ = writeln!(out, "{indent}{}", act.text);
        }
    }
}
