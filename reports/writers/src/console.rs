//! What a person sees while a run goes on, and its verdict.
//!
//! Everything can be read without colour. Does not know how wide the terminal
//! is and moves no cursor, so the same text serves a log.

use std::io::Write;

use hil_record::{Disposition, Event, EventKind, EventSink, Measurement, PartIdentity, SafeOutput, SinkError, Status, Verdict};

use crate::letters::big;
use crate::text::{self, count, duration, mark, plain};

/// How a [`Console`] writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ConsoleOptions {
    /// ANSI colours.
    pub colour: bool,
    /// Also actions, stimuli, readings, edges and who the parts are.
    pub verbose: bool,
}

/// Writes progress as it comes; flushed after each event.
pub struct Console<W> {
    out: W,
    options: ConsoleOptions,
    pace: Pace,
    skipped: Option<Skipped>,
    /// What was not good, for the end.
    bad: Vec<(Verdict, String)>,
    run: String,
}

/// For the estimate of what is left.
#[derive(Default)]
struct Pace {
    began: u64,
    finished: u32,
    spent: u64,
}

/// Steps that were skipped one after the other for one reason.
struct Skipped {
    first: String,
    more: usize,
    reason: String,
}

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
        Self { out, options, pace: Pace::default(), skipped: None, bad: Vec::new(), run: String::new() }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn take(&mut self, event: &Event) -> Written {
        let now = event.bench_ns;
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
            EventKind::BenchOpened { parts } => self.bench_opened(parts),
            EventKind::PhaseStarted { phase } => writeln!(self.out, "\n[{}]  at {}", plain(phase), duration(now)),
            EventKind::PhaseFinished { phase, error } => self.phase_finished(phase, error.as_deref()),
            EventKind::StepStarted { step, title, index, of, attempt, .. } => {
                self.step_started(now, (step, title), (*index, *of), *attempt)
            }
            EventKind::ActionStarted { action, text, .. } => self.detail(now, &format!("action {action}: {text}")),
            EventKind::Stimulus { signal, value, unit, at_ns, uncertainty_ns, source, .. } => {
                let what = format!("{signal} set to {}", text::datum(value, unit));
                self.detail(now, &format!("{what}, {}", moment(*at_ns, *uncertainty_ns, source)))
            }
            EventKind::Reading { name, signal, value, unit, .. } => {
                self.detail(now, &format!("reading {name} ({signal}) = {}", text::datum(value, unit)))
            }
            EventKind::Edge { name, signal, trigger, at_ns, uncertainty_ns, source, .. } => {
                let what = format!("edge {name}: {signal} {trigger}");
                self.detail(now, &format!("{what}, {}", moment(*at_ns, *uncertainty_ns, source)))
            }
            EventKind::Measurement(m) => self.measurement(m),
            EventKind::Answer { prompt, value, unit, by, .. } => self.answer(prompt, &text::datum(value, unit), by),
            EventKind::StepExcluded { .. } => Ok(()),
            EventKind::Retry { step, failure, .. } => self.retry(step, failure),
            EventKind::Problem { step, verdict, message } => self.problem(step.as_deref(), *verdict, message),
            EventKind::StepFinished { step, verdict, reason, .. } => self.step_finished(now, step, *verdict, reason.as_deref()),
            EventKind::Interrupted { by, count } => self.interrupted(by, *count),
            EventKind::SafeState { outputs, confirmed, took_ns } => self.safe_state(outputs, *confirmed, *took_ns),
            EventKind::RunFinished { disposition, status, safe, exit_code, retried } => {
                self.run_finished(now, (*disposition, *status, *safe), *exit_code, retried)
            }
        }
    }

    fn header(&mut self, lines: &[(&str, String)]) -> Written {
        for (name, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(self.out, "{name:<9}{}", plain(value))?;
        }
        Ok(())
    }

    fn bench_opened(&mut self, parts: &[PartIdentity]) -> Written {
        writeln!(self.out, "{:<9}{}, each who it should be", "opened", count(parts.len(), "part"))?;
        for p in parts.iter().filter(|_| self.options.verbose) {
            let firmware = if p.firmware.is_empty() { String::new() } else { format!(", firmware {}", p.firmware) };
            writeln!(self.out, "         {}", plain(&format!("{}: {}, serial {}{firmware}", p.name, p.model, p.serial)))?;
        }
        Ok(())
    }

    fn phase_finished(&mut self, phase: &str, error: Option<&str>) -> Written {
        let Some(error) = error else { return Ok(()) };
        writeln!(self.out, "         {} ended early: {}", plain(phase), first_line(error))
    }

    fn step_started(&mut self, now: u64, (step, title): (&str, &str), (index, of): (usize, usize), attempt: u32) -> Written {
        self.pace.began = now;
        let digits = of.to_string().len();
        let title = if title == step { String::new() } else { format!("  {}", plain(title)) };
        let attempt = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let left = self.pace.left(of.saturating_sub(index) + 1).map_or(String::new(), |left| format!(", about {} left", duration(left)));
        writeln!(self.out, "\n[{index:>digits$}/{of}]  {}{title}{attempt}  (at {}{left})", plain(step), duration(now))
    }

    fn step_finished(&mut self, now: u64, step: &str, verdict: Verdict, reason: Option<&str>) -> Written {
        let took = now.saturating_sub(self.pace.began);
        self.pace.finished += 1;
        self.pace.spent += took;
        let reason = reason.map_or(String::new(), |r| format!(": {}", first_line(r)));
        if verdict > Verdict::Pass && !self.bad.iter().any(|(_, text)| text.starts_with(&format!("{}: ", plain(step)))) {
            self.bad.push((verdict, format!("{}{reason}", plain(step))));
        }
        self.marked(verdict, &format!("step {verdict} after {}{reason}", duration(took)))
    }

    fn skip(&mut self, step: &str, reason: &str) -> Written {
        match &mut self.skipped {
            Some(skipped) if skipped.reason == reason => skipped.more += 1,
            _ => {
                self.end_skipping()?;
                self.skipped = Some(Skipped { first: step.into(), more: 0, reason: reason.into() });
            }
        }
        Ok(())
    }

    fn end_skipping(&mut self) -> Written {
        let Some(Skipped { first, more, reason }) = self.skipped.take() else { return Ok(()) };
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        writeln!(self.out)?;
        self.marked(Verdict::Skipped, &format!("{}{more}: {}", plain(&first), first_line(&reason)))
    }

    fn measurement(&mut self, m: &Measurement) -> Written {
        let line = text::measurement(m);
        if m.verdict == Verdict::Pass {
            return self.marked(m.verdict, &line);
        }
        let requirements = if m.requirements.is_empty() { String::new() } else { format!("  [{}]", plain(&m.requirements.join(" "))) };
        self.bad.push((m.verdict, format!("{}: {line}{requirements}", plain(&m.step))));
        self.marked(m.verdict, &format!("{line}{requirements}"))
    }

    fn problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) -> Written {
        self.bad.push((verdict, format!("{}: {}", plain(step.unwrap_or(RUN)), first_line(message))));
        self.marked(verdict, &first_line(message))?;
        for line in message.lines().skip(1) {
            writeln!(self.out, "         {}", plain(line))?;
        }
        Ok(())
    }

    fn interrupted(&mut self, by: &str, count: u32) -> Written {
        let what = if count > 1 { format!("{} again ({count} times)", plain(by)) } else { format!("{}: stopping", plain(by)) };
        writeln!(self.out)?;
        self.marked(Verdict::Aborted, &format!("{what}, the bench is being made safe"))
    }

    fn safe_state(&mut self, outputs: &[SafeOutput], confirmed: bool, took_ns: u64) -> Written {
        writeln!(self.out)?;
        if confirmed {
            let off = count(outputs.len(), "output");
            return writeln!(self.out, "the bench is safe: {off} off, confirmed by readback in {}", duration(took_ns));
        }
        let open: Vec<_> = outputs.iter().filter(|o| !o.off).collect();
        let found = match (outputs.len(), open.len()) {
            (0, _) => "no output was confirmed off".to_owned(),
            (all, still) => format!("{still} of {} not confirmed off", count(all, "output")),
        };
        self.marked(Verdict::Error, &format!("THE BENCH IS NOT SAFE: {found}"))?;
        for output in open {
            writeln!(self.out, "         {}: {}", plain(&output.part), plain(&output.readback))?;
        }
        Ok(())
    }

    fn answer(&mut self, prompt: &str, answer: &str, by: &str) -> Written {
        writeln!(self.out, "         {}: {answer} (by {})", plain(prompt), plain(by))
    }

    fn retry(&mut self, step: &str, failure: &str) -> Written {
        writeln!(self.out, "\n{}: failed as {}, tried once more", plain(step), plain(failure))
    }

    fn run_finished(
        &mut self,
        now: u64,
        (disposition, status, safe): (Disposition, Status, bool),
        exit_code: u8,
        retried: &[String],
    ) -> Written {
        if !self.bad.is_empty() {
            writeln!(self.out, "\nnot good:")?;
        }
        for (verdict, line) in std::mem::take(&mut self.bad) {
            self.marked(verdict, &line)?;
        }
        let (word, verdict) = ending(disposition, status, safe);
        writeln!(self.out)?;
        for line in big(word) {
            let line = self.painted(verdict, &line);
            writeln!(self.out, "{line}")?;
        }
        writeln!(self.out, "\n{word}: unit {disposition}, run {status}, exit code {exit_code}, {} of bench time", duration(now))?;
        if !retried.is_empty() {
            writeln!(self.out, "passed only when tried again: {}", plain(&retried.join(", ")))?;
        }
        writeln!(self.out, "run {}", plain(&self.run))
    }

    fn detail(&mut self, now: u64, line: &str) -> Written {
        if !self.options.verbose {
            return Ok(());
        }
        writeln!(self.out, "  {:>14}  {}", format!("{:.6} s", now as f64 / 1e9), plain(line))
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

impl Pace {
    /// Nanoseconds that `steps` take if they are as long as those before.
    fn left(&self, steps: usize) -> Option<u64> {
        let mean = self.spent.checked_div(u64::from(self.finished))?;
        // To the second: it is an estimate.
        Some((mean.saturating_mul(steps as u64) / 1_000_000_000).saturating_mul(1_000_000_000))
    }
}

/// The word for a run's end, in the precedence of its exit code.
const fn ending(disposition: Disposition, status: Status, safe: bool) -> (&'static str, Verdict) {
    match (safe, status, disposition) {
        (false, _, _) => ("UNSAFE", Verdict::Error),
        (true, Status::TesterError, _) => ("ERROR", Verdict::Error),
        (true, _, Disposition::Fail) => ("FAIL", Verdict::Fail),
        (true, Status::Aborted, _) => ("ABORTED", Verdict::Aborted),
        (true, Status::Completed, Disposition::Pass) => ("PASS", Verdict::Pass),
        (true, Status::Completed, Disposition::Inconclusive | Disposition::None) => ("INCONCLUSIVE", Verdict::Inconclusive),
    }
}

fn first_line(message: &str) -> String {
    plain(message.lines().next().unwrap_or(""))
}

/// `at 45.200000 s ± 10 us (line)`
fn moment(at_ns: u64, uncertainty_ns: u64, source: &str) -> String {
    format!("at {:.6} s ± {} ({source})", at_ns as f64 / 1e9, duration(uncertainty_ns))
}
