//! `hil report`: the reports again, from the journal alone.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::{Scratch, hil, run};

const ALL: [&str; 4] = ["report.html", "summary.md", "junit.xml", "measurements.csv"];

fn report(args: &[&str]) -> Output {
    hil().arg("report").args(args).output().expect("hil starts")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_report_comes_again_byte_for_byte() {
    let scratch = Scratch::new("report");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ2247ABCDE", "--defect", "D46"]);
    let read = |name: &str| fs::read(run.folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let before = ALL.map(read);
    for name in ALL {
        fs::remove_file(run.folder.join(name)).expect("it was written");
    }
    let output = report(&[&run.folder.to_string_lossy()]);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(ALL.map(read), before);
    let page = String::from_utf8_lossy(&before[0]).into_owned();
    assert!(page.contains("Waveform around pre-alarm-lead") && page.contains("SBMS-PRE-02 (§2.2)"), "a drawing and a clause");
}

#[test]
fn a_torn_journal_gives_reports_that_say_so() {
    let scratch = Scratch::new("torn");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ2247ABCDE"]);
    let journal = fs::read(run.folder.join("journal.jsonl")).expect("a journal");
    // In the middle of a line, as a killed process leaves it.
    let at = journal.len() / 2;
    let at = at + journal[at..].iter().position(|b| *b == b'\n').expect("a line") + 30;
    let torn = scratch.0.join("torn.jsonl");
    fs::write(&torn, &journal[..at]).expect("a journal");
    let output = report(&[&torn.to_string_lossy(), "--lang", "de"]);
    assert!(output.status.success(), "{}", text(&output));
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert!(read("report.html").contains("ABGERISSEN"));
    assert!(read("summary.md").contains("ABGERISSEN"));
    assert!(read("junit.xml").contains("the journal ends before the run"));
    assert!(read("measurements.csv").lines().count() > 10);
}

#[test]
fn tables_of_several_runs_become_one() {
    let scratch = Scratch::new("tables");
    let one = run(&scratch, "test-plans/eol.toml", &["--run-id", "one"]);
    let two = run(&scratch, "test-plans/eol.toml", &["--run-id", "two", "--seed", "2"]);
    let (one, two) = (one.folder.to_string_lossy().into_owned(), two.folder.to_string_lossy().into_owned());
    let output = report(&[&one, &two, "--csv", "--out", "-"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(table.lines().filter(|l| l.starts_with("run,")).count(), 1);
    assert!(table.lines().any(|l| l.starts_with("one,")) && table.lines().any(|l| l.starts_with("two,")));
}

#[test]
fn what_cannot_be_reported_is_named() {
    let scratch = Scratch::new("no-report");
    let empty = scratch.0.join("journal.jsonl");
    fs::write(&empty, "").expect("a file");
    let folder = scratch.0.to_string_lossy().into_owned();
    let cases: [(&[&str], &str); 5] = [
        (&["no-such-run"], "cannot read `no-such-run`: "),
        (&[&folder], "the journal is empty"),
        (&["Cargo.toml"], "cannot read `Cargo.toml`: "),
        (&["x", "--out", "y"], "cannot read `x`"),
        (&["x", "--lang", "fr"], "invalid value 'fr'"),
    ];
    for (args, message) in cases {
        let output = report(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output));
        assert!(text(&output).contains(message), "{args:?}: {}", text(&output));
    }
    assert!(!Path::new("y").exists());
}
