//! `hil verify` and `hil station`: what was changed is named, and nothing that
//! was changed is ever verified.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use hil_cli::evidence::{Finding, judge};
use hil_record::{FoundRecord, read_sealed};

use crate::support::{Scratch, hil, root};

/// A station with a key, and where it puts its runs.
struct Hall {
    scratch: Scratch,
}

impl Hall {
    fn new(name: &str) -> Self {
        let hall = Self { scratch: Scratch::new(name) };
        let output = hall.hil(&["station", "init", "--name", name]);
        assert!(output.status.success(), "{}", text(&output));
        hall
    }

    fn data(&self) -> PathBuf {
        self.scratch.0.join("data")
    }

    fn public(&self) -> String {
        self.data().join("hil/station/station.pub").to_string_lossy().into_owned()
    }

    fn hil(&self, args: &[&str]) -> Output {
        hil().env("XDG_DATA_HOME", self.data()).args(args).output().expect("hil starts")
    }

    /// A short run, signed.
    fn run(&self) -> PathBuf {
        let plan = self.scratch.0.join("plan.toml");
        fs::write(&plan, PLAN).expect("a plan");
        let out = self.scratch.0.join("runs");
        let output =
            self.hil(&["run", &plan.to_string_lossy(), "--run-id", "r", "--operator", "A. Smith", "--out", &out.to_string_lossy()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        out.join("r")
    }

    /// Exit code and what was said.
    fn verify(&self, run: &Path, more: &[&str]) -> (i32, String) {
        let output = self.hil(&[&["verify", &run.to_string_lossy()][..], more].concat());
        (output.status.code().unwrap_or(-1), text(&output))
    }
}

const PLAN: &str = r#"
[plan]
id = "short"
title = "Short"
product = "smart-bms-12-200"
[setup]
do = [ { set = { "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" } }, { wait = "1 s" } ]
[[step]]
id = "volts"
repeat = 8
do = [ { measure = "battery.voltage", min = "12 V", max = "14 V" } ]
"#;

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_signed_run_is_verified_by_its_station_and_by_its_public_key() {
    let hall = Hall::new("hall-3");
    let run = hall.run();
    let (code, said) = hall.verify(&run, &[]);
    assert!(code == 0 && said.starts_with("verified  ") && said.contains("signed by station hall-3"), "{said}");
    // Elsewhere, where only the public key is known.
    let other = Hall::new("hall-4");
    let (code, said) = other.verify(&run, &["--key", &hall.public()]);
    assert!(code == 0 && said.starts_with("verified"), "{said}");
    let (code, said) = other.verify(&run, &[]);
    assert!(code == 5 && said.starts_with("unproved") && said.contains("not a key that is known here"), "{said}");
    // The report says what can be said anywhere.
    let page = fs::read_to_string(run.join("report.html")).expect("a report");
    assert!(page.contains("events in an unbroken chain of hashes, signed by hall-3, ") && page.contains("A. Smith"), "the report says so");
    let record: serde_json::Value = serde_json::from_slice(&fs::read(run.join("record.json")).expect("a record")).expect("JSON");
    for (key, names) in [("digests", &["bench", "firmware", "limits", "plan", "product"][..]), ("calibration", &["alternator", "battery"])]
    {
        for name in names {
            assert!(record[key][name].is_string(), "{key}.{name}: {record}");
        }
    }
    assert_eq!((&record["operator"], &record["disposition"]), (&"A. Smith".into(), &"pass".into()));
}

#[test]
fn a_run_without_a_key_is_not_verified_and_says_so() {
    let scratch = Scratch::new("unsigned");
    let run = crate::support::run(&scratch, "test-plans/eol.toml", &[]);
    let output = hil().arg("verify").arg(&run.folder).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output).contains("sealed, but not signed"), "{}", text(&output));
    let junit = fs::read_to_string(run.folder.join("junit.xml")).expect("a report");
    assert!(junit.contains("events in an unbroken chain of hashes, not signed"), "{junit}");
    // Of a run that was killed there is no record.
    fs::remove_file(run.folder.join("record.json")).expect("it was there");
    let output = hil().arg("verify").arg(&run.folder).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output).contains("but no record seals its end"), "{}", text(&output));
}

