//! Running the `hil` binary in a folder of its own, and reading what it wrote.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hil_record::{Event, EventKind, Verdict};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder that is removed when it goes out of scope.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("hil-{name}-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a scratch folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `hil` with the repository's root as its folder.
pub fn hil() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hil"));
    // Whoever runs the tests may have a station's key, and benches; and the
    // benches of two tests are two, whatever they are called.
    let nobody = concat!(env!("CARGO_TARGET_TMPDIR"), "/nobody");
    let test = std::thread::current().name().unwrap_or("main").replace("::", "-");
    let state = format!("{nobody}/{}/{test}", std::process::id());
    command.current_dir(root()).env("NO_COLOR", "1").env("XDG_DATA_HOME", nobody).env("XDG_STATE_HOME", state).env_remove("HIL_OPERATOR");
    command
}

/// One finished run.
pub struct Run {
    pub code: i32,
    pub output: Output,
    pub folder: PathBuf,
    pub events: Vec<Event>,
}

/// Runs `hil run PLAN --out SCRATCH ARGS…` to its end.
pub fn run(scratch: &Scratch, plan: &str, args: &[&str]) -> Run {
    let output = hil().arg("run").arg(plan).arg("--out").arg(&scratch.0).args(args).output().expect("hil starts");
    finished(&scratch.0, output)
}

/// What a run that has ended left in the folder of its runs.
pub fn finished(out: &Path, output: Output) -> Run {
    let folder = newest(out);
    let journal = std::fs::read(folder.join("journal.jsonl")).unwrap_or_default();
    let events = hil_record::read_journal(journal.as_slice()).map(|j| j.events).unwrap_or_default();
    let run = Run { code: output.status.code().unwrap_or(-1), output, folder, events };
    run.ends_safely();
    run
}

fn newest(out: &Path) -> PathBuf {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(out).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders.pop().unwrap_or_else(|| out.join("no-run-folder"))
}

/// Waits until a run's journal says so.
#[expect(clippy::disallowed_methods, reason = "another program lives in real time")]
pub fn wait_for(child: &mut Child, journal: &Path, words: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(journal).unwrap_or_default();
        if text.contains(words) {
            return;
        }
        assert!(Instant::now() < deadline, "`{words}` never came");
        assert!(child.try_wait().expect("a child").is_none(), "the run ended before `{words}`: {text}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Run {
    /// Requirements of the steps that failed.
    pub fn failed_requirements(&self) -> Vec<String> {
        let failed: Vec<&str> = self.failed_steps();
        let mut all = Vec::new();
        for event in &self.events {
            if let EventKind::StepStarted { step, requirements, .. } = &event.kind
                && failed.contains(&step.as_str())
            {
                all.extend(requirements.iter().cloned());
            }
        }
        all
    }

    /// Ids of the steps that failed.
    pub fn failed_steps(&self) -> Vec<&str> {
        self.steps_with(Verdict::Fail)
    }

    /// Ids of the steps with this verdict.
    pub fn steps_with(&self, wanted: Verdict) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|e| match &e.kind {
                EventKind::StepFinished { step, verdict, .. } if *verdict == wanted => Some(step.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Standard output and error, for messages of failing tests.
    pub fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.output.stdout), String::from_utf8_lossy(&self.output.stderr))
    }

    /// Whatever a test is about: no run ends without one safe state, after which
    /// nothing is done any more. Only who was killed, or could not write his
    /// journal, leaves one without an end.
    fn ends_safely(&self) {
        let Some((last, before)) = self.events.split_last() else { return };
        let EventKind::RunFinished { safe, .. } = last.kind else {
            let excused = self.code == -1 || self.text().contains("cannot write");
            return assert!(excused, "a run without an end: {last:?}\n{}", self.text());
        };
        let is_safe_state = |e: &&Event| matches!(e.kind, EventKind::SafeState { .. });
        assert_eq!(before.iter().filter(is_safe_state).count(), 1, "{}", self.text());
        assert!(!safe || self.confirmed_safe() == Some(true), "{}", self.text());
        let after = before.iter().skip_while(|e| !is_safe_state(e)).skip(1);
        let mut done = after.filter(|e| {
            !matches!(e.kind, EventKind::Problem { .. } | EventKind::Interrupted { .. } | EventKind::Lid { .. } | EventKind::Wire { .. })
        });
        assert_eq!(done.next(), None, "{}", self.text());
    }

    /// How the run's last safe state ended; `None` if there was none.
    pub fn confirmed_safe(&self) -> Option<bool> {
        self.events.iter().rev().find_map(|e| match &e.kind {
            EventKind::SafeState { confirmed, outputs, .. } => Some(*confirmed && !outputs.is_empty() && outputs.iter().all(|o| o.off)),
            _ => None,
        })
    }
}
