//! `call`: has a program of the bench do something. What it gives judges nothing
//! by itself; a `require` may.

use std::collections::BTreeMap;

use hil_model::{Call, Setpoint, SignalKind, Value, Wanted};
use hil_record::{CallResult, Datum, EventKind};

use crate::scene::{Scene, Stop};

pub(super) async fn call(scene: &Scene<'_>, call: &Call) -> Result<(), Stop> {
    let mut arguments = BTreeMap::new();
    for (name, setpoint) in &call.arguments {
        let value = match setpoint {
            Setpoint::Fixed(value) => value.clone(),
            Setpoint::Computed(expression) => Value::Quantity(scene.known(expression)?.quantity),
        };
        arguments.insert(name.clone(), value);
    }
    let given = scene.stage.bench.call(call, &arguments).await?;
    let at = scene.now();
    let taken = call.results.iter().map(|wanted| Ok((wanted, take(call, wanted, &given)?))).collect::<Result<Vec<_>, Stop>>()?;
    scene.emit(EventKind::Call {
        step: scene.step.to_owned(),
        program: call.program.clone(),
        action: call.action.clone(),
        arguments: arguments.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
        results: given.iter().map(|(name, value)| recorded(call, name, value)).collect(),
        at_ns: scene.ns(at),
    })?;
    for (wanted, value) in taken {
        scene.keep_value(&wanted.name, &call.program, &value, None, at);
    }
    Ok(())
}

/// The result as the plan takes it. A level or an LED's state is the word for it.
fn take(call: &Call, wanted: &Wanted, given: &BTreeMap<String, Value>) -> Result<Value, Stop> {
    let wrong = |found: String, expected: String| {
        Stop::error(format!("result `{}` of `{}.{}` is {found}, expected {expected}", wanted.result, call.program, call.action))
    };
    match (given.get(&wanted.result), wanted.unit) {
        (Some(Value::Quantity(q)), Some(unit)) if q.dimension == unit.dimension && q.si.is_finite() => Ok(Value::Quantity(*q)),
        (Some(found), Some(unit)) => Err(wrong(format!("`{found}`"), unit.dimension.noun())),
        (Some(found @ Value::Quantity(_)), None) => Err(wrong(format!("`{found}`"), "a word".to_owned())),
        (Some(word), None) => Ok(Value::Text(word.to_string())),
        (None, _) => Err(wrong("missing".to_owned(), "a value".to_owned())),
    }
}

fn recorded(call: &Call, result: &str, value: &Value) -> CallResult {
    let wanted = call.results.iter().find(|w| w.result == result);
    let kind = wanted.and_then(|w| w.unit).map(|unit| SignalKind::Analog { unit });
    let (value, unit) = Datum::of(value, kind.as_ref());
    CallResult { result: result.to_owned(), name: wanted.map(|w| w.name.clone()), value, unit }
}

#[cfg(test)]
mod tests {
    use hil_model::expression::Expression;
    use hil_model::quantity::find_unit;
    use hil_model::{Act, Action, Blame, Check};
    use hil_record::Verdict;

    use super::*;
    use crate::testbench::{Behave, val};
    use crate::testdata::*;

    fn defrost(arguments: &[(&str, Setpoint)], results: &[(&str, Option<&str>)]) -> Act {
        let wanted = |(result, unit): &(&str, Option<&str>)| Wanted {
            result: (*result).into(),
            name: format!("ice.{result}"),
            unit: unit.map(|u| find_unit(u).unwrap()),
        };
        act(
            "call",
            Action::Call(Call {
                program: "chamber".into(),
                action: "defrost".into(),
                arguments: arguments.iter().map(|(n, s)| ((*n).into(), s.clone())).collect(),
                results: results.iter().map(wanted).collect(),
            }),
        )
    }

    fn require(name: &str, check: Check) -> Act {
        let expression = Expression::Value(name.into());
        act("require", Action::Require { expression, name: "judged".into(), check, within: ms(0), blame: Blame::Unit })
    }

