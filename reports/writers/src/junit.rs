//! JUnit XML for Jenkins, GitLab and GitHub: a test suite a run, a test case a
//! step.
//!
//! JUnit knows no measurements, limits or attempts; they stand one a line in
//! `system-out`. What is not a pass is never written as one: a step that is
//! inconclusive or aborted is an error, and a run that ended badly without a
//! bad step gets a case `run` of its own.

mod case;
mod clean;
mod unfinished;

use std::collections::BTreeMap;
use std::io::Write;

use hil_record::{Event, EventKind, Measurement, PartIdentity, SafeOutput, Verdict};
use indexmap::IndexMap;
use junit_report::{Error, OffsetDateTime, ReportBuilder, TestSuite, TestSuiteBuilder};
use time::format_description::well_known::Rfc3339;

use self::case::Case;
use self::clean::{clean, line, round_times};
pub use self::unfinished::write_unfinished_junit;
use crate::integrity::Integrity;
use crate::lang::Lang;
use crate::strings::Strings;
use crate::text::{self, count, duration, interlock};

/// The report of a run, also of one that was killed.
///
/// # Errors
/// Those of `out`.
pub fn write_junit(events: &[Event], integrity: &Integrity, out: &mut impl Write) -> std::io::Result<()> {
    let mut fold = Fold::default();
    for event in events {
        fold.take(event);
    }
    fold.integrity(integrity);
    let report = ReportBuilder::new().add_testsuite(fold.suite()).build();
    let mut xml = Vec::new();
    report.write_xml(&mut xml).map_err(|e| match e {
        Error::Io(e) => e,
        Error::Xml(e) => std::io::Error::other(e),
    })?;
    out.write_all(round_times(&String::from_utf8_lossy(&xml)).as_bytes())?;
    out.flush()
}

#[derive(Default)]
struct Fold {
    plan: String,
    bench: String,
    wall: Option<OffsetDateTime>,
    /// About the run, for the suite's `system-out`.
    about: Vec<String>,
    steps: IndexMap<String, Case>,
    /// Setup and teardown, in order.
    phases: IndexMap<String, Case>,
    /// The phase that goes on.
    phase: Option<String>,
    /// What belongs to no step and no phase.
    run: Option<Case>,
    interrupted: Option<String>,
    /// Exit code and why.
    finished: Option<(u8, String)>,
}

impl Fold {
    fn take(&mut self, event: &Event) {
        let now = event.bench_ns;
        match &event.kind {
            EventKind::RunStarted { .. } => self.run_started(event),
            EventKind::BenchOpened { parts, safeguards } => self.bench_opened(parts, safeguards),
            EventKind::PhaseStarted { phase } => self.phase_started(phase, now),
            EventKind::PhaseFinished { phase, error } => self.phase_finished(phase, error.as_deref(), now),
            EventKind::StepStarted { step, title, attempt, requirements, .. } => {
                self.step_started(step, title, *attempt, requirements, now)
            }
            EventKind::ActionStarted { .. }
            | EventKind::BranchFinished { .. }
            | EventKind::Stimulus { .. }
            | EventKind::Reading { .. }
            | EventKind::Edge { .. }
            | EventKind::Waveform { .. }
            | EventKind::Wire { .. } => {}
            EventKind::Measurement(m) => self.measurement(m),
            EventKind::Problem { step, verdict, message } => self.case_of(step.as_deref()).fault(*verdict, message.clone()),
            EventKind::StepFinished { step, verdict, reason, .. } => self.step_finished(step, *verdict, reason.as_deref(), now),
            EventKind::Interrupted { by, count } => self.interrupted(by, *count),
            EventKind::InterlockOpened { input, .. } => self.interrupted(&interlock(input), 1),
            EventKind::Lid { unlocked, reason, .. } => self.lid(*unlocked, reason.as_deref()),
            EventKind::SafeState { outputs, confirmed, took_ns } => self.safe_state(outputs, *confirmed, *took_ns),
            EventKind::Answer { step, prompt, value, unit, by, .. } => {
                let line = format!("answer: {}: {} (by {})", text::plain(prompt), text::datum(value, unit), text::plain(by));
                self.case_of(Some(step)).lines.push(line);
            }
            EventKind::Call { step, program, action, arguments, results, .. } => {
                let line = format!("called: {}", text::plain(&text::call(program, action, arguments, results)));
                self.case_of(Some(step)).lines.push(line);
            }
            // `step-finished` says it too.
            EventKind::StepExcluded { .. } => {}
            EventKind::Retry { step, attempt, failure } => self.step_case(step).try_again(*attempt, failure),
            EventKind::RunFinished { disposition, status, safe, exit_code, retried, not_judged } => {
                retried.iter().for_each(|step| self.about.push(format!("passed only when tried again: {step}")));
                not_judged
                    .iter()
                    .for_each(|requirement| self.about.push(format!("not judged, or not wholly, on this bench: {requirement}")));
                let ending = format!(
                    "unit {disposition}, run {status}, {}, exit code {exit_code}",
                    if *safe { "bench safe" } else { "bench not safe" }
                );
                self.run_finished(*exit_code, ending);
            }
        }
    }

