//! What an end-of-line test costs: bench time, and that nothing is lost by
//! running steps side by side.

use std::collections::BTreeSet;

use hil_record::{EventKind, Verdict};
use hil_writers::critical_path;

use crate::support::{Run, Scratch, run};

/// Seconds that a station has for a unit.
const MOST: f64 = 180.0;

fn seconds(run: &Run) -> f64 {
    run.events.last().map_or(0.0, |e| e.bench_ns as f64 / 1e9)
}

#[test]
fn a_good_unit_takes_three_minutes_at_most() {
    let scratch = Scratch::new("bench-time");
    for seed in ["1", "2", "3", "4", "5"] {
        let run = run(&scratch, "test-plans/eol.toml", &["--seed", seed, "--run-id", seed]);
        assert_eq!(run.code, 0, "{}", run.text());
        assert!(seconds(&run) <= MOST, "seed {seed}: {} s, expected at most {MOST} s", seconds(&run));
    }
}

#[test]
fn the_critical_path_adds_up_to_the_bench_time() {
    let scratch = Scratch::new("critical-path");
    for args in [&["--run-id", "good"][..], &["--run-id", "bad", "--defect", "D46"]] {
        let run = run(&scratch, "test-plans/eol.toml", args);
        let path = critical_path(&run.events);
        let end = run.events.last().expect("events").bench_ns;
        assert!(path.windows(2).all(|p| p[0].to_ns == p[1].from_ns), "{path:?}");
        assert_eq!((path.first().map(|p| p.from_ns), path.last().map(|p| p.to_ns)), (Some(0), Some(end)));
        assert_eq!(path.iter().map(|p| p.to_ns - p.from_ns).sum::<u64>(), end);
        // What the path is not of ran beside it: nothing is counted twice.
        let beside: BTreeSet<&str> = run
            .events
            .iter()
            .filter_map(|e| match &e.kind {
                EventKind::StepStarted { step, beside: Some(_), .. } => Some(step.as_str()),
                _ => None,
            })
            .collect();
        assert!(beside.len() > 20, "{beside:?}");
        assert!(run.text().contains("\ncritical path, "), "{}", run.text());
    }
}

/// Steps that disturbed each other would judge otherwise when they run alone.
#[test]
fn one_by_one_judges_the_same() {
    let scratch = Scratch::new("one-by-one");
    let judged = |run: &Run| -> BTreeSet<(String, String, Verdict)> {
        let judged = run.events.iter().filter_map(|e| match &e.kind {
            EventKind::Measurement(m) => Some((m.step.clone(), m.name.clone(), m.verdict)),
            _ => None,
        });
        judged.collect()
    };
    let beside = run(&scratch, "test-plans/eol.toml", &["--run-id", "a-beside"]);
    let alone = run(&scratch, "test-plans/eol.toml", &["--run-id", "b-alone", "--one-by-one"]);
    assert_eq!((beside.code, alone.code), (0, 0), "{}", alone.text());
    assert_eq!(judged(&beside), judged(&alone));
    assert!(seconds(&alone) > seconds(&beside) + 60.0, "{} s and {} s", seconds(&alone), seconds(&beside));
}
