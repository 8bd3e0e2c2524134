//! Whole runs on the scripted bench: interrupts, panics, halts, failing sinks,
//! order of events, determinism.

use hil_model::{Action, Condition, Statistic};
use hil_record::{Disposition, EventKind, Outcome, Status, Verdict};

use hil_timebase::Runtime;
use tokio::sync::mpsc;

use crate::testbench::{Behave, TestBench};
use crate::testdata::*;
use crate::{Engine, Sinks};

fn outcome(disposition: Disposition, status: Status) -> Outcome {
    Outcome { disposition, status, safe: true }
}

fn good(b: TestBench) -> TestBench {
    b.signal("v", "12 V").signal("out", "low")
}

#[test]
fn a_run_has_its_events_in_order() {
    let mut plan = acts(vec![set("v", "13 V"), measure("v", limit("12.9 V", "13.1 V"))]);
    plan.setup = vec![set("power", "on")];
    let ran = run(&plan, good);
    assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::Completed));
    let expected = "run-started bench-opened phase-started action-started stimulus phase-finished step-started action-started stimulus action-started measurement \
                    step-finished phase-started action-started stimulus phase-finished safe-state run-finished";
    assert_eq!(ran.kinds().join(" "), expected);
    assert_eq!(ran.events[0].wall, "2026-11-22T10:15:00.000000000Z");
    assert_eq!(ran.events.last().unwrap().wall, "2026-11-22T10:15:00.026000000Z");
    assert_eq!(ran.ended_ms(), 26);
}

#[test]
fn two_runs_are_the_same() {
    let plan = plan(vec![
        step("a", vec![watch("out", "high", "edge"), set_as("v", "13 V", Some("go")), require("edge", "go", limit("", "1 s"), 2000)]),
        step(
            "b",
            vec![
                expect(&[("out", is("high")), ("v", Condition::Above(q("12.5 V")))], 1000, 500),
                measure_over("v", limit("", "14 V"), Statistic::Mean, 100),
            ],
        ),
    ]);
    let once = || run(&plan, |b| good(b).reaction("v", "13 V", 300, "out", "high")).events;
    assert_eq!(once(), once());
    assert_eq!(once().len(), 23);
}

#[test]
fn a_failed_step_does_not_stop_the_run_but_an_error_does() {
    let steps = |second: &str| {
        plan(vec![
            step("bad", vec![measure("v", limit("13 V", "")), set("v", "99 V")]),
            step("second", vec![measure(second, limit("11 V", ""))]),
            step("third", vec![measure("v", limit("11 V", ""))]),
        ])
    };
    let ran = run(&steps("v"), good);
    assert_eq!(ran.outcome, outcome(Disposition::Fail, Status::Completed));
    assert_eq!(ran.outcome.exit_code(), 1);
    assert_eq!(ran.steps().iter().map(|s| s.1).collect::<Vec<_>>(), [Verdict::Fail, Verdict::Pass, Verdict::Pass]);
    assert_eq!(ran.steps()[0].2.as_deref(), Some("`v` is 12 V, expected >= 13 V"));
    assert!(!ran.sets().contains(&"v = 99 V".to_owned()));

    let ran = run(&steps("gone"), |b| good(b).signal("gone", "0 V").behaves("gone", Behave::Fails));
    assert_eq!(ran.outcome, outcome(Disposition::Fail, Status::TesterError));
    let [_, second, third] = &ran.steps()[..] else { panic!() };
    assert_eq!((second.1, second.2.as_deref()), (Verdict::Error, Some("`measure gone`: part `gone`: link lost: cable pulled")));
    assert_eq!((third.1, third.2.as_deref()), (Verdict::Skipped, Some("step `second` ended in an error of the tester")));
    assert_eq!(ran.sets(), ["power = off"]);
}

#[test]
fn a_bench_that_does_not_close_is_the_testers() {
    let plan = acts(vec![measure("v", limit("11 V", ""))]);
    for (behave, says) in [
        (Behave::Fails, "part `close`: link lost: cable pulled"),
        (Behave::Hangs, "the bench did not close within 30 s"),
        (Behave::Panics, "part `close` fell over"),
    ] {
        let ran = run(&plan, |b| good(b).behaves("close", behave));
        assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::TesterError));
        assert_eq!(ran.outcome.exit_code(), 3);
        assert!(ran.problem().1.contains(says), "{:?}", ran.problem());
    }
}

