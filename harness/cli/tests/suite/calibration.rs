//! Calibration and personalisation that are cut short, at every event of a run
//! and at a loss of power around every write: no such unit passes, none has a
//! serial number without being calibrated, and the next attempt makes it good.

use std::fs;
use std::path::PathBuf;

use hil_record::{Datum, Disposition, EventKind};

use crate::support::{Run, Scratch, finished, hil};

/// Passes only a unit that is what `calibrate.toml` should make of it, without
/// writing anything.
const VERIFY: &str = r#"
[plan]
id = "verify"
title = "verify"
product = "smart-bms-12-200"
[setup]
do = [
    { set = { "fuse" = "2x7.5A", "remote.loop" = "closed", "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy" } },
    { set = { "battery.source-limit" = "25 A", "battery.sink-limit" = "25 A", "battery.voltage" = "13.3 V", "battery.output" = "on" } },
    { set = { "alternator.source-limit" = "3 A", "alternator.sink-limit" = "5 A", "alternator.voltage" = "14.4 V", "system.source-limit" = "1 A", "system.sink-limit" = "1 A", "system.voltage" = "11.6 V" } },
    { wait = "2 s" },
]
[[step]]
id = "finished"
continue-on-fail = false
do = [ { expect = { "factory.state" = "clean", "factory.serial" = "HQ2247ABCDE", "factory.identity" = "present" }, within = "3 s" } ]
[[step]]
id = "calibrated"
do = [
    { set = { "alternator.output" = "on" } },
    { expect = { "alternator.current" = "> 2.5 A" }, within = "4 s" },
    { wait = "500 ms" },
    { read = "alternator.current", as = "amps" },
    { read = "factory.alternator-current", as = "shown-amps" },
    { require = "shown-amps - amps", limit = "limits.calibrated-current" },
    { set = { "remote.loop" = "open", "system.output" = "on" } },
    { wait = "1 s" },
    { read = "battery.voltage", as = "battery" },
    { read = "ble.battery-voltage", as = "shown-battery" },
    { require = "shown-battery - battery", limit = "limits.calibrated-voltage" },
    { read = "alternator.voltage", as = "alternator" },
    { read = "ble.alternator-voltage", as = "shown-alternator" },
    { require = "shown-alternator - alternator", limit = "limits.calibrated-voltage" },
    { read = "system.voltage", as = "system" },
    { read = "ble.system-voltage", as = "shown-system" },
    { require = "shown-system - system", limit = "limits.calibrated-voltage" },
]
"#;

/// One unit whose memory goes from run to run.
struct Unit {
    scratch: Scratch,
    memory: PathBuf,
    verify: PathBuf,
    /// What every run is told of the unit.
    given: Vec<String>,
    /// Its memory as it comes from flashing.
    flashed: String,
}

impl Unit {
    fn new(name: &str) -> Self {
        let scratch = Scratch::new(name);
        let (memory, verify) = (scratch.0.join("memory.toml"), scratch.0.join("verify.toml"));
        fs::write(&verify, VERIFY).expect("a plan");
        let mut unit = Self { scratch, memory, verify, given: Vec::new(), flashed: String::new() };
        unit.slots(|bytes| bytes.fill(0xFF));
        unit.flashed = fs::read_to_string(&unit.memory).expect("a memory");
        unit.delivered();
        unit
    }

    /// From now on its parameters are these.
    fn is(&mut self, parameters: &str) {
        let defects = self.scratch.0.join("defects.toml");
        fs::write(&defects, format!("[[defect]]\nid = \"X\"\ntitle = \"x\"\ncaught-by = []\nset = {{ {parameters} }}\n")).expect("a file");
        self.given = vec!["--defects".into(), defects.to_string_lossy().into_owned()];
    }

    /// As it comes from flashing.
    fn blank(&self) {
        fs::write(&self.memory, &self.flashed).expect("a memory");
    }

    /// Changes the bytes of its page's two slots.
    fn slots(&self, change: impl FnOnce(&mut [u8])) {
        self.delivered();
        assert_eq!(self.calibrate(&["--interrupt-at", "1"]).code, 4);
        let text = fs::read_to_string(&self.memory).expect("a memory");
        let (before, rest) = text.split_once("page = \"").expect("a page");
        let (page, after) = rest.split_once('"').expect("its end");
        let mut bytes: Vec<u8> = (0..page.len() / 2).map(|i| u8::from_str_radix(&page[2 * i..2 * i + 2], 16).expect("a byte")).collect();
        change(&mut bytes);
        let page: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        fs::write(&self.memory, format!("{before}page = \"{page}\"{after}")).expect("a memory");
    }

