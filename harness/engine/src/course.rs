//! The course of a run's steps: which are left out, how often each runs, and
//! what a failure means for those after it.

mod lanes;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use hil_model::{Comparison, FailureKind, Plan, Step, Value, When};
use hil_record::{EventKind, Exclusion, Verdict};
use hil_timebase::Nanos;

use crate::evaluate::evaluate;
use crate::header::{Question, Selection};
use crate::names::{Exported, Names};
use crate::scene::{Scene, Stage};
use crate::state::PROOF;
use crate::step::{Ended, NO_JOURNAL, Place, prove, run_acts_after, run_step};

/// Bench time that recovering after a failed step may take.
pub const RECOVER_LIMIT: Duration = Duration::from_secs(120);

/// All steps of a plan on one stage.
pub(crate) struct Course<'a> {
    stage: &'a Stage<'a>,
    plan: &'a Plan,
    selection: &'a Selection,
    /// Steps that the bench cannot judge, and why.
    lacking: &'a BTreeMap<String, String>,
    /// What steps exported, by `STEP.name`.
    exported: RefCell<BTreeMap<String, Exported>>,
    /// Trouble with the bench's links before this was told, and tried again.
    forgiven: Cell<Nanos>,
}

/// Why the rest is skipped; what went wrong is journalled.
type Halt = String;

impl<'a> Course<'a> {
    pub(crate) fn new(stage: &'a Stage<'a>, plan: &'a Plan, selection: &'a Selection, lacking: &'a BTreeMap<String, String>) -> Self {
        Self { stage, plan, selection, lacking, exported: RefCell::default(), forgiven: Cell::new(Nanos::ZERO) }
    }

    /// Every round of every step.
    pub(crate) async fn run(&self) -> Result<(), Halt> {
        let all = self.plan.steps.len();
        let groups = if self.selection.side_by_side() { self.plan.groups() } else { (0..all).map(|i| i..i + 1).collect() };
        for round in 1..=self.selection.rounds() {
            for group in &groups {
                // Known since the first round, and there is power by now.
                if round > 1 && self.plan.steps[group.clone()].iter().all(|s| s.course.always) {
                    continue;
                }
                let last = round == self.selection.rounds() && group.end == all;
                if group.len() == 1 { self.step(group.start, last).await? } else { self.side_by_side(group.clone(), last).await? }
            }
        }
        self.prove().await
    }

    /// After the last step: what passed did so on a bench that was in order.
    async fn prove(&self) -> Result<(), Halt> {
        let Err(message) = prove(self.stage, self.forgiven.get()).await else { return Ok(()) };
        self.emit(EventKind::PhaseStarted { phase: PROOF.into() })?;
        self.emit(EventKind::Problem { step: Some(PROOF.into()), verdict: Verdict::Error, message: message.clone() })?;
        self.emit(EventKind::PhaseFinished { phase: PROOF.into(), error: Some(message) })?;
        Err("the bench was not in order after the last step".into())
    }

    /// A step that runs alone.
    async fn step(&self, index: usize, last: bool) -> Result<(), Halt> {
        match self.attempts(index, false).await? {
            Verdict::Fail => self.after_fail(&self.plan.steps[index], last).await,
            _ => Ok(()),
        }
    }

    /// A step as often as its plan and its failures want it. Its last verdict, if
    /// that is no error.
    async fn attempts(&self, index: usize, beside: bool) -> Result<Verdict, Halt> {
        let step = &self.plan.steps[index];
        if self.left_out(step)? {
            return Ok(Verdict::Skipped);
        }
        let mut ended = self.attempt(index, beside).await?;
        for _ in 1..step.course.repeat {
            if matches!(ended.verdict, Verdict::Pass | Verdict::Inconclusive) {
                ended = self.attempt(index, beside).await?;
            }
        }
        if let Some(failure) = ended.failure.filter(|f| step.course.retry_on.contains(f) && ended.verdict >= Verdict::Fail) {
            self.announce_retry(step, failure)?;
            self.forgiven.set(self.stage.clock.now());
            recover(self.stage, self.plan, step).await?;
            ended = self.attempt(index, beside).await?;
        }
        self.keep(step, &ended);
        match ended.verdict {
            Verdict::Error => Err(format!("step `{}` ended in an error of the tester", step.id)),
            verdict => Ok(verdict),
        }
    }

