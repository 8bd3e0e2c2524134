//! A journal that can no longer be written: the error names file and cause, the
//! bench is safe, exit code 3, and what was written stays.

#![expect(clippy::disallowed_methods, reason = "a folder vanishes in real time")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Scratch, finished, hil, root, run, wait_for};

const LONG: &str = r#"
[plan]
id = "long"
title = "A long wait"
product = "smart-bms-12-200"
[setup]
do = [ { set = { "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" } } ]
[[step]]
id = "first"
do = [ { wait = "1 s" }, { measure = "battery.voltage", min = "1 V" } ]
[[step]]
id = "second"
do = [ { wait = "1 s" }, { measure = "battery.voltage", min = "1 V" } ]
"#;

/// A file may not become longer than so many KiB: the disk is full.
fn with_room_for(kib: u32, args: &[&str], out: &Path) -> std::process::Output {
    let limited = format!("ulimit -f {kib}; exec \"$0\" \"$@\"");
    Command::new("bash")
        .args(["-c", &limited, env!("CARGO_BIN_EXE_hil"), "run", "test-plans/eol.toml", "--out"])
        .arg(out)
        .args(args)
        .current_dir(root())
        .output()
        .expect("bash starts")
}

#[test]
fn a_full_disk_ends_the_run_safely() {
    for policy in ["write", "sync"] {
        let scratch = Scratch::new("full");
        let run = finished(&scratch.0, with_room_for(100, &["--durability", policy], &scratch.0));
        assert_eq!(run.code, 3, "{policy}: {}", run.text());
        let message = format!("cannot write {}: File too large", run.folder.join("journal.jsonl").display());
        assert!(run.text().contains(&message), "{policy}: {}", run.text());
        assert!(run.text().contains("the bench is safe: "), "{policy}: {}", run.text());
        assert_eq!(fs::metadata(run.folder.join("journal.jsonl")).expect("a journal").len(), 100 * 1024, "{policy}");
        assert!(run.events.len() > 100, "{policy}: {} events can be read", run.events.len());
        assert!(!run.text().contains("PASS"), "{policy}: {}", run.text());
    }
}

#[test]
fn a_folder_that_vanishes_ends_the_run_safely() {
    for policy in ["write", "sync"] {
        let scratch = Scratch::new("vanished");
        let plan = scratch.0.join("plan.toml");
        fs::write(&plan, LONG).expect("a plan");
        let (out, away) = (scratch.0.join("runs"), scratch.0.join("away"));
        let mut child = hil()
            .args(["run", "--speed", "1", "--run-id", "r", "--durability", policy, "--out"])
            .arg(&out)
            .arg(&plan)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hil starts");
        wait_for(&mut child, &out.join("r/journal.jsonl"), "\"step-started\"");
        std::thread::sleep(Duration::from_millis(100));
        fs::rename(&out, &away).expect("a folder goes away");
        let run = finished(&away, child.wait_with_output().expect("hil ends"));
        assert_eq!(run.code, 3, "{policy}: {}", run.text());
        let message = format!("cannot write {}: it was removed or renamed during the run", out.join("r/journal.jsonl").display());
        assert!(run.text().contains(&message), "{policy}: {}", run.text());
        assert!(run.text().contains("the bench is safe: "), "{policy}: {}", run.text());
        assert!(run.events.len() > 5, "{policy}: {} events can be read", run.events.len());
    }
}

#[test]
fn a_run_that_syncs_is_the_same_run() {
    let fixed = ["--wall-clock", "2026-11-22T10:15:00Z", "--run-id"];
    let journal = |id: &str, policy: &str| {
        let out = Scratch::new(id);
        let run = run(&out, "test-plans/eol.toml", &[&fixed[..], &["r", "--durability", policy]].concat());
        assert_eq!(run.code, 0, "{}", run.text());
        fs::read(run.folder.join("journal.jsonl")).expect("a journal")
    };
    assert!(journal("written", "write") == journal("synced", "sync"));
}
