//! Steps side by side: two lanes on one bench. That neither disturbs the other
//! has been checked by the reader.

use std::ops::Range;

use futures_util::future::try_join;
use hil_record::Verdict;

use super::{Course, Halt, no_further, recover};
use crate::step::{NO_JOURNAL, finish_step};

impl Course<'_> {
    /// The first step of a group, and beside it the others, one after the other.
    /// A failed one ends its lane; what is left of it runs alone, once the other
    /// lane has ended and the bench was brought back.
    pub(super) async fn side_by_side(&self, group: Range<usize>, last: bool) -> Result<(), Halt> {
        let lanes = (group.start..group.start + 1, group.start + 1..group.end);
        // Polled in this order, so that two runs are the same; an error drops
        // the other lane.
        let ended = try_join(self.lane(lanes.0, false), self.lane(lanes.1, true)).await;
        let failed = match ended {
            Ok(failed) => failed,
            Err(why) => {
                let running: Vec<String> = self.stage.log.look().state.open.iter().map(|o| o.id.clone()).collect();
                for step in running {
                    finish_step(self.stage, &step, Some(Verdict::Aborted), &format!("cut short: {why}"))
                        .map_err(|_| NO_JOURNAL.to_owned())?;
                }
                return Err(why);
            }
        };
        let left = failed.1.map_or(group.end, |at| at + 1)..group.end;
        if let Some(at) = failed.0.or(failed.1)
            && !(last && left.is_empty())
        {
            recover(self.stage, self.plan, &self.plan.steps[at]).await?;
        }
        for index in left {
            self.step(index, last && index + 1 == group.end).await?;
        }
        Ok(())
    }

    /// Steps one after the other, up to the first that fails.
    async fn lane(&self, steps: Range<usize>, beside: bool) -> Result<Option<usize>, Halt> {
        for index in steps {
            let step = &self.plan.steps[index];
            match self.attempts(index, beside).await? {
                Verdict::Fail if step.course.continue_on_fail => return Ok(Some(index)),
                Verdict::Fail => return Err(no_further(step)),
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use hil_model::{Course as StepCourse, Plan, Step};
    use hil_record::{Disposition, EventKind, Status};

    use super::*;
    use crate::header::Selection;
    use crate::testbench::{Behave, TestBench};
    use crate::testdata::*;

    /// A step of so many milliseconds that judges `signal`.
    fn long(id: &str, before: u64, signal: &str, beside: Option<&str>) -> Step {
        let mut step = step(id, vec![wait(before), measure(signal, limit("11 V", ""))]);
        step.course = StepCourse { beside: beside.map(Into::into), ..StepCourse::default() };
        step
    }

    /// A lead of 1 s beside two steps of 300 ms, and one after them.
    fn lanes() -> Plan {
        let mut plan = plan(vec![
            long("lead", 1000, "v", None),
            long("a", 300, "x", Some("lead")),
            long("b", 300, "y", Some("lead")),
            long("last", 10, "v", None),
        ]);
        plan.recover = vec![wait(50)];
        plan
    }

    fn good(b: TestBench) -> TestBench {
        b.signal("v", "12 V").signal("x", "12 V").signal("y", "12 V")
    }

    /// What began and ended, with its millisecond.
    fn told(ran: &Ran) -> Vec<String> {
        let ms = |at: u64| at / 1_000_000;
        let told = ran.events.iter().filter_map(|e| match &e.kind {
            EventKind::StepStarted { step, beside, .. } => {
                let beside = beside.as_ref().map_or(String::new(), |host| format!(" beside {host}"));
                Some(format!("{step} at {}{beside}", ms(e.bench_ns)))
            }
            EventKind::StepFinished { step, verdict, .. } => Some(format!("{step} {verdict} at {}", ms(e.bench_ns))),
            EventKind::PhaseStarted { phase } if phase == "recover" => Some(format!("recover at {}", ms(e.bench_ns))),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn a_lane_runs_while_its_host_does() {
        let ran = run(&lanes(), good);
        assert_eq!(ran.outcome.exit_code(), 0);
        assert_eq!(
            told(&ran),
            [
                "lead at 0",
                "a at 0 beside lead",
                "a pass at 300",
                "b at 300 beside lead",
                "b pass at 600",
                "lead pass at 1000",
                "last at 1000",
                "last pass at 1010"
            ]
        );
        let selection = Selection { one_by_one: true, ..Selection::default() };
        let ran = disturbed(&lanes(), good, Disturb { selection, ..Disturb::default() });
        assert_eq!(ran.outcome.exit_code(), 0);
        assert_eq!(told(&ran)[2..4], ["a at 1000", "a pass at 1300"]);
    }

    #[test]
    fn what_is_left_of_a_failed_lane_runs_alone_after_the_recovery() {
        let ran = run(&lanes(), |b| good(b).signal("x", "10 V"));
        assert_eq!(ran.outcome.exit_code(), 1);
        assert_eq!(
            told(&ran)[2..],
            ["a fail at 300", "lead pass at 1000", "recover at 1000", "b at 1050", "b pass at 1350", "last at 1350", "last pass at 1360"]
        );
        // A host that fails lets its lane go on.
        let ran = run(&lanes(), |b| good(b).signal("v", "10 V").at(1010, "v", "12 V"));
        assert_eq!(told(&ran)[4..7], ["b pass at 600", "lead fail at 1000", "recover at 1000"]);
        // The last of all leaves nothing to recover for.
        let mut plan = lanes();
        plan.steps.truncate(3);
        let ran = run(&plan, |b| good(b).signal("y", "10 V"));
        assert_eq!(told(&ran).last().map(String::as_str), Some("lead pass at 1000"));
    }

    #[test]
    fn what_ends_the_plan_ends_both_lanes_at_once() {
        let mut plan = lanes();
        plan.steps[1].course.continue_on_fail = false;
        let ran = run(&plan, |b| good(b).signal("x", "10 V"));
        assert_eq!((ran.outcome.disposition, ran.outcome.status), (Disposition::Fail, Status::Completed));
        assert_eq!(told(&ran)[2..], ["a fail at 300", "lead aborted at 300", "b skipped at 300", "last skipped at 300"]);
        assert_eq!(ran.steps()[1].2.as_deref(), Some("cut short: step `a` failed, and the plan does not go on after it"));
        let ran = run(&lanes(), |b| good(b).behaves("x", Behave::Fails));
        assert_eq!(ran.outcome.status, Status::TesterError);
        assert_eq!(told(&ran)[3], "lead aborted at 300");
    }

    #[test]
    fn an_interrupt_and_a_panic_end_both_lanes() {
        let ran = disturbed(&lanes(), good, Disturb { interrupts: vec![500], ..Disturb::default() });
        assert_eq!(ran.outcome.status, Status::Aborted);
        assert_eq!(told(&ran)[4..6], ["lead aborted at 500", "b aborted at 500"]);
        let ran = disturbed(&lanes(), good, Disturb { world_panics: Some(200), ..Disturb::default() });
        assert_eq!(ran.outcome.status, Status::TesterError);
        let open = ran.steps().iter().filter(|(_, verdict, _)| *verdict == Verdict::Error).count();
        assert_eq!(open, 2, "{:?}", ran.steps());
    }
}