    async fn attempt(&self, index: usize, beside: bool) -> Result<Ended, Halt> {
        let step = &self.plan.steps[index];
        let exported = |name: &String| Some((name.clone(), self.exported.borrow().get(name)?.clone()));
        let imports = step.course.imports.keys().filter_map(exported).collect();
        let place = Place {
            index: index + 1,
            of: self.plan.steps.len(),
            attempt: self.stage.log.look().state.attempts(&step.id) + 1,
            beside: step.course.beside.clone().filter(|_| beside),
            forgiven: self.forgiven.get(),
        };
        run_step(self.stage, step, place, &imports).await.map_err(|_| NO_JOURNAL.to_owned())
    }

    async fn after_fail(&self, step: &Step, last: bool) -> Result<(), Halt> {
        if self.selection.pause_on_fail {
            let reason = self.stage.log.look().state.reason(&step.id);
            let question = Question::go_on(format!("step `{}` failed: {reason}", step.id));
            // Whatever the answer: the bench stood still for a look at it.
            let _ = self.stage.ask(&question).await;
        }
        if self.selection.until_fail {
            return Err(format!("step `{}` failed, and the run goes on until a step fails", step.id));
        }
        if !step.course.continue_on_fail {
            return Err(no_further(step));
        }
        if last { Ok(()) } else { recover(self.stage, self.plan, step).await }
    }

    /// Whether the step does not run; that is journalled.
    fn left_out(&self, step: &Step) -> Result<bool, Halt> {
        if !self.selection.has(&step.id) {
            self.exclude(step, Exclusion::Selection, format!("not selected: {}", self.selection.why))?;
            return Ok(true);
        }
        if let Some(reason) = self.lacking.get(&step.id) {
            self.exclude(step, Exclusion::Bench, reason.clone())?;
            return Ok(true);
        }
        if let Some(reason) = self.missing(step) {
            self.finish(step, Verdict::Skipped, reason)?;
            return Ok(true);
        }
        let Some(when) = &step.course.when else { return Ok(false) };
        match self.holds(when) {
            Ok(None) => Ok(false),
            Ok(Some(found)) => {
                self.exclude(step, Exclusion::Condition, format!("`when` does not hold: {}{found}", when.text))?;
                Ok(true)
            }
            Err(cause) => {
                let message = format!("`when` cannot be decided: {cause}");
                self.emit(EventKind::Problem { step: Some(step.id.clone()), verdict: Verdict::Error, message: message.clone() })?;
                self.finish(step, Verdict::Error, message)?;
                Err(format!("step `{}` ended in an error of the tester", step.id))
            }
        }
    }

    /// What the step uses of another that did not get so far as to say it.
    fn missing(&self, step: &Step) -> Option<String> {
        let exported = self.exported.borrow();
        let (name, source) = step.course.imports.iter().find(|(name, _)| !exported.contains_key(*name))?;
        let state = match self.stage.log.look().state.result(source) {
            None => "has not run".to_owned(),
            Some(verdict @ (Verdict::Pass | Verdict::Inconclusive)) => format!("did not take it ({verdict})"),
            Some(verdict) => format!("is {verdict}"),
        };
        Some(format!("uses `{name}`, but step `{source}` {state}"))
    }

    /// `None` when it holds, otherwise what was found.
    fn holds(&self, when: &When) -> Result<Option<String>, String> {
        let mut names = Names::new(self.stage.log.look().origin());
        names.import(&self.exported.borrow());
        let quantity = |e| {
            let found = evaluate(e, &names).map_err(|e| e.to_string())?.quantity;
            if found.si.is_finite() { Ok(found) } else { Err(format!("`{e}` is {found}")) }
        };
        let (holds, found) = match &when.comparison {
            Comparison::Above(a, b) => (quantity(a)?.si > quantity(b)?.si, format!(", `{a}` is {}", quantity(a)?)),
            Comparison::Below(a, b) => (quantity(a)?.si < quantity(b)?.si, format!(", `{a}` is {}", quantity(a)?)),
            Comparison::Is(name, value) => {
                let found: Value = names.value(name).map(|k| k.value.clone()).ok_or_else(|| format!("`{name}` was not taken"))?;
                (found == *value, format!(", `{name}` is {found}"))
            }
            Comparison::Known(holds) => (*holds, String::new()),
        };
        Ok((!holds).then_some(found))
    }

