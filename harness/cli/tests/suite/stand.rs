//! The station round the bench: interlock, start, swapped cables, the check of a
//! bench and the choice of one.

#![expect(clippy::disallowed_methods, reason = "processes live in real time")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hil_record::{EventKind, Verdict};

use crate::served::{Served, plan, signal};
use crate::support::{Run, Scratch, finished, hil, run};

fn told(output: &Output) -> (i32, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text)
}

fn say(args: &[&str]) -> (i32, String) {
    told(&hil().args(args).output().expect("hil starts"))
}

impl Served {
    fn set(&self, part: &str, to: &str) {
        let (code, text) = say(&["virtual", "set", &self.socket().to_string_lossy(), part, to]);
        assert_eq!(code, 0, "{part} {to}: {text}");
    }

    /// The bench file with some lines changed.
    fn changed(&self, name: &str, change: impl Fn(&str) -> String) -> String {
        let path = self.scratch.0.join(name);
        fs::write(&path, change(&fs::read_to_string(self.bench()).expect("a bench file"))).expect("written");
        path.to_string_lossy().into_owned()
    }
}

/// Of a run that an open interlock ended: which input, and what became of the lid.
fn interlocked(run: &Run) -> (Vec<String>, Option<bool>) {
    let input = |kind: &EventKind| if let EventKind::InterlockOpened { input, .. } = kind { Some(input.clone()) } else { None };
    let lid = |kind: &EventKind| if let EventKind::Lid { unlocked, .. } = kind { Some(*unlocked) } else { None };
    (run.events.iter().filter_map(|e| input(&e.kind)).collect(), run.events.iter().rev().find_map(|e| lid(&e.kind)))
}

#[test]
fn whenever_it_opens_the_run_is_aborted_and_nobody_is_blamed() {
    let scratch = Scratch::new("interlock");
    let defects = scratch.0.join("defects.toml");
    for (n, ms) in [300, 1_000, 2_500, 3_900, 5_000, 8_000, 13_000, 21_000, 34_000, 55_000].into_iter().enumerate() {
        let (path, input) = if n % 2 == 0 { ("lid-forced", "lid") } else { ("emergency-stop", "emergency stop") };
        let set = format!("set = {{ \"harness.{path}-at-ms\" = {ms} }}");
        fs::write(&defects, format!("[[defect]]\nid = \"X\"\ntitle = \"x\"\ncaught-by = [\"SBMS-LDO-01\"]\n{set}\n")).expect("written");
        let out = Scratch::new("interlock-run");
        let run = run(&out, "test-plans/eol.toml", &["--defects", &defects.to_string_lossy()]);
        // The first of them comes while the bench is being opened.
        assert_eq!((run.code, interlocked(&run).0), (4, vec![input.to_owned()]), "{ms}: {}", run.text());
        assert_eq!((run.confirmed_safe(), interlocked(&run).1), (Some(true), Some(true)), "{ms}: {}", run.text());
        assert!(run.steps_with(Verdict::Fail).is_empty() && run.steps_with(Verdict::Error).is_empty(), "{ms}: {}", run.text());
    }
}

