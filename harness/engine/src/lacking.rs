//! What a bench knowingly lacks: steps that use it are not judged there. They
//! are left out and named, and a run that leaves one out passes no unit.

use std::collections::BTreeMap;

use hil_model::{Act, Action, Plan, SignalId};

/// Ids of the steps of `plan` that use a signal of `lacks` (signal to reason),
/// with the reason why they cannot be judged.
pub fn not_judged(plan: &Plan, lacks: &BTreeMap<SignalId, String>) -> BTreeMap<String, String> {
    let lacking = |step: &hil_model::Step| {
        let (signal, reason) = step.acts.iter().find_map(|act| first(act, lacks))?;
        Some((step.id.clone(), format!("not judged on this bench, which lacks `{signal}`: {reason}")))
    };
    plan.steps.iter().filter_map(lacking).collect()
}

/// `plan` without the steps that are not judged, as it runs on the bench.
#[must_use]
pub fn judged(plan: &Plan, left_out: &BTreeMap<String, String>) -> Plan {
    let mut plan = plan.clone();
    plan.steps.retain(|step| !left_out.contains_key(&step.id));
    plan
}

fn first<'l>(act: &Act, lacks: &'l BTreeMap<SignalId, String>) -> Option<(&'l SignalId, &'l String)> {
    if let Action::Together { branches } = &act.action {
        return branches.iter().flatten().find_map(|act| first(act, lacks));
    }
    act.action.signals().into_iter().find_map(|signal| lacks.get_key_value(signal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::*;

    #[test]
    fn finds_a_lacking_signal_in_every_place() {
        let branches = vec![vec![wait(1)], vec![set("red", "1 V")]];
        let ramp = |until: &str, capture: &str| Action::Ramp {
            signal: id("v"),
            from: None,
            to: q("20 V"),
            rate: q("1 V/s"),
            until: Some((id(until), is("on"))),
            capture: Some(id(capture)),
            name: None,
            check: None,
        };
        let acts = [
            set("red", "1 V"),
            measure("red", limit("0 V", "")),
            watch("red", "high", "x"),
            expect(&[("v", is("high")), ("red", is("high"))], 0, 0),
            act("ramp", ramp("red", "v")),
            act("ramp", ramp("v", "red")),
            act("together", Action::Together { branches }),
        ];
        let lacks = [(id("red"), "no eye".to_owned())].into();
        for one in acts {
            let plan = plan(vec![step("a", vec![set("v", "1 V"), one]), step("b", vec![measure("v", limit("0 V", ""))])]);
            let found = not_judged(&plan, &lacks);
            assert_eq!(found.into_iter().collect::<Vec<_>>(), [("a".into(), "not judged on this bench, which lacks `red`: no eye".into())]);
            assert_eq!(judged(&plan, &not_judged(&plan, &lacks)).steps.len(), 1);
        }
    }

    #[test]
    fn a_run_that_leaves_a_step_out_passes_no_unit_and_names_it() {
        let mut plan = plan(vec![step("a", vec![measure("red", limit("0 V", ""))]), step("b", vec![measure("v", limit("11 V", ""))])]);
        plan.steps[0].requirements = vec!["R-1".into()];
        let lacking = not_judged(&plan, &[(id("red"), "no eye".to_owned())].into());
        let ran = disturbed(&plan, |b| b.signal("v", "12 V"), Disturb { lacking: lacking.clone(), ..Disturb::default() });
        assert_eq!((ran.outcome.disposition, ran.outcome.exit_code()), (hil_record::Disposition::Inconclusive, 5));
        let last = ran.events.last().map(|e| e.kind.clone());
        let Some(hil_record::EventKind::RunFinished { not_judged, .. }) = last else { panic!("{last:?}") };
        assert_eq!(not_judged, ["R-1"]);
        // But it can fail one.
        let ran = disturbed(&plan, |b| b.signal("v", "10 V"), Disturb { lacking, ..Disturb::default() });
        assert_eq!(ran.outcome.exit_code(), 1);
    }
}