    fn keep(&self, step: &Step, ended: &Ended) {
        let mut exported = self.exported.borrow_mut();
        for name in &step.course.exports {
            let key = format!("{}.{name}", step.id);
            // Of an earlier round: not what this one says.
            exported.remove(&key);
            if let Some(value) = ended.exported.get(name) {
                exported.insert(key, value.clone());
            }
        }
    }

    fn announce_retry(&self, step: &Step, failure: FailureKind) -> Result<(), Halt> {
        let attempt = self.stage.log.look().state.attempts(&step.id);
        self.emit(EventKind::Retry { step: step.id.clone(), attempt, failure: failure.to_string() })
    }

    fn exclude(&self, step: &Step, by: Exclusion, reason: String) -> Result<(), Halt> {
        self.emit(EventKind::StepExcluded { step: step.id.clone(), by, reason: reason.clone() })?;
        self.finish(step, Verdict::Skipped, reason)
    }

    fn finish(&self, step: &Step, verdict: Verdict, reason: String) -> Result<(), Halt> {
        let attempt = self.stage.log.look().state.attempts(&step.id) + 1;
        self.emit(EventKind::StepFinished { step: step.id.clone(), attempt, verdict, reason: Some(reason) })
    }

    fn emit(&self, kind: EventKind) -> Result<(), Halt> {
        self.stage.log.emit(kind).map_err(|_| NO_JOURNAL.to_owned())
    }
}

/// Why the plan ends with a step that failed.
fn no_further(step: &Step) -> Halt {
    format!("step `{}` failed, and the plan does not go on after it", step.id)
}