    /// As delivered: with a page of its own.
    fn delivered(&self) {
        let _ = fs::remove_file(&self.memory);
    }

    /// Its record is kept until the next.
    fn run(&self, plan: &str, args: &[&str]) -> Run {
        let runs = self.scratch.0.join("runs");
        let _ = fs::remove_dir_all(&runs);
        let memory = self.memory.to_string_lossy().into_owned();
        let mut command = hil();
        command.args(["run", plan, "--memory", &memory, "--run-id", "r", "--out"]).arg(&runs).args(&self.given).args(args);
        finished(&runs, command.output().expect("hil starts"))
    }

    fn calibrate(&self, args: &[&str]) -> Run {
        self.run("test-plans/calibrate.toml", args)
    }

    /// What it is by a run that writes nothing.
    fn found(&self) -> Found {
        let run = self.run(&self.verify.to_string_lossy(), &[]);
        match (run.code, &run.failed_steps()[..]) {
            (0, _) => Found::Good,
            (1, ["finished"]) => Found::Unfinished,
            _ => panic!("a serial number without a calibration: {}", run.text()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Found {
    /// It has its serial number and is calibrated.
    Good,
    /// It has no serial number.
    Unfinished,
}

fn passed(run: &Run) -> bool {
    let last = run.events.last().map(|e| &e.kind);
    assert!(matches!(last, Some(EventKind::RunFinished { .. })), "{}", run.text());
    let passed = matches!(last, Some(EventKind::RunFinished { disposition: Disposition::Pass, .. }));
    assert!(passed || run.code != 0);
    passed
}

/// Interrupts at every `stride`-th event, so often one after the other, and
/// lets the next attempt recover the unit.
fn interrupted_everywhere(name: &str, begin: fn(&Unit), stride: usize, times: u64) {
    let unit = Unit::new(name);
    begin(&unit);
    let whole = unit.calibrate(&[]);
    assert_eq!(whole.code, 0, "{}", whole.text());
    let steps = whole.events.iter().filter(|e| matches!(e.kind, EventKind::StepFinished { .. }));
    let last = steps.map(|e| e.seq).max().unwrap_or_default();
    assert!(last > 200, "{last}");
    for at in (0..last).step_by(stride) {
        begin(&unit);
        let numbers: Vec<String> = (at..at + times).map(|n| n.to_string()).collect();
        let args: Vec<&str> = numbers.iter().flat_map(|n| ["--interrupt-at", n.as_str()]).collect();
        let cut = unit.calibrate(&args);
        assert_eq!((cut.code, cut.confirmed_safe()), (4, Some(true)), "event {at}: {}", cut.text());
        // The serial number is the seal: whatever has one is calibrated.
        let found = unit.found();
        // After the last measurement nothing is left that could be cut short.
        assert!(!passed(&cut) || (found == Found::Good && at + 2 >= last), "event {at}: {}", cut.text());
        let next = unit.calibrate(&[]);
        assert!(passed(&next) && next.code == 0, "after event {at}: {}", next.text());
    }
    assert_eq!(unit.found(), Found::Good);
}

#[test]
fn interrupted_at_any_event_a_flashed_unit_does_not_pass_and_the_next_attempt_makes_it_good() {
    interrupted_everywhere("interrupted-blank", Unit::blank, 1, 1);
}

#[test]
fn interrupted_twice_a_delivered_unit_does_not_pass_and_the_next_attempt_makes_it_good() {
    interrupted_everywhere("interrupted-delivered", Unit::delivered, 5, 2);
}

/// A unit whose sensors need a calibration.
const RAW: &str = r#""sensor.battery-voltage.gain" = 1.01, "sensor.battery-voltage.offset" = -0.05, "sensor.alternator-voltage.gain" = 0.99, "sensor.system-voltage.offset" = 0.08, "sensor.alternator-current.gain" = 0.98, "sensor.alternator-current.offset" = 0.1"#;

#[test]
fn a_loss_of_power_around_any_write_passes_no_unit_that_is_not_calibrated() {
    let mut unit = Unit::new("reset");
    unit.is(RAW);
    unit.blank();
    let whole = unit.calibrate(&[]);
    assert_eq!((whole.code, unit.found()), (0, Found::Good), "{}", whole.text());
    let commits = whole.events.iter().filter_map(|e| match &e.kind {
        EventKind::Stimulus { signal, value: Datum::Text(word), at_ns, .. } if signal == "factory.commit" && word == "write" => {
            Some(at_ns / 1_000_000)
        }
        _ => None,
    });
    let commits: Vec<u64> = commits.collect();
    assert_eq!(commits.len(), 3);
    let mut failed = 0;
    for at in commits.iter().flat_map(|ms| (0..30).map(move |i| ms + 5 * i - 60)) {
        unit.is(&format!("{}, \"harness.reset-at-ms\" = {at}", RAW));
        unit.blank();
        let cut = unit.calibrate(&[]);
        if passed(&cut) {
            assert_eq!(cut.code, 0);
        } else {
            assert_eq!(cut.code, 1, "reset at {at} ms: {}", cut.text());
            failed += 1;
        }
        unit.is(RAW);
        let found = unit.found();
        assert!(found == Found::Good || !passed(&cut), "reset at {at} ms");
        let next = unit.calibrate(&[]);
        assert!(passed(&next), "after a reset at {at} ms: {}", next.text());
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn constants_that_are_no_calibration_fail_and_are_not_written() {
    for (name, parameters) in [
        ("gain", r#""sensor.battery-voltage.gain" = 1.1"#),
        ("offset", r#""sensor.system-voltage.offset" = 0.2"#),
        ("swapped", r#""sensor.system-voltage.source" = "alternator-voltage""#),
        ("stuck", r#""sensor.alternator-voltage.stuck-after-s" = 0.5"#),
        ("current", r#""sensor.alternator-current.gain" = 0.9"#),
    ] {
        let mut unit = Unit::new(name);
        unit.is(parameters);
        let run = unit.calibrate(&[]);
        assert_eq!(run.code, 1, "{name}: {}", run.text());
        let failed = if name == "current" { "calibrate-current" } else { "calibrate-voltages" };
        assert!(run.failed_steps().contains(&failed), "{name}: {}", run.text());
        assert_eq!(unit.found(), Found::Unfinished, "{name}");
    }
}

#[test]
fn a_page_that_is_damaged_shows_its_code_and_is_made_good() {
    let unit = Unit::new("damaged");
    let damage = |bytes: &mut [u8]| bytes[5] ^= 1;
    unit.slots(damage);
    let plan = unit.scratch.0.join("damaged.toml");
    let step = r#"do = [ { expect = { "factory.state" = "damaged", "ble.code" = "E-B30", "load-disconnect" = "floating", "charge-disconnect" = "floating" }, within = "4 s" } ]"#;
    let end = VERIFY.find("[[step]]").expect("a step");
    fs::write(&plan, format!("{}[[step]]\nid = \"damaged\"\n{step}\n", &VERIFY[..end])).expect("a plan");
    let run = unit.run(&plan.to_string_lossy(), &[]);
    assert_eq!(run.code, 0, "{}", run.text());
    assert_eq!(unit.calibrate(&[]).code, 0);
    assert_eq!(unit.found(), Found::Good);
}

#[test]
fn a_key_is_in_no_record() {
    let unit = Unit::new("key");
    let key = "0F1E2D3C4B5A69788796A5B4C3D2E1F0";
    let file = unit.scratch.0.join("key.txt");
    fs::write(&file, format!("{key}\n")).expect("a key");
    let given = format!("unit-key={}", file.to_string_lossy());
    let run = unit.run("test-plans/calibrate.toml", &["--key", &given, "-vv"]);
    assert_eq!(run.code, 0, "{}", run.text());
    let hidden = |text: &str| !text.to_uppercase().contains(key) && !text.to_uppercase().contains(&key[8..]);
    assert!(hidden(&run.text()));
    for file in fs::read_dir(&run.folder).expect("a record").flatten() {
        let text = fs::read(file.path()).expect("a file");
        assert!(hidden(&String::from_utf8_lossy(&text)), "{}", file.path().display());
    }
    assert!(
        run.events.iter().any(
            |e| matches!(&e.kind, EventKind::Reading { name, value: Datum::Text(check), .. } if name == "key-check" && check.len() == 8)
        )
    );
    // The unit has it.
    assert!(!hidden(&fs::read_to_string(&unit.memory).expect("a memory")));
    // A refusal does not tell it either.
    fs::write(&file, format!("{key}00")).expect("no key");
    let wrong = unit.run("test-plans/calibrate.toml", &["--key", &given]);
    assert_eq!(wrong.code, 2, "{}", wrong.text());
    assert!(wrong.text().contains("holds no key: expected 32 hexadecimal digits") && hidden(&wrong.text()), "{}", wrong.text());
    for (args, because) in [(["--key", "unit-key"], "expected `NAME=FILE`"), (["--set", "unit-key=other"], "expected a key of")] {
        let run = unit.run("test-plans/calibrate.toml", &args);
        assert!(matches!(run.code, 2 | 3) && run.text().contains(because), "{}", run.text());
    }
}