#[test]
fn nothing_judged_is_no_pass() {
    let ran = run(&acts(vec![wait(5)]), good);
    assert_eq!(ran.steps()[0].1, Verdict::Inconclusive);
    assert_eq!(ran.outcome, outcome(Disposition::Inconclusive, Status::Completed));
    let mut without = acts(vec![wait(5)]);
    without.steps[0].requirements.clear();
    let ran = run(&without, good);
    assert_eq!(ran.verdict(), Verdict::Pass);
    assert_eq!(ran.outcome.exit_code(), 5);
}

#[test]
fn a_step_has_its_time() {
    let mut plan = acts(vec![set("v", "13 V"), wait(70_000)]);
    plan.steps.push(step("two", vec![]));
    let ran = run(&plan, good);
    assert_eq!(ran.problem(), (Verdict::Error, "step `one` did not end within its timeout of 60 s, it was at `wait 70000 ms`".into()));
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!(ran.steps()[1].1, Verdict::Skipped);
}

/// Each kind of action, in a state in which it waits for a long time.
fn waiting_actions() -> Vec<(&'static str, hil_model::Act)> {
    let ramp = Action::Ramp {
        signal: id("v"),
        from: Some(q("12 V")),
        to: q("14 V"),
        rate: q("20 mV/s"),
        until: None,
        capture: None,
        name: None,
        check: None,
    };
    let until = Action::Ramp {
        signal: id("v"),
        from: None,
        to: q("14 V"),
        rate: q("20 mV/s"),
        until: Some((id("out"), is("high"))),
        capture: None,
        name: None,
        check: None,
    };
    let points = vec![(ms(0), crate::testbench::val("13 V")), (ms(30_000), crate::testbench::val("12 V"))];
    let profile = |linear| Action::Profile { signal: id("v"), points: points.clone(), linear, name: None };
    let settle = Action::Settle { signal: id("noise"), within: q("1 mV"), over: ms(100), timeout: ms(50_000) };
    vec![
        ("set", set("stuck", "1 V")),
        ("read", act("read", Action::Read { signal: id("stuck"), name: "x".into() })),
        ("wait", wait(50_000)),
        ("ramp", act("ramp", ramp)),
        ("ramp until", act("ramp", until)),
        ("profile", act("profile", profile(false))),
        ("linear profile", act("profile", profile(true))),
        ("settle", act("settle", settle)),
        ("measure", measure_over("v", limit("0 V", ""), Statistic::Max, 50_000)),
        ("require", require("edge", "edge", limit("0 s", ""), 50_000)),
        ("expect within", expect(&[("out", is("high"))], 50_000, 0)),
        ("expect for", expect(&[("out", is("low")), ("v", Condition::Below(q("20 V")))], 0, 50_000)),
    ]
}

fn slow(b: TestBench) -> TestBench {
    good(b)
        .signal("stuck", "0 V")
        .behaves("stuck", Behave::Hangs)
        .derived("noise", |_, at| crate::testbench::val(if at.0 / 7_000_000 % 2 == 0 { "0 V" } else { "1 V" }))
}

#[test]
fn an_interrupt_cancels_any_action_then_tears_down() {
    for (name, act) in waiting_actions() {
        let mut plan = plan(vec![
            step("first", vec![measure("v", limit("0 V", ""))]),
            step("cut", vec![watch("out", "high", "edge"), act]),
            step("rest", vec![]),
        ]);
        plan.teardown.push(wait(500));
        let ran = disturbed(&plan, slow, Disturb { interrupts: vec![5000], ..Disturb::default() });
        assert_eq!(ran.outcome, outcome(Disposition::None, Status::Aborted), "{name}");
        let verdicts: Vec<_> = ran.steps().into_iter().map(|s| (s.1, s.2)).collect();
        let why = Some("interrupted by SIGINT".to_owned());
        assert_eq!(verdicts, [(Verdict::Pass, None), (Verdict::Aborted, why.clone()), (Verdict::Skipped, why)], "{name}");
        assert_eq!(ran.sets().last().unwrap(), "power = off", "{name}");
        assert!(ran.problems().is_empty(), "{name}");
        assert_eq!(ran.ended_ms(), 5000 + 2 + 500 + 20, "{name}");

        let ran = disturbed(&plan, slow, Disturb { interrupts: vec![5000, 5100], ..Disturb::default() });
        assert_eq!(ran.outcome, outcome(Disposition::None, Status::Aborted), "{name}");
        assert_eq!(ran.ended_ms(), 5100 + 20, "{name}");
    }
}