/// Brings the bench back to where a step expects it, after one that failed and
/// left it somewhere.
async fn recover(stage: &Stage<'_>, plan: &Plan, failed: &Step) -> Result<(), String> {
    if plan.recover.is_empty() {
        return Ok(());
    }
    let broken = |_| NO_JOURNAL.to_owned();
    stage.log.emit(EventKind::PhaseStarted { phase: "recover".into() }).map_err(broken)?;
    let scene = Scene::new(stage, "recover", &[], true);
    let error = match stage.clock.timeout(RECOVER_LIMIT, run_acts_after(&scene, &plan.recover)).await {
        Ok(done) => done.err(),
        Err(_) => {
            let message = format!("recover did not end within {} s", RECOVER_LIMIT.as_secs());
            let problem = EventKind::Problem { step: Some("recover".into()), verdict: Verdict::Error, message: message.clone() };
            stage.log.emit(problem).map_err(broken)?;
            Some(message)
        }
    };
    drop(scene);
    stage.log.emit(EventKind::PhaseFinished { phase: "recover".into(), error: error.clone() }).map_err(broken)?;
    error.map_or(Ok(()), |_| Err(format!("recover after step `{}` failed", failed.id)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hil_model::expression::Expression;
    use hil_model::{Act, Action, Check, Course as StepCourse, Quantity, Setpoint};
    use hil_record::{Disposition, Outcome, Status};

    use super::*;
    use crate::testbench::{Behave, TestBench, val};
    use crate::testdata::*;

    const PASS: Outcome = Outcome { disposition: Disposition::Pass, status: Status::Completed, safe: true };

    fn good(b: TestBench) -> TestBench {
        b.signal("v", "12 V").signal("out", "low").signal("needle", "12 V")
    }

    fn bad(id: &str) -> Step {
        step(id, vec![set("out", "high"), measure("v", limit("13 V", ""))])
    }

    fn fine(id: &str) -> Step {
        step(id, vec![measure("v", limit("11 V", ""))])
    }

    fn with(mut step: Step, course: StepCourse) -> Step {
        step.course = course;
        step
    }

    fn verdicts(ran: &Ran) -> Vec<(String, Verdict)> {
        ran.steps().into_iter().map(|(id, verdict, _)| (id, verdict)).collect()
    }

    fn reason(ran: &Ran, index: usize) -> String {
        ran.steps()[index].2.clone().unwrap_or_default()
    }

    #[test]
    fn recovers_between_a_failed_step_and_the_next() {
        let mut plan = plan(vec![fine("a"), bad("b"), bad("c"), fine("d"), bad("e")]);
        plan.recover = vec![set("out", "low")];
        let ran = run(&plan, good);
        // Not after the last step: nothing follows it.
        assert_eq!(ran.sets(), ["out = high", "out = low", "out = high", "out = low", "out = high", "power = off"]);
        assert_eq!((ran.outcome.disposition, ran.outcome.status), (Disposition::Fail, Status::Completed));
    }

    #[test]
    fn an_error_while_recovering_is_the_testers() {
        let mut plan = plan(vec![bad("a"), fine("b")]);
        plan.recover = vec![measure("v", limit("99 V", ""))];
        let ran = run(&plan, good);
        assert_eq!((ran.outcome.disposition, ran.outcome.status), (Disposition::Fail, Status::TesterError));
        assert_eq!(reason(&ran, 1), "recover after step `a` failed");
        plan.recover = vec![set("stuck", "1 V")];
        let ran = run(&plan, |b| good(b).signal("stuck", "0 V").behaves("stuck", Behave::Hangs));
        assert_eq!(ran.problem().1, "recover did not end within 120 s");
    }

    #[test]
    fn an_error_of_a_step_recovers_nothing() {
        let mut plan = plan(vec![step("a", vec![measure("gone", limit("", "1 V"))]), fine("b")]);
        plan.recover = vec![set("out", "low")];
        let ran = run(&plan, |b| good(b).signal("gone", "0 V").behaves("gone", Behave::Fails));
        assert_eq!(ran.sets(), ["power = off"]);
    }

    #[test]
    fn a_step_that_ends_the_plan_ends_it() {
        let stops = StepCourse { continue_on_fail: false, ..StepCourse::default() };
        let mut plan = plan(vec![with(bad("a"), stops), fine("b")]);
        plan.recover = vec![set("out", "low")];
        let ran = run(&plan, good);
        assert_eq!(verdicts(&ran), [("a".into(), Verdict::Fail), ("b".into(), Verdict::Skipped)]);
        assert_eq!(reason(&ran, 1), "step `a` failed, and the plan does not go on after it");
        assert_eq!(ran.sets(), ["out = high", "power = off"]);
        assert_eq!(ran.outcome.exit_code(), 1);
    }

    fn value(name: &str) -> Expression {
        Expression::Value(name.into())
    }

    /// Reads `v` under the name `x`, which later steps use.
    fn exporter(id: &str) -> Step {
        let read = act("read", Action::Read { signal: crate::testdata::id("v"), name: "x".into() });
        with(step(id, vec![read, measure("v", limit("11 V", ""))]), StepCourse { exports: vec!["x".into()], ..StepCourse::default() })
    }

    fn importing(id: &str, acts: Vec<Act>, when: Option<Comparison>) -> Step {
        let when = when.map(|comparison| When { text: "CONDITION".into(), comparison });
        let imports = [("a.x".to_owned(), "a".to_owned())].into();
        with(step(id, acts), StepCourse { when, imports, ..StepCourse::default() })
    }

    #[test]
    fn earlier_values_are_bounds_and_set_values() {
        let minus = |v| {
            Expression::Binary(
                Box::new(value("a.x")),
                hil_model::expression::Operator::Subtract,
                Box::new(Expression::Literal(Quantity::volts(v))),
            )
        };
        let check = |low, high| Check::Computed { low: Some(minus(low)), high: Some(minus(high)) };
        let set = |v| {
            let assignments = vec![(id("needle"), Setpoint::Computed(minus(v)))];
            act("set", Action::Set { assignments, refusable: false, name: None })
        };
        let b = |low, high| importing("b", vec![set(0.5), measure("needle", check(low, high))], None);
        let ran = run(&plan(vec![exporter("a"), b(0.6, 0.4)]), good);
        assert_eq!(ran.outcome, PASS, "{:?}", ran.problems());
        assert_eq!(ran.sets()[0], "needle = 11.5 V");
        let m = ran.measurements().pop().unwrap();
        assert_eq!((m.low, m.high, m.source.as_str(), m.provisional), (Some(11.4), Some(11.6), "plan", true));
        let ran = run(&plan(vec![exporter("a"), b(0.4, 0.3)]), good);
        assert_eq!(ran.outcome.disposition, Disposition::Fail);
        let ran = run(&plan(vec![exporter("a"), b(0.3, 0.4)]), good);
        assert_eq!(ran.problem().1, "`measure needle`: bounds of `needle`: 11.7 V .. 11.6 V are swapped");
        assert_eq!(ran.outcome.status, Status::TesterError);
    }

    #[test]
    fn what_was_not_taken_skips_who_needs_it_and_is_no_pass() {
        let failed = with(bad("a"), StepCourse { exports: vec!["x".into()], ..StepCourse::default() });
        let ran = run(&plan(vec![failed, importing("b", vec![measure("v", limit("11 V", ""))], None)]), good);
        assert_eq!(verdicts(&ran)[1].1, Verdict::Skipped);
        assert_eq!(reason(&ran, 1), "uses `a.x`, but step `a` is fail");
        let skipped = with(
            exporter("a"),
            StepCourse { when: Some(When { text: "each.x = y".into(), comparison: Comparison::Known(false) }), ..StepCourse::default() },
        );
        let ran = run(&plan(vec![skipped, importing("b", vec![measure("v", limit("11 V", ""))], None), fine("c")]), good);
        assert_eq!(reason(&ran, 1), "uses `a.x`, but step `a` is skipped");
        assert_eq!(ran.outcome.disposition, Disposition::None);
    }

    #[test]
    fn a_condition_of_the_plan_leaves_a_step_out() {
        let above = |v| Comparison::Above(value("a.x"), Expression::Literal(Quantity::volts(v)));
        let below = |v| Comparison::Below(value("a.x"), Expression::Literal(Quantity::volts(v)));
        for (comparison, runs) in [(above(11.0), true), (above(12.0), false), (below(12.0), false), (below(13.0), true)] {
            let ran = run(&plan(vec![exporter("a"), importing("b", vec![measure("v", limit("11 V", ""))], Some(comparison))]), good);
            assert_eq!(verdicts(&ran)[1].1, if runs { Verdict::Pass } else { Verdict::Skipped });
            // What does not apply to a unit does not keep it from passing.
            assert_eq!(ran.outcome, PASS);
            if !runs {
                assert_eq!(reason(&ran, 1), "`when` does not hold: CONDITION, `a.x` is 12 V");
                assert!(ran.kinds().contains(&"step-excluded".to_owned()));
            }
        }
        let ran = run(&plan(vec![exporter("a"), importing("b", vec![], Some(above(11.0)))]), |b| good(b).derived("v", |_, _| val("NaN")));
        assert_eq!(ran.outcome.status, Status::TesterError);
    }

    #[test]
    fn every_repetition_must_pass() {
        let thrice = |step| with(step, StepCourse { repeat: 3, ..StepCourse::default() });
        let ran = run(&plan(vec![thrice(fine("a")), fine("b")]), good);
        assert_eq!(ran.outcome, PASS);
        assert_eq!(ran.measurements().iter().map(|m| m.attempt).collect::<Vec<_>>(), [1, 2, 3, 1]);
        // The second of them fails: there is no third.
        let acts = vec![measure("v", limit("11 V", "")), set("v", "10 V")];
        let ran = run(&plan(vec![thrice(step("a", acts))]), good);
        assert_eq!(verdicts(&ran), [("a".into(), Verdict::Pass), ("a".into(), Verdict::Fail)]);
        assert_eq!(ran.outcome.disposition, Disposition::Fail);
    }

    fn retrying(failure: FailureKind, acts: Vec<Act>) -> Step {
        with(step("a", acts), StepCourse { retry_on: [failure].into(), ..StepCourse::default() })
    }

    fn touched(fails_as: Option<FailureKind>) -> Act {
        Act { fails_as, ..measure("needle", limit("11 V", "")) }
    }

    fn retried(ran: &Ran) -> Vec<String> {
        let last = ran.events.last().map(|e| e.kind.clone());
        if let Some(EventKind::RunFinished { retried, .. }) = last { retried } else { vec![] }
    }

    #[test]
    fn a_failure_of_the_contact_is_tried_once_more() {
        use FailureKind::OpenContact;
        let acts = vec![touched(Some(OpenContact)), measure("v", limit("11 V", ""))];
        let mut plan = plan(vec![retrying(OpenContact, acts), fine("b")]);
        plan.recover = vec![wait(10)];
        let ran = run(&plan, |b| good(b).signal("needle", "0 V").at(5, "needle", "12 V"));
        assert_eq!((ran.outcome, retried(&ran)), (PASS, vec!["a".to_owned()]));
        assert_eq!(verdicts(&ran)[..2], [("a".into(), Verdict::Fail), ("a".into(), Verdict::Pass)]);
        assert_eq!(ran.measurements().iter().map(|m| m.attempt).collect::<Vec<_>>(), [1, 2, 2, 1]);
        // Once, not until it passes.
        let ran = run(&plan, |b| good(b).signal("needle", "0 V"));
        assert_eq!(ran.outcome.disposition, Disposition::Fail);
        assert!(retried(&ran).is_empty());
        assert_eq!(ran.kinds().iter().filter(|k| *k == "retry").count(), 1);
    }

    #[test]
    fn other_failures_are_not_tried_again() {
        use FailureKind::{NoCommunication, OpenContact};
        for act in [touched(None), touched(Some(NoCommunication))] {
            let ran = run(&plan(vec![retrying(OpenContact, vec![act])]), |b| good(b).signal("needle", "0 V"));
            assert_eq!(verdicts(&ran).len(), 1);
        }
        // No answer is an error of the tester, unless it comes at the second try.
        let silent = plan(vec![retrying(NoCommunication, vec![measure("v", limit("11 V", ""))]), fine("b")]);
        let ran = run(&silent, |b| good(b).behaves("v", Behave::Fails));
        assert_eq!(ran.outcome.status, Status::TesterError);
        assert_eq!(verdicts(&ran)[..2], [("a".into(), Verdict::Error), ("a".into(), Verdict::Error)]);
        let ran = run(&silent, |b| good(b).behaves("v", Behave::FailsOnce));
        assert_eq!((ran.outcome, retried(&ran)), (PASS, vec!["a".to_owned()]));
    }

    #[test]
    fn an_abort_of_the_second_try_leaves_the_first_ones_fail() {
        let acts = vec![touched(Some(FailureKind::OpenContact))];
        let mut plan = plan(vec![retrying(FailureKind::OpenContact, acts)]);
        plan.recover = vec![wait(1000)];
        let interrupts = vec![500];
        let ran =
            disturbed(&plan, |b| good(b).signal("needle", "0 V").at(600, "needle", "12 V"), Disturb { interrupts, ..Disturb::default() });
        assert_eq!((ran.outcome.disposition, ran.outcome.status), (Disposition::Fail, Status::Aborted));
    }

    fn selected(plan: &Plan, selection: Selection) -> Ran {
        disturbed(plan, |b| good(b).signal("v", "12 V"), Disturb { selection, ..Disturb::default() })
    }

    #[test]
    fn a_run_of_some_steps_passes_no_unit() {
        let steps: BTreeSet<String> = ["b".to_owned()].into();
        let selection = Selection { steps: Some(steps), why: "--step b".into(), ..Selection::default() };
        let ran = selected(&plan(vec![bad("a"), fine("b")]), selection.clone());
        assert_eq!(verdicts(&ran), [("a".into(), Verdict::Skipped), ("b".into(), Verdict::Pass)]);
        assert_eq!(reason(&ran, 0), "not selected: --step b");
        assert_eq!((ran.outcome.disposition, ran.outcome.exit_code()), (Disposition::Inconclusive, 5));
        // But it can fail one.
        assert_eq!(selected(&plan(vec![fine("a"), bad("b")]), selection).outcome.exit_code(), 1);
    }

    #[test]
    fn what_must_be_known_first_is_asked_once() {
        let first = with(fine("first"), StepCourse { always: true, ..StepCourse::default() });
        let ran = selected(&plan(vec![first, fine("then")]), Selection { repeat: 2, ..Selection::default() });
        assert_eq!(verdicts(&ran).iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(), ["first", "then", "then"]);
    }

    #[test]
    fn rounds_go_on_until_a_step_fails() {
        let acts = vec![measure("v", limit("11 V", "")), wait(10)];
        let plan = plan(vec![step("a", acts), fine("b")]);
        let selection = Selection { repeat: 100, until_fail: true, ..Selection::default() };
        let world = |b: TestBench| good(b).at(35, "v", "10 V");
        let ran = disturbed(&plan, world, Disturb { selection: selection.clone(), ..Disturb::default() });
        assert_eq!(ran.outcome.exit_code(), 1);
        assert_eq!(verdicts(&ran).iter().filter(|(id, _)| id == "a").count(), 4);
        let ran = disturbed(&plan, good, Disturb { selection: Selection { repeat: 3, ..selection }, ..Disturb::default() });
        assert_eq!((ran.outcome, verdicts(&ran).len()), (PASS, 6));
    }
}