    fn run_started(&mut self, event: &Event) {
        let EventKind::RunStarted {
            run,
            plan,
            title,
            product,
            serial,
            bench,
            seed,
            version,
            digests,
            parameters,
            calibration,
            operator,
            defects,
            steps,
            ..
        } = &event.kind
        else {
            return;
        };
        self.plan.clone_from(plan);
        self.bench.clone_from(bench);
        self.wall = OffsetDateTime::parse(&event.wall, &Rfc3339).ok();
        self.steps = steps.iter().map(|step| (step.clone(), Case::new(step))).collect();
        let mut about = |name: &str, value: &str| self.about.push(format!("{name}: {value}"));
        about("run", run);
        about("plan", title);
        about("product", product);
        about("serial", serial.as_deref().unwrap_or("none"));
        about("bench", bench);
        about("seed", &seed.to_string());
        about("version", version);
        operator.iter().for_each(|who| about("operator", who));
        parameters.iter().for_each(|(k, v)| about(&format!("parameter {k}"), v));
        defects.iter().for_each(|d| about("defect", d));
        calibration.iter().for_each(|(k, v)| about(&format!("calibration {k}"), v));
        digests.iter().for_each(|(k, v)| about(&format!("sha256 {k}"), v));
    }

    /// What was changed after the run passes nothing.
    fn integrity(&mut self, integrity: &Integrity) {
        let Some(line) = integrity.line(Strings::of(Lang::En)) else { return };
        if integrity.is_broken() {
            self.case_of(None).fault(Verdict::Error, line.clone());
        }
        self.about.push(format!("integrity: {line}"));
    }

    fn bench_opened(&mut self, parts: &[PartIdentity], safeguards: &BTreeMap<String, String>) {
        let line = |p: &PartIdentity| {
            let calibration = if p.calibration.is_empty() { String::new() } else { format!(", calibrated {}", p.calibration) };
            format!("part {}: {}, serial {}, firmware {}{calibration}", p.name, p.model, p.serial, p.firmware)
        };
        self.about.extend(parts.iter().map(line));
        self.about.extend(safeguards.iter().map(|(what, there)| format!("safeguard {what}: {there}")));
    }

    fn phase_started(&mut self, phase: &str, now: u64) {
        self.phase = Some(phase.to_owned());
        self.phase_case(phase).begin(now);
    }

    fn phase_finished(&mut self, phase: &str, error: Option<&str>, now: u64) {
        self.phase = None;
        let case = self.phase_case(phase);
        case.end(now);
        match error {
            // Its cause came before it as a problem or measurement.
            Some(error) if case.is_bad() => case.reason = Some(error.to_owned()),
            Some(error) => case.fault(Verdict::Error, error.to_owned()),
            None => {}
        }
    }

    fn step_started(&mut self, step: &str, title: &str, attempt: u32, requirements: &[String], now: u64) {
        let case = self.step_case(step);
        case.begin(now);
        if attempt == 1 {
            case.lines.push(title.to_owned());
            case.lines.extend(requirements.iter().map(|r| format!("requirement {r}")));
        } else {
            case.lines.push(format!("attempt {attempt}"));
        }
    }

    fn step_finished(&mut self, step: &str, verdict: Verdict, reason: Option<&str>, now: u64) {
        let case = self.step_case(step);
        case.end(now);
        case.decide_retry(verdict);
        if case.verdict <= Some(verdict) {
            case.reason = reason.map(str::to_owned);
        }
        case.worsen(verdict);
    }

    fn measurement(&mut self, m: &Measurement) {
        let limit = m.limit.as_ref().map_or(String::new(), |id| format!(" [{}: {}]", text::plain(id), text::plain(&m.source)));
        let line = format!("{}: {}{limit}", m.verdict, text::measurement(m));
        let case = self.case_of(Some(&m.step));
        if m.verdict > Verdict::Pass {
            case.fault(m.verdict, line.clone());
        }
        case.lines.push(line);
    }