#[test]
fn a_key_is_made_once_and_kept() {
    let hall = Hall::new("kept");
    let secret = hall.data().join("hil/station/secret.key");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&secret), mode(secret.parent().expect("a folder"))), (0o600, 0o700));
    let before = fs::read(&secret).expect("a key");
    let output = hall.hil(&["station", "init"]);
    assert!(output.status.code() == Some(2) && text(&output).contains("never overwritten"), "{}", text(&output));
    assert_eq!(fs::read(&secret).expect("a key"), before);
    // One that others could read signs nothing.
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).expect("a mode");
    let output = hall.hil(&["run", "test-plans/eol.toml", "--out", &hall.scratch.0.join("none").to_string_lossy()]);
    assert!(output.status.code() == Some(2) && text(&output).contains("has mode 644, expected 600"), "{}", text(&output));
    assert!(!hall.scratch.0.join("none").exists(), "nothing was begun");
}

/// A run folder as it is read, with another journal.
struct Folder {
    record: Vec<u8>,
    signature: Vec<u8>,
}

impl Folder {
    fn of(run: &Path) -> (Self, Vec<u8>) {
        let [record, signature, journal] =
            ["record.json", "record.json.minisig", "journal.jsonl"].map(|name| fs::read(run.join(name)).expect("it was written"));
        (Self { record, signature }, journal)
    }

    /// How many events are intact, and what is wrong. The command says of a
    /// journal that is none that event 0 was changed.
    fn with(&self, journal: &[u8]) -> (usize, String) {
        let seal = FoundRecord::read(&self.record).expect("a record").seal;
        match read_sealed(journal, Some(&seal)) {
            Err(error) => (0, format!("event 0 was changed or removed: {error}")),
            Ok(journal) => match judge(&journal, Some(&self.record), Some(&self.signature)) {
                Finding::Broken(what) => (journal.events.len(), what),
                finding => panic!("{finding:?}"),
            },
        }
    }
}

/// Every byte of the last 4 KiB: what is left is reported, and nothing verified.
#[test]
fn a_journal_cut_anywhere_is_never_verified() {
    let hall = Hall::new("cut");
    let run = hall.run();
    let (folder, whole) = Folder::of(&run);
    for cut in whole.len().saturating_sub(4096)..whole.len() {
        let (intact, what) = folder.with(&whole[..cut]);
        assert_eq!(intact, whole[..cut].iter().filter(|b| **b == b'\n').count(), "cut at {cut}");
        assert!(what.starts_with(&format!("event {intact} and all after it were removed")), "cut at {cut}: {what}");
    }
    fs::write(run.join("journal.jsonl"), &whole[..whole.len() - 1000]).expect("a journal");
    // The command itself, and the reports.
    let (code, said) = hall.verify(&run, &[]);
    assert!(code == 3 && said.starts_with("DAMAGED   event ") && said.contains("events before it are intact"), "{said}");
    let output = hall.hil(&["report", &run.to_string_lossy()]);
    assert!(output.status.code() == Some(3) && text(&output).contains("was changed after the run"), "{}", text(&output));
    let read = |name: &str| fs::read_to_string(run.join(name)).expect("a report");
    assert!(read("report.html").contains("DAMAGED AFTER THE RUN") && read("summary.md").contains("DAMAGED AFTER THE RUN"));
    assert!(read("junit.xml").contains("DAMAGED AFTER THE RUN") && read("junit.xml").contains("<error"));
    assert!(read("measurements.csv").lines().count() > 5, "what was intact is reported");
}

/// Any byte of the last 4 KiB, and every 101st before: the event is named.
#[test]
fn a_flipped_byte_is_never_verified() {
    let hall = Hall::new("flip");
    let run = hall.run();
    let (folder, whole) = Folder::of(&run);
    let last = whole.len().saturating_sub(4096);
    for at in (0..last).step_by(101).chain(last..whole.len()) {
        let mut bad = whole.clone();
        bad[at] ^= [0x01, 0x04, 0x20, 0x80][at % 4];
        let event = whole[..at].iter().filter(|b| **b == b'\n').count();
        let (intact, what) = folder.with(&bad);
        assert!(what.starts_with(&format!("event {event} ")), "byte {at} of event {event}: {what}");
        assert_eq!(intact, event, "byte {at}");
    }
    // Event 0 by the command.
    let mut bad = whole;
    bad[1] ^= 1;
    fs::write(run.join("journal.jsonl"), &bad).expect("a journal");
    let (code, said) = hall.verify(&run, &[]);
    assert!(code == 3 && said.starts_with("DAMAGED   event 0 was changed or removed"), "{said}");
}

