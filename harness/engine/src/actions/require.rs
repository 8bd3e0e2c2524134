//! `require`: judges an expression once its edges have come. Edges that came
//! before are used as they are; one that does not come is the unit's fault.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use hil_model::expression::{EdgeRef, Expression};
use hil_model::{Blame, Check, Dimension, Quantity, Value};

use crate::evaluate::{EvaluateError, evaluate};
use crate::judge::Taken;
use crate::names::Known;
use crate::scene::{Scene, Stop};
use crate::uncertainty::{Form, RECTANGULAR};

pub(super) async fn require(
    scene: &Scene<'_>,
    expression: &Expression,
    name: &str,
    check: &Check,
    within: Duration,
    blame: Blame,
) -> Result<(), Stop> {
    let edges = expression.edges();
    // Woken by the watches, which are looked at before this act.
    let all_seen = poll_fn(|_| if missing(scene, &edges).is_none() { Poll::Ready(()) } else { Poll::Pending });
    // An edge that came in time may be told later.
    let lag = edges.iter().map(|edge| scene.watches.lag(&edge.name)).max().unwrap_or_default();
    if scene.stage.clock.timeout(within + lag, all_seen).await.is_err()
        && let Some(edge) = missing(scene, &edges)
    {
        return Err(Stop::Problem(scene.bad(blame).await?, not_seen(scene, edge, within)));
    }
    if let (Expression::Value(value), Check::Equals(_)) = (expression, check) {
        return require_word(scene, value, name, check, blame).await;
    }
    let out = evaluate(expression, &scene.names.borrow()).map_err(|e| Stop::error(e.to_string()))?;
    // Without an edge, the judgement is of now.
    let at = if edges.is_empty() { scene.now() } else { out.at };
    let form = out.uncertainty.map(|form| form.and(of_clock(scene, expression, out.quantity)));
    let value = Value::Quantity(out.quantity);
    let uncertainty = form.as_ref().map(Form::expanded);
    let taken = Taken { name, of: expression.to_string(), value: value.clone(), uncertainty, at, kind: None };
    let judged = scene.judge(&taken, check, blame).await;
    scene.keep_known(name, Known { value, uncertainty: form, at });
    judged
}

/// A level, an LED's state or a text has no arithmetic: it is judged as it was
/// taken.
async fn require_word(scene: &Scene<'_>, value: &str, name: &str, check: &Check, blame: Blame) -> Result<(), Stop> {
    let known = scene.names.borrow().value(value).cloned();
    let known = known.ok_or_else(|| Stop::error(EvaluateError::NoValue(value.to_owned()).to_string()))?;
    let taken = Taken { name, of: value.to_owned(), value: known.value, uncertainty: None, at: known.at, kind: None };
    scene.judge(&taken, check, blame).await
}

/// What the clock's own error adds to a time between edges.
fn of_clock(scene: &Scene<'_>, expression: &Expression, value: Quantity) -> Form {
    let timed = value.dimension == Dimension::TIME && !expression.edges().is_empty();
    let share = if timed { value.si.abs() * scene.stage.bench.clock_accuracy() * RECTANGULAR } else { 0.0 };
    Form::single("clock", share)
}

