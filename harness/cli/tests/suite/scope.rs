//! A cut-off in current, timed by a scope that has the line's sense contact on its
//! other channel.

use std::fs;

use hil_record::{Datum, EventKind, Measurement};

use crate::digitizer::{READ, TRIED};
use crate::support::{Run, Scratch, hil, root, run};

const SCOPE: &str = "scope = { instrument = \"scope\", channel = 2, scale = \"20 mV\", timebase = \"10 ms\", line = \"btv.atc\", line-channel = 1, line-scale = \"2 V\", line-level = \"2.5 V\" }";

const INSTRUMENT: &str = r#"
[[instrument]]
name = "scope"
dialect = "rigol-ds1054z"
allow-unverified = true
address = "TCPIP::192.168.60.40::5555::SOCKET"
serial = "DS1ZA000000001"
terminals = "atc-contact, alternator-shunt"
"#;

/// `full-200-a` with something that times the alternator's current.
fn timed(scratch: &Scratch, means: &str) -> String {
    let text = fs::read_to_string(root().join("fixtures/benches/full-200-a.toml")).expect("a bench");
    assert!(text.contains(READ));
    let with = READ.replacen(" } },\n", &format!(", {means} }} }},\n"), 1);
    let text = if means.starts_with("digitizer") { text.replacen("name = \"dmm-current\"\n", TRIED, 1) } else { text };
    let instrument = if means.starts_with("scope") { INSTRUMENT } else { "" };
    let path = scratch.0.join(format!("{}.toml", &means[..5]));
    fs::write(&path, text.replacen(READ, &with, 1) + instrument).expect("written");
    path.to_string_lossy().into_owned()
}

fn by(run: &Run, source: &str) -> bool {
    run.events.iter().any(|e| matches!(&e.kind, EventKind::Edge { source: found, .. } if found == source))
}

fn reaction(run: &Run) -> (f64, f64) {
    let found = run.events.iter().find_map(|e| match &e.kind {
        EventKind::Measurement(m @ Measurement { uncertainty: Some(u), .. }) if m.name == "alternator-reaction" => {
            Some((m.value.clone(), *u))
        }
        _ => None,
    });
    match found {
        Some((Datum::Number(seconds), u)) => (seconds, u),
        other => panic!("no reaction, {other:?}: {}", run.text()),
    }
}

#[test]
fn scope_and_digitizer_agree() {
    let scratch = Scratch::new("scope");
    let ran = |means: &str| {
        let bench = timed(&scratch, means);
        run(&scratch, "test-plans/eol.toml", &["--like", &bench, "--step", "alternator-atc", "--seed", "17"])
    };
    let (scope, digitizer) = (ran(SCOPE), ran("digitizer = \"100 us\""));
    let ((a, ua), (b, ub)) = (reaction(&scope), reaction(&digitizer));
    assert!((a - b).abs() <= ua + ub, "{a} s ± {ua} s by the scope, {b} s ± {ub} s by the digitizer");
    assert!(ua < 2e-3 && ua > 100e-6, "± {ua} s by the scope");
    assert!(by(&scope, "scope"));
    let samples = scope.events.iter().find_map(|e| match &e.kind {
        EventKind::Waveform { values, unit, .. } => Some((values.len(), unit.clone())),
        _ => None,
    });
    assert!(samples.as_ref().is_some_and(|(n, unit)| (100..=200).contains(n) && unit == "A"), "{samples:?}");
}

/// A unit is not blamed for a record that ends before the limit does.
#[test]
fn what_comes_after_the_record_the_meter_sees() {
    let scratch = Scratch::new("late-scope");
    let ran = |means: &str| {
        let bench = timed(&scratch, means);
        run(&scratch, "test-plans/eol.toml", &["--like", &bench, "--step", "alternator-atc", "--seed", "17"])
    };
    let short = ran(&SCOPE.replacen("10 ms", "2 ms", 1));
    let ((a, ua), (b, ub)) = (reaction(&short), reaction(&ran("digitizer = \"100 us\"")));
    assert!((a - b).abs() <= ua + ub && ua > 5e-3, "{a} s ± {ua} s by the meter, {b} s ± {ub} s by the digitizer");
    assert!(by(&short, "poll") && !by(&short, "scope"));
}

/// A unit is not blamed for what a scope did not see, and nothing passes.
#[test]
fn what_a_scope_cannot_have_seen_is_an_error() {
    let scratch = Scratch::new("no-scope");
    for (from, to, words) in [
        // 9 A are 45 mV.
        ("scale = \"20 mV\"", "scale = \"5 mV\"", "clipped samples"),
        // The wrong line: nothing triggers.
        ("line-level = \"2.5 V\"", "line-level = \"7 V\"", "no answer to `a record when `btv.atc` turned`"),
        ("scale = \"20 mV\"", "scale = \"2 V\"", "expected a signal that the scale can tell from the level"),
    ] {
        assert!(SCOPE.contains(from));
        let bench = timed(&scratch, &SCOPE.replacen(from, to, 1));
        let ran = run(&scratch, "test-plans/eol.toml", &["--like", &bench, "--step", "alternator-atc", "--seed", "17"]);
        assert!(
            ran.code == 3 && !by(&ran, "scope") && !by(&ran, "poll") && ran.text().contains(words),
            "{to}: {} {}",
            ran.code,
            ran.text()
        );
    }
}

#[test]
fn a_scope_must_be_one_that_can_be_asked() {
    let scratch = Scratch::new("scopes");
    let bench = timed(&scratch, SCOPE);
    let text = fs::read_to_string(&bench).expect("written");
    for (from, to, words) in [
        ("allow-unverified = true\n", "", "nobody has confirmed `query-acquisition`, `query-preamble` of this dialect"),
        ("rigol-ds1054z", "keysight-dsox3024a", "the dialect of a DSO-X 3024A has no `query-acquisition`"),
        ("instrument = \"scope\"", "instrument = \"dmm-shunt\"", "a DMM6500 is a meter, expected a scope"),
        ("line-channel = 1", "line-channel = 2", "signal and line are on one channel, expected two"),
        ("channel = 2", "channel = 5", "expected a channel from 1 to 4"),
        ("line = \"btv.atc\"", "line = \"btv.atx\"", "the fixture has no switch `btv.atx`"),
        ("atc-contact, ", "atx-contact, ", "the twin has no terminals `atx-contact`"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&bench, text.replacen(from, to, 1)).expect("written");
        let output = hil().args(["run", "test-plans/eol.toml", "--like", &bench, "--out"]).arg(&scratch.0).output().expect("hil starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(words), "{to}: {told}");
    }
}
