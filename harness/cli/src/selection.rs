//! `--step`, `--from`, `--repeat`, `--until-fail`, `--pause-on-fail`: which
//! steps a run has, for whoever looks for a fault.

use std::collections::BTreeSet;

use hil_engine::Selection;
use hil_model::Plan;

use crate::args::Debugging;
use crate::failure::Failure;
use crate::operator::has_terminal;

/// Rounds of `--until-fail` without `--repeat`.
const ROUNDS: u32 = 1000;

/// What the command line asks for.
///
/// # Errors
/// A step that the plan has not, or a pause where nobody could end it.
pub fn selection(arguments: &Debugging, plan: &Plan) -> Result<Selection, Failure> {
    if arguments.pause_on_fail && !has_terminal() {
        return Err(Failure::invalid("--pause-on-fail: there is no terminal to go on from", None));
    }
    let (steps, why) = match (&arguments.from, arguments.step.as_slice()) {
        (Some(from), _) => (Some(from_on(plan, from)?), format!("--from {from}")),
        (None, []) => (None, String::new()),
        (None, wanted) => (Some(named(plan, wanted)?), wanted.iter().map(|s| format!("--step {s}")).collect::<Vec<_>>().join(" ")),
    };
    let always = plan.steps.iter().filter(|s| s.course.always).map(|s| s.id.clone());
    let steps: Option<BTreeSet<String>> = steps.map(|steps| steps.into_iter().chain(always).collect());
    // A selection of all steps leaves none out.
    let steps = steps.filter(|steps| steps.len() < plan.steps.len());
    let repeat = arguments.repeat.unwrap_or(if arguments.until_fail { ROUNDS } else { 1 });
    Ok(Selection {
        steps,
        why,
        repeat,
        until_fail: arguments.until_fail,
        pause_on_fail: arguments.pause_on_fail,
        one_by_one: arguments.one_by_one,
    })
}

/// A step's id, or what all rows of a `for-each` begin with.
fn is(id: &str, wanted: &str) -> bool {
    id == wanted || id.split_once('[').is_some_and(|(base, _)| base == wanted)
}

fn named(plan: &Plan, wanted: &[String]) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    for wanted in wanted {
        let before = found.len();
        found.extend(plan.steps.iter().filter(|s| is(&s.id, wanted)).map(|s| s.id.clone()));
        if found.len() == before && !found.iter().any(|id| is(id, wanted)) {
            return Err(unknown(plan, "--step", wanted));
        }
    }
    Ok(found)
}

fn from_on(plan: &Plan, from: &str) -> Result<BTreeSet<String>, Failure> {
    let at = plan.steps.iter().position(|s| is(&s.id, from)).ok_or_else(|| unknown(plan, "--from", from))?;
    Ok(plan.steps[at..].iter().map(|s| s.id.clone()).collect())
}

fn unknown(plan: &Plan, flag: &str, wanted: &str) -> Failure {
    let ids: Vec<&str> = plan.steps.iter().map(|s| s.id.as_str()).collect();
    let listed = hil_model::reader::report::one_of(wanted, &ids);
    let hint = hil_model::diagnostic::nearest(wanted, ids).map(|n| format!("did you mean `{n}`"));
    Failure::invalid(format!("{flag}: the plan has no step `{wanted}`, expected {listed}"), hint.as_deref())
}