fn missing<'e>(scene: &Scene<'_>, edges: &[&'e EdgeRef]) -> Option<&'e EdgeRef> {
    let names = scene.names.borrow();
    edges.iter().find(|e| names.edge(e).is_none()).copied()
}

fn not_seen(scene: &Scene<'_>, edge: &EdgeRef, within: Duration) -> String {
    let what = scene.watches.describe(&edge.name).map_or_else(String::new, |w| format!(" ({w})"));
    format!("edge `{edge}`{what} not seen within {}", Quantity::seconds(within.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use hil_model::{Action, Blame};
    use hil_record::{Datum, Verdict};

    use crate::testdata::*;

    /// A lead: `warn` 5 ms after the stimulus, `cut` at 30 s after `warn`.
    fn lead(low: &str, high: &str, cut_ms: u64) -> Ran {
        let plan = acts(vec![
            watch("pre", "high", "warn"),
            watch("ld", "floating", "cut"),
            set("atd", "open"),
            require("cut", "warn", limit(low, high), 32_000),
            measure("v", limit("0 V", "")),
        ]);
        run(&plan, |b| {
            let b = b.signal("pre", "low").signal("ld", "high").signal("atd", "healthy").signal("v", "1 V");
            b.reaction("atd", "open", 5, "pre", "high").reaction("atd", "open", 5 + cut_ms, "ld", "floating")
        })
    }

    #[test]
    fn a_time_between_two_edges_is_exact() {
        let ran = lead("30 s", "30 s", 30_000);
        let m = &ran.measurements()[0];
        assert_eq!((m.value.clone(), m.unit.as_str(), m.low, m.high), (Datum::Number(30.0), "s", Some(30.0), Some(30.0)));
        assert_eq!((m.name.as_str(), m.of.as_str(), m.at_ns), ("span", "cut - warn", 30_007_000_000));
        assert!((m.uncertainty.unwrap() - 10e-6 * 2_f64.sqrt()).abs() < 1e-9);
        assert_eq!(ran.verdict(), Verdict::Pass);
    }

    #[test]
    fn a_millisecond_too_short_fails_and_ends_the_step() {
        let ran = lead("30 s", "31 s", 29_999);
        assert_eq!(ran.only().verdict, Verdict::Fail);
        assert_eq!(ran.steps()[0].2.as_deref(), Some("`span` is 29.999 s, expected 30 .. 31 s"));
    }

    #[test]
    fn a_missing_edge_is_the_units_fault() {
        let ran = lead("30 s", "31 s", 40_000);
        assert_eq!(ran.problem(), (Verdict::Fail, "`require cut - warn`: edge `cut` (ld becomes floating) not seen within 32 s".into()));
        assert_eq!(ran.steps()[0].1, Verdict::Fail);
        assert!(ran.measurements().is_empty());
    }

    #[test]
    fn an_edge_at_the_deadline_counts() {
        // The require begins at 2 ms, the edge comes at 2 + 5 + 31 995 ms.
        assert_eq!(lead("", "32 s", 31_995).verdict(), Verdict::Pass);
        assert_eq!(lead("", "32 s", 31_996).problem().0, Verdict::Fail);
    }

    #[test]
    fn an_edge_that_came_early_is_used_as_it_is() {
        let plan = acts(vec![
            watch("ld", "floating", "cut"),
            watch("pre", "high", "warn"),
            wait(5000),
            require("cut", "warn", limit("", "2 s"), 0),
        ]);
        let ran = run(&plan, |b| b.signal("ld", "high").signal("pre", "low").at(2000, "pre", "high").at(1500, "ld", "floating"));
        assert_eq!(ran.only().value, Datum::Number(-0.5));
    }

    #[test]
    fn blame_makes_it_the_testers() {
        let guard =
            |check| Action::Require { expression: difference("b", "a"), name: "slew".into(), check, within: ms(0), blame: Blame::Tester };
        let plan = |check| acts(vec![set_as("v", "1 V", Some("a")), set_as("v", "2 V", Some("b")), act("require", guard(check))]);
        assert_eq!(run(&plan(limit("", "2 ms")), |b| b.signal("v", "0 V")).verdict(), Verdict::Pass);
        let ran = run(&plan(limit("", "1 ms")), |b| b.signal("v", "0 V"));
        assert_eq!((ran.only().verdict, ran.verdict()), (Verdict::Error, Verdict::Error));
        let missing = Action::Require {
            expression: difference("b", "a"),
            name: "slew".into(),
            check: limit("", "1 s"),
            within: ms(10),
            blame: Blame::Tester,
        };
        let ran = run(&acts(vec![set_as("v", "1 V", Some("a")), act("require", missing)]), |b| b.signal("v", "0 V"));
        assert_eq!(ran.problem(), (Verdict::Error, "`require`: edge `b` not seen within 10 ms".into()));
    }
}