#[test]
fn a_served_bench_is_off_before_anybody_is_told_and_runs_again_after_a_reset() {
    let served = Served::begin("stand", &[]);
    let out = Scratch::new("stand-run");
    let child = served.long_run(&out);
    let (code, text) = say(&["virtual", "set", &served.socket().to_string_lossy(), "lid", "open"]);
    assert!(code == 2 && text.contains("the lid is locked"), "{text}");
    served.set("emergency-stop", "pressed");
    assert!(!served.state().on());
    let run = finished(&out.0, child.wait_with_output().expect("hil ends"));
    assert_eq!((run.code, interlocked(&run)), (4, (vec!["emergency stop".to_owned()], Some(true))), "{}", run.text());
    assert_eq!(run.confirmed_safe(), Some(true));
    served.set("emergency-stop", "released");
    let scratch = Scratch::new("stand-plan");
    let plan = plan(&scratch, r#"{ wait = "100 ms" }"#);
    let refused = served.run_until_found(&plan);
    assert_eq!(refused.code, 3, "{}", refused.text());
    assert!(refused.text().contains("the interlock is open: emergency stop"), "{}", refused.text());
    served.set("emergency-stop", "reset");
    let next = served.run_until_found(&plan);
    assert_eq!((next.code, interlocked(&next)), (0, (vec![], Some(true))), "{}", next.text());
    served.set("lid", "open");
}

#[test]
fn a_bench_is_checked_without_a_plan() {
    let (code, text) = say(&["bench", "check", "virtual", "--low-energy"]);
    assert!(code == 0 && text.contains("\n45 checked: 45 good, 0 noted, 0 bad"), "{text}");
    let served = Served::begin("stand-check", &[]);
    let (code, text) = say(&["bench", "check", &served.bench()]);
    assert!(code == 0 && text.contains("watchdog") && text.contains("after 2 s of silence"), "{text}");
    served.set("lid", "open");
    let (code, text) = say(&["bench", "check", &served.bench()]);
    assert!(code == 3 && text.contains("lid: OPEN"), "{text}");
    served.set("lid", "closed");
    // Somebody uses it.
    let out = Scratch::new("stand-check-run");
    let child = served.long_run(&out);
    let (code, text) = say(&["bench", "check", &served.bench()]);
    assert!(code == 3 && text.contains("in use by"), "{text}");
    let (_, text) = say(&["bench", "show", &served.bench()]);
    for part in ["for run r", "ON: battery", "lid closed", "lid-lock locked", "interlock: lid, emergency stop", "watchdog: 2 s"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    signal("INT", &child);
    assert_eq!(finished(&out.0, child.wait_with_output().expect("hil ends")).code, 4);
    let (_, text) = say(&["bench", "show", &served.bench()]);
    assert!(text.contains("nothing is on") && text.contains("nobody"), "{text}");
}

#[test]
fn what_nobody_could_switch_off_is_refused() {
    let served = Served::begin("stand-inhibit", &[]);
    let own = |text: &str| text.parse::<toml::Table>().expect("TOML")["bench"]["id"].as_str().expect("an id").to_owned();
    let without = served.changed("without.toml", |text| {
        text.lines().filter(|l| !l.starts_with("inhibit") && !l.starts_with("watchdog")).map(|l| format!("{l}\n")).collect()
    });
    let (code, text) = say(&["bench", "check", &without]);
    let text = text.replace(&own(&fs::read_to_string(&without).expect("text")), "OWN");
    insta::assert_snapshot!(format!("{code}: {text}"));
    // What the file says that the fixture does not do.
    let slow = served.changed("slow.toml", |text| text.replace("watchdog = \"2000 ms\"", "watchdog = \"500 ms\""));
    let (code, text) = say(&["bench", "check", &slow]);
    assert!(code == 3 && text.contains("the fixture waits for 2 s, the bench file says 500 ms"), "{text}");
}

#[test]
fn swapped_cables_are_named_before_power() {
    let served = Served::begin("stand-swap", &[]);
    let swapped = served.changed("swapped.toml", |text| {
        let mut file: toml::Table = text.parse().expect("TOML");
        let all = file["instrument"].as_array_mut().expect("instruments");
        let place = |all: &[toml::Value], name| all.iter().position(|i| i["name"].as_str() == Some(name)).expect("there");
        let (one, other) = (place(all, "battery"), place(all, "system"));
        let (first, second) = (all[one]["address"].clone(), all[other]["address"].clone());
        (all[one]["address"], all[other]["address"]) = (second, first);
        file.to_string()
    });
    let scratch = Scratch::new("stand-swap-run");
    let run = run(&scratch, &plan(&scratch, r#"{ wait = "100 ms" }"#), &["--bench", &swapped]);
    assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{}", run.text());
    let both = "which is `system`; its cable and that of `system` are swapped";
    assert!(run.text().contains("instrument `battery` at TCPIP::127.0.0.1::") && run.text().contains(both), "{}", run.text());
    assert!(!run.events.iter().any(|e| matches!(e.kind, EventKind::Stimulus { .. })));
}

/// A run that waits for start, and what it has said so far.
struct Waiting {
    child: Child,
    said: std::path::PathBuf,
}

impl Waiting {
    fn begin(served: &Served, scratch: &Scratch, plan: &str) -> Self {
        let said = scratch.0.join("stderr.txt");
        let stderr = fs::File::create(&said).expect("a file");
        let mut command: Command = hil();
        command.args(["run", plan, "--wait-for-start", "--run-id", "r", "--bench", &served.bench(), "--out"]).arg(scratch.0.join("runs"));
        let child = command.stdout(Stdio::null()).stderr(stderr).spawn().expect("hil starts");
        Self { child, said }
    }

    fn until(&self, words: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !fs::read_to_string(&self.said).expect("text").contains(words) {
            assert!(Instant::now() < deadline, "`{words}` never came");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(mut self) -> i32 {
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

#[test]
fn a_run_waits_for_start() {
    let served = Served::begin("stand-start", &[]);
    let scratch = Scratch::new("stand-start-run");
    let plan = plan(&scratch, r#"{ wait = "100 ms" }"#);
    served.set("lid", "open");
    let waiting = Waiting::begin(&served, &scratch, &plan);
    waiting.until("waiting: the lid is open");
    served.set("lid", "closed");
    waiting.until("waiting: press start");
    signal("INT", &waiting.child);
    assert_eq!(waiting.end(), 4);
    assert!(!scratch.0.join("runs").exists(), "nothing was begun");
    let waiting = Waiting::begin(&served, &scratch, &plan);
    waiting.until("waiting: press start");
    served.set("start", "pressed");
    waiting.until("started");
    // A busy computer may make it a tester's error; it began all the same.
    let code = waiting.end();
    assert!(matches!(code, 0 | 3), "{code}");
    assert!(scratch.0.join("runs/r/journal.jsonl").is_file());
    // In memory somebody presses it by himself.
    let memory = run(&scratch, &plan, &["--wait-for-start"]);
    assert_eq!(memory.code, 0, "{}", memory.text());
    assert!(memory.text().contains("waiting: press start") && memory.text().contains("started"), "{}", memory.text());
}

#[test]
fn two_benches_of_one_file_are_two() {
    let (one, other) = (Served::begin("stand-one", &[]), Served::begin("stand-other", &[]));
    let out = Scratch::new("stand-one-run");
    let child = one.long_run(&out);
    let scratch = Scratch::new("stand-other-run");
    let beside = other.run_until_found(&plan(&scratch, r#"{ wait = "100 ms" }"#));
    assert_eq!(beside.code, 0, "{}", beside.text());
    signal("INT", &child);
    let interrupted = finished(&out.0, child.wait_with_output().expect("hil ends"));
    assert_eq!(interrupted.code, 4);
    let name = |run: &Run| {
        run.events.iter().find_map(|e| if let EventKind::RunStarted { bench, .. } = &e.kind { Some(bench.clone()) } else { None })
    };
    assert_ne!(name(&beside), name(&interrupted));
}

#[test]
fn a_bench_is_chosen_by_what_the_plan_asks() {
    let served = Served::begin("stand-any", &[]);
    let scratch = Scratch::new("stand-any-run");
    let station = scratch.0.join("data/hil/station");
    fs::create_dir_all(&station).expect("a folder");
    let plan = plan(&scratch, r#"{ wait = "100 ms" }"#);
    let any = |more: &[&str]| {
        let mut command = hil();
        command.env("XDG_DATA_HOME", scratch.0.join("data")).args(["run", &plan, "--bench", "any", "--wall-clock", "2026-11-22T10:15:00Z"]);
        told(&command.arg("--out").arg(scratch.0.join("runs")).args(more).output().expect("hil starts"))
    };
    let (code, text) = any(&[]);
    insta::assert_snapshot!(format!("{code}: {text}"));
    let list = |file: &str| fs::write(station.join("benches.toml"), format!("benches = [\"{file}\"]\n")).expect("written");
    list("nowhere.toml");
    let (code, text) = any(&[]);
    assert!(code == 2 && text.contains("no file `") && text.contains("nowhere.toml"), "{text}");
    list(&served.bench());
    let (code, text) = any(&[]);
    assert!(matches!(code, 0 | 3) && text.contains("bench    virtual-"), "{code}: {text}");
    // It is in use.
    let out = Scratch::new("stand-any-long");
    let child = served.long_run(&out);
    let (code, text) = any(&[]);
    assert!(code == 3 && text.contains("is in use by"), "{text}");
    signal("INT", &child);
    assert_eq!(finished(&out.0, child.wait_with_output().expect("hil ends")).code, 4);
    assert!(Path::new(&served.bench()).is_file());
}
