//! A cut-off in current, timed by a meter's digitizer where a bench file says so:
//! the same plan and limit that a bench which only polls cannot resolve.

use std::fs;

use hil_record::{Datum, EventKind, Measurement};

use crate::support::{Scratch, hil, root, run};

pub const READ: &str =
    "shunt = \"5 mohm\", shunt-tolerance = \"0.1 %\", shunt-drift-per-kelvin = \"0.002 %\" } },\n    { name = \"alternator.leakage\"";

const ROUTE: &str = "\"100 us\" }, route = [{ id = \"r\", read = { instrument = \"dmm-shunt\", function = \"dc-voltage\", range = \"100 mV\", shunt = \"5 mohm\" }, max = \"1 A\" }]";

/// No maker's document confirms how it digitizes.
pub const TRIED: &str = "name = \"dmm-current\"\nallow-unverified = true\n";

/// `full-200-a`, with a digitizer for the alternator's current.
fn digitizing(scratch: &Scratch, digitizer: &str) -> String {
    let text = fs::read_to_string(root().join("fixtures/benches/full-200-a.toml")).expect("a bench");
    let with = READ.replacen(" } },\n", &format!(", digitizer = {digitizer} }},\n"), 1);
    assert!(text.contains(READ));
    let path = scratch.0.join("digitizing.toml");
    let text = text.replacen(READ, &with, 1).replacen("name = \"dmm-current\"\n", TRIED, 1);
    fs::write(&path, text).expect("written");
    path.to_string_lossy().into_owned()
}

const PLAN: &str = r#"
[plan]
id = "cut-off"
title = "A cut-off within 5 ms"
product = "smart-bms-12-200"

[[step]]
id = "cut-off"
do = [
    { watch = "alternator.current", falls-through = "500 mA", as = "stopped" },
    { set = { "btv.atc" = "open" }, as = "atc" },
    { require = "stopped - atc", as = "reaction", min = "0 s", max = "5 ms" },
]
"#;

fn check(plan: &str, bench: &str) -> (Option<i32>, String) {
    let output = hil().args(["check", plan, "--bench", bench]).output().expect("hil starts");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn reaction(run: &crate::support::Run) -> Measurement {
    let found = run.events.iter().find_map(|e| match &e.kind {
        EventKind::Measurement(m) if m.name == "alternator-reaction" => Some(m.clone()),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no reaction: {}", run.text()))
}

#[test]
fn a_limit_that_polling_cannot_resolve_a_digitizer_can() {
    let scratch = Scratch::new("digitizer");
    let plan = scratch.0.join("cut-off.toml");
    fs::write(&plan, PLAN).expect("written");
    let plan = plan.to_string_lossy();
    let (code, text) = check(&plan, "full-200-a");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("cannot be resolved: meter `dmm-current` polls `alternator.current` every"), "{text}");
    assert!(text.contains("or bind `alternator.current` to a line, a digitizer or a data log"), "{text}");
    let (code, text) = check(&plan, &digitizing(&scratch, "\"100 us\" }"));
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_cut_off_is_timed_on_samples() {
    let scratch = Scratch::new("digitized");
    let bench = digitizing(&scratch, "\"100 us\" }");
    let args = |bench: &'static str| ["--like", bench, "--step", "alternator-atc", "--seed", "17"];
    let polled = run(&scratch, "test-plans/eol.toml", &args("full-200-a"));
    let digitized = run(&scratch, "test-plans/eol.toml", &["--like", &bench, "--step", "alternator-atc", "--seed", "17"]);
    let (polled, sampled) = (reaction(&polled), reaction(&digitized));
    let seconds = |m: &Measurement| match m.value {
        Datum::Number(value) => value,
        _ => panic!("{m:?}"),
    };
    let (u, better) = (polled.uncertainty.expect("an uncertainty"), sampled.uncertainty.expect("an uncertainty"));
    assert!(better < 3e-3 && better < u / 4.0, "{u} s polled, {better} s digitized");
    assert!((seconds(&polled) - seconds(&sampled)).abs() <= u + better, "{polled:?}, {sampled:?}");
    let edges = digitized.events.iter().filter_map(|e| match &e.kind {
        EventKind::Edge { source, name, at_ns, .. } if source == "digitizer" => Some((name, *at_ns)),
        _ => None,
    });
    for (name, at) in edges.clone() {
        crosses(&digitized, name, at);
    }
    assert!(edges.count() > 0, "an edge of the digitizer is in the journal");
    let page = fs::read_to_string(digitized.folder.join("report.html")).expect("a report");
    assert!(page.contains("class=\"samples\""), "the samples are drawn");
}

/// The journal has the samples of an edge, and they cross 500 mA where it says.
fn crosses(run: &crate::support::Run, edge: &str, at: u64) {
    let found = run.events.iter().find_map(|e| match &e.kind {
        EventKind::Waveform { name, unit, at_ns, values, .. } if name == edge => Some((unit.clone(), at_ns.clone(), values.clone())),
        _ => None,
    });
    let (unit, at_ns, values) = found.unwrap_or_else(|| panic!("no samples of `{edge}`"));
    assert!(unit == "A" && at_ns.len() == values.len() && (20..=200).contains(&values.len()), "{} {unit}", values.len());
    let after = at_ns.partition_point(|ns| *ns < at);
    let amps = |n: usize| match values[n] {
        Datum::Number(amps) => amps,
        Datum::Text(_) => f64::NAN,
    };
    let share = (at - at_ns[after - 1]) as f64 / (at_ns[after] - at_ns[after - 1]) as f64;
    let level = amps(after - 1) + share * (amps(after) - amps(after - 1));
    assert!((level - 0.5).abs() < 1e-3 && amps(after - 1) > 0.5, "{level} A at the edge");
}

#[test]
fn a_digitizer_that_cannot_be_is_refused() {
    let scratch = Scratch::new("digitizers");
    for (digitizer, words) in [
        ("\"0.01 us\" }", "expected 1 µs .. 1 ms (DMM6500)"),
        ("\"1 V\" }", "expected a time"),
        (ROUTE, "is watched by a digitizer, expected no further routes then"),
    ] {
        let (code, text) = check("test-plans/eol.toml", &digitizing(&scratch, digitizer));
        assert!(code == Some(2) && text.contains(words), "{digitizer}: {text}");
    }
    let path = digitizing(&scratch, "\"100 us\" }");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text.replacen("allow-unverified = true\n", "", 1)).expect("written");
    let (code, said) = check("test-plans/eol.toml", &path);
    assert!(code == Some(2) && said.contains("nobody has confirmed how a DMM6500 digitizes"), "{said}");
    let text = text.replace("instrument = \"dmm-shunt\"", "instrument = \"dmm-current\"");
    fs::write(&path, text).expect("written");
    let (code, text) = check("test-plans/eol.toml", &path);
    assert!(code == Some(2) && text.contains("the digitizer of `dmm-current` serves one signal, and others read it"), "{text}");
}
