//! What a step's verdict depends on time for: then it says nothing if the tester
//! was held up meanwhile.

use hil_model::{Act, Action};

/// Whether acts time something: a stimulus, after which everything is a matter of
/// when it is seen, or a wait. What only looks and asks does not.
pub(crate) fn timed(acts: &[Act]) -> bool {
    acts.iter().any(|act| match &act.action {
        Action::Read { .. } | Action::Prompt { .. } => false,
        Action::Measure { over, .. } => !over.is_zero(),
        Action::Expect { within, hold, .. } => !within.is_zero() || !hold.is_zero(),
        Action::Require { expression, within, .. } => !within.is_zero() || !expression.edges().is_empty(),
        Action::Together { branches } => branches.iter().any(|branch| timed(branch)),
        Action::Set { .. }
        | Action::Ramp { .. }
        | Action::Profile { .. }
        | Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Watch { .. }
        | Action::Write { .. }
        | Action::Call(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use hil_model::{Act, Action, Condition, Statistic};
    use hil_record::Verdict;

    use crate::testbench::Behave;
    use crate::testdata::*;

    /// The step's verdict and its measurements' if the tester was held up.
    fn held_up(ms: u64, steps: Vec<Act>) -> (Verdict, Vec<Verdict>) {
        let ran = run(&acts(steps), |b| b.holds_up(ms).signal("v", "1 V").signal("out", "high"));
        (ran.steps()[0].1, ran.measurements().iter().map(|m| m.verdict).collect())
    }

    fn good() -> Act {
        measure("v", limit("0 V", ""))
    }

    #[test]
    fn what_depends_on_time_neither_passes_nor_fails_when_the_tester_was_held_up() {
        use Verdict::{Error, Pass};
        for timed in [
            vec![measure_over("v", limit("0 V", ""), Statistic::Mean, 100)],
            vec![expect(&[("out", is("high"))], 100, 0)],
            vec![expect(&[("out", is("high"))], 0, 100)],
            vec![wait(10), good()],
            vec![set("v", "2 V"), good()],
            vec![watch("out", "high", "edge"), good()],
            vec![set_as("v", "1 V", Some("a")), set_as("v", "2 V", Some("b")), require("b", "a", limit("", "1 s"), 0)],
            vec![act("together", Action::Together { branches: vec![vec![wait(10)], vec![good()]] })],
        ] {
            assert!(super::timed(&timed), "{timed:?}");
            assert_eq!(held_up(100, timed.clone()), (Pass, vec![Pass]));
            assert_eq!(held_up(101, timed), (Error, vec![Error]));
        }
    }

    #[test]
    fn what_only_looks_stands() {
        let looks = vec![
            expect(&[("v", Condition::Above(q("0 V")))], 0, 0),
            good(),
            measure("out", hil_model::Check::Equals(crate::testbench::val("high"))),
        ];
        assert!(!super::timed(&looks));
        assert_eq!(held_up(5000, looks), (Verdict::Pass, vec![Verdict::Pass; 3]));
        // But it blames nobody.
        assert_eq!(held_up(101, vec![measure("v", limit("2 V", ""))]), (Verdict::Error, vec![Verdict::Error]));
    }

    #[test]
    fn what_a_held_up_tester_found_is_not_given_to_later_steps() {
        let mut plan = acts(vec![wait(10), act("read", Action::Read { signal: id("v"), name: "x".into() })]);
        plan.steps[0].course.exports.push("x".into());
        for (ms, expected) in [(100, Verdict::Inconclusive), (101, Verdict::Error)] {
            assert_eq!(run(&plan, |b| b.holds_up(ms).signal("v", "1 V")).steps()[0].1, expected);
        }
    }

    #[test]
    fn without_a_sign_of_life_nothing_is_judged() {
        let ran = run(&acts(vec![wait(10), good()]), |b| b.signal("v", "1 V").behaves("held-up", Behave::Fails));
        assert_eq!((ran.steps()[0].1, ran.measurements().len()), (Verdict::Error, 0));
    }
}
