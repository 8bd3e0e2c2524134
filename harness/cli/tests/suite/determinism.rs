//! The same seed, run id and wall clock give the same journal, byte for byte,
//! in another process, folder and locale.

use std::fs;
use std::path::Path;

use crate::support::{Scratch, hil, root};

const FIXED: &[&str] = &["--seed", "7", "--run-id", "same", "--wall-clock", "2026-11-22T10:15:00Z", "--serial", "HQ2247ABCDE"];

#[test]
fn a_run_is_repeatable_byte_for_byte() {
    let (here, there) = (Scratch::new("here"), Scratch::new("there"));
    let plan = root().join("test-plans/eol.toml").canonicalize().expect("the plan");
    let a = journal(&here.0, Path::new("test-plans/eol.toml"), &root(), "C");
    let b = journal(&there.0, &plan, &there.0, "de_DE.UTF-8");
    assert!(a.len() > 10_000, "only {} bytes", a.len());
    assert!(a == b, "the journals differ at byte {:?}", a.iter().zip(&b).position(|(x, y)| x != y));
}

#[test]
fn another_seed_gives_another_journal() {
    let (one, two) = (Scratch::new("seed-1"), Scratch::new("seed-2"));
    let a = journal(&one.0, Path::new("test-plans/eol.toml"), &root(), "C");
    hil()
        .args(["run", "test-plans/eol.toml", "--seed", "8", "--run-id", "same", "--wall-clock", "2026-11-22T10:15:00Z", "--out"])
        .arg(&two.0)
        .output()
        .expect("hil starts");
    let b = fs::read(two.0.join("same/journal.jsonl")).expect("a journal");
    assert!(a != b);
}

fn journal(out: &Path, plan: &Path, folder: &Path, locale: &str) -> Vec<u8> {
    let output = hil()
        .current_dir(folder)
        .env("LC_ALL", locale)
        .env("LANG", locale)
        .env("TZ", if locale == "C" { "UTC" } else { "Europe/Berlin" })
        .arg("run")
        .arg(plan)
        .args(FIXED)
        .arg("--out")
        .arg(out)
        .output()
        .expect("hil starts");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    fs::read(out.join("same/journal.jsonl")).expect("a journal")
}
