//! One bench, one user. Benches with hardware only: as many virtual ones as
//! processes run side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use hil_cli::bench_lock::{BenchLock, Holder};

use crate::support::{Scratch, hil, root};

fn holder(who: &str) -> Holder {
    Holder { who: who.into(), pid: 1, since: "2026-11-22T10:15:00Z".into(), run: format!("run-of-{who}") }
}

/// A state folder, and the virtual bench's file as if it had hardware.
struct Hall {
    scratch: Scratch,
}

impl Hall {
    fn new() -> Self {
        let scratch = Scratch::new("locks");
        let text = fs::read_to_string(root().join("fixtures/benches/virtual.toml")).expect("the virtual bench");
        let real = text.replace("kind = \"virtual\"", "kind = \"real\"").replace("id = \"virtual\"", "id = \"hall-3\"");
        let mut port = 5025;
        let mut own = |line: &str| {
            port += 1;
            line.replace("address = \"virtual\"", &format!("address = \"TCPIP::127.0.0.1::{port}::SOCKET\""))
        };
        let real: String = real.split_inclusive('\n').filter(|line| !line.starts_with("terminals = ")).map(&mut own).collect();
        fs::write(scratch.0.join("hall-3.toml"), real).expect("a bench");
        Self { scratch }
    }

    fn benches(&self) -> PathBuf {
        self.scratch.0.join("hil/benches")
    }

    fn take(&self, who: &str) -> BenchLock {
        BenchLock::take(&self.benches(), "hall-3", holder(who), false).unwrap_or_else(|f| panic!("{}", f.text))
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = hil();
        command.env("XDG_STATE_HOME", &self.scratch.0).args(args);
        command
    }

    fn run(&self, more: &[&str]) -> Output {
        let bench = self.scratch.0.join("hall-3.toml").to_string_lossy().into_owned();
        let out = self.scratch.0.join("runs").to_string_lossy().into_owned();
        let args = [&["run", "test-plans/eol.toml", "--serial", "HQ2247ABCDE", "--bench", &bench, "--out", &out][..], more].concat();
        self.command(&args).output().expect("hil starts")
    }
}

fn said(output: &Output) -> (i32, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_bench_in_use_is_refused_with_who_has_it() {
    let hall = Hall::new();
    let lock = hall.take("Ann");
    let (code, text) = said(&hall.run(&[]));
    assert_eq!(code, 3, "{text}");
    let by = "bench `hall-3` is in use by Ann since 2026-11-22T10:15:00Z for run run-of-Ann (process 1)";
    assert!(text.contains(by) && text.contains("`--wait`"), "{text}");
    assert!(!hall.scratch.0.join("runs").exists(), "nothing was begun");
    drop(lock);
    // Free, and nothing was on: the next one takes it as it is.
    assert_eq!(hall.take("Bob").left_by, None);
}

#[test]
fn who_waits_gets_it() {
    let hall = Hall::new();
    let lock = hall.take("Ann");
    let benches = hall.benches();
    let waiting = std::thread::spawn(move || BenchLock::take(&benches, "hall-3", holder("Bob"), true).map(|lock| lock.left_by));
    assert!(!waiting.is_finished());
    lock.power().expect("noted");
    lock.end(Ok(())).expect("noted");
    assert_eq!(waiting.join().expect("no panic").expect("the bench"), None);
}

#[test]
fn a_holder_that_ended_without_a_safe_state_is_told_to_the_next() {
    let hall = Hall::new();
    let lock = hall.take("Ann");
    lock.power().expect("noted");
    // As by `kill -9`: the system takes the lock back.
    drop(lock);
    let lock = hall.take("Bob");
    assert_eq!(lock.left_by, Some(holder("Ann")));
    // Bob ends too before anything is safe: it is still Ann's.
    drop(lock);
    let lock = hall.take("Cid");
    assert_eq!(lock.left_by, Some(holder("Ann")));
    lock.power().expect("noted");
    lock.end(Ok(())).expect("noted");
    assert_eq!(hall.take("Dee").left_by, None);
}

#[test]
fn a_broken_bench_is_refused_until_somebody_clears_it() {
    let hall = Hall::new();
    let lock = hall.take("Ann");
    lock.power().expect("noted");
    lock.end(Err("battery: no answer")).expect("noted");
    for more in [&[][..], &["--wait"]] {
        let (code, text) = said(&hall.run(more));
        assert_eq!(code, 6, "{text}");
        assert!(text.contains("bench `hall-3` is broken: battery: no answer; left by Ann"), "{text}");
        assert!(text.contains("hil bench clear hall-3 --by WHO --why TEXT"), "{text}");
    }
    let clear = |args: &[&str]| said(&hall.command(&[&["bench", "clear", "hall-3"], args].concat()).output().expect("hil starts"));
    assert_eq!(clear(&["--by", "Bob"]).0, 2);
    assert_eq!(clear(&["--by", "Bob", "--why", " "]).0, 2);
    let (code, text) = clear(&["--by", "Bob", "--why", "switched off by hand, 0 V measured"]);
    assert_eq!(code, 0, "{text}");
    let noted = fs::read_to_string(hall.benches().join("hall-3/cleared.jsonl")).expect("it is noted");
    assert!(noted.contains("\"by\":\"Bob\"") && noted.contains("0 V measured") && noted.contains("battery: no answer"), "{noted}");
    assert_eq!(clear(&["--by", "Bob", "--why", "again"]).0, 2);
    // Somebody has looked; the next run looks too.
    assert_eq!(hall.take("Cid").left_by, Some(holder("Ann")));
}

#[test]
fn a_name_is_no_path() {
    let hall = Hall::new();
    for name in ["../x", "", "a/b"] {
        let failure = BenchLock::take(&hall.benches(), name, holder("Ann"), false).expect_err("refused");
        assert_eq!(failure.code, 2, "{}", failure.text);
        let output = hall.command(&["bench", "clear", name, "--by", "A", "--why", "B"]).output().expect("hil starts");
        assert_eq!(output.status.code(), Some(2));
    }
    assert!(!Path::new(&hall.scratch.0).join("x").exists());
}

#[test]
fn virtual_benches_run_side_by_side() {
    let hall = Hall::new();
    let out = hall.scratch.0.join("runs").to_string_lossy().into_owned();
    let start = |_| {
        let args = ["run", "test-plans/eol.toml", "--step", "status-values", "--out", &out];
        hall.command(&args).stdout(Stdio::null()).spawn().expect("hil starts")
    };
    let all: Vec<_> = (0..4).map(start).collect();
    for mut child in all {
        assert_eq!(child.wait().expect("it ends").code(), Some(5));
    }
    assert!(!hall.benches().exists());
}
