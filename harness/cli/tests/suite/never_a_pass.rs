//! Ways in which a bad unit, or a bad plan, once passed: found by people who
//! tried to. Each must stay shut.

use std::fs;
use std::process::Stdio;

use hil_record::{Datum, EventKind};

use crate::support::{Run, Scratch, finished, hil, run};

const HEAD: &str = r#"
[plan]
id = "x"
title = "x"
product = "smart-bms-12-200"
[setup]
do = [
    { set = { "fuse" = "2x7.5A", "remote.loop" = "closed", "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy" } },
    { set = { "battery.source-limit" = "25 A", "battery.sink-limit" = "25 A", "battery.voltage" = "13.3 V", "battery.output" = "on" } },
    { set = { "alternator.source-limit" = "18 A", "alternator.sink-limit" = "5 A" } },
    { wait = "4 s" },
]
"#;

/// Runs one step on a unit with these parameters.
fn try_step(name: &str, acts: &str, defect: &str) -> Run {
    let scratch = Scratch::new(name);
    let plan = scratch.0.join("plan.toml");
    fs::write(&plan, format!("{HEAD}[[step]]\nid = \"s\"\ndo = [\n{acts}\n]\n")).expect("a plan");
    let defects = scratch.0.join("defects.toml");
    fs::write(&defects, format!("[[defect]]\nid = \"X\"\ntitle = \"x\"\ncaught-by = []\nset = {{ {defect} }}\n")).expect("defects");
    let out = scratch.0.join("runs");
    let mut command = hil();
    command.arg("run").arg(&plan).arg("--out").arg(&out);
    if !defect.is_empty() {
        command.arg("--defects").arg(&defects);
    }
    finished(&out, command.output().expect("hil starts"))
}

fn fails(name: &str, acts: &str, defect: &str) {
    let good = try_step(name, acts, "");
    assert_eq!(good.code, 0, "{name}, the good unit: {}", good.text());
    let bad = try_step(name, acts, defect);
    assert_eq!(bad.code, 1, "{name}: {}", bad.text());
}

/// Refused before anything is switched on.
fn refused(name: &str, acts: &str, because: &str) {
    let run = try_step(name, acts, "");
    assert_eq!(run.code, 2, "{name}: {}", run.text());
    assert!(run.text().contains(because), "{name}: {}", run.text());
}

#[test]
fn a_reaction_before_its_stimulus_is_none() {
    let acts = r#"{ watch = "load-disconnect", becomes = "floating", as = "cut" }, { wait = "6 s" },
        { set = { "btv.cable" = "open" }, as = "opened" }, { require = "cut - opened", max = "100 ms" }"#;
    let early =
        r#""pin.load-disconnect.intermittent-period-s" = 5, "pin.load-disconnect.intermittent-ms" = 30, "wire.btv.cable.delay-ms" = 2000"#;
    fails("early", acts, early);
}