#[test]
fn a_fail_stays_when_the_run_is_aborted() {
    let plan = plan(vec![step("bad", vec![measure("v", limit("13 V", ""))]), step("cut", vec![wait(50_000)])]);
    let ran = disturbed(&plan, good, Disturb { interrupts: vec![1000], ..Disturb::default() });
    assert_eq!(ran.outcome, outcome(Disposition::Fail, Status::Aborted));
    assert_eq!(ran.outcome.exit_code(), 1);
}

#[test]
fn no_interrupt_stops_the_safe_state() {
    let plan = acts(vec![wait(50_000)]);
    let interrupts = vec![1000, 1001, 1500, 2000, 2500];
    let ran = disturbed(&plan, |b| good(b).behaves("safe-state", Behave::Slow), Disturb { interrupts, ..Disturb::default() });
    assert_eq!(ran.kinds().iter().filter(|k| *k == "interrupted").count(), 5);
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::Aborted));
    assert_eq!(ran.world.safe_calls.get(), 1);
    assert!(ran.ended_ms() >= 6000);
}

#[test]
fn an_interrupt_before_or_during_setup_skips_all() {
    let mut plan = acts(vec![wait(10)]);
    plan.setup = vec![wait(1000)];
    for (at, opens) in [(0, Behave::Hangs), (500, Behave::Well)] {
        let ran = disturbed(&plan, |b| good(b).behaves("open", opens), Disturb { interrupts: vec![at], ..Disturb::default() });
        assert_eq!(ran.outcome, outcome(Disposition::None, Status::Aborted));
        assert_eq!(ran.verdict(), Verdict::Skipped);
        // Without an open bench there is nothing to tear down.
        assert_eq!(ran.sets().is_empty(), opens == Behave::Hangs);
    }
}

#[test]
fn teardown_has_a_deadline() {
    let mut plan = acts(vec![measure("v", limit("", "13 V"))]);
    plan.teardown = vec![set("stuck", "0 V")];
    let ran = run(&plan, slow);
    assert_eq!(ran.problem(), (Verdict::Error, "teardown did not end within 10 s".into()));
    assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::TesterError));
}

#[test]
fn a_panic_ends_in_the_safe_state() {
    let plan = plan(vec![step("one", vec![set("v", "13 V")]), step("two", vec![])]);
    let ran = run(&plan, |b| good(b).behaves("v", Behave::Panics));
    assert_eq!(ran.problem(), (Verdict::Error, "panic: part `v` fell over".into()));
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!(ran.verdict(), Verdict::Error);
    assert_eq!(ran.sets(), ["power = off"]);

    let ran = run(&acts(vec![measure("v", limit("0 V", ""))]), |b| good(b).behaves("power", Behave::Panics));
    assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::TesterError));
}

#[test]
fn a_bench_that_does_not_open_runs_nothing() {
    let plan = acts(vec![wait(10)]);
    let ran = run(&plan, |b| good(b).behaves("open", Behave::Fails));
    assert_eq!(ran.problem(), (Verdict::Error, "part `open`: link lost: cable pulled".into()));
    assert_eq!(ran.steps()[0].2.as_deref(), Some("the bench could not be opened"));
    assert_eq!(ran.outcome.exit_code(), 3);
    assert!(ran.sets().is_empty());
}

#[test]
fn what_hangs_before_the_first_step_has_an_end() {
    let ran = run(&acts(vec![wait(10)]), |b| good(b).behaves("open", Behave::Hangs));
    assert_eq!(ran.problem().1, "the bench did not open within 120 s");
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!((ran.world.safe_calls.get(), ran.sets().is_empty()), (1, true));

    let mut plan = acts(vec![wait(10)]);
    plan.setup = vec![set("stuck", "1 V")];
    let ran = run(&plan, slow);
    assert_eq!(ran.problem().1, "setup did not end within 600 s");
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!(ran.sets(), ["power = off"], "teardown");
    assert!(ran.kinds().contains(&"phase-finished".to_owned()));
}

