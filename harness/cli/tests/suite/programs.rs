//! External programs as parts of the bench, through `hil run`: the chamber beside
//! a virtual unit, and programs that hang, die, lie and flood.
//!
//! They need `python3`; with `CI=true` its absence is a failure.

use std::fs;
use std::process::Command;

use hil_record::{Disposition, EventKind, Status, Verdict};

use crate::support::{Run, Scratch, hil, root, run};

const CHAMBER_PLAN: &str = "test-plans/nightly/chamber.toml";

fn python() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|o| o.status.success());
    assert!(there || std::env::var("CI").as_deref() != Ok("true"), "no python3");
    if !there {
        eprintln!("not run here: external programs (no python3)");
    }
    there
}

/// The bench of `fixtures/benches/virtual-chamber.toml`, with another program in
/// the place of the chamber, and only the signals given, as `signal = its own`.
fn bench(program: &str, more: &str, signals: &[(&str, &str)]) -> String {
    let text = fs::read_to_string(root().join("fixtures/benches/virtual-chamber.toml")).expect("the bench");
    let (before, rest) = text.split_once("[[extension]]").expect("a program");
    let (_, after) = rest.split_once("[[instrument]]").expect("instruments");
    let (instruments, rest) = after.split_once("# The chamber.").expect("its signals");
    let (_, unit) = rest.split_once("# The unit.").expect("the unit's signals");
    let bound: String = signals
        .iter()
        .map(|(name, own)| format!("[[signal]]\nname = \"{name}\"\nextension = {{ program = \"chamber\", signal = \"{own}\" }}\n"))
        .collect();
    format!("{before}[[extension]]\nname = \"chamber\"\n{program}\n{more}\n[[instrument]]{instruments}\n{bound}{unit}")
}

fn faulty(fault: &str) -> String {
    let program = root().join("fixtures/extension/testdata/faulty.py");
    format!("program = [\"python3\", {:?}, \"{fault}\"]\nexpect = {{ model = \"F-1\", serial = \"1\" }}", program.display().to_string())
}

fn chamber() -> String {
    let program = root().join("fixtures/extension/examples-external/chamber.py");
    let expect = "expect = { model = \"Chamber-180\", serial = \"C-0001\" }";
    format!("program = [\"python3\", {:?}]\n{expect}", program.display().to_string())
}

/// A plan that switches the battery on, and then does this.
fn plan(acts: &str) -> String {
    format!(
        "[plan]\nid = \"programs\"\ntitle = \"Programs\"\nproduct = \"smart-bms-12-200\"\n\
         [setup]\ndo = [ {{ set = {{ \"battery.voltage\" = \"12.8 V\", \"battery.output\" = \"on\" }} }} ]\n\
         [[step]]\nid = \"one\"\ndo = [\n{acts}\n{{ measure = \"battery.voltage\", min = \"1 V\" }},\n]\n"
    )
}

fn run_on(bench: &str, plan: &str) -> Run {
    let scratch = Scratch::new("programs");
    fs::write(scratch.0.join("bench.toml"), bench).expect("a bench");
    fs::write(scratch.0.join("plan.toml"), plan).expect("a plan");
    let (bench, plan) = (scratch.0.join("bench.toml"), scratch.0.join("plan.toml"));
    let out = Scratch::new("programs-runs");
    run(&out, &plan.to_string_lossy(), &["--bench", &bench.to_string_lossy()])
}

/// A run in which the program is read once and has this fault.
fn read_from(fault: &str, more: &str) -> Run {
    let bench = bench(&faulty(fault), more, &[("chamber.temperature", "t")]);
    run_on(&bench, &plan("{ read = \"chamber.temperature\", as = \"t\" },"))
}

/// Problems of the run, one below the other.
fn problems(run: &Run) -> String {
    let all =
        run.events.iter().filter_map(|e| if let EventKind::Problem { message, .. } = &e.kind { Some(message.as_str()) } else { None });
    all.collect::<Vec<_>>().join("\n")
}

/// The tester's fault, whatever the program did: neither a pass nor a fail of the
/// unit, and the bench is safe.
fn testers(run: &Run, says: &str) {
    assert_eq!(run.code, 3, "{says}: {}", run.text());
    assert!(problems(run).contains(says), "`{says}` is not in `{}`", problems(run));
    assert_eq!(run.confirmed_safe(), Some(true), "{says}");
    ended(run);
}

fn ended(run: &Run) {
    let Some(EventKind::RunFinished { disposition, status, .. }) = run.events.last().map(|e| &e.kind) else { panic!("{}", run.text()) };
    assert_eq!((*disposition, *status), (Disposition::None, Status::TesterError), "{}", run.text());
    assert!(run.steps_with(Verdict::Pass).is_empty() && run.steps_with(Verdict::Fail).is_empty());
}

/// Nothing was switched on.
fn untouched(run: &Run) {
    assert!(!run.events.iter().any(|e| matches!(e.kind, EventKind::Stimulus { .. } | EventKind::BenchOpened { .. })), "{}", run.text());
}