#[test]
fn a_setting_that_the_unit_refuses_is_not_set() {
    let acts = r#"{ set = { "setting.charge-limit" = "13.4 V" } }, { expect = { "load-disconnect" = "high" } }"#;
    fails("refusal", acts, r#""firmware.params.charge-limit-min-volts" = 14.0"#);
    let allowed =
        r#"{ set = { "setting.charge-limit" = "15.8 V" }, allow-refusal = true }, { measure = "setting.charge-limit", max = "15.3 V" }"#;
    let run = try_step("allowed", allowed, "");
    assert_eq!(run.code, 0, "{}", run.text());
    let journal = fs::read_to_string(run.folder.join("journal.jsonl")).unwrap_or_default();
    assert!(!journal.contains("\"value\":15.8"), "the journal says what the unit took");
}

#[test]
fn a_shorted_unit_gets_no_power() {
    let scratch = Scratch::new("shorted");
    let defects = scratch.0.join("defects.toml");
    let text = "[[defect]]\nid = \"X\"\ntitle = \"x\"\ncaught-by = []\nset = { \"power.short\" = 200 }\n";
    fs::write(&defects, text).expect("defects");
    for selected in [&[][..], &["--step", "leds-at-rest"], &["--from", "leds-at-rest"]] {
        let run = run(&scratch, "test-plans/eol.toml", &[&["--defects", &defects.to_string_lossy()], selected].concat());
        assert_eq!((run.code, run.failed_steps()), (1, vec!["ports"]), "{}", run.text());
        for event in &run.events {
            if let EventKind::Stimulus { signal, value: Datum::Number(volts), .. } = &event.kind {
                assert!(!signal.ends_with(".voltage") || *volts < 0.5, "{signal} was set to {volts} V");
            }
        }
    }
}

#[test]
fn what_no_eye_sees_blink_does_not_blink() {
    let acts = r#"{ expect = { "led.bluetooth" = "blinking" }, within = "6 s" }"#;
    for ms in ["1", "5", "3000"] {
        fails("blink", acts, &format!("\"firmware.params.led-blink-ms\" = {ms}"));
    }
}

#[test]
fn a_slow_led_fails_the_unit_not_the_tester() {
    fails("slow", r#"{ expect = { "led.active" = "on" }, within = "3 s" }"#, r#""led.active.stuck" = "off""#);
    let run =
        try_step("2500", r#"{ expect = { "led.bluetooth" = "blinking" }, within = "6 s" }"#, r#""firmware.params.led-blink-ms" = 2500"#);
    assert!(run.code == 0 || run.code == 1, "at the edge of what blinks, but decided: {}", run.text());
}

#[test]
fn a_ramp_that_finds_its_condition_already_true_says_nothing() {
    let acts = r#"{ set = { "battery.voltage" = "12 V", "alternator.voltage" = "12.95 V", "alternator.output" = "on" } }, { wait = "5 s" },
        { ramp = "alternator.voltage", to = "13.5 V", rate = "20 mV/s", until = "alternator.current > 0.5 A", capture = "alternator.voltage", as = "start", limit = "limits.alternator-start" }"#;
    fails("ramp", acts, r#""firmware.params.alternator-start-volts" = 12.6"#);
}

#[test]
fn a_word_that_was_read_can_be_judged() {
    fails("word", r#"{ read = "led.active", as = "led" }, { require = "led", equals = "on" }"#, r#""led.active.stuck" = "off""#);
}

#[test]
fn a_step_must_judge_the_unit() {
    refused("nothing", r#"{ set = { "btv.cable" = "open" } }, { wait = "1 s" }"#, "judges nothing about the unit");
    refused("guards", r#"{ measure = "battery.voltage", min = "1 V", blame = "tester" }"#, "judges nothing about the unit");
    refused("constant", r#"{ require = "1", as = "one", max = 2 }"#, "a constant judges nothing");
}

#[test]
fn a_unit_that_does_not_answer_fails_by_its_own_limit() {
    let acts = r#"{ watch = "load-disconnect", becomes = "floating", as = "c" }, { set = { "btv.atd" = "open" }, as = "o" },
        { require = "c - o", min = "30 s", within = "90 s" }"#;
    refused("too-long", acts, "waits up to 90 s for the unit, but the step's `timeout` is 60 s");
}

#[test]
fn a_teardown_that_cannot_end_in_time_is_refused() {
    let scratch = Scratch::new("teardown");
    let plan = scratch.0.join("plan.toml");
    let step = "[[step]]\nid = \"s\"\ndo = [ { expect = { \"load-disconnect\" = \"high\" } } ]\n";
    fs::write(&plan, format!("{HEAD}[teardown]\ndo = [ {{ wait = \"20 s\" }} ]\n{step}")).expect("a plan");
    let run = run(&scratch, &plan.to_string_lossy(), &[]);
    assert_eq!(run.code, 2, "{}", run.text());
    assert!(run.text().contains("teardown: its waits take 20 s, expected less than 10 s"), "{}", run.text());
}

#[test]
fn another_serial_than_the_units_fails() {
    let scratch = Scratch::new("wrong-serial");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ0000WRONG"]);
    assert_eq!(run.code, 1, "{}", run.text());
    assert_eq!(run.failed_steps(), ["arrival-serial"]);
}

#[test]
fn a_command_line_that_would_mislead_is_refused() {
    let scratch = Scratch::new("refused");
    let bad = |args: &[&str], because: &str| {
        let run = run(&scratch, "test-plans/eol.toml", args);
        assert_eq!(run.code, 2, "{args:?}: {}", run.text());
        assert!(run.text().contains(because), "{args:?}: {}", run.text());
    };
    bad(&["--defects", "/dev/null"], "has no `[[defect]]`");
    bad(&["--junit", "/proc/x.xml"], "--junit: cannot write");
    bad(&["--set", "load=5 A", "--set", "load=6 A"], "parameter `load` is there twice");
    bad(&["--speed", "1e308"], "expected a number from 0.1");
    assert_eq!(run(&scratch, "test-plans/eol.toml", &["--run-id", "taken"]).code, 0);
    bad(&["--run-id", "taken"], "run id: `taken` is taken");
    let empty = scratch.0.join("empty.toml");
    fs::write(&empty, "[[defect]]\nid = \"X\"\ntitle = \"x\"\ncaught-by = []\nset = { }\n").expect("a file");
    bad(&["--defects", &empty.to_string_lossy()], "`set` is empty");
}

#[test]
fn a_console_that_nobody_reads_changes_nothing() {
    let scratch = Scratch::new("console");
    let mut child = hil()
        .args(["run", "test-plans/eol.toml", "--out"])
        .arg(&scratch.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hil starts");
    drop(child.stdout.take());
    drop(child.stderr.take());
    let run = finished(&scratch.0, child.wait_with_output().expect("hil ends"));
    assert_eq!(run.code, 0);
    for file in ["junit.xml", "measurements.csv", "report.html", "summary.md"] {
        assert!(run.folder.join(file).exists(), "{file}");
    }
}

#[test]
fn a_report_of_the_last_run_is_not_this_ones() {
    let scratch = Scratch::new("stale-junit");
    let junit = scratch.0.join("junit.xml");
    fs::write(&junit, "the last run passed").expect("a file");
    let refused = hil().args(["run", "no-such-plan.toml", "--junit"]).arg(&junit).output().expect("hil starts");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let text = fs::read_to_string(&junit).expect("a report");
    assert!(text.contains("errors=\"1\"") && text.contains("the run has not ended; nothing is known of the unit"), "{text}");
}
