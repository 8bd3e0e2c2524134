//! Measurements as comma-separated values (RFC 4180), one line a judged value.
//!
//! Text that a spreadsheet would take for a formula gets an apostrophe in
//! front. Numbers have all their digits.

use std::io::Write;

use hil_record::{Datum, Event, EventKind, EventSink, Measurement, SinkError};

use crate::text::exact;

/// The columns; `bench-ns` is that of the journal line, requirements are
/// separated by spaces.
pub const COLUMNS: [&str; 15] = [
    "run",
    "serial",
    "plan",
    "step",
    "attempt",
    "measurement",
    "value",
    "unit",
    "uncertainty",
    "low",
    "high",
    "verdict",
    "provisional",
    "requirement",
    "bench-ns",
];

/// Writes a line for each measurement as it comes.
pub struct Csv<W> {
    out: W,
    /// Run, serial, plan; `None` until the run has started.
    run: Option<[String; 3]>,
}

/// All measurements of a run.
///
/// # Errors
/// Those of `out`.
pub fn write_csv(events: &[Event], out: &mut impl Write) -> std::io::Result<()> {
    let mut csv = Csv::new(&mut *out);
    if events.is_empty() {
        csv.row(&COLUMNS.map(str::to_owned))?;
    }
    events.iter().try_for_each(|event| csv.take(event))?;
    out.flush()
}

impl<W: Write> EventSink for Csv<W> {
    fn name(&self) -> &str {
        "measurements.csv"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.take(event).map_err(|e| SinkError { sink: self.name().into(), cause: e.to_string() })
    }
}

impl<W: Write> Csv<W> {
    /// Onto `out`.
    pub fn new(out: W) -> Self {
        Self { out, run: None }
    }

    fn take(&mut self, event: &Event) -> std::io::Result<()> {
        match &event.kind {
            EventKind::RunStarted { run, serial, plan, .. } => self.run_started(run, serial.as_deref(), plan),
            EventKind::Measurement(m) => self.measurement(m, event.bench_ns),
            EventKind::RunFinished { .. } => self.out.flush(),
            EventKind::BenchOpened { .. }
            | EventKind::PhaseStarted { .. }
            | EventKind::PhaseFinished { .. }
            | EventKind::StepStarted { .. }
            | EventKind::BranchFinished { .. }
            | EventKind::ActionStarted { .. }
            | EventKind::Stimulus { .. }
            | EventKind::Reading { .. }
            | EventKind::Edge { .. }
            | EventKind::Waveform { .. }
            | EventKind::Wire { .. }
            | EventKind::Problem { .. }
            | EventKind::Answer { .. }
            | EventKind::Call { .. }
            | EventKind::StepExcluded { .. }
            | EventKind::Retry { .. }
            | EventKind::StepFinished { .. }
            | EventKind::Interrupted { .. }
            | EventKind::InterlockOpened { .. }
            | EventKind::SafeState { .. }
            | EventKind::Lid { .. } => Ok(()),
        }
    }

    fn run_started(&mut self, run: &str, serial: Option<&str>, plan: &str) -> std::io::Result<()> {
        // Of several runs one table: one header.
        let first = self.run.is_none();
        self.run = Some([text(run), text(serial.unwrap_or("")), text(plan)]);
        if first { self.row(&COLUMNS.map(str::to_owned)) } else { Ok(()) }
    }

    fn measurement(&mut self, m: &Measurement, bench_ns: u64) -> std::io::Result<()> {
        let [run, serial, plan] = self.run.clone().unwrap_or_default();
        let number = |x: Option<f64>| x.map_or(String::new(), exact);
        let value = match &m.value {
            Datum::Number(x) => exact(*x),
            Datum::Text(t) => text(t),
        };
        self.row(&[
            run,
            serial,
            plan,
            text(&m.step),
            m.attempt.to_string(),
            text(&m.name),
            value,
            text(&m.unit),
            number(m.uncertainty),
            number(m.low),
            number(m.high),
            m.verdict.to_string(),
            m.provisional.to_string(),
            text(&m.requirements.join(" ")),
            bench_ns.to_string(),
        ])
    }

    fn row(&mut self, fields: &[String; COLUMNS.len()]) -> std::io::Result<()> {
        let quoted: Vec<_> = fields.iter().map(|f| quoted(f)).collect();
        write!(self.out, "{}\r\n", quoted.join(","))
    }
}

/// Text that a spreadsheet leaves alone.
fn text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// In quotes where RFC 4180 wants them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