#[test]
fn a_unit_in_a_chamber() {
    if !python() {
        return;
    }
    let journals: Vec<Vec<u8>> = (0..2)
        .map(|_| {
            let out = Scratch::new("chamber");
            let args = ["--bench", "virtual-chamber", "--run-id", "chamber", "--wall-clock", "2026-11-25T12:00:00Z"];
            let run = run(&out, CHAMBER_PLAN, &args);
            assert_eq!(run.code, 0, "{}", run.text());
            assert_eq!(run.steps_with(Verdict::Pass), ["range[-40 °C]", "range[60 °C]", "defrost"]);
            let is_chamber = |name: &str| name == "chamber";
            assert!(run.events.iter().any(
                |e| matches!(&e.kind, EventKind::BenchOpened { parts, .. } if parts.iter().any(|p| is_chamber(&p.name) && p.serial == "C-0001"))
            ));
            let Some(EventKind::SafeState { outputs, .. }) =
                run.events.iter().map(|e| &e.kind).find(|k| matches!(k, EventKind::SafeState { .. }))
            else {
                panic!("no safe state")
            };
            assert_eq!([outputs[0].part.as_str(), outputs[1].part.as_str()], ["battery", "chamber"]);
            assert!(outputs[1].off && outputs[1].readback.starts_with("power off at "), "{outputs:?}");
            fs::read(run.folder.join("journal.jsonl")).expect("a journal")
        })
        .collect();
    assert!(journals[0] == journals[1], "two runs differ");
}

#[test]
fn a_program_that_hangs_dies_lies_or_floods_is_the_testers() {
    if !python() {
        return;
    }
    for (fault, says) in [
        ("dies", "program `chamber`: link lost: it exited with status 3\ncaused by: it said `Traceback: no such port`"),
        ("dies-with-child", "program `chamber`: link lost: it exited with status 4"),
        ("killed", "program `chamber`: link lost: it was ended by signal 9"),
        ("lies-volts", "program `chamber`: answered `23.5 V` to `read t`, expected a temperature with its unit"),
        ("lies-number", "program `chamber`: answered `23.5` to `read t`"),
        ("lies-nan", "program `chamber`: answered `NaN °C` to `read t`"),
        ("floods", "program `chamber`: answered `noise` to `read t`, expected a line of the protocol"),
        ("floods-one-line", "to `read t`, expected lines of at most 65536 bytes"),
        ("previous-id", "expected no second or late reply"),
        ("refuses", "program `chamber`: refused `read t`: the door is open"),
    ] {
        testers(&read_from(fault, ""), says);
    }
    testers(&read_from("hangs", "deadline = \"1500 ms\""), "program `chamber`: no answer to `read t` within 1500 ms");
    let good = read_from("floods-log", "");
    assert_eq!(good.code, 0, "what it says for people may be long: {}", good.text());
}

#[test]
fn a_program_that_floods_a_watch_is_the_testers() {
    if !python() {
        return;
    }
    let signals = [("chamber.state", "door"), ("chamber.temperature", "t")];
    let acts = "{ watch = \"chamber.temperature\", rises-through = \"30 °C\", as = \"warm\" },\n{ require = \"warm - warm\", max = \"1 s\", within = \"20 s\" },";
    let run = run_on(&bench(&faulty("floods-events"), "", &signals[1..]), &plan(acts));
    testers(&run, "program `chamber`: answered `{\"event\": \"door\"");
}

#[test]
fn a_program_that_does_not_start_leaves_the_bench_without_power() {
    if !python() {
        return;
    }
    let wrong = bench(&faulty("good").replace("serial = \"1\"", "serial = \"2\""), "", &[("chamber.temperature", "t")]);
    let run = run_on(&wrong, &plan(""));
    testers(&run, "program `chamber`: is `1`, expected `2`");
    untouched(&run);
    // Nobody can say whether its device is off, as with an instrument that is
    // not there.
    for (fault, more, says) in [
        ("dies-at-start", "", "link lost: it exited with status 1\ncaused by: it said `no chamber on /dev/ttyUSB0`"),
        ("hangs-at-start", "start = \"1500 ms\"", "no answer to `hello` within 1500 ms"),
        ("talks-at-start", "", "answered `Chamber driver 1.0` to `hello`"),
    ] {
        let run = read_from(fault, more);
        assert_eq!((run.code, run.confirmed_safe()), (6, Some(false)), "{fault}: {}", run.text());
        assert!(problems(&run).contains(says), "{fault}: {}", problems(&run));
        untouched(&run);
        ended(&run);
    }
}