#[test]
fn a_panic_of_the_world_is_recovered_from() {
    let plan = plan(vec![step("one", vec![measure("v", limit("0 V", "")), wait(1000)]), step("two", vec![])]);
    let ran = disturbed(&plan, good, Disturb { world_panics: Some(500), ..Disturb::default() });
    assert_eq!(ran.problem(), (Verdict::Error, "panic: the world fell over".into()));
    assert_eq!(ran.steps().iter().map(|s| s.1).collect::<Vec<_>>(), [Verdict::Error, Verdict::Skipped]);
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert!(ran.sets().is_empty());
    // In the safe state: it is begun again.
    let ran = disturbed(&plan, good, Disturb { world_panics: Some(1010), ..Disturb::default() });
    assert_eq!((ran.outcome.safe, ran.world.safe_calls.get()), (true, 2));
}

/// Drops the run after `cut` milliseconds, and `again` recoveries one
/// millisecond after each began.
fn cut_off(cut: u64, again: u32) -> Ran {
    let mut plan = acts(vec![watch("out", "high", "edge"), set("v", "13 V"), wait(10), measure("v", limit("0 V", ""))]);
    plan.setup = vec![set("v", "11 V"), wait(5)];
    let runtime = Runtime::virtual_time().unwrap();
    let clock = runtime.clock();
    let bench = good(TestBench::new(clock.clone()).signal("power", "on"));
    let (_sender, control) = mpsc::unbounded_channel();
    let journal = Memory::default();
    let events = journal.events.clone();
    let mut engine = Engine::new(&plan, &bench, clock.clone(), Sinks { journal: Box::new(journal), others: vec![] }, header(), control);
    let outcome = runtime.block_on(async {
        if let Ok(outcome) = clock.timeout(ms(cut), engine.run()).await {
            return outcome;
        }
        for _ in 0..again {
            assert!(clock.timeout(ms(1), engine.recover("cut")).await.is_err());
        }
        engine.recover("cut").await
    });
    let ran = Ran { outcome: outcome.unwrap(), events: events.take(), world: bench.world.clone() };
    ran.well_formed();
    assert_eq!(ran.kinds().last().unwrap(), "run-finished");
    ran
}

#[test]
fn a_run_may_be_cut_off_anywhere() {
    let whole = cut_off(1000, 0);
    assert_eq!(whole.outcome, outcome(Disposition::Pass, Status::Completed));
    for cut in 0..whole.ended_ms() {
        let ran = cut_off(cut, 0);
        assert_eq!((ran.outcome.status, ran.outcome.safe), (Status::TesterError, true), "{cut}");
    }
    assert!(cut_off(5, 2).outcome.safe);
    // It is not tried for ever.
    assert_eq!(cut_off(5, 3).outcome, Outcome { disposition: Disposition::None, status: Status::TesterError, safe: false });
}

#[test]
fn a_failing_setup_is_the_testers_fault() {
    let mut plan = acts(vec![wait(10)]);
    plan.setup = vec![measure("v", limit("13 V", ""))];
    let ran = run(&plan, good);
    assert_eq!(ran.only().verdict, Verdict::Error);
    assert_eq!(ran.steps()[0].2.as_deref(), Some("setup failed"));
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
}

#[test]
fn a_safe_state_that_is_not_confirmed_is_not_safe() {
    let plan = acts(vec![measure("v", limit("0 V", ""))]);
    for behave in [Behave::Unconfirmed, Behave::Fails, Behave::Hangs, Behave::Panics] {
        let ran = run(&plan, |b| good(b).behaves("safe-state", behave));
        assert_eq!((ran.outcome.safe, ran.outcome.exit_code()), (false, 6), "{behave:?}");
        assert_eq!(ran.outcome.disposition, Disposition::Pass, "{behave:?}");
    }
}

#[test]
fn a_failing_sink_stops_nobody() {
    let plan = acts(vec![measure("v", limit("0 V", ""))]);
    for panics in [false, true] {
        let other = Memory { fails_at: Some(3), panics, ..Memory::default() };
        let kept = other.events.clone();
        let ran = disturbed(&plan, good, Disturb { other: Some(other), ..Disturb::default() });
        let cause = if panics { "panic: sink fell over" } else { "disk full" };
        assert_eq!(ran.problem(), (Verdict::Error, format!("cannot write memory: {cause}")));
        assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::TesterError));
        assert_eq!(kept.borrow().len(), 3);
    }
}