/// Whoever owns the disk can change everything but the signature.
#[test]
fn a_record_that_was_changed_is_never_verified() {
    let hall = Hall::new("record");
    let run = hall.run();
    let (record, signature) = (run.join("record.json"), run.join("record.json.minisig"));
    let [whole, signed] = [&record, &signature].map(|p| fs::read_to_string(p).expect("it is there"));
    let broken = |what: &str| {
        let (code, said) = hall.verify(&run, &[]);
        assert!(code == 3 && said.starts_with("DAMAGED   ") && said.contains(what), "{what}: {said}");
    };
    fs::write(&record, whole.replace("A. Smith", "B. Smith")).expect("a record");
    broken("record.json was changed: `operator` is not what the journal says");
    fs::write(&record, whole.replace("\n  \"seed\"", "\n   \"seed\"")).expect("a record");
    broken("record.json or record.json.minisig was changed after it was signed");
    fs::write(&record, &whole[1..]).expect("a record");
    broken("record.json was changed: ");
    fs::remove_file(&record).expect("a record");
    assert_eq!(hall.verify(&run, &[]).0, 5);
    fs::write(&record, &whole).expect("a record");
    fs::write(&signature, signed.replace("run r", "run s")).expect("a signature");
    broken("was changed after it was signed");
    fs::remove_file(&signature).expect("a signature");
    broken("record.json.minisig was removed");
    // A forger can only leave it unsigned, or sign with another key.
    let start = whole.find("\"station\"").expect("a station");
    fs::write(&record, format!("{}\"station\": null\n}}\n", &whole[..start])).expect("a record");
    assert_eq!(hall.verify(&run, &[]).0, 5);
    fs::write(&record, &whole).expect("a record");
    fs::write(&signature, &signed).expect("a signature");
    assert_eq!(hall.verify(&run, &[]).0, 0);
}

#[test]
fn what_cannot_be_verified_is_refused() {
    let scratch = Scratch::new("no-verify");
    for (args, message) in [
        (vec!["verify", "no-such-run"], "cannot read `no-such-run`"),
        (vec!["verify", "x", "--key", "Cargo.toml"], "--key: `Cargo.toml`: expected a public key as minisign writes it"),
        (vec!["station", "init", "--name", "a/b"], "station: name `a/b`"),
    ] {
        let output = hil().args(&args).env("XDG_DATA_HOME", &scratch.0).output().expect("hil starts");
        assert!(output.status.code() == Some(2) && text(&output).contains(message), "{args:?}: {}", text(&output));
    }
}

/// The chain can be checked without this program, as the README shows.
#[test]
fn ten_lines_of_python_check_the_chain() {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let script = readme.split("```python\n").nth(1).and_then(|s| s.split("```").next()).expect("a script");
    let hall = Hall::new("python");
    let run = hall.run();
    let python = |run: &Path| std::process::Command::new("python3").args(["-c", script]).arg(run).output();
    let Ok(output) = python(&run) else {
        assert!(std::env::var_os("CI").is_none(), "no python3");
        return;
    };
    assert!(output.status.success(), "{}", text(&output));
    let journal = run.join("journal.jsonl");
    let changed = fs::read_to_string(&journal).expect("a journal").replacen("\"bench\":\"virtual\"", "\"bench\":\"another\"", 1);
    fs::write(&journal, changed).expect("a journal");
    let output = python(&run).expect("python3");
    assert!(!output.status.success() && text(&output).contains("line 1"), "{}", text(&output));
}

#[test]
fn one_that_is_not_there_hides_no_other_and_a_name_proves_nothing() {
    let hall = Hall::new("others");
    let run = hall.run();
    let copy = hall.scratch.0.join("20261122T101500Z-HQ0000OTHER-eol");
    fs::create_dir(&copy).expect("a folder");
    for file in fs::read_dir(&run).expect("a run").flatten() {
        fs::copy(file.path(), copy.join(file.file_name())).expect("a copy");
    }
    let output = hall.hil(&["verify", "no-such-run", &run.to_string_lossy(), &copy.to_string_lossy()]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 2 && lines.iter().all(|l| l.starts_with("verified") && l.contains("; run r, no serial number, pass")), "{said}");
    assert!(!lines[0].contains("another name") && lines[1].contains("in a folder of another name"), "{said}");
}