#[test]
fn what_a_program_offers_must_fit_the_plan_before_any_power() {
    if !python() {
        return;
    }
    let chamber = |signals: &[(&str, &str)], acts: &str| run_on(&bench(&chamber(), "", signals), &plan(acts));
    let all = [("chamber.setpoint", "setpoint"), ("chamber.temperature", "temperature")];
    let call = |rest: &str| chamber(&[], &format!("{{ call = \"chamber.{rest} }},"));
    for (run, says) in [
        (chamber(&[("chamber.temperature", "power")], ""), "expected for `chamber.temperature` a temperature"),
        (chamber(&[("chamber.setpoint", "temperature")], ""), "program `chamber`: cannot set `chamber.setpoint`"),
        (chamber(&[("chamber.temperature", "humidity")], ""), "program `chamber`: cannot serve `humidity`; it offers"),
        (
            chamber(
                &all,
                "{ watch = \"chamber.setpoint\", rises-through = \"30 °C\", as = \"x\" },\n{ require = \"x - x\", max = \"1 s\" },",
            ),
            "step `one`: cannot watch `chamber.setpoint` on this bench: program `chamber` can read, set",
        ),
        (
            chamber(&all, "{ set = { \"chamber.setpoint\" = \"200 °C\" } },"),
            "`chamber.setpoint` = 200 °C is out of range of program `chamber`, expected -40 °C .. 180 °C",
        ),
        (call("thaw\""), "step `one`: program `chamber`: cannot do `thaw`; it offers `defrost`"),
        (call("defrost\""), "arguments none is out of range, expected `for`"),
        (call("defrost\", with = { for = \"60 V\" }"), "`for` = 60 V is out of range, expected a time"),
        (call("defrost\", with = { for = \"2 h\" }"), "`for` = 7200 s is out of range, expected 1 s .. 3600 s"),
        (call("defrost\", with = { for = \"60 s\" }, results = { water = \"%\" }"), "cannot give `water` of `defrost`; it gives `tank`"),
        (call("defrost\", with = { for = \"60 s\" }, results = { tank = \"V\" }"), "expected for `tank` a voltage"),
    ] {
        testers(&run, says);
        untouched(&run);
    }
    let run = call("defrost\", with = { for = \"60 s\" }, results = { tank = \"%\" }");
    assert_eq!(run.code, 0, "{}", run.text());
}

#[test]
fn a_safe_state_that_is_not_confirmed_is_never_a_pass() {
    if !python() {
        return;
    }
    for (fault, more, readback) in [
        ("not-safe", "", "relay welded"),
        ("ignores-safe-state", "deadline = \"1500 ms\"", "no answer to `safe-state` within 1500 ms; again: no answer"),
    ] {
        let run = read_from(fault, more);
        assert_eq!((run.code, run.confirmed_safe()), (6, Some(false)), "{fault}: {}", run.text());
        let Some(EventKind::SafeState { outputs, .. }) =
            run.events.iter().map(|e| &e.kind).find(|k| matches!(k, EventKind::SafeState { .. }))
        else {
            panic!("no safe state")
        };
        assert!(outputs.iter().any(|o| o.part == "chamber" && !o.off && o.readback.contains(readback)), "{outputs:?}");
        assert!(outputs.iter().filter(|o| o.part != "chamber").all(|o| o.off), "{outputs:?}");
    }
    // It says that it is safe, but does not end as it should.
    let run = read_from("ends-badly", "");
    assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{}", run.text());
    assert!(problems(&run).contains("program `chamber`: link lost: after `bye` it exited with status 7"), "{}", problems(&run));
}

#[test]
fn a_program_that_dies_while_it_is_made_safe_is_started_again_for_that() {
    if !python() {
        return;
    }
    let run = read_from("dies", "");
    let Some(EventKind::SafeState { outputs, .. }) = run.events.iter().map(|e| &e.kind).find(|k| matches!(k, EventKind::SafeState { .. }))
    else {
        panic!("no safe state")
    };
    let chamber = outputs.iter().find(|o| o.part == "chamber").expect("the chamber");
    assert_eq!((chamber.off, chamber.readback.as_str()), (true, "off, after a second start"));
}

#[test]
fn what_a_check_says_of_calls() {
    let scratch = Scratch::new("calls");
    let path = scratch.0.join("plan.toml");
    let check = |acts: &str| {
        fs::write(&path, plan(acts)).expect("a plan");
        let output = hil().args(["check", "--bench", "virtual-chamber"]).arg(&path).output().expect("hil starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).replace(&*path.to_string_lossy(), "plan.toml"))
    };
    let (code, text) = check("{ call = \"chamer.defrost\" },");
    assert_eq!(code, Some(2));
    insta::assert_snapshot!("a_call_of_no_program", text);
    assert_eq!(check("{ call = \"chamber.defrost\" },").0, Some(0), "what it offers only it knows");
    let output =
        hil().args(["run", CHAMBER_PLAN, "--bench", "virtual-chamber", "--dry-run", "--step", "defrost"]).output().expect("hil starts");
    insta::assert_snapshot!("dry_run_of_a_call", String::from_utf8_lossy(&output.stdout));
}
