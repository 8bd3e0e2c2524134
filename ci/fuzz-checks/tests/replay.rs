//! Every input that is kept in `ci/fuzz/corpus` keeps its promises, whole and cut
//! in half; and every check has a target, and every target inputs.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hil_fuzz_checks::{TARGETS, check};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_check_has_a_target_and_inputs() {
    let checks: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let files: BTreeSet<String> = checks.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), files);
    assert_eq!(names(&fuzz().join("corpus")), checks);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("a manifest");
    for name in &checks {
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).expect("a target");
        assert!(target.contains(&format!("check(\"{name}\", bytes)")), "{name}.rs runs another check");
        assert!(manifest.contains(&format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")), "{name} is not in the manifest");
    }
}

macro_rules! replay {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*
        #[test]
        fn every_check_is_replayed() {
            let replayed: BTreeSet<&str> = [$(stringify!($name)),*].into();
            assert_eq!(replayed, TARGETS.iter().map(|(name, _)| *name).collect());
        }
    };
}

replay!(
    bench,
    defects,
    dialect,
    extension,
    journal,
    led,
    plan,
    product,
    record,
    scpi_command,
    scpi_reply,
    scpi_stream,
    socket,
    status,
    vxi11,
    words,
);

fn replay(target: &str) {
    let folder = fuzz().join("corpus").join(target);
    let inputs = names(&folder);
    assert!(!inputs.is_empty(), "no inputs of `{target}`");
    for input in inputs {
        let bytes = fs::read(folder.join(&input)).expect("an input");
        for part in [&bytes[..], &bytes[..bytes.len() / 2]] {
            let held = catch_unwind(AssertUnwindSafe(|| check(target, part)));
            assert!(held.is_ok(), "ci/fuzz/corpus/{target}/{input} ({} bytes of it) breaks a promise, see above", part.len());
        }
    }
}
