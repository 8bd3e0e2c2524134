//! A cut-off in current, timed by the data log of the source itself where a bench file
//! says so.

use std::fs;

use hil_record::{Datum, EventKind};

use crate::support::{Run, Scratch, hil, root, run};

/// `full-200-a` with another source for the alternator, which measures the current
/// itself; `read` is what else its `read` says.
fn logging(scratch: &Scratch, name: &str, read: &str) -> String {
    let mut text = fs::read_to_string(root().join("fixtures/benches/full-200-a.toml")).expect("a bench");
    let mut change = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    };
    change(
        "name = \"alternator\"\ndialect = \"ea-psb-10060-340\"",
        "name = \"alternator\"\ndialect = \"keysight-n7972a\"\nallow-unverified = true",
    );
    change("protection = { over-voltage = \"17 V\", over-current = \"170 A\" }", "protection = { over-voltage = \"17 V\" }");
    // The shunt's meter stays, under another name.
    let by_itself = format!("{{ name = \"alternator.current\", read = {{ instrument = \"alternator\", function = \"current\"{read} }} }},");
    let signal = "{ name = \"alternator.current\",";
    change(signal, &format!("{by_itself}\n    {}", signal.replacen("current", "shunt", 1)));
    let path = scratch.0.join(format!("{name}.toml"));
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

const PLAN: &str = r#"
[plan]
id = "cut-off"
title = "A cut-off in time"
product = "smart-bms-12-200"

[setup]
do = [
    { set = { "fuse" = "2x7.5A", "battery.meter-bypass" = "closed", "alternator.collapse" = "open", "remote.loop" = "closed" } },
    { set = { "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy" } },
    { set = { "battery.source-limit" = "25 A", "battery.sink-limit" = "25 A", "battery.voltage" = "13.3 V", "battery.output" = "on" } },
    { wait = "5 s" },
]

[teardown]
do = [{ set = { "alternator.output" = "off" } }, { set = { "battery.output" = "off" } }]

[[step]]
id = "cut-off"
do = [
    { set = { "alternator.source-limit" = "18 A", "alternator.voltage" = "14.4 V", "alternator.output" = "on" } },
    { expect = { "alternator.current" = "> 8 A" }, within = "4 s" },
    { watch = "alternator.current", falls-through = "500 mA", as = "stopped" },
    { set = { "btv.atc" = "open" }, as = "atc" },
    { require = "stopped - atc", as = "alternator-reaction", min = "0 s", max = "MAX" },
]
"#;

fn plan(scratch: &Scratch, max: &str) -> String {
    let path = scratch.0.join("cut-off.toml");
    fs::write(&path, PLAN.replace("MAX", max)).expect("written");
    path.to_string_lossy().into_owned()
}

#[test]
fn a_limit_that_a_polled_source_cannot_resolve_its_log_can() {
    let scratch = Scratch::new("data-log");
    let plan = plan(&scratch, "20 ms");
    let check = |bench: &str| {
        let output = hil().arg("check").arg(&plan).args(["--bench", bench]).output().expect("hil starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, text) = check(&logging(&scratch, "polled", ""));
    assert!(code == Some(2) && text.contains("or bind `alternator.current` to a line, a digitizer or a data log"), "{text}");
    let (code, text) = check(&logging(&scratch, "logged", ", data-log = \"1 ms\""));
    assert_eq!(code, Some(0), "{text}");
}

/// In s, with its uncertainty.
fn reaction(run: &Run) -> (f64, f64) {
    let found = run.events.iter().find_map(|e| match &e.kind {
        EventKind::Measurement(m) if m.name == "alternator-reaction" => Some((m.value.clone(), m.uncertainty)),
        _ => None,
    });
    match found {
        Some((Datum::Number(seconds), Some(u))) => (seconds, u),
        other => panic!("no reaction, {other:?}: {}", run.text()),
    }
}

#[test]
fn a_cut_off_is_timed_on_a_log() {
    let scratch = Scratch::new("logged");
    let plan = plan(&scratch, "100 ms");
    let ran = |bench: &str| run(&scratch, &plan, &["--like", bench, "--seed", "17"]);
    let logged = ran(&logging(&scratch, "logged", ", data-log = \"1 ms\""));
    let polled = ran(&logging(&scratch, "polled", ""));
    let ((log, u), (poll, worse)) = (reaction(&logged), reaction(&polled));
    assert!(u < 15e-3 && u < worse / 2.0, "± {u} s on the log, ± {worse} s polled");
    assert!((log - poll).abs() <= u + worse, "{log} s ± {u} s on the log, {poll} s ± {worse} s polled");
    let edges = logged.events.iter().filter(|e| matches!(&e.kind, EventKind::Edge { source, .. } if source == "data-log"));
    assert_eq!(edges.count(), 1, "one edge is the log's");
    let samples = logged.events.iter().find_map(|e| match &e.kind {
        EventKind::Waveform { values, unit, .. } => Some((values.len(), unit.clone())),
        _ => None,
    });
    assert!(samples.as_ref().is_some_and(|(n, unit)| (10..=200).contains(n) && unit == "A"), "{samples:?}");
}
