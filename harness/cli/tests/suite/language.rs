//! The rest of the plan language and the debugging flags, from outside.

use std::fs;

use hil_record::{Event, EventKind, Verdict};

use crate::support::{Run, Scratch, hil, run};

/// Every construct that decides the course of a plan, on the virtual bench.
const PLAN: &str = r#"
[plan]
id = "language"
title = "Course of steps"
product = "smart-bms-12-200"
[setup]
do = [
    { set = { "battery.source-limit" = "25 A", "battery.sink-limit" = "25 A" } },
    { use = "recover" },
]
[recover]
do = [
    { set = { "alternator.output" = "off", "system.output" = "off", "remote.loop" = "closed" } },
    { set = { "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy" } },
    { set = { "battery.voltage" = "12.8 V", "battery.output" = "on" } },
    { settle = "battery.voltage", within = "20 mV", over = "200 ms", timeout = "5 s" },
    { wait = "2 s" },
]
[teardown]
do = [ { set = { "battery.output" = "off" } } ]

[[step]]
id = "label"
do = [ { prompt = "Is the label straight?", answers = ["pass", "fail"], as = "label" } ]

[[step]]
id = "at-rest"
export = ["vbat"]
retries = { on = ["open-contact"] }
do = [ { measure = "battery.voltage", as = "vbat", min = "12 V", fails-as = "open-contact" } ]

[[step]]
id = "outputs"
repeat = 2
do = [ { measure = "load-disconnect.voltage", min = "at-rest.vbat - 0.3 V", max = "at-rest.vbat + 0.3 V" } ]

[[step]]
id = "only-at-24-volts"
when = "at-rest.vbat > 20 V"
do = [ { measure = "battery.voltage", min = "20 V" } ]

[[step]]
include = "more.toml"
"#;

const MORE: &str = r#"
[[step]]
id = "side-by-side"
do = [
    { watch = "pre-alarm", becomes = "high", as = "warn" },
    { together = [
        [ { set = { "btv.pre-alarm" = "alarm" }, as = "alarm" } ],
        [ { measure = "battery.voltage", over = "1 s", min = "at-rest.vbat - 0.1 V" } ],
    ] },
    { require = "warn - alarm", max = "1 s" },
    { set = { "btv.pre-alarm" = "healthy" } },
    { expect = { "pre-alarm" = "floating" }, within = "1 s" },
]
"#;

/// The plan, with this in place of that, and arguments.
fn language(edits: &[(&str, &str)], args: &[&str]) -> Run {
    let scratch = Scratch::new("language");
    let text = edits.iter().fold(PLAN.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "no `{from}`");
        text.replacen(from, to, 1)
    });
    fs::write(scratch.0.join("plan.toml"), text).expect("a plan");
    fs::write(scratch.0.join("more.toml"), MORE).expect("more steps");
    let out = Scratch::new("language-runs");
    run(&out, &scratch.0.join("plan.toml").to_string_lossy(), args)
}

