//! What a person sees while a run goes on, and its verdict.
//!
//! A line a step with its worst margin, and in full what is not good; verbose,
//! everything. Can be read without colour, on a hundred columns. Does not know
//! how wide the terminal is and moves no cursor, so the same text serves a log.

mod detail;
mod ending;
mod progress;
mod row;

use std::collections::BTreeMap;
use std::io::Write;

use hil_record::{Event, EventKind, EventSink, PartIdentity, SinkError, Verdict};

use self::row::Row;
use crate::text::{self, count, mark, plain};
use crate::timing::Timing;

/// How a [`Console`] writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConsoleOptions {
    /// ANSI colours.
    pub colour: bool,
    /// Each measurement, actions, stimuli, readings, edges, and who the parts
    /// are.
    pub verbose: bool,
}

/// Writes progress as it comes; flushed after each event.
pub struct Console<W> {
    out: W,
    options: ConsoleOptions,
    pace: Pace,
    /// The step or phase that goes on; several that run side by side.
    rows: Vec<Row>,
    timing: Timing,
    skipped: Option<Skipped>,
    /// What was not good, for the end.
    bad: Vec<(Verdict, String)>,
    run: String,
}

/// For the estimate of what is left.
#[derive(Default)]
struct Pace {
    finished: u32,
    spent: u64,
}

/// Steps that were skipped one after the other for one reason.
struct Skipped {
    first: String,
    more: usize,
    reason: String,
}

/// Of a long list of what was not good, this many are told again at the end.
const MOST_BAD: usize = 12;

/// The place of an event that belongs to no step.
const RUN: &str = "run";

impl<W: Write> EventSink for Console<W> {
    fn name(&self) -> &str {
        "console"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.take(event).and_then(|()| self.out.flush()).map_err(|e| SinkError { sink: "console".into(), cause: e.to_string() })
    }
}

type Written = std::io::Result<()>;

impl<W: Write> Console<W> {
    /// Onto `out`.
    pub fn new(out: W, options: ConsoleOptions) -> Self {
        Self {
            out,
            options,
            pace: Pace::default(),
            rows: Vec::new(),
            timing: Timing::default(),
            skipped: None,
            bad: Vec::new(),
            run: String::new(),
        }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn take(&mut self, event: &Event) -> Written {
        let now = event.bench_ns;
        self.timing.take(event);
        if let EventKind::StepFinished { step, verdict: Verdict::Skipped, reason, .. } = &event.kind {
            return self.skip(step, reason.as_deref().unwrap_or("no reason given"));
        }
        // What follows says the same, and skipped steps gather in one line.
        if matches!(event.kind, EventKind::StepExcluded { .. }) {
            return Ok(());
        }
        self.end_skipping()?;
        match &event.kind {
            EventKind::RunStarted { run, plan, title, product, serial, bench, seed, defects, steps, .. } => {
                self.run.clone_from(run);
                let lines = [
                    ("plan", format!("{plan}: {title} ({})", count(steps.len(), "step"))),
                    ("product", product.clone()),
                    ("serial", serial.clone().unwrap_or_else(|| "none".into())),
                    ("bench", bench.clone()),
                    ("seed", seed.to_string()),
                    ("defects", defects.join(" ")),
                ];
                self.header(&lines)
            }
            EventKind::BenchOpened { parts, safeguards } => self.bench_opened(parts, safeguards),
            EventKind::PhaseStarted { phase } => self.phase_started(now, phase),
            EventKind::PhaseFinished { phase, error } => self.phase_finished(now, phase, error.as_deref()),
            EventKind::StepStarted { step, title, index, of, attempt, beside, .. } => {
                self.step_started(now, (step, title), (*index, *of), *attempt, beside.as_deref())
            }
            EventKind::ActionStarted { .. }
            | EventKind::Stimulus { .. }
            | EventKind::Reading { .. }
            | EventKind::Edge { .. }
            | EventKind::Wire { .. }
            | EventKind::Call { .. } => self.detail(now, &event.kind),
            // For eyes, in the page.
            EventKind::Waveform { .. } | EventKind::BranchFinished { .. } | EventKind::StepExcluded { .. } => Ok(()),
            EventKind::Measurement(m) => self.measurement(m),
            EventKind::Answer { prompt, value, unit, by, .. } => self.answer(prompt, &text::datum(value, unit), by),
            EventKind::Retry { step, failure, .. } => self.retry(step, failure),
            EventKind::Problem { step, verdict, message } => self.problem(step.as_deref(), *verdict, message),
            EventKind::StepFinished { step, verdict, reason, .. } => self.step_finished(now, step, *verdict, reason.as_deref()),
            EventKind::Interrupted { by, count } => self.interrupted(by, *count),
            EventKind::InterlockOpened { input, at_ns, .. } => self.interlock_opened(input, *at_ns),
            EventKind::Lid { unlocked, reason, .. } => self.lid(*unlocked, reason.as_deref()),
            EventKind::SafeState { outputs, confirmed, took_ns } => self.safe_state(outputs, *confirmed, *took_ns),
            EventKind::RunFinished { disposition, status, safe, exit_code, retried, not_judged } => {
                self.run_finished(now, (*disposition, *status, *safe), *exit_code, (retried, not_judged))
            }
        }
    }

    fn header(&mut self, lines: &[(&str, String)]) -> Written {
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(self.out, "{name:<9}{}", plain(value))?;
        }
        Ok(())
    }

    fn bench_opened(&mut self, parts: &[PartIdentity], safeguards: &BTreeMap<String, String>) -> Written {
        writeln!(self.out, "{:<9}{}, each who it should be", "opened", count(parts.len(), "part"))?;
        let none: Vec<&str> = safeguards.iter().filter(|(_, what)| *what == "none").map(|(name, _)| name.as_str()).collect();
        if !none.is_empty() {
            writeln!(self.out, "{:<9}{}", "without", plain(&none.join(", ")))?;
        }
        for p in parts.iter().filter(|_| self.options.verbose) {
            let firmware = if p.firmware.is_empty() { String::new() } else { format!(", firmware {}", p.firmware) };
            writeln!(self.out, "         {}", plain(&format!("{}: {}, serial {}{firmware}", p.name, p.model, p.serial)))?;
        }
        if self.options.verbose { Ok(()) } else { writeln!(self.out) }
    }

    fn detail(&mut self, now: u64, kind: &EventKind) -> Written {
        if !self.options.verbose {
            return Ok(());
        }
        let Some(words) = detail::words(kind) else { return Ok(()) };
        writeln!(self.out, "  {:>14}  {}", format!("{:.6} s", now as f64 / 1e9), plain(&words))
    }

    fn marked(&mut self, verdict: Verdict, line: &str) -> Written {
        let mark = self.painted(verdict, mark(verdict));
        writeln!(self.out, "{mark}   {line}")
    }

    fn painted(&self, verdict: Verdict, text: &str) -> String {
        if !self.options.colour {
            return text.to_owned();
        }
        let colour = match verdict {
            Verdict::Pass => "32",
            Verdict::Skipped => "2",
            Verdict::Inconclusive | Verdict::Aborted => "1;33",
            Verdict::Fail => "1;31",
            Verdict::Error => "1;35",
        };
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    }
}

fn first_line(message: &str) -> String {
    plain(message.lines().next().unwrap_or(""))
}