    fn minute() -> Setpoint {
        Setpoint::Fixed(val("60 s"))
    }

    #[test]
    fn results_are_recorded_and_may_be_required() {
        let call = || defrost(&[("for", minute())], &[("tank", Some("mV")), ("lid", None)]);
        let good = |b: crate::testbench::TestBench| b.program("defrost", &[("tank", "0.5 V"), ("lid", "high"), ("rest", "1 A")]);
        let ran = run(&acts(vec![call(), require("ice.tank", limit("0.4 V", "0.6 V"))]), good);
        assert_eq!((ran.verdict(), ran.only().value.clone()), (Verdict::Pass, Datum::Number(0.5)));
        let Some(EventKind::Call { program, action, arguments, results, at_ns, .. }) =
            ran.events.iter().map(|e| &e.kind).find(|k| matches!(k, EventKind::Call { .. }))
        else {
            panic!("no call in the journal")
        };
        assert_eq!((program.as_str(), action.as_str(), arguments["for"].as_str()), ("chamber", "defrost", "60 s"));
        let told: Vec<_> = results.iter().map(|r| (r.result.as_str(), r.name.as_deref(), r.value.to_string(), r.unit.as_str())).collect();
        let expected = [
            ("lid", Some("ice.lid"), "high".to_owned(), ""),
            ("rest", None, "1".to_owned(), "A"),
            ("tank", Some("ice.tank"), "500".to_owned(), "mV"),
        ];
        assert_eq!((told.as_slice(), *at_ns), (expected.as_slice(), 3_000_000));
        let word = |w: &str| Check::Equals(Value::Text(w.into()));
        assert_eq!(run(&acts(vec![call(), require("ice.lid", word("high"))]), good).verdict(), Verdict::Pass);
        assert_eq!(run(&acts(vec![call(), require("ice.lid", word("low"))]), good).verdict(), Verdict::Fail);
    }

    #[test]
    fn arguments_may_come_from_earlier_values() {
        let read = act("read", Action::Read { signal: id("v"), name: "x".into() });
        let call = defrost(&[("for", Setpoint::Computed(Expression::Value("x".into())))], &[]);
        let ran = run(&acts(vec![read, call, measure("v", limit("0 V", ""))]), |b| b.signal("v", "2 V").program("defrost", &[]));
        assert_eq!((ran.verdict(), ran.sets()[0].as_str()), (Verdict::Pass, "defrost for = 2 V"));
    }

    #[test]
    fn what_is_not_as_it_should_be_is_the_testers() {
        let call = || defrost(&[("for", minute())], &[("tank", Some("V"))]);
        let of = |results: &'static [(&str, &str)], behave| {
            let ran = run(&acts(vec![call(), require("ice.tank", limit("0 V", ""))]), |b| {
                b.program("defrost", results).behaves("defrost", behave)
            });
            assert_eq!(ran.verdict(), Verdict::Error);
            ran.problem().1
        };
        assert_eq!(of(&[("tank", "1 V")], Behave::Fails), "`call`: part `defrost`: link lost: cable pulled");
        assert_eq!(of(&[("tank", "1 A")], Behave::Well), "`call`: result `tank` of `chamber.defrost` is `1 A`, expected a voltage");
        assert_eq!(of(&[("tank", "NaN")], Behave::Well), "`call`: result `tank` of `chamber.defrost` is `NaN V`, expected a voltage");
        assert_eq!(of(&[], Behave::Well), "`call`: result `tank` of `chamber.defrost` is missing, expected a value");
    }

    #[test]
    fn what_the_bench_does_not_offer_is_known_before_the_first_step() {
        let ran = run(&acts(vec![set("v", "1 V"), defrost(&[], &[])]), |b| b.signal("v", "0 V"));
        assert_eq!(ran.sets(), [] as [&str; 0]);
        assert_eq!(
            ran.problem(),
            (Verdict::Error, "step `one`: program `chamber`: cannot do `defrost`: the bench has no such program".into())
        );
    }
}
