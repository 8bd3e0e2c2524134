//! Ctrl-C once and twice during every kind of action, and panics: outputs off,
//! confirmed in the journal, the right exit code, reports written.

#![expect(clippy::disallowed_methods, reason = "a person at a keyboard lives in real time")]

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Run, Scratch, finished, hil, run, wait_for};

/// Every kind of action, each long enough to be interrupted.
const ACTIONS: &[(&str, &str)] = &[
    ("set", ""), // filled in below: a long row of sets
    ("ramp", r#"{ ramp = "battery.voltage", from = "12 V", to = "14 V", rate = "20 mV/s" }"#),
    ("profile", r#"{ profile = "battery.voltage", points = [["0 s", "13 V"], ["20 s", "12.5 V"]] }"#),
    ("wait", r#"{ wait = "30 s" }"#),
    ("settle", r#"{ settle = "battery.voltage", within = "1 uV", over = "5 s", timeout = "40 s" }"#),
    ("measure", r#"{ measure = "battery.voltage", over = "30 s", min = "1 V" }"#),
    (
        "require",
        r#"{ watch = "load-disconnect", becomes = "floating", as = "cut" }, { require = "cut - cut", max = "1 s", within = "40 s" }"#,
    ),
    ("expect", r#"{ expect = { "load-disconnect" = "floating" }, within = "40 s" }"#),
    ("read", ""), // filled in below: a long row of reads
];

#[test]
fn ctrl_c_during_any_action_leaves_the_bench_safe() {
    for (kind, action) in ACTIONS {
        for times in [1, 2] {
            let scratch = Scratch::new(&format!("interrupt-{kind}-{times}"));
            let plan = plan_with(&scratch, kind, action);
            let run = interrupted(&scratch, &plan, "INT", times);
            let what = format!("{kind}, {times} times");
            assert_eq!(run.code, 4, "{what}: {}", run.text());
            assert_eq!(run.confirmed_safe(), Some(true), "{what}: {}", run.text());
            assert!(run.folder.join("junit.xml").exists(), "{what}");
            assert!(run.folder.join("measurements.csv").exists(), "{what}");
        }
    }
}

#[test]
fn no_signal_that_can_be_taken_leaves_the_outputs_on() {
    for signal in ["TERM", "HUP", "QUIT", "USR1", "USR2", "ALRM", "XCPU", "XFSZ"] {
        let scratch = Scratch::new(&format!("signal-{signal}"));
        let plan = plan_with(&scratch, "wait", r#"{ wait = "30 s" }"#);
        let run = interrupted(&scratch, &plan, signal, 1);
        assert_eq!(run.code, 4, "SIG{signal}: {}", run.text());
        assert_eq!(run.confirmed_safe(), Some(true), "SIG{signal}: {}", run.text());
    }
}

#[test]
fn a_panic_in_a_step_is_the_testers_fault_and_leaves_the_bench_safe() {
    let scratch = Scratch::new("panic-step");
    let run = run(&scratch, "test-plans/eol.toml", &["--panic-on", "ble.soft-switch"]);
    assert_tester_error(&run);
    // Steps before the panic were judged and stay in the record.
    assert!(run.steps_with(hil_record::Verdict::Pass).contains(&"outputs-at-rest"), "{}", run.text());
}

#[test]
fn a_panic_in_the_twin_is_the_testers_fault_and_leaves_the_bench_safe() {
    let scratch = Scratch::new("panic-twin");
    let defects = scratch.0.join("panic.toml");
    let text = "[[defect]]\nid = \"P1\"\ntitle = \"the world ends\"\ncaught-by = []\nset = { \"harness.panic-at-ms\" = 20000 }\n";
    fs::write(&defects, text).expect("a defects file");
    let run = run(&scratch, "test-plans/eol.toml", &["--defects", &defects.to_string_lossy()]);
    assert_tester_error(&run);
}

fn assert_tester_error(run: &Run) {
    assert_eq!(run.code, 3, "{}", run.text());
    assert_eq!(run.confirmed_safe(), Some(true), "{}", run.text());
    assert!(run.folder.join("junit.xml").exists());
}

fn plan_with(scratch: &Scratch, kind: &str, action: &str) -> String {
    let action = match kind {
        "set" => (0..600)
            .map(|i| format!("{{ set = {{ \"battery.voltage\" = \"{} V\" }} }}", 12.0 + f64::from(i % 2)))
            .collect::<Vec<_>>()
            .join(", "),
        "read" => (0..600).map(|i| format!("{{ read = \"battery.voltage\", as = \"v{i}\" }}")).collect::<Vec<_>>().join(", "),
        _ => action.to_owned(),
    };
    let text = format!(
        r#"
[plan]
id = "interrupt-{kind}"
title = "A long {kind}"
product = "smart-bms-12-200"
[setup]
do = [
    {{ set = {{ "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy", "remote.loop" = "closed" }} }},
    {{ set = {{ "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" }} }},
    {{ wait = "1 s" }},
]
[teardown]
do = [ {{ set = {{ "battery.output" = "off" }} }} ]
[[step]]
id = "long"
timeout = "200 s"
do = [ {action}, {{ measure = "battery.voltage", as = "end", min = "1 V" }} ]
"#
    );
    let path = scratch.0.join("plan.toml");
    fs::write(&path, text).expect("a plan");
    path.to_string_lossy().into_owned()
}

/// Starts the plan in real time, waits until its step is under way, and sends
/// the signal so often.
fn interrupted(scratch: &Scratch, plan: &str, signal: &str, times: u32) -> Run {
    let out = scratch.0.join("runs");
    fs::create_dir_all(&out).expect("a folder");
    let mut child = hil()
        .args(["run", plan, "--speed", "1", "--run-id", "r", "--out"])
        .arg(&out)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hil starts");
    wait_for(&mut child, &out.join("r/journal.jsonl"), "\"step-started\"");
    std::thread::sleep(Duration::from_millis(150));
    for _ in 0..times {
        Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().expect("kill");
        std::thread::sleep(Duration::from_millis(15));
    }
    let output = child.wait_with_output().expect("hil ends");
    finished(&out, output)
}
