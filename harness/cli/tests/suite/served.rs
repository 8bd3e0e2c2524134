//! A virtual bench that is a process of its own: what is found on it is what is
//! found in memory, and when its user dies it is off.

#![expect(clippy::disallowed_methods, reason = "processes live in real time")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hil_record::{EventKind, Verdict};
use hil_socket::{State, ask_state};

use crate::support::{Run, Scratch, finished, hil, run};

/// A served bench; ends with its scope.
pub struct Served {
    child: Child,
    pub scratch: Scratch,
}

impl Served {
    pub fn begin(name: &str, args: &[&str]) -> Self {
        Self::at(10.0, name, args)
    }

    fn at(speed: f64, name: &str, args: &[&str]) -> Self {
        let scratch = Scratch::new(name);
        let mut child = hil()
            .args(["virtual", "serve", "virtual", "--speed", &speed.to_string(), "--socket"])
            .arg(scratch.0.join("b.sock"))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hil starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert!(lines.any(|line| line.is_ok_and(|l| l == "READY")), "the server ended before it was ready");
        Self { child, scratch }
    }

    pub fn socket(&self) -> PathBuf {
        self.scratch.0.join("b.sock")
    }

    pub fn bench(&self) -> String {
        self.scratch.0.join("b.toml").to_string_lossy().into_owned()
    }

    pub fn state(&self) -> State {
        ask_state(&self.socket()).expect("a state")
    }