#[test]
fn without_a_journal_nothing_acts() {
    // The event of the second act is not taken: its set is not done, nor is
    // teardown, but the outputs are switched off.
    let plan = acts(vec![set("v", "13 V"), set("v", "14 V")]);
    let other = Memory::default();
    let told = other.events.clone();
    let journal = Memory { fails_at: Some(5), ..Memory::default() };
    let ran = disturbed(&plan, good, Disturb { journal, other: Some(other), ..Disturb::default() });
    assert_eq!(ran.sets(), ["v = 13 V"]);
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!(ran.world.safe_calls.get(), 1);
    assert_eq!(ran.events.len(), 5);
    let told = Ran { outcome: ran.outcome, events: told.take(), world: ran.world.clone() };
    assert_eq!(told.problem().1, "cannot write memory: disk full");
    assert_eq!(told.verdict(), Verdict::Error);
    assert_eq!(told.kinds().last().unwrap(), "run-finished");
}

#[test]
fn a_journal_that_fails_at_the_last_event_is_known() {
    let plan = acts(vec![measure("v", limit("0 V", ""))]);
    let count = run(&plan, good).events.len() as u64;
    let journal = Memory { fails_at: Some(count - 1), ..Memory::default() };
    let ran = disturbed(&plan, good, Disturb { journal, ..Disturb::default() });
    assert_eq!(ran.outcome, outcome(Disposition::Pass, Status::TesterError));
}

#[test]
fn a_fault_of_the_tester_ends_the_run_and_blames_no_unit() {
    let plan = acts(vec![set("v", "13 V"), measure_over("v", limit("11 V", ""), Statistic::Mean, 5000)]);
    let ran = disturbed(&plan, good, Disturb { fault: Some(500), ..Disturb::default() });
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    assert_eq!(ran.problem(), (Verdict::Error, "the guardian is gone".into()));
    assert_eq!(ran.sets(), ["v = 13 V", "power = off"], "teardown ran");
}

/// Of a run of one good or bad unit, on a bench whose proof behaves like this.
fn proved(v: &'static str, behave: Behave) -> Ran {
    let mut plan = plan(vec![step("a", vec![measure("v", limit("0 V", ""))]), step("b", vec![measure("v", limit("-9 V", ""))])]);
    plan.recover = vec![wait(1)];
    run(&plan, |b| b.signal("v", v).behaves("proof", behave))
}

#[test]
fn nobody_blames_a_unit_on_a_bench_that_is_not_in_order() {
    let bad = "-1 V";
    let ran = proved(bad, Behave::Well);
    assert_eq!((ran.verdict(), ran.outcome.exit_code()), (Verdict::Fail, 1));
    for (behave, cause) in [(Behave::Fails, "part `proof`: link lost: cable pulled"), (Behave::Hangs, "it was not proved within 10 s")] {
        let ran = proved(bad, behave);
        let message = format!("the bench is not in order, so that nothing it found is a judgement: {cause}");
        assert_eq!(ran.problem(), (Verdict::Error, message));
        // What was measured stays in the record.
        assert_eq!((ran.only().verdict, ran.verdict()), (Verdict::Fail, Verdict::Error));
        assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    }
    // Once is enough: the fault may be over when the run is.
    assert_eq!(proved(bad, Behave::FailsOnce).outcome, outcome(Disposition::None, Status::TesterError));
}

#[test]
fn no_unit_passes_on_a_bench_that_is_not_in_order_after_the_last_step() {
    assert_eq!(proved("1 V", Behave::Well).outcome, outcome(Disposition::Pass, Status::Completed));
    let ran = proved("1 V", Behave::Fails);
    assert_eq!((ran.steps()[0].1, ran.steps()[1].1), (Verdict::Pass, Verdict::Pass));
    assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    let phases: Vec<_> = ran
        .events
        .iter()
        .filter_map(|e| if let EventKind::PhaseStarted { phase } = &e.kind { Some(phase.as_str()) } else { None })
        .collect();
    assert_eq!(phases, ["proof", "teardown"]);
}

#[test]
fn what_answers_late_leaves_nothing_judged() {
    for v in ["1 V", "-1 V"] {
        let ran = run(&acts(vec![measure("v", limit("0 V", ""))]), |b| b.signal("v", v).answers_late("meter `m` answered 300 ms late"));
        assert!(ran.problem().1.ends_with("a judgement: meter `m` answered 300 ms late"), "{:?}", ran.problem());
        assert_eq!(ran.outcome, outcome(Disposition::None, Status::TesterError));
    }
}
