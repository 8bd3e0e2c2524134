//! No path ends a run without a safe state: a plan with all phases and kinds of
//! action is interrupted at each of its events, once and twice, and falls over at
//! each signal that it uses. (Every other test's runs are held against the same,
//! in `support`; the engine's own sweep is `harness/engine/src/safe_end.rs`.)

use std::fs;

use hil_record::EventKind;

use crate::support::{Run, Scratch, run};

const PLAN: &str = r#"
[plan]
id = "all"
title = "All phases, and each kind of action"
product = "smart-bms-12-200"
[setup]
do = [
    { set = { "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy", "remote.loop" = "closed" } },
    { set = { "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" } },
    { settle = "battery.voltage", within = "50 mV", over = "200 ms", timeout = "5 s" },
]
[recover]
do = [ { set = { "btv.atd" = "healthy" } }, { wait = "100 ms" } ]
[teardown]
do = [ { set = { "battery.output" = "off" } } ]
[[step]]
id = "bad"
continue-on-fail = true
do = [
    { watch = "load-disconnect", becomes = "floating", as = "cut" },
    { set = { "btv.atd" = "open" }, as = "open" },
    { require = "cut - open", as = "reaction", max = "1 us", within = "10 s" },
]
[[step]]
id = "good"
do = [
    { expect = { "led.active" = "on" }, within = "10 s" },
    { ramp = "battery.voltage", to = "12.9 V", rate = "1 V/s" },
    { profile = "battery.voltage", points = [["0 s", "12.9 V"], ["100 ms", "12.8 V"]] },
    { together = [[ { read = "battery.voltage", as = "v" } ], [ { wait = "10 ms" } ]] },
    { measure = "battery.voltage", over = "50 ms", min = "12 V" },
]
"#;

fn run_with(args: &[&str]) -> Run {
    let scratch = Scratch::new("safe-end");
    let plan = scratch.0.join("plan.toml");
    fs::write(&plan, PLAN).expect("a plan");
    run(&scratch, &plan.to_string_lossy(), args)
}

fn is_safe(run: &Run, code: i32, what: &str) {
    assert_eq!((run.code, run.confirmed_safe()), (code, Some(true)), "{what}: {}", run.text());
    assert!(matches!(run.events.last().map(|e| &e.kind), Some(EventKind::RunFinished { safe: true, .. })), "{what}: {}", run.text());
}

#[test]
fn whoever_interrupts_wherever_leaves_it_safe() {
    let whole = run_with(&[]);
    is_safe(&whole, 1, "undisturbed");
    let events = whole.events.len();
    assert!(events > 50, "{events}");
    // Nothing is left to interrupt once the safe state is confirmed.
    for at in 0..events - 2 {
        for times in [1, 2] {
            let numbers: Vec<String> = (at..at + times).map(|n| n.to_string()).collect();
            let args: Vec<&str> = numbers.iter().flat_map(|n| ["--interrupt-at", n.as_str()]).collect();
            let run = run_with(&args);
            let what = format!("event {at}, {times} times, after {:?}", whole.events[at].kind);
            let failed = run.failed_steps() == ["bad"];
            is_safe(&run, if failed { 1 } else { 4 }, &what);
        }
    }
}

#[test]
fn whatever_falls_over_leaves_it_safe() {
    for signal in ["btv.cable", "battery.output", "battery.voltage", "load-disconnect", "btv.atd", "led.active"] {
        is_safe(&run_with(&["--panic-on", signal]), 3, signal);
    }
}
