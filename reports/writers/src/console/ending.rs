//! How a run ends: interrupts, the safe state, the verdict in large letters.

use std::io::Write;

use hil_record::{Disposition, SafeOutput, Status, Verdict};

use super::row::{WIDTH, shortened, wrapped};
use super::{Console, MOST_BAD, Written};
use crate::letters::big;
use crate::text::{count, duration, plain};
use crate::timing::Kind;

/// Of the critical path this many shares are told.
const MOST_SHARES: usize = 6;
/// A path of fewer has nothing to tell.
const LEAST_SHARES: usize = 4;

impl<W: Write> Console<W> {
    pub(super) fn interrupted(&mut self, by: &str, count: u32) -> Written {
        let what = if count > 1 { format!("{} again ({count} times)", plain(by)) } else { format!("{}: stopping", plain(by)) };
        self.leave_row()?;
        self.marked(Verdict::Aborted, &format!("{what}, the bench is being made safe"))
    }

    pub(super) fn interlock_opened(&mut self, input: &str, at_ns: u64) -> Written {
        self.leave_row()?;
        let what = format!("the interlock opened at {:.3} s: {}", at_ns as f64 / 1e9, plain(input));
        self.marked(Verdict::Aborted, &format!("{what}; power is off, the run ends"))
    }

    pub(super) fn lid(&mut self, unlocked: bool, reason: Option<&str>) -> Written {
        if unlocked {
            return writeln!(self.out, "the lid can be opened: every stud is dead");
        }
        self.marked(Verdict::Error, &format!("THE LID STAYS LOCKED: {}", plain(reason.unwrap_or("nobody knows why"))))
    }

    pub(super) fn safe_state(&mut self, outputs: &[SafeOutput], confirmed: bool, took_ns: u64) -> Written {
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

    pub(super) fn run_finished(
        &mut self,
        now: u64,
        (disposition, status, safe): (Disposition, Status, bool),
        exit_code: u8,
        (retried, not_judged): (&[String], &[String]),
    ) -> Written {
        if !self.bad.is_empty() {
            writeln!(self.out, "\nnot good:")?;
        }
        let bad = std::mem::take(&mut self.bad);
        for (verdict, line) in bad.iter().take(MOST_BAD) {
            self.marked(*verdict, &wrapped(line))?;
        }
        if bad.len() > MOST_BAD {
            writeln!(self.out, "         and {} more", bad.len() - MOST_BAD)?;
        }
        let (word, verdict) = ending(disposition, status, safe);
        writeln!(self.out)?;
        for line in big(word) {
            let line = self.painted(verdict, &line);
            writeln!(self.out, "{line}")?;
        }
        writeln!(self.out, "\n{word}: unit {disposition}, run {status}, exit code {exit_code}, {} of bench time", duration(now))?;
        self.critical()?;
        if !retried.is_empty() {
            writeln!(self.out, "passed only when tried again: {}", plain(&retried.join(", ")))?;
        }
        if !not_judged.is_empty() {
            writeln!(self.out, "not judged, or not wholly, on this bench: {}", plain(&not_judged.join(", ")))?;
        }
        writeln!(self.out, "run {}", plain(&self.run))
    }
}

/// Where the bench time went: the largest shares, and what ran beside them.
impl<W: Write> Console<W> {
    fn critical(&mut self) -> Written {
        self.timing.settle();
        let shares = self.timing.shares();
        let total = self.timing.end.max(1);
        if shares.len() < LEAST_SHARES {
            return Ok(());
        }
        writeln!(self.out, "\ncritical path, {} in {}:", duration(total), count(shares.len(), "part"))?;
        for share in shares.iter().take(MOST_SHARES) {
            let times = if share.times > 1 { format!(" x {}", share.times) } else { String::new() };
            let name = match share.kind {
                Kind::Opening => "opening the bench",
                Kind::SafeState => "safe state",
                Kind::Phase | Kind::Step => &share.name,
            };
            let act = share.longest.as_ref().map_or(String::new(), |(text, ns)| format!("{}: {text}", duration(*ns)));
            let per_cent = share.ns as f64 * 100.0 / total as f64;
            let line = format!("{:>9} {per_cent:>3.0} %  {:<28} {}", duration(share.ns), plain(&format!("{name}{times}")), plain(&act));
            writeln!(self.out, "{}", shortened(&line, WIDTH))?;
        }
        let beside = self.timing.beside();
        let Some(least) = beside.iter().min_by_key(|b| b.slack) else { return Ok(()) };
        let works = &self.timing.works;
        let took = beside.iter().flat_map(|b| &b.works).map(|i| works[*i].to - works[*i].from).fold(0, u64::saturating_add);
        let lane = works[least.works[0]].beside.as_deref().unwrap_or(&works[least.works[0]].name);
        let steps = count(beside.iter().map(|b| b.works.len()).sum(), "step");
        writeln!(self.out, "{:>9} of {steps} beside it; least slack {}, at {}", duration(took), duration(least.slack), plain(lane))
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