    /// Waits until the state is as wanted.
    pub fn wait(&self, what: &str, within: Duration, wanted: impl Fn(&State) -> bool) -> State {
        let deadline = Instant::now() + within;
        loop {
            let state = self.state();
            if wanted(&state) {
                return state;
            }
            assert!(Instant::now() < deadline, "{what}: {state:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn run(&self, plan: &str, args: &[&str]) -> Run {
        run(&self.runs(), plan, &[&["--bench", &self.bench()], args].concat())
    }

    /// As `run`; `None` if this computer was too busy for a finding: the tester was
    /// held up, or let a link be idle for so long that the instrument closed it.
    pub fn run_in_peace(&self, plan: &str) -> Option<Run> {
        let run = self.run(plan, &[]);
        if run.code == 3 {
            eprintln!("{}", run.text());
            return None;
        }
        Some(run)
    }

    /// As `run`, again and again while this computer is too busy for a finding.
    pub fn run_until_found(&self, plan: &str) -> Run {
        let mut run = self.run(plan, &[]);
        for _ in 0..20 {
            if !run.text().contains("the tester was held up") {
                break;
            }
            run = self.run(plan, &[]);
        }
        run
    }

    fn runs(&self) -> Scratch {
        Scratch::new("served-run")
    }

    /// A run that is under way: its step has begun, and the battery is on.
    pub fn long_run(&self, out: &Scratch) -> Child {
        self.long_run_on(&self.bench(), out)
    }

    /// The same, by another bench file of this bench.
    pub fn long_run_on(&self, bench: &str, out: &Scratch) -> Child {
        let plan = plan(out, r#"{ wait = "600 s" }"#);
        let child = hil()
            .args(["run", &plan, "--run-id", "r", "--bench", bench, "--out"])
            .arg(&out.0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("hil starts");
        let journal = out.0.join("r/journal.jsonl");
        self.wait("the battery never went on", Duration::from_secs(60), |s| {
            s.on() && fs::read_to_string(&journal).is_ok_and(|j| j.contains("\"step-started\""))
        });
        child
    }

    /// Ends the server and returns what it said.
    pub fn end(mut self) -> Output {
        signal("TERM", &self.child);
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.child.try_wait().expect("a child").is_none() {
            assert!(Instant::now() < deadline, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!self.socket().exists() && !Path::new(&self.bench()).exists(), "nothing is left behind");
        let mut said = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        std::io::Read::read_to_string(&mut stderr, &mut said).expect("text");
        Output { status: self.child.wait().expect("a child"), stdout: Vec::new(), stderr: said.into_bytes() }
    }
}

/// A served bench on which the test went through. A hold-up of 10 ms is one of
/// 100 ms of a bench that is ten times as fast: on a busy computer, benches that
/// are slower leave room for it, up to half a second.
fn in_peace(name: &str, args: &[&str], test: impl Fn(&Served) -> Option<()>) -> Served {
    let benches = [10.0, 10.0, 2.0, 1.0, 0.5, 0.2, 0.2].into_iter().map(|speed| Served::at(speed, name, args));
    benches.into_iter().find(|served| test(served).is_some()).expect("this computer is too busy")
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(name: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Battery on, outputs high, `middle`, and a judgement.
pub fn plan(scratch: &Scratch, middle: &str) -> String {
    let text = format!(
        r#"
[plan]
id = "served"
title = "Short"
product = "smart-bms-12-200"
[setup]
do = [
    {{ set = {{ "fuse" = "2x7.5A", "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy", "remote.loop" = "closed" }} }},
    {{ set = {{ "battery.source-limit" = "25 A", "battery.sink-limit" = "25 A", "battery.voltage" = "12.8 V", "battery.output" = "on" }} }},
    {{ wait = "2 s" }},
]
[teardown]
do = [ {{ set = {{ "alternator.output" = "off", "battery.output" = "off" }} }} ]
[[step]]
id = "outputs"
requirements = ["SBMS-LDO-01", "SBMS-CDO-01", "SBMS-PRE-01"]
timeout = "800 s"
do = [
    {middle},
    {{ expect = {{ "load-disconnect" = "high", "charge-disconnect" = "high", "pre-alarm" = "floating", "led.active" = "on" }}, within = "10 s" }},
    {{ measure = "battery.voltage", over = "200 ms", min = "12.7 V", max = "12.9 V" }},
]
[[step]]
id = "cut-off"
requirements = ["SBMS-LDO-02"]
do = [
    {{ watch = "load-disconnect", becomes = "floating", as = "cut" }},
    {{ set = {{ "btv.cable" = "open" }}, as = "opened" }},
    {{ require = "cut - opened", as = "reaction", max = "100 ms" }},
    {{ set = {{ "btv.cable" = "detected" }} }},
    {{ expect = {{ "load-disconnect" = "high" }}, within = "10 s" }},
]
[[step]]
id = "status"
requirements = ["SBMS-BLE-03"]
do = [
    {{ set = {{ "setting.charge-limit" = "14.0 V" }} }},
    {{ measure = "setting.charge-limit", min = "13.99 V", max = "14.01 V" }},
    {{ measure = "ble.battery-voltage", min = "12.6 V", max = "13.0 V" }},
]
[[step]]
id = "charging"
requirements = ["SBMS-ALT-10"]
do = [
    {{ set = {{ "battery.voltage" = "13.3 V", "alternator.source-limit" = "18 A", "alternator.voltage" = "14.4 V", "alternator.output" = "on" }} }},
    {{ expect = {{ "alternator.current" = "> 8 A" }}, within = "5 s" }},
    {{ measure = "alternator.ripple", max = "30 A" }},
]
"#
    );
    let path = scratch.0.join("plan.toml");
    fs::write(&path, text).expect("a plan");
    path.to_string_lossy().into_owned()
}

/// Steps with their verdicts.
fn verdicts(run: &Run) -> Vec<(String, Verdict)> {
    let finished = |kind: &EventKind| match kind {
        EventKind::StepFinished { step, verdict, .. } => Some((step.clone(), *verdict)),
        _ => None,
    };
    run.events.iter().filter_map(|e| finished(&e.kind)).collect()
}

#[test]
fn a_served_bench_finds_what_the_one_in_memory_finds() {
    // Its output is stuck high.
    for (defect, link) in [None, Some("D38")].into_iter().flat_map(|d| ["socket", "hislip", "vxi11"].map(|link| (d, link))) {
        let defects: Vec<&str> = defect.iter().flat_map(|d| ["--defect", *d]).collect();
        let scratch = Scratch::new("served-plan");
        let plan = plan(&scratch, r#"{ wait = "100 ms" }"#);
        let in_memory = run(&scratch, &plan, &defects);
        let served = in_peace("served", &[&defects[..], &["--link", link]].concat(), |served| {
            let over_link = served.run_in_peace(&plan)?;
            assert_eq!(over_link.code, in_memory.code, "{defect:?}, {link}: {}\n{}", over_link.text(), in_memory.text());
            assert_eq!(verdicts(&over_link), verdicts(&in_memory), "{defect:?}, {link}: {}", over_link.text());
            assert_eq!(over_link.confirmed_safe(), Some(true), "{}", over_link.text());
            served.wait("not dead after the run", Duration::from_secs(5), |s| s.dead(1.0) && s.clients == 0);
            // A second run on the same, still clamped unit.
            assert_eq!(served.run_in_peace(&plan)?.code, in_memory.code);
            Some(())
        });
        assert_eq!(served.state().watchdog_trips, 0);
        let ended = served.end();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn an_interrupt_is_what_it_is_in_memory() {
    let served = Served::begin("served-interrupt", &[]);
    let out = Scratch::new("served-interrupt");
    let child = served.long_run(&out);
    signal("INT", &child);
    let run = finished(&out.0, child.wait_with_output().expect("hil ends"));
    assert_eq!((run.code, run.confirmed_safe()), (4, Some(true)), "{}", run.text());
    served.wait("not dead after the run", Duration::from_secs(5), |s| s.dead(1.0));
}

#[test]
fn a_user_that_stood_still_blames_nobody_but_himself() {
    let served = Served::begin("served-stop", &["--watchdog", "400 ms"]);
    let out = Scratch::new("served-stop");
    let child = served.long_run(&out);
    signal("STOP", &child);
    served.wait("still on", Duration::from_secs(10), |s| s.dead(1.0));
    signal("CONT", &child);
    // It need not wait to the end of its step.
    std::thread::sleep(Duration::from_millis(500));
    signal("INT", &child);
    let run = finished(&out.0, child.wait_with_output().expect("hil ends"));
    assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{}", run.text());
    assert!(run.steps_with(Verdict::Fail).is_empty(), "{}", run.text());
    served.wait("on again", Duration::from_secs(5), |s| s.dead(1.0));
}

/// What `hil` says of `args`, and its exit code.
fn told(args: &[&str]) -> (i32, String) {
    let output = hil().args(args).output().expect("hil starts");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn what_cannot_be_served_or_used_is_said_before_anything_is_on() {
    let scratch = Scratch::new("served-wrong");
    let served = Served::begin("served-wrong", &[]);
    let bench = served.bench();
    let text = fs::read_to_string(&bench).expect("a bench file");
    let own = text.parse::<toml::Table>().expect("TOML")["bench"]["id"].as_str().expect("an id").to_owned();
    let shown = |told: (i32, String)| {
        let text = told
            .1
            .replace(&own, "virtual-OWN")
            .replace(&*scratch.0.to_string_lossy(), "DIR")
            .replace(&*served.scratch.0.to_string_lossy(), "SERVED");
        format!("{}: {text}", told.0)
    };
    let with = |name: &str, from: &str, to: &str| {
        let path = scratch.0.join(name);
        // The first of them.
        let at = text.lines().position(|l| l.starts_with(from));
        let changed: Vec<&str> = text.lines().enumerate().map(|(n, l)| if Some(n) == at { to } else { l }).collect();
        fs::write(&path, changed.join("\n")).expect("a bench file");
        path.to_string_lossy().into_owned()
    };
    let out = scratch.0.join("runs").to_string_lossy().into_owned();
    let run = |bench: &str, more: &[&str]| shown(told(&[&["run", "test-plans/eol.toml", "--out", &out, "--bench", bench], more].concat()));
    let scanned = |bench: &str| run(bench, &["--serial", "HQ2247ABCDE"]);
    let mut all = vec![
        run(&bench, &[]),
        run(&bench, &["--serial", "HQ2247ABCDE", "--set", "unit-serial=HQ2247ABCDF"]),
        run(&bench, &["--defect", "D01", "--serial", "HQ2247ABCDE"]),
        run(&bench, &["--speed", "2", "--serial", "HQ2247ABCDE"]),
        scanned(&with("no-socket.toml", "socket =", "")),
        scanned(&with("nobody.toml", "socket =", "socket = \"/nonexistent/fixture\"")),
        scanned(&with("pxi.toml", "address =", "address = \"PXI0::3-18::INSTR\"")),
        scanned(&with("bare.toml", "address =", "address = \"10.0.0.5\"")),
        scanned(&with("port.toml", "address =", "address = \"psu.local:5025\"")),
        scanned(&with("precise.toml", "line-accuracy =", "line-accuracy = \"1 us\""))
            .split("known to")
            .next()
            .unwrap_or_default()
            .to_owned(),
        shown(told(&["virtual", "serve", &bench])),
        shown(told(&["virtual", "serve", "virtual", "--speed", "1000"])),
        shown(told(&["virtual", "serve", "virtual", "--watchdog", "never"])),
        shown(told(&["virtual", "serve", "virtual", "--socket", &served.socket().to_string_lossy()])),
        shown(told(&["virtual", "state", "/nonexistent/fixture"])),
    ];
    all.push(String::new());
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(served.state().studs.iter().filter(|s| s.on).count(), 0);
}
