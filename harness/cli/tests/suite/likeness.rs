//! The virtual bench in the likeness of real ones: what they catch, what they
//! cannot judge, and what the README says of it.

use std::collections::BTreeMap;
use std::fs;

use hil_record::{Datum, EventKind, Verdict};

use crate::defects::{entries, escapes, rates};
use crate::support::{Scratch, hil, root, run};

const PLAN: &str = "test-plans/eol.toml";

/// Some of each kind; `ci/catch-rate` runs them all.
const SAMPLE: [&str; 8] = ["D03", "D13", "D21", "D27", "D46", "D63", "D67", "D84"];

fn not_judged(run: &crate::support::Run) -> Vec<String> {
    let last = run.events.last().map(|e| e.kind.clone());
    if let Some(EventKind::RunFinished { not_judged, .. }) = last { not_judged } else { vec!["no end".into()] }
}

#[test]
fn the_full_bench_passes_a_good_unit() {
    let scratch = Scratch::new("full");
    let run = run(&scratch, PLAN, &["--like", "full-200-a", "--seed", "17"]);
    assert_eq!((run.code, not_judged(&run)), (0, vec![]), "{}", run.text());
    let EventKind::RunStarted { bench, .. } = &run.events[0].kind else { panic!("no beginning") };
    assert_eq!(bench, "virtual like full-200-a");
}

/// What it lacks is left out, named, and never a pass.
#[test]
fn the_small_bench_passes_no_unit_and_says_what_it_did_not_judge() {
    let scratch = Scratch::new("small");
    let run = run(&scratch, PLAN, &["--like", "small-current", "--seed", "17"]);
    assert_eq!(run.code, 5, "{}", run.text());
    assert_eq!(not_judged(&run), ["SBMS-ALT-21", "SBMS-BTV-04", "SBMS-LED-08", "SBMS-LED-04"]);
    assert_eq!(run.steps_with(Verdict::Skipped), ["alternator-dynamics", "btv-glitch", "leds-colour", "led-over-temperature-colour"]);
    assert!(run.failed_steps().is_empty() && run.text().contains("not judged, or not wholly, on this bench: SBMS-ALT-21"));
    let EventKind::RunStarted { parameters, .. } = &run.events[0].kind else { panic!("no beginning") };
    assert_eq!((parameters["battery-limit"].as_str(), parameters["load"].as_str()), ("11 A", "5 A"));
}

/// 9 A by the fuse's drop are 0.9 A through the scaled shunt.
#[test]
fn a_scaled_current_is_judged_in_the_units_terms() {
    let scratch = Scratch::new("scaled");
    let run = run(&scratch, PLAN, &["--like", "small-current", "--step", "alternator-limit", "-vv"]);
    let amps = run.events.iter().find_map(|e| match &e.kind {
        EventKind::Measurement(m) if m.name == "limited-current" => Some(m.value.clone()),
        _ => None,
    });
    assert!(matches!(amps, Some(Datum::Number(a)) if (8.0..10.0).contains(&a)), "{amps:?}");
    assert!(run.text().contains("CURR 1.800"), "18 A of the plan are 1.8 A of the source");
}

#[test]
fn defects_fail_where_they_should_on_both_benches() {
    let (scratch, entries) = (Scratch::new("like"), entries());
    for bench in ["full-200-a", "small-current"] {
        for id in SAMPLE {
            let run = run(&scratch, PLAN, &["--like", bench, "--defect", id, "--run-id", &format!("{bench}-{id}")]);
            let caught = run.code == 1 && run.failed_requirements().iter().any(|r| entries[id].caught_by.contains(r));
            assert!(caught, "{bench}: {id}: exit code {}, failed {:?}", run.code, run.failed_steps());
        }
    }
}

#[test]
fn the_readme_tells_the_rates_and_what_escapes() {
    let readme = fs::read_to_string(root().join("README.md")).expect("the README");
    let (known, rates) = (entries(), rates());
    let counted: Vec<&String> = known.keys().filter(|id| !rates.not_counted.contains(id)).collect();
    assert_eq!(counted.len(), 74);
    let mut by_defect: BTreeMap<String, String> = BTreeMap::new();
    for (bench, least) in &rates.benches {
        let missed = escapes(bench);
        assert!(missed.keys().all(|id| known.contains_key(id)), "{missed:?}");
        let caught = counted.iter().filter(|id| !missed.contains_key(**id)).count();
        assert!(caught * 100 >= least * 74, "{bench}");
        let row = format!("| `{bench}` | {caught} of 74 | {:.0} % | {least} % |", 100.0 * caught as f64 / 74.0);
        assert!(readme.contains(&row), "README.md lacks `{row}`");
        by_defect.extend(missed);
    }
    for (id, why) in by_defect {
        let row = format!("| {id} | ");
        assert!(readme.lines().any(|l| l.starts_with(&row) && l.ends_with(&format!("| {why} |"))), "README.md lacks `{row}… | {why} |`");
    }
}

/// The small bench with one text for another, checked with the shipped plan.
fn check(from: &str, to: &str, how: &str) -> String {
    let scratch = Scratch::new("like-messages");
    let text = fs::read_to_string(root().join("fixtures/benches/small-current.toml")).expect("the small bench");
    assert!(text.contains(from), "{from}");
    let path = scratch.0.join("bench.toml");
    fs::write(&path, text.replacen(from, to, 1)).expect("a bench");
    let output = hil().args(["check", PLAN, "--wall-clock", "2026-11-25T12:00:00Z", how]).arg(&path).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).replace(&*path.to_string_lossy(), "bench.toml")
}

#[test]
fn what_a_wrong_real_bench_gets() {
    insta::assert_snapshot!("like_without_terminals", check("terminals = \"system-drop\"\n", "", "--like"));
    insta::assert_snapshot!("like_with_strange_terminals", check("terminals = \"system-drop\"", "terminals = \"system-drip\"", "--like"));
    insta::assert_snapshot!("lacks_a_signal_that_is_none", check("\"alternator.rise\"]", "\"alternator.rice\"]", "--bench"));
    // Not as snapshots: they name lines of the shipped plan, which moves.
    let of_another_kind = check("battery-limit = \"11 A\"", "battery-limit = \"11 V\"", "--bench");
    assert!(of_another_kind.contains("`battery-limit` is `11 V`, a voltage, expected a current\n  --> bench.toml:"), "{of_another_kind}");
    let beyond = check("resistance-current = \"10 A\"", "resistance-current = \"100 A\"", "--bench");
    assert!(beyond.contains("`system.sink-limit` = 100 A is out of range of supply `system`, expected 0 A .. 12 A"), "{beyond}");
    // A slower meter is refused by the plan's minimum, not put up with.
    let slower = check("terminals = \"battery-main-shunt\"\nnplc = 0.2", "terminals = \"battery-main-shunt\"", "--bench");
    assert!(slower.contains("limit of `system-charge-reaction`") && slower.contains("expected at least 4"), "{slower}");
}