fn verdicts(run: &Run) -> Vec<(&str, u32, Verdict)> {
    run.events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::StepFinished { step, attempt, verdict, .. } => Some((step.as_str(), *attempt, *verdict)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_good_unit_goes_the_whole_course() {
    use Verdict::{Pass, Skipped};
    let run = language(&[], &["--answer", "label.label=pass"]);
    let expected = [
        ("label", 1, Pass),
        ("at-rest", 1, Pass),
        ("outputs", 1, Pass),
        ("outputs", 2, Pass),
        ("only-at-24-volts", 1, Skipped),
        ("side-by-side", 1, Pass),
    ];
    assert_eq!(verdicts(&run), expected, "{}", run.text());
    assert_eq!(run.code, 0, "{}", run.text());
    let Some(EventKind::RunStarted { digests, .. }) = run.events.first().map(|e| &e.kind) else { panic!() };
    assert!(digests.keys().any(|k| k.starts_with("include ") && k.ends_with("more.toml")), "{digests:?}");
}

#[test]
fn a_question_without_an_answer_is_never_a_pass() {
    let run = language(&[], &[]);
    assert_eq!(run.code, 3, "{}", run.text());
    // The journal's words; the console breaks long lines.
    let told = |e: &Event| matches!(&e.kind, EventKind::Problem { message, .. } if message.contains("no terminal to ask on, and no `--answer label.label=…`"));
    assert!(run.events.iter().any(told), "{}", run.text());
    assert_eq!(language(&[], &["--answer", "label=fail"]).code, 1);
    let run = language(&[], &["--answer", "label=perhaps"]);
    assert_eq!((run.code, run.events.len()), (2, 0), "{}", run.text());
    assert_eq!(language(&[], &["--answer", "lable=pass"]).code, 2);
}

#[test]
fn a_failure_of_the_contact_is_tried_once_more_and_only_then_fails() {
    let run = language(&[("as = \"vbat\", min = \"12 V\"", "as = \"vbat\", min = \"13 V\"")], &["--answer", "label=pass"]);
    assert_eq!(run.code, 1, "{}", run.text());
    assert_eq!(verdicts(&run)[1..3], [("at-rest", 1, Verdict::Fail), ("at-rest", 2, Verdict::Fail)]);
    // Who needs what was not taken is skipped.
    assert_eq!(verdicts(&run)[3], ("outputs", 1, Verdict::Skipped));
}

#[test]
fn a_run_of_some_steps_passes_no_unit() {
    let run = language(&[], &["--step", "at-rest", "--repeat", "2"]);
    assert_eq!(run.code, 5, "{}", run.text());
    assert!(run.text().contains("not selected: --step at-rest"), "{}", run.text());
    assert_eq!(run.steps_with(Verdict::Pass), ["at-rest", "at-rest"]);
    let run = language(&[], &["--from", "outputs"]);
    // What it needs of a step that was left out is not there.
    assert_eq!(run.code, 5, "{}", run.text());
    assert_eq!(language(&[], &["--step", "at_rest"]).code, 2);
    assert_eq!(language(&[], &["--step", "at-rest", "--from", "outputs"]).code, 2);
}

#[test]
fn a_run_goes_on_until_a_step_fails() {
    let scratch = Scratch::new("until-fail");
    let run = run(&scratch, "test-plans/eol.toml", &["--step", "pre-alarm-lead", "--until-fail", "--defect", "D46"]);
    assert_eq!(run.code, 1, "{}", run.text());
    assert_eq!(run.failed_steps(), ["pre-alarm-lead"]);
    let run = language(&[], &["--answer", "label=pass", "--until-fail", "--repeat", "3"]);
    assert_eq!(run.code, 0, "{}", run.text());
    assert_eq!(run.steps_with(Verdict::Pass).iter().filter(|s| **s == "outputs").count(), 6);
}

#[test]
fn a_pause_needs_somebody_to_end_it() {
    let run = language(&[], &["--pause-on-fail"]);
    assert_eq!(run.code, 2);
    assert!(run.text().contains("--pause-on-fail: there is no terminal"), "{}", run.text());
}

#[test]
fn a_dry_run_opens_nothing() {
    let run = language(&[], &["--dry-run", "--step", "side-by-side"]);
    assert_eq!((run.code, run.events.len(), run.folder.exists()), (0, 0, false), "{}", run.text());
    insta::assert_snapshot!("dry_run", run.text());
}

#[test]
fn the_schema_knows_every_action() {
    let output = hil().arg("schema").output().expect("hil starts");
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let text = fs::read_to_string(crate::support::root().join("test-plans/model/src/reader/action.rs")).expect("the reader");
    let list = text.split("const ACTIONS").nth(1).and_then(|t| t.split("];").next()).expect("its actions");
    let actions: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
    assert!(actions.len() >= 12, "{actions:?}");
    let refs: Vec<String> = actions.iter().map(|a| format!("#/$defs/{a}")).collect();
    let known: Vec<&str> =
        schema["$defs"]["action"]["oneOf"].as_array().expect("actions").iter().filter_map(|r| r["$ref"].as_str()).collect();
    assert_eq!(known, refs);
}
