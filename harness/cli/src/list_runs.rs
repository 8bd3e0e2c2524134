//! `hil runs`: what was tested when, with what result; also what was cut short.

use std::fs;
use std::io::{IsTerminal as _, stdout};
use std::path::Path;

use hil_record::{Disposition, Event, EventKind, Outcome, Status, Verdict, read_journal};
use hil_writers::Run;

use crate::args::RunsArguments;
use crate::evidence::JOURNAL;
use crate::failure::Failure;
use crate::guardian::side_journal::{self, Entry};

const HEAD: [&str; 7] = ["WHEN (UTC)", "PLAN", "SERIAL", "BENCH", "TOOK", "RESULT", "RUN"];
/// Column of the result.
const RESULT: usize = 5;

/// Prints the table, oldest first, and returns the exit code.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(arguments: &RunsArguments) -> Result<u8, Failure> {
    let out = &arguments.out;
    let cannot = |e: &dyn std::fmt::Display| {
        Failure::invalid(format!("cannot read folder `{}`: {e}", out.display()), Some("`--out DIR` names the folder of run folders"))
    };
    let mut rows = Vec::new();
    for entry in fs::read_dir(out).map_err(|e| cannot(&e))? {
        let folder = entry.map_err(|e| cannot(&e))?.path();
        if folder.join(JOURNAL).is_file() {
            rows.push(Row::of(&folder));
        }
    }
    rows.sort_by(|a, b| (&a.began, &a.cells[6]).cmp(&(&b.began, &b.cells[6])));
    if rows.is_empty() {
        crate::say(&format!("no runs in `{}`", out.display()));
        return Ok(0);
    }
    let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    table(&rows, colour).iter().for_each(|line| crate::say(line));
    Ok(0)
}

fn table(rows: &[Row], colour: bool) -> Vec<String> {
    let head = Row { began: String::new(), cells: HEAD.map(str::to_owned), colour: "1" };
    let all: Vec<&Row> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|r| r.cells[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &&Row| {
        let cells = row.cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            // Numbers stand right.
            let text = if column == 4 { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
            let painted = colour && (column == RESULT || row.colour == "1");
            if painted { format!("\u{1b}[{}m{text}\u{1b}[0m", row.colour) } else { text }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect()
}

struct Row {
    began: String,
    cells: [String; 7],
    colour: &'static str,
}

impl Row {
    fn of(folder: &Path) -> Self {
        let name = folder.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        let found = fs::read(folder.join(JOURNAL)).map_err(|e| e.to_string()).and_then(|bytes| Found::of(&bytes));
        match found {
            Ok(found) => found.guarded(&side_journal::read(folder)).row(plain(&name)),
            Err(cause) => {
                let none = || "?".to_owned();
                let cells = [none(), none(), none(), none(), none(), plain(&format!("unreadable: {cause}")), plain(&name)];
                Self { began: String::new(), cells, colour: "1;35" }
            }
        }
    }
}

/// What a journal says of its run.
struct Found {
    first: Event,
    /// Bench time of the last event.
    took_ns: u64,
    outcome: Outcome,
    /// What was measured until then, if it was cut short.
    cut: Option<String>,
}

impl Found {
    /// Of a run that ended, from its first and its last line: there may be many
    /// runs, and `hil verify` says whether they are whole.
    fn of(bytes: &[u8]) -> Result<Self, String> {
        let event = |line: Option<&[u8]>| line.and_then(|line| serde_json::from_slice::<Event>(line).ok());
        let whole = bytes.strip_suffix(b"\n");
        let first = event(bytes.split(|b| *b == b'\n').next());
        let last = event(whole.and_then(|w| w.rsplit(|b| *b == b'\n').next()));
        if let (Some(first), Some(last)) = (first, last)
            && let EventKind::RunFinished { disposition, status, safe, .. } = last.kind
            && matches!(first.kind, EventKind::RunStarted { .. })
        {
            return Ok(Self { first, took_ns: last.bench_ns, outcome: Outcome { disposition, status, safe }, cut: None });
        }
        Self::cut_short(bytes)
    }

    fn cut_short(bytes: &[u8]) -> Result<Self, String> {
        let events = read_journal(bytes).map_err(|e| e.to_string())?.events;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Err("it is empty".into()) };
        let verdicts = || events.iter().filter_map(|e| if let EventKind::Measurement(m) = &e.kind { Some(m.verdict) } else { None });
        let failed = verdicts().filter(|v| *v == Verdict::Fail).count();
        let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
        let step = events.iter().rev().find_map(|e| if let EventKind::StepStarted { step, .. } = &e.kind { Some(step) } else { None });
        let place = step.map_or("before the first step".to_owned(), |step| format!("at {step}"));
        let cut = format!("cut short {place}, {} measured{failed}", verdicts().count());
        Ok(Self { first: first.clone(), took_ns: last.bench_ns, outcome: Run::of(&events).outcome(), cut: Some(cut) })
    }

    /// … and what its guardian did.
    fn guarded(mut self, deeds: &[Entry]) -> Self {
        if let (Some(cut), Some(off)) = (&mut self.cut, side_journal::switched_off(deeds)) {
            cut.push_str(if off { "; its guardian switched off" } else { "; its guardian could NOT confirm that it is off" });
        }
        self
    }

    fn row(self, name: String) -> Row {
        let EventKind::RunStarted { plan, serial, bench, .. } = &self.first.kind else {
            return Row { began: String::new(), cells: HEAD.map(|_| "?".to_owned()), colour: "1;35" };
        };
        let (word, colour) = result(self.outcome, self.cut.is_some());
        let result = self.cut.as_ref().map_or(word.to_owned(), |cut| format!("{word}: {cut}"));
        let wall = &self.first.wall;
        let when = wall.get(..10).zip(wall.get(11..19)).map_or(wall.clone(), |(day, time)| format!("{day} {time}"));
        let serial = serial.clone().unwrap_or_else(|| "-".into());
        let cells = [when, plan.clone(), serial, bench.clone(), took(self.took_ns), result].map(|cell| plain(&cell));
        let [when, plan, serial, bench, took, result] = cells;
        Row { began: wall.clone(), cells: [when, plan, serial, bench, took, result, name], colour }
    }
}

/// The word for a run's end, and its colour. A run that was cut short is
/// aborted whatever else; that a unit failed before stays.
pub const fn result(outcome: Outcome, cut: bool) -> (&'static str, &'static str) {
    match (outcome.safe, outcome.status, outcome.disposition) {
        _ if cut && matches!(outcome.disposition, Disposition::Fail) => ("aborted, FAIL", "1;31"),
        _ if cut => ("aborted", "1;33"),
        (false, _, _) => ("UNSAFE", "1;35"),
        (true, Status::TesterError, _) => ("error", "1;35"),
        (true, _, Disposition::Fail) => ("FAIL", "1;31"),
        (true, Status::Aborted, _) => ("aborted", "1;33"),
        (true, Status::Completed, Disposition::Pass) => ("pass", "32"),
        (true, Status::Completed, Disposition::Inconclusive | Disposition::None) => ("inconclusive", "1;33"),
    }
}

/// `5:03` minutes, or `12.3 s`.
fn took(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    if seconds < 60 { format!("{}.{} s", seconds, ns / 100_000_000 % 10) } else { format!("{}:{:02} min", seconds / 60, seconds % 60) }
}

/// No terminal takes orders from a journal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
