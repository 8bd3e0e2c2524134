//! `hil torment`: a few dozen runs under random faults, and every case that once
//! broke a promise. The long campaign is `ci/torment`.

use std::fs;

use crate::support::{Scratch, hil, root};

fn torment(scratch: &Scratch, args: &[&str]) -> (i32, String) {
    let output =
        hil().args(["torment", "test-plans/eol.toml", "--out"]).arg(scratch.0.join("kept")).args(args).output().expect("hil starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

#[test]
fn a_few_dozen_runs_keep_every_promise() {
    let scratch = Scratch::new("torment");
    let (code, text) = torment(&scratch, &["--n", "36", "--seed", "4"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("36 runs of eol, seed 4: 0 broke a promise"), "{text}");
}

#[test]
fn cases_that_once_broke_a_promise_keep_them() {
    let scratch = Scratch::new("torment-cases");
    let mut cases: Vec<_> = fs::read_dir(root().join("harness/campaign/cases")).expect("the cases").flatten().map(|f| f.path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    let args: Vec<String> = cases.iter().flat_map(|path| ["--case".to_owned(), path.display().to_string()]).collect();
    let (code, text) = torment(&scratch, &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(code, 0, "{text}");
    // What each must end with stands in its file.
    for path in cases {
        let (name, file) = (path.file_stem().expect("a name").to_string_lossy().into_owned(), fs::read_to_string(&path).expect("a case"));
        let expected = file.lines().find_map(|l| l.strip_prefix("# exit code ")).expect("`# exit code N` in the case");
        let told = text.lines().find(|l| l.starts_with(&format!("{name}: "))).expect("told");
        assert!(told.ends_with(&format!("exit code {expected}")), "{told}, expected {expected}");
    }
}

#[test]
fn a_run_can_be_run_again_alone_and_by_its_case() {
    let scratch = Scratch::new("torment-again");
    let (code, text) = torment(&scratch, &["--seed", "4", "--only", "7"]);
    assert_eq!(code, 0, "{text}");
    let first = text.lines().next().unwrap_or_default().to_owned();
    assert!(first.starts_with("4-7: "), "{text}");
    let kept = scratch.0.join("kept/4-7");
    let journal = fs::read(kept.join("journal.jsonl")).expect("its journal");
    let case = kept.join("case.toml");
    let (code, text) = torment(&scratch, &["--case", &case.display().to_string()]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.lines().next().unwrap_or_default(), first.replace("4-7: ", "case: "));
    assert_eq!(fs::read(scratch.0.join("kept/case/journal.jsonl")).expect("its journal"), journal);
}

#[test]
fn what_is_no_case_is_told() {
    let scratch = Scratch::new("torment-wrong");
    let case = scratch.0.join("wrong.toml");
    fs::write(&case, "seed = 1\n[[fault]]\npart = \"status\"\nkind = \"explode\"\nat = \"open\"\nafter = \"1 ms\"\n").expect("written");
    let (code, text) = torment(&scratch, &["--case", &case.display().to_string()]);
    assert_eq!(code, 2);
    assert!(text.contains("fault of `status`: kind is `explode`, expected one of drop, hang, late, nan, refuse"), "{text}");
}
