//! `hil runs`: all runs of a folder, also what was cut short.

use std::fs;

use crate::support::{Scratch, hil, run};

const PLAN: &str = r#"
[plan]
id = "short"
title = "Short"
product = "smart-bms-12-200"
[parameters]
low = "12 V"
[setup]
do = [ { set = { "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" } }, { wait = "70 s" } ]
[[step]]
id = "first"
repeat = 5
do = [ { measure = "battery.voltage", min = "12 V" } ]
[[step]]
id = "second"
do = [ { measure = "battery.voltage", min = "parameters.low" } ]
"#;

fn list(out: &Scratch) -> String {
    let output = hil().args(["runs", "--out"]).arg(&out.0).output().expect("hil starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn runs_are_listed_by_time() {
    let scratch = Scratch::new("runs");
    let plan = scratch.0.join("plan.toml");
    fs::write(&plan, PLAN).expect("a plan");
    let at = |hour: &str, args: &[&str]| {
        let clock = format!("2026-11-22T{hour}:15:00Z");
        run(&scratch, &plan.to_string_lossy(), &[&["--wall-clock", &clock], args].concat())
    };
    at("12", &["--serial", "HQ2247ABCDE"]);
    let killed = at("11", &["--run-id", "killed"]);
    at("10", &["--set", "low=15 V"]);
    at("09", &["--step", "first"]);
    let killed_late = at("08", &["--run-id", "killed-late", "--set", "low=15 V"]);
    let journal = killed_late.folder.join("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    fs::write(&journal, text.split_inclusive('\n').filter(|l| !l.contains("\"run-finished\"")).collect::<String>()).expect("a journal");
    // As `kill -9` leaves it.
    let journal = killed.folder.join("journal.jsonl");
    let text = fs::read_to_string(&journal).expect("a journal");
    let cut = text.match_indices('\n').nth(28).expect("a line").0 + 20;
    fs::write(&journal, &text[..cut]).expect("a journal");
    fs::create_dir(scratch.0.join("empty")).expect("a folder");
    fs::create_dir(scratch.0.join("odd")).expect("a folder");
    fs::write(scratch.0.join("odd/journal.jsonl"), "\u{1b}[31m no journal\n").expect("a file");
    insta::assert_snapshot!(list(&scratch));
}

#[test]
fn no_runs_are_no_error_and_no_folder_is() {
    let scratch = Scratch::new("no-runs");
    assert!(list(&scratch).starts_with("no runs in "));
    let output = hil().args(["runs", "--out", "no-such-folder"]).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2));
}
