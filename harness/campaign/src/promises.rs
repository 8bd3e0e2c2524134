//! What every run promises, whatever fails round it, and which promise a run
//! broke.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hil_model::Plan;
use hil_record::{Event, EventKind, SafeOutput, Verdict};
use hil_timebase::Nanos;
use hil_twin::{FaultyFixture, LineFault};
use hil_virtual::InstrumentFault;

use crate::case::Case;
use crate::declared::missing;
use crate::fault::{Fault, INSTRUMENT, What};
use crate::ran::{Ran, Suffered};

/// A dead part is noticed this long after its deadline at the latest.
const NOTICED_WITHIN: Duration = Duration::from_secs(1);

/// Beyond its time-out a step may take so long to find out whether the bench is
/// in order.
const PROOF: Duration = Duration::from_secs(5);

/// A promise.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Promise {
    /// No pass for a bad unit.
    NoBadPasses,
    /// No pass with a measurement missing.
    NothingMissing,
    /// No fail of a good unit.
    NoGoodFails,
    /// No hang beyond a step's time-out.
    NoHang,
    /// Off at the end, or said that this is not confirmed.
    Safe,
    /// A dead part is noticed.
    Noticed,
}

/// A promise that a run broke.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// How.
    pub found: String,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBadPasses => "no pass for a bad unit",
            Self::NothingMissing => "no pass with a measurement missing",
            Self::NoGoodFails => "no fail of a good unit",
            Self::NoHang => "no hang beyond a step's time-out",
            Self::Safe => "off at the end, or said not to be confirmed",
            Self::Noticed => "a dead part is noticed within 1 s of its deadline",
        })
    }
}

/// All that a run broke. `deadlines`: until when a part must have answered.
pub fn violations(plan: &Plan, case: &Case, ran: &Ran, deadlines: &BTreeMap<String, Duration>) -> Vec<Violation> {
    let mut all = Vec::new();
    let mut broke = |promise, found: String| all.push(Violation { promise, found });
    match (ran.exit_code(), &case.defect) {
        (0, Some(defect)) => broke(Promise::NoBadPasses, format!("a unit with {defect} passed")),
        (1, None) => broke(Promise::NoGoodFails, format!("a good unit failed at {}", failed(&ran.events))),
        _ => {}
    }
    if ran.exit_code() == 0 {
        missing(plan, &ran.events).into_iter().for_each(|found| broke(Promise::NothingMissing, found));
    }
    too_long(plan, ran).into_iter().for_each(|found| broke(Promise::NoHang, found));
    unsafe_end(case, ran).into_iter().for_each(|found| broke(Promise::Safe, found));
    for (fault, suffered) in case.faults.iter().zip(&ran.faults) {
        unnoticed(fault, suffered, ran, deadlines).into_iter().for_each(|found| broke(Promise::Noticed, found));
    }
    all
}

fn failed(events: &[Event]) -> String {
    let steps = events.iter().filter_map(|e| match &e.kind {
        EventKind::StepFinished { step, verdict: Verdict::Fail, reason, .. } => {
            Some(format!("`{step}`: {}", reason.as_deref().unwrap_or("no reason")))
        }
        _ => None,
    });
    steps.collect::<Vec<_>>().join("; ")
}

fn too_long(plan: &Plan, ran: &Ran) -> Vec<String> {
    let mut begun: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all = Vec::new();
    for event in &ran.events {
        match &event.kind {
            EventKind::StepStarted { step, .. } => drop(begun.insert(step, event.bench_ns)),
            EventKind::StepFinished { step, .. } => {
                let limit = plan.steps.iter().find(|s| s.id == *step).map_or(Duration::ZERO, |s| s.timeout);
                let Some(from) = begun.remove(step.as_str()) else { continue };
                let took = Duration::from_nanos(event.bench_ns - from);
                if took > limit + PROOF {
                    all.push(format!("step `{step}` took {:.1} s, its time-out is {:.1} s", took.as_secs_f64(), limit.as_secs_f64()));
                }
            }
            _ => {}
        }
    }
    if !matches!(ran.events.last().map(|e| &e.kind), Some(EventKind::RunFinished { .. })) {
        all.push("the run has no last event".into());
    }
    all
}

