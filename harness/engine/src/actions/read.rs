//! `read`: a reading that is recorded, not judged.

use hil_model::SignalId;

use crate::scene::{Scene, Stop};

pub(super) async fn read(scene: &Scene<'_>, signal: &SignalId, name: &str) -> Result<(), Stop> {
    let reading = scene.read(signal).await?;
    scene.keep_reading(name, signal, &reading)
}

#[cfg(test)]
mod tests {
    use hil_model::expression::{Expression, Operator};
    use hil_model::{Action, Blame};
    use hil_record::{Datum, EventKind, Verdict};

    use crate::testbench::Behave;
    use crate::testdata::*;

    fn read(signal: &str, name: &str) -> hil_model::Act {
        act("read", Action::Read { signal: id(signal), name: name.into() })
    }

    #[test]
    fn records_without_judging() {
        let ran = run(&acts(vec![read("mv", "x")]), |b| b.signal("mv", "0.5 V"));
        assert_eq!(ran.verdict(), Verdict::Inconclusive);
        assert!(ran.events.iter().any(|e| matches!(&e.kind, EventKind::Reading { name, value: Datum::Number(x), unit, .. } if name == "x" && *x == 500.0 && unit == "mV")));
    }

    #[test]
    fn its_value_may_be_required() {
        let diff =
            Expression::Binary(Box::new(Expression::Value("x".into())), Operator::Subtract, Box::new(Expression::Literal(q("0.3 V"))));
        let require = act(
            "require",
            Action::Require { expression: diff, name: "rest".into(), check: limit("0.1 V", "0.3 V"), within: ms(0), blame: Blame::Unit },
        );
        let ran = run(&acts(vec![read("v", "x"), require.clone()]), |b| b.signal("v", "0.5 V"));
        assert_eq!((ran.verdict(), ran.only().uncertainty), (Verdict::Pass, Some(0.001)));
        // A value that is none is the tester's fault.
        let ran = run(&acts(vec![read("v", "x"), require]), |b| b.signal("v", "word"));
        assert_eq!(ran.problem(), (Verdict::Error, "`require`: `x` is `word`, expected a quantity".into()));
    }

    #[test]
    fn a_dead_link_is_the_testers() {
        let ran = run(&acts(vec![read("v", "x")]), |b| b.signal("v", "1 V").behaves("v", Behave::Fails));
        assert_eq!(ran.verdict(), Verdict::Error);
    }
}
