//! A cut-off in current, timed by a meter's digitizer where a bench file says so:
//! the same plan and limit that a bench which only polls cannot resolve.

use std::fs;

use hil_record::{Datum, EventKind, Measurement};

use crate::support::{Scratch, hil, root, run};

const READ: &str =
    "shunt = \"5 mohm\", shunt-tolerance = \"0.1 %\", shunt-drift-per-kelvin = \"0.002 %\" } },\n    { name = \"alternator.leakage\"";

const ROUTE: &str = "\"100 us\" }, route = [{ id = \"r\", read = { instrument = \"dmm-shunt\", function = \"dc-voltage\", range = \"100 mV\", shunt = \"5 mohm\" }, max = \"1 A\" }]";

/// `full-200-a`, with a digitizer for the alternator's current.
fn digitizing(scratch: &Scratch, digitizer: &str) -> String {
    let text = fs::read_to_string(root().join("fixtures/benches/full-200-a.toml")).expect("a bench");
    let with = READ.replacen(" } },\n", &format!(", digitizer = {digitizer} }},\n"), 1);
    assert!(text.contains(READ));
    let path = scratch.0.join("digitizing.toml");
    fs::write(&path, text.replacen(READ, &with, 1)).expect("written");
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
    assert!(text.contains("or bind `alternator.current` to a line or a digitizer"), "{text}");
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
    let edge = digitized.events.iter().any(|e| matches!(&e.kind, EventKind::Edge { source, .. } if source == "digitizer"));
    assert!(edge, "an edge of the digitizer is in the journal");
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
    let text = fs::read_to_string(&path).expect("written").replace("instrument = \"dmm-shunt\"", "instrument = \"dmm-current\"");
    fs::write(&path, text).expect("written");
    let (code, text) = check("test-plans/eol.toml", &path);
    assert!(code == Some(2) && text.contains("the digitizer of `dmm-current` serves one signal, and others read it"), "{text}");
}
