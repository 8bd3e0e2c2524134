//! Each defect alone: the run fails, at a step whose requirement is one that
//! the defect's entry says should catch it.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Scratch, root, run};

/// Defects that the end-of-line plan must catch; the rest is listed by the
/// test below and may escape until its issue.
const CAUGHT: &[&str] = &[
    "D01", "D02", "D03", "D07", "D13", "D14", "D15", "D21", "D22", "D25", "D26", "D29", "D36", "D38", "D44", "D46", "D48", "D49", "D51",
    "D55", "D56", "D58", "D60", "D63", "D66", "D67", "D69", "D70", "D72", "D80", "D84", "D91", "D93", "D96", "D97",
];

struct Entry {
    class: String,
    caught_by: Vec<String>,
}

/// All entries of fixtures/twin/defects, by id; the file's name is the class.
fn entries() -> BTreeMap<String, Entry> {
    let mut all = BTreeMap::new();
    for file in fs::read_dir(root().join("fixtures/twin/defects")).expect("the defects folder").flatten() {
        let text = fs::read_to_string(file.path()).expect("a defects file");
        let class = file.path().file_stem().expect("a name").to_string_lossy().into_owned();
        let table: toml::Table = text.parse().expect("TOML");
        for defect in table["defect"].as_array().expect("defects") {
            let caught_by =
                defect["caught-by"].as_array().expect("caught-by").iter().filter_map(|v| v.as_str()).map(str::to_owned).collect();
            all.insert(defect["id"].as_str().expect("an id").to_owned(), Entry { class: class.clone(), caught_by });
        }
    }
    all
}

#[test]
fn each_of_these_defects_fails_where_it_should() {
    let entries = entries();
    let scratch = Scratch::new("defects");
    let mut wrong = Vec::new();
    for id in CAUGHT {
        let entry = entries.get(*id).unwrap_or_else(|| panic!("{id} has no entry"));
        let run = run(&scratch, "test-plans/eol.toml", &["--defect", id, "--run-id", id]);
        let blamed = run.failed_requirements();
        if run.code != 1 || !blamed.iter().any(|r| entry.caught_by.contains(r)) {
            wrong.push(format!("{id}: exit code {}, failed {:?}, expected one of {:?}", run.code, run.failed_steps(), entry.caught_by));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_caught_defects_are_many_and_of_many_kinds() {
    let entries = entries();
    let classes: std::collections::BTreeSet<&str> = CAUGHT.iter().filter_map(|id| entries.get(*id)).map(|e| e.class.as_str()).collect();
    assert!(CAUGHT.len() >= 15, "{}", CAUGHT.len());
    assert!(classes.len() >= 8, "{classes:?}");
}

/// One failure does not fail its followers: the plan's `[recover]` brings the
/// bench back.
#[test]
fn a_short_lead_fails_the_lead_steps_only() {
    let scratch = Scratch::new("followers");
    let run = run(&scratch, "test-plans/eol.toml", &["--defect", "D46"]);
    assert_eq!(run.failed_steps(), ["pre-alarm-lead", "lead-without-pre-alarm"], "{}", run.text());
}
