//! What goes on: phases, steps and what they measure.

use std::io::Write;

use hil_record::{Measurement, Verdict};

use super::row::{Row, wrapped};
use super::{Console, Pace, RUN, Skipped, Written, first_line};
use crate::margin::{margin, margin_text};
use crate::text::{self, duration, plain};

/// Before the name of a step that runs beside another.
const BESIDE: &str = "∥ ";

impl<W: Write> Console<W> {
    pub(super) fn phase_started(&mut self, now: u64, phase: &str) -> Written {
        self.begin(Row::new(phase, String::new(), phase, "", now))?;
        if self.options.verbose { writeln!(self.out, "\n[{}]  at {}", plain(phase), duration(now)) } else { Ok(()) }
    }

    pub(super) fn phase_finished(&mut self, now: u64, phase: &str, error: Option<&str>) -> Written {
        let verdict = if error.is_some() { Verdict::Error } else { Verdict::Pass };
        self.end(phase, verdict, now)?;
        let Some(error) = error else { return Ok(()) };
        writeln!(self.out, "         {} ended early: {}", plain(phase), first_line(error))
    }

    pub(super) fn step_started(
        &mut self,
        now: u64,
        (step, title): (&str, &str),
        (index, of): (usize, usize),
        attempt: u32,
        beside: Option<&str>,
    ) -> Written {
        let digits = of.to_string().len();
        let label = format!("[{index:>digits$}/{of}]");
        let again = if attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
        let lane = if beside.is_some() { BESIDE } else { "" };
        let name = format!("{lane}{step}{again}");
        let title = if title == step { "" } else { title };
        self.begin(Row::new(step, label.clone(), &name, title, now))?;
        if !self.options.verbose {
            return Ok(());
        }
        let left = self.pace.left(of.saturating_sub(index) + 1).map_or(String::new(), |left| format!(", about {} left", duration(left)));
        let title = if title.is_empty() { String::new() } else { format!("  {}", plain(title)) };
        let left = beside.map_or(left, |host| format!(", beside {}", plain(host)));
        writeln!(self.out, "\n{label}  {}{title}  (at {}{left})", plain(&name), duration(now))
    }

    pub(super) fn step_finished(&mut self, now: u64, step: &str, verdict: Verdict, reason: Option<&str>) -> Written {
        let took = self.row_of(step).map_or(0, |row| now.saturating_sub(row.began_ns));
        self.pace.finished += 1;
        self.pace.spent += took;
        let reason = reason.map_or(String::new(), |r| format!(": {}", first_line(r)));
        let told = self.bad.iter().any(|(_, text)| text.starts_with(&format!("{}: ", plain(step))));
        if verdict > Verdict::Pass && !told {
            self.bad.push((verdict, format!("{}{reason}", plain(step))));
            if let Some(row) = self.row_of(step) {
                row.lines.push((verdict, format!("step {verdict}{reason}")));
            }
        }
        self.end(step, verdict, now)?;
        if self.options.verbose { self.marked(verdict, &format!("step {verdict} after {}{reason}", duration(took))) } else { Ok(()) }
    }

    /// Of a row, what is known when it begins.
    pub(super) fn begin(&mut self, mut row: Row) -> Written {
        self.leave_row()?;
        // One that runs beside another is written when it has ended.
        if !self.options.verbose && self.rows.is_empty() {
            write!(self.out, "{}", row.beginning())?;
            row.on_line = true;
        }
        self.rows.push(row);
        Ok(())
    }

    /// The row of a step or phase that goes on.
    pub(super) fn row_of(&mut self, of: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.of == of)
    }

    /// The rest of a row, and under it what was not good.
    pub(super) fn end(&mut self, of: &str, verdict: Verdict, now: u64) -> Written {
        let Some(at) = self.rows.iter().position(|row| row.of == of) else { return Ok(()) };
        let row = self.rows.remove(at);
        if self.options.verbose {
            return Ok(());
        }
        self.leave_row()?;
        if !row.on_line {
            write!(self.out, "{}", row.beginning())?;
        }
        let (mark, rest) = row.ending(verdict, now);
        let mark = self.painted(verdict, mark);
        writeln!(self.out, " {mark}{rest}")?;
        if !row.lines.is_empty() && !row.title.is_empty() {
            writeln!(self.out, "         {}", row.title)?;
        }
        row.lines.iter().try_for_each(|(verdict, line)| self.marked(*verdict, &wrapped(line)))
    }

    /// What cannot wait for the end of the row gets lines of its own.
    pub(super) fn leave_row(&mut self) -> Written {
        match self.rows.iter_mut().find(|row| row.on_line) {
            Some(row) => {
                row.on_line = false;
                writeln!(self.out)
            }
            None => Ok(()),
        }
    }

    /// Under the row of what it belongs to, or at once if that does not go on.
    pub(super) fn tell(&mut self, of: &str, verdict: Verdict, line: String) -> Written {
        let verbose = self.options.verbose;
        match self.row_of(of) {
            Some(row) if !verbose => {
                row.lines.push((verdict, line));
                Ok(())
            }
            _ => self.marked(verdict, &wrapped(&line)),
        }
    }

    pub(super) fn skip(&mut self, step: &str, reason: &str) -> Written {
        match &mut self.skipped {
            Some(skipped) if skipped.reason == reason => skipped.more += 1,
            _ => {
                self.end_skipping()?;
                self.skipped = Some(Skipped { first: step.into(), more: 0, reason: reason.into() });
            }
        }
        Ok(())
    }

    pub(super) fn end_skipping(&mut self) -> Written {
        let Some(Skipped { first, more, reason }) = self.skipped.take() else { return Ok(()) };
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        self.marked(Verdict::Skipped, &format!("{}{more}: {}", plain(&first), first_line(&reason)))
    }

    pub(super) fn measurement(&mut self, m: &Measurement) -> Written {
        if let Some(row) = self.row_of(&m.step) {
            row.measured(m);
        }
        if m.verdict == Verdict::Pass {
            return if self.options.verbose { self.marked(m.verdict, &text::columns(m)) } else { Ok(()) };
        }
        let margin = margin(m).map_or(String::new(), |x| format!(", margin {}", margin_text(x)));
        let requirements = if m.requirements.is_empty() { String::new() } else { format!("  [{}]", plain(&m.requirements.join(" "))) };
        let line = format!("{}{margin}{requirements}", text::measurement(m));
        self.bad.push((m.verdict, format!("{}: {line}", plain(&m.step))));
        self.tell(&m.step, m.verdict, line)
    }

    pub(super) fn answer(&mut self, prompt: &str, answer: &str, by: &str) -> Written {
        self.leave_row()?;
        writeln!(self.out, "         {}: {answer} (by {})", plain(prompt), plain(by))
    }

    pub(super) fn retry(&mut self, step: &str, failure: &str) -> Written {
        self.leave_row()?;
        writeln!(self.out, "         {}: failed as {}, tried once more", plain(step), plain(failure))
    }

    pub(super) fn problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) -> Written {
        self.bad.push((verdict, format!("{}: {}", plain(step.unwrap_or(RUN)), first_line(message))));
        self.tell(step.unwrap_or(RUN), verdict, message.lines().map(plain).collect::<Vec<_>>().join("\n"))
    }
}

impl Pace {
    /// Nanoseconds that `steps` take if they are as long as those before.
    pub(super) fn left(&self, steps: usize) -> Option<u64> {
        let mean = self.spent.checked_div(u64::from(self.finished))?;
        // To the second: it is an estimate.
        Some((mean.saturating_mul(steps as u64) / 1_000_000_000).saturating_mul(1_000_000_000))
    }
}
