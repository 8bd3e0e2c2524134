//! Who may know whom: held against every crate's manifest, so that an arrow in
//! ARCHITECTURE.md cannot turn round unnoticed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::root;

/// Each room and the rooms it may depend on (not counting dev-dependencies).
const ALLOWED: &[(&str, &[&str])] = &[
    ("hil-model", &[]),
    ("smart-bms", &[]),
    ("hil-timebase", &[]),
    ("hil-record", &["hil-model"]),
    ("hil-writers", &["hil-model", "hil-record"]),
    ("hil-client", &["hil-model", "hil-timebase"]),
    ("hil-virtual", &["hil-model", "hil-timebase", "hil-client"]),
    ("hil-channel", &["hil-model", "hil-timebase"]),
    ("hil-bench", &["hil-model", "hil-timebase", "hil-channel", "hil-client", "hil-extension"]),
    ("hil-twin", &["hil-model", "hil-timebase", "hil-channel", "hil-bench", "hil-virtual", "smart-bms"]),
    ("hil-extension", &["hil-model", "hil-timebase", "hil-channel"]),
    ("hil-socket", &["hil-model", "hil-timebase", "hil-channel", "hil-bench"]),
    ("hil-engine", &["hil-model", "hil-record", "hil-channel", "hil-timebase"]),
    ("hil-campaign", &["hil-model", "hil-record", "hil-timebase", "hil-channel", "hil-client", "hil-virtual", "hil-twin", "hil-engine"]),
    (
        "hil-cli",
        &[
            "hil-model",
            "hil-record",
            "hil-writers",
            "hil-timebase",
            "hil-client",
            "hil-virtual",
            "hil-channel",
            "hil-bench",
            "hil-twin",
            "hil-extension",
            "hil-socket",
            "hil-engine",
            "hil-campaign",
        ],
    ),
    // Known by nobody: it holds what all rooms read from outside against their promises.
    (
        "hil-fuzz-checks",
        &[
            "hil-model",
            "hil-record",
            "hil-writers",
            "hil-timebase",
            "hil-client",
            "hil-virtual",
            "hil-channel",
            "hil-bench",
            "hil-twin",
            "hil-extension",
            "hil-socket",
            "hil-engine",
            "hil-cli",
            "smart-bms",
        ],
    ),
];

/// Rooms that must stay free of dependencies from outside that others may have.
const FORBIDDEN_CRATES: &[(&str, &[&str])] = &[
    ("smart-bms", &["*"]),
    ("hil-model", &["tokio", "serde", "tracing"]),
    ("hil-engine", &["scpi", "serde_json", "toml", "junit-report"]),
];

#[test]
fn every_room_knows_only_whom_it_may() {
    let rooms = rooms();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = ALLOWED.iter().map(|(room, may)| (*room, may.iter().copied().collect())).collect();
    let names: BTreeSet<&str> = rooms.keys().map(String::as_str).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "a room is missing in the table, or the table names one that is gone");
    for (room, known) in &rooms {
        for other in known.iter().filter(|k| names.contains(k.as_str())) {
            assert!(allowed[room.as_str()].contains(other.as_str()), "`{room}` may not know `{other}`");
        }
    }
}

#[test]
fn light_rooms_stay_light() {
    let rooms = rooms();
    for (room, crates) in FORBIDDEN_CRATES {
        for known in &rooms[*room] {
            let forbidden = crates.contains(&"*") || crates.contains(&known.as_str());
            assert!(!forbidden, "`{room}` may not depend on `{known}`");
        }
    }
}

/// Every workspace member's name and its dependencies.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = read("Cargo.toml");
    let members = manifest["workspace"]["members"].as_array().expect("members").clone();
    members
        .iter()
        .map(|member| {
            let manifest = read(&format!("{}/Cargo.toml", member.as_str().expect("a path")));
            let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
            let known = manifest.get("dependencies").and_then(|d| d.as_table()).map(|t| t.keys().cloned().collect()).unwrap_or_default();
            (name, known)
        })
        .collect()
}

fn read(path: &str) -> toml::Table {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    text.parse().unwrap_or_else(|e| panic!("{path}: {e}"))
}
