//! Each defect alone: the run fails, at a step whose requirement is one that
//! the defect's entry says should catch it.

use std::collections::BTreeMap;
use std::fs;

use crate::support::{Scratch, root, run};

pub struct Entry {
    class: String,
    pub caught_by: Vec<String>,
}

/// What is expected of each bench, from fixtures/twin/escapes.toml.
pub struct Rates {
    /// Bench and the least per cent that it must catch.
    pub benches: Vec<(String, usize)>,
    /// Ours, beside the catalogue.
    pub not_counted: Vec<String>,
}

fn expectations() -> toml::Table {
    fs::read_to_string(root().join("fixtures/twin/escapes.toml")).expect("the escapes").parse().expect("TOML")
}

fn strings(value: &toml::Value) -> Vec<String> {
    value.as_array().expect("a list").iter().filter_map(|v| v.as_str()).map(str::to_owned).collect()
}

pub fn rates() -> Rates {
    let table = expectations();
    let bench = |b: &toml::Value| {
        let least = b["minimum-percent"].as_integer().and_then(|p| usize::try_from(p).ok()).expect("a number");
        (b["id"].as_str().expect("an id").to_owned(), least)
    };
    Rates { benches: table["bench"].as_array().expect("benches").iter().map(bench).collect(), not_counted: strings(&table["not-counted"]) }
}

/// Defects that a bench does not catch, and why.
pub fn escapes(bench: &str) -> BTreeMap<String, String> {
    let text = |e: &toml::Value, key: &str| e[key].as_str().expect("a text").to_owned();
    let table = expectations();
    let all = table["escape"].as_array().expect("escapes").iter();
    all.filter(|e| strings(&e["benches"]).iter().any(|b| b == bench)).map(|e| (text(e, "defect"), text(e, "why"))).collect()
}

/// All entries of fixtures/twin/defects, by id; the file's name is the class.
pub fn entries() -> BTreeMap<String, Entry> {
    let mut all = BTreeMap::new();
    for file in fs::read_dir(root().join("fixtures/twin/defects")).expect("the defects folder").flatten() {
        let text = fs::read_to_string(file.path()).expect("a defects file");
        let class = file.path().file_stem().expect("a name").to_string_lossy().into_owned();
        let table: toml::Table = text.parse().expect("TOML");
        for defect in table["defect"].as_array().expect("defects") {
            let caught_by = strings(&defect["caught-by"]);
            all.insert(defect["id"].as_str().expect("an id").to_owned(), Entry { class: class.clone(), caught_by });
        }
    }
    all
}

#[test]
fn each_defect_fails_where_it_should() {
    let (scratch, escapes) = (Scratch::new("defects"), escapes("virtual"));
    let mut wrong = Vec::new();
    for (id, entry) in entries() {
        let run = run(&scratch, "test-plans/eol.toml", &["--defect", &id, "--run-id", &id]);
        let caught = run.code == 1 && run.failed_requirements().iter().any(|r| entry.caught_by.contains(r));
        if caught == escapes.contains_key(&id) {
            let found = format!("exit code {}, failed {:?}", run.code, run.failed_steps());
            wrong.push(format!(
                "{id}: {found}, expected {}",
                if caught { "it to escape; take it off the list" } else { "one of its requirements to fail" }
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_defects_are_many_and_of_many_kinds() {
    let entries = entries();
    let classes: std::collections::BTreeSet<&str> = entries.values().map(|e| e.class.as_str()).collect();
    assert!(entries.len() >= 74, "{}", entries.len());
    assert!(classes.len() >= 8, "{classes:?}");
    for id in ["D03", "D07", "D13", "D21", "D22", "D36", "D46", "D48", "D49", "D58", "D67"] {
        assert!(entries.contains_key(id) && !escapes("virtual").contains_key(id), "{id}");
    }
}
