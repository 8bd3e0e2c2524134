//! What a bench engineer does without a plan: the self-test and the safe state.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use hil_cli::bench_lock::{BenchLock, Holder};
use hil_socket::State;

use crate::served::{Served, signal};
use crate::support::{Scratch, hil};

/// Benches of this test, whoever asks.
struct Desk {
    state: Scratch,
}

impl Desk {
    fn new() -> Self {
        Self { state: Scratch::new("desk") }
    }

    fn says(&self, args: &[&str]) -> (i32, String) {
        let output = hil().env("XDG_STATE_HOME", &self.state.0).args(args).output().expect("hil starts");
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), text)
    }

    /// Somebody left this bench with something on.
    fn left(&self, bench: &str) {
        let text = fs::read_to_string(bench).expect("a bench file");
        let id = text.parse::<toml::Table>().expect("TOML")["bench"]["id"].as_str().expect("an id").to_owned();
        let holder = Holder { who: "Ann".into(), pid: 1, since: "2026-11-22T10:15:00Z".into(), run: "r".into() };
        let lock = BenchLock::take(&self.state.0.join("hil/benches"), &id, holder, false).unwrap_or_else(|f| panic!("{}", f.text));
        lock.power().expect("noted");
    }

    fn switch_on(&self, served: &Served) {
        let (code, text) =
            self.says(&["instrument", "query", &served.address("battery"), "VOLT 12.5", "OUTP ON", "--dialect", "ea-psb-10060-120"]);
        assert_eq!(code, 0, "{text}");
        assert!(served.state().on());
    }
}

#[test]
fn a_self_test_compares_each_source_with_its_meters() {
    let desk = Desk::new();
    let (code, text) = desk.says(&["bench", "check", "virtual", "--self-test"]);
    assert_eq!(code, 0, "{text}");
    let rows: Vec<&str> = text.lines().filter(|l| l.contains("self-test of")).collect();
    insta::assert_snapshot!(rows.join("\n"));
    // Two meters that are at other studs than the bench file says, in a bench of its own.
    let served = Served::begin("self-test", &[]);
    let astray = served.scratch.0.join("astray.toml");
    let text = fs::read_to_string(served.bench()).expect("a bench file");
    let mut file: toml::Table = text.parse().expect("TOML");
    for signal in file["signal"].as_array_mut().expect("signals") {
        match signal["name"].as_str() {
            Some("battery.voltage") => signal["read"]["instrument"] = "dmm-alternator".into(),
            Some("alternator.voltage") => signal["read"]["instrument"] = "dmm-battery".into(),
            _ => {}
        }
    }
    fs::write(&astray, file.to_string()).expect("written");
    let (code, text) = desk.says(&["bench", "check", &astray.to_string_lossy(), "--self-test"]);
    assert_eq!(code, 3, "{text}");
    let bad: Vec<&str> = text.lines().filter(|l| l.starts_with("! BAD ")).collect();
    for port in ["battery", "alternator"] {
        let own = bad.iter().filter(|l| l.contains(&format!("self-test of `{port}`")) && l.contains(&format!("{port}.voltage")));
        assert_eq!(own.count(), 3, "{text}");
    }
    assert_eq!(bad.len(), 6, "{text}");
    assert!(!served.state().on());
}

/// A self-test that is under way, with power on.
fn driving(desk: &Desk, served: &Served) -> Child {
    let mut child = hil()
        .env("XDG_STATE_HOME", &desk.state.0)
        .args(["bench", "check", &served.bench(), "--self-test", "--power"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hil starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.any(|line| line.is_ok_and(|l| l.contains("`battery` driving `system`"))), "it ended before it drove");
    // Who writes on finds somebody who reads.
    std::thread::spawn(move || lines.count());
    served.wait("nothing is on", Duration::from_secs(20), State::on);
    child
}

#[test]
fn a_self_test_with_power_drives_and_leaves_nothing_on() {
    let desk = Desk::new();
    let (code, text) = desk.says(&["bench", "check", "virtual", "--self-test", "--power"]);
    assert_eq!(code, 0, "{text}");
    for part in
        ["`battery` driving `system`", "`system` driving `battery`", "`alternator` driving `battery`", "`battery` driven by `alternator`"]
    {
        assert!(text.lines().any(|l| l.starts_with("  ok    ") && l.contains(part)), "{part}: {text}");
    }
    assert!(text.contains("safe, confirmed by readback"), "{text}");
    // Whoever ends it: itself when it is told to, its guardian when it cannot.
    for (name, code) in [("INT", Some(4)), ("KILL", None)] {
        let served = Served::begin("drive", &["--watchdog", "60 s"]);
        let mut child = driving(&desk, &served);
        signal(name, &child);
        let ended = child.wait().expect("a child");
        assert_eq!(ended.code(), code, "{name}");
        served.wait("it stays on", Duration::from_secs(20), |s| !s.on());
        let (code, text) = desk.says(&["bench", "check", &served.bench(), "--low-energy"]);
        assert!(code == 0 && !text.contains("left as it was"), "{name}: {text}");
        assert!(text.contains("watches; the bench is noted as powered"), "{text}");
        assert_eq!(served.state().watchdog_trips, 0, "{name}");
    }
    let (code, text) = desk.says(&["bench", "check", "virtual", "--power"]);
    assert!(code == 2 && text.contains("--self-test"), "{text}");
}

#[test]
fn a_bench_is_made_safe_by_whoever_asks() {
    let desk = Desk::new();
    let served = Served::begin("safe", &[]);
    desk.switch_on(&served);
    desk.left(&served.bench());
    let (code, text) = desk.says(&["bench", "safe", &served.bench()]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the bench was left as it was by Ann") && text.contains("\nsafe: "), "{text}");
    assert!(text.lines().any(|l| l.starts_with("  off   battery ") && l.contains("off, ")), "{text}");
    assert!(!served.state().on());
    // It is over: the next one finds nothing left.
    let (code, text) = desk.says(&["bench", "safe", &served.bench()]);
    assert!(code == 0 && !text.contains("left as it was"), "{text}");
    let (code, text) = desk.says(&["bench", "safe", "virtual"]);
    assert_eq!(code, 0, "{text}");
}

#[test]
fn what_cannot_be_confirmed_breaks_the_bench() {
    let desk = Desk::new();
    let served = Served::begin("safe-not", &[]);
    desk.switch_on(&served);
    // Its fixture does not answer, its sources do.
    let deaf = served.scratch.0.join("deaf.toml");
    let text = fs::read_to_string(served.bench()).expect("a bench file");
    fs::write(&deaf, text.replace("b.sock", "nobody.sock")).expect("written");
    let deaf = deaf.to_string_lossy();
    let (code, text) = desk.says(&["bench", "safe", &deaf]);
    assert_eq!(code, 6, "{text}");
    assert!(text.contains("  off   battery ") && text.contains("! LIVE  fixture "), "{text}");
    assert!(text.contains("is broken: its safe state was not confirmed (fixture)"), "{text}");
    assert!(!served.state().on());
    for command in [["bench", "safe"], ["bench", "check"]] {
        let (code, text) = desk.says(&[command[0], command[1], &deaf]);
        assert!(code == 6 && text.contains("hil bench clear"), "{text}");
    }
}