fn unsafe_end(case: &Case, ran: &Ran) -> Vec<String> {
    let safe = ran.events.iter().rev().find_map(|e| match &e.kind {
        EventKind::SafeState { outputs, confirmed, took_ns } => Some((outputs, *confirmed, e.bench_ns - took_ns, e.bench_ns)),
        _ => None,
    });
    let Some((outputs, confirmed, from, to)) = safe else { return vec!["no safe state".into()] };
    let mut all = Vec::new();
    let on: Vec<&str> = ran.studs.iter().filter(|s| s.on).map(|s| s.name).collect();
    if confirmed && !on.is_empty() {
        all.push(format!("confirmed, but on: {}", on.join(", ")));
    }
    if !confirmed && ran.exit_code() != 6 {
        all.push(format!("not confirmed, but exit code {}", ran.exit_code()));
    }
    for output in outputs.iter().filter(|o| !o.off) {
        let blamed = case.faults.iter().zip(&ran.faults);
        let excused = |(fault, suffered): (&Fault, &Suffered)| {
            fault.what.makes_unreachable() && is_part(fault, output) && suffered.within(Nanos(from), Nanos(to))
        };
        if !blamed.into_iter().any(excused) {
            all.push(format!("`{}` is not confirmed off ({}), though nothing kept it from that", output.part, output.readback));
        }
    }
    all
}

/// Whether an output is the part that a fault is of.
fn is_part(fault: &Fault, output: &SafeOutput) -> bool {
    let name = &output.part;
    let parts = [format!("{INSTRUMENT}{name}"), format!("switch {name}"), format!("voltage {}", name.trim_end_matches(".voltage"))];
    parts.contains(&fault.part) || fault.part == FaultyFixture::WHOLE && !parts[0].eq(&fault.part)
}

/// Only of a part that is dead for good, and only while somebody may hear of it:
/// the safe state has deadlines of its own and says what it did not reach.
fn unnoticed(fault: &Fault, suffered: &Suffered, ran: &Ran, deadlines: &BTreeMap<String, Duration>) -> Option<String> {
    let dead = matches!(fault.what, What::Instrument(InstrumentFault::Hang) | What::Line(LineFault::Hang)) && fault.lasting.is_none();
    let begun = suffered.begun.filter(|_| dead)?;
    let deadline = deadlines.get(&fault.part).copied().unwrap_or(NOTICED_WITHIN);
    let safe_from = ran.events.iter().find_map(|e| match &e.kind {
        EventKind::SafeState { took_ns, .. } => Some(Nanos(e.bench_ns - took_ns)),
        _ => None,
    });
    // Questions of one attempt follow each other; only the last attempt was
    // certainly one whose asker waited.
    let mut first: Option<(Nanos, Nanos)> = None;
    for at in suffered.unanswered.iter().filter(|at| **at >= begun && safe_from.is_none_or(|s| **at < s)) {
        first = match first {
            Some((first, before)) if at.since(before) <= deadline + NOTICED_WITHIN => Some((first, *at)),
            _ => Some((*at, *at)),
        };
    }
    let asked = first?.0;
    let told = ran.events.iter().find(|e| {
        e.bench_ns >= asked.0 && matches!(&e.kind, EventKind::Problem { verdict: Verdict::Error, .. } | EventKind::SafeState { .. })
    });
    let at = told.map(|e| Nanos(e.bench_ns));
    let late = at.is_none_or(|at| at > asked + deadline + NOTICED_WITHIN);
    late.then(|| {
        let when = at.map_or_else(|| "never".to_owned(), |at| format!("at {:.3} s", at.0 as f64 / 1e9));
        format!("{} was asked at {:.3} s with {deadline:?} to answer, and its silence noticed {when}", fault.part, asked.0 as f64 / 1e9)
    })
}