    fn interrupted(&mut self, by: &str, count: u32) {
        self.about.push(format!("interrupted by {by} ({count})"));
        self.interrupted.get_or_insert_with(|| by.to_owned());
    }

    fn lid(&mut self, unlocked: bool, reason: Option<&str>) {
        if unlocked {
            return self.about.push("lid: can be opened, every stud is dead".into());
        }
        let locked = format!("the lid stays locked: {}", reason.unwrap_or("nobody knows why"));
        self.case_of(None).fault(Verdict::Error, locked);
    }

    fn safe_state(&mut self, outputs: &[SafeOutput], confirmed: bool, took_ns: u64) {
        let state = if confirmed { "confirmed" } else { "NOT CONFIRMED" };
        self.about.push(format!("safe state: {}, {state}, {}", count(outputs.len(), "output"), duration(took_ns)));
        let line = |o: &SafeOutput| format!("output {}: {}, {}", o.part, if o.off { "off" } else { "NOT OFF" }, o.readback);
        self.about.extend(outputs.iter().map(line));
        if !confirmed {
            self.case_of(None).fault(Verdict::Error, "the safe state was not confirmed".into());
        }
    }

    fn run_finished(&mut self, exit_code: u8, ending: String) {
        self.about.push(ending.clone());
        self.finished = Some((exit_code, ending));
    }

    /// Of a step, of a phase, or of the run.
    fn case_of(&mut self, step: Option<&str>) -> &mut Case {
        match step {
            None => self.run.get_or_insert_with(|| Case::new("run")),
            Some(phase) if self.phase.as_deref() == Some(phase) || self.is_past_phase(phase) => self.phase_case(phase),
            Some(step) => self.step_case(step),
        }
    }

    /// A phase that is over, unless a step has its name.
    fn is_past_phase(&self, name: &str) -> bool {
        matches!(name, "setup" | "recover" | "teardown") && !self.steps.contains_key(name)
    }

    fn step_case(&mut self, step: &str) -> &mut Case {
        named(&mut self.steps, step)
    }

    fn phase_case(&mut self, phase: &str) -> &mut Case {
        named(&mut self.phases, phase)
    }

    /// Cases that are not good for reasons outside the steps.
    fn endings(&mut self) -> Option<Case> {
        for case in self.steps.values_mut().chain(self.phases.values_mut()).filter(|c| c.running.is_some()) {
            // A fail that was seen stays one.
            let verdict = if case.verdict == Some(Verdict::Fail) { Verdict::Fail } else { Verdict::Error };
            case.fault(verdict, "cut short: the journal ends here".into());
        }
        let bad = |c: &Case| c.verdict > Some(Verdict::Pass);
        let nothing_bad = self.run.is_none() && !self.steps.values().chain(self.phases.values()).any(bad);
        match &self.finished {
            None => Some(Case::error("run", "the journal ends before the run")),
            Some((0, _)) => None,
            Some((_, ending)) if nothing_bad => {
                let by = self.interrupted.as_ref().map_or(String::new(), |by| format!(", interrupted by {by}"));
                Some(Case::error("run", format!("{ending}{by}")))
            }
            Some(_) => None,
        }
    }

    fn suite(mut self) -> TestSuite {
        let ending = self.endings();
        // After a killed run there may be both: one case says all.
        let run = match (self.run.take(), ending) {
            (Some(mut run), Some(ending)) => {
                run.faults.extend(ending.faults);
                run.worsen(Verdict::Error);
                Some(run)
            }
            (run, ending) => run.or(ending),
        };
        let (before, after): (Vec<_>, Vec<_>) = self.phases.values().filter(|c| c.is_bad()).partition(|c| c.name != "teardown");
        let cases = before.into_iter().chain(self.steps.values()).chain(after).chain(&run);
        let name = if self.plan.is_empty() { "run" } else { &self.plan };
        let mut suite = TestSuiteBuilder::new(&line(name));
        // `junit-report` would take the present and this machine's name.
        suite.set_timestamp(self.wall.unwrap_or(OffsetDateTime::UNIX_EPOCH));
        suite.testsuite.hostname = line(&self.bench);
        suite.add_testcases(cases.map(|c| c.build(name)));
        suite.set_system_out(&clean(&self.about.join("\n")));
        suite.build()
    }
}

/// The case of that name, a new one at the end if there is none.
fn named<'a>(cases: &'a mut IndexMap<String, Case>, name: &str) -> &'a mut Case {
    cases.entry(name.to_owned()).or_insert_with(|| Case::new(name))
}
