//! A good unit passes and a bad unit fails.

use hil_record::{EventKind, Verdict};

use crate::support::{Scratch, root, run};

#[test]
fn a_good_unit_passes() {
    let scratch = Scratch::new("good");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ2247ABCDE"]);
    assert_eq!(run.code, 0, "{}", run.text());
    assert!(run.text().contains("PASS"), "{}", run.text());
    assert_eq!(run.confirmed_safe(), Some(true));
    for file in ["journal.jsonl", "junit.xml", "measurements.csv", "report.html", "summary.md"] {
        assert!(run.folder.join(file).exists(), "{file}");
    }
}

#[test]
fn every_requirement_a_step_claims_is_judged() {
    let scratch = Scratch::new("judged");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ2247ABCDE"]);
    let judged: Vec<&str> = run
        .events
        .iter()
        .filter_map(|e| match &e.kind {
            EventKind::Measurement(m) => Some(m.step.as_str()),
            _ => None,
        })
        .collect();
    let claims = |step: &str| {
        run.events
            .iter()
            .any(|e| matches!(&e.kind, EventKind::StepStarted { step: s, requirements, .. } if s == step && !requirements.is_empty()))
    };
    for event in &run.events {
        if let EventKind::StepFinished { step, verdict, .. } = &event.kind {
            assert_eq!(*verdict, Verdict::Pass, "{step}");
            assert!(!claims(step) || judged.contains(&step.as_str()), "step `{step}` passed without a judged measurement");
        }
    }
}

/// Fifty units whose parameters spread over up to 80 % of the distance to
/// their limits (fixtures/twin/population.toml): none may fail.
#[test]
fn fifty_good_units_pass() {
    let scratch = Scratch::new("population");
    for seed in 1..=50 {
        let run = run(&scratch, "test-plans/eol.toml", &["--seed", &seed.to_string(), "--run-id", &format!("unit-{seed:03}")]);
        assert_eq!(run.code, 0, "unit of seed {seed}: {:?}\n{}", run.failed_steps(), run.text());
    }
}

#[test]
fn a_serial_never_becomes_a_path() {
    let scratch = Scratch::new("serial");
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "../../etc"]);
    assert_eq!(run.code, 2);
    assert!(run.text().contains("serial: `../../etc`, expected"), "{}", run.text());
    assert!(run.events.is_empty());
}

/// What the README shows is what runs, and its defect is caught.
#[test]
fn the_plan_of_the_readme_judges() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("the README");
    let block = |start: &str| {
        let from = readme.find(&format!("```toml\n{start}")).expect(start) + "```toml\n".len();
        readme[from..].split("```").next().expect("an end").to_owned()
    };
    let scratch = Scratch::new("readme");
    let (plan, defect) = (scratch.0.join("plan.toml"), scratch.0.join("defect.toml"));
    std::fs::write(&plan, block("[plan]")).expect("a plan");
    std::fs::write(&defect, block("[[defect]]")).expect("a defect");
    let (plan, defect) = (plan.to_string_lossy(), defect.to_string_lossy());
    let good = run(&scratch, &plan, &["--run-id", "good"]);
    assert_eq!(good.code, 0, "{}", good.text());
    let bad = run(&scratch, &plan, &["--run-id", "bad", "--defects", &defect]);
    assert_eq!(bad.code, 1, "{}", bad.text());
}
