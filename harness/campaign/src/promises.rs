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

#[cfg(test)]
mod tests {
    use hil_model::expression::Expression;
    use hil_model::{Act, Action, Blame, Check, Course, Judging, Limit, LimitSource, Quantity, SignalId, Span, Statistic, Step};
    use hil_record::{Disposition, Measurement, Outcome, Status};
    use hil_twin::StudPower;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// One step that measures `v` twice and requires `x`.
    fn plan() -> Plan {
        let check = || {
            Check::Limit(Limit {
                id: None,
                low: Some(Quantity::volts(1.0)),
                high: None,
                source: LimitSource::Plan,
                owner: String::new(),
                requirement: None,
            })
        };
        let act = |action| Act { action, span: Span::default(), text: String::new(), fails_as: None };
        let measure = || {
            let (signal, name) = (SignalId::new("v"), "v".to_owned());
            act(Action::Measure { signal, name, statistic: Statistic::Mean, over: Duration::ZERO, check: check(), blame: Blame::Unit })
        };
        let require = act(Action::Require {
            expression: Expression::Value("v".into()),
            name: "x".into(),
            check: check(),
            within: Duration::ZERO,
            blame: Blame::Unit,
        });
        let acts = vec![measure(), act(Action::Together { branches: vec![vec![measure()], vec![require]] })];
        let step = Step {
            id: "a".into(),
            title: String::new(),
            requirements: Vec::new(),
            timeout: Duration::from_secs(60),
            acts,
            course: Course::default(),
            span: Span::default(),
        };
        Plan {
            id: "p".into(),
            title: String::new(),
            product: String::new(),
            judging: Judging::default(),
            parameters: BTreeMap::new(),
            setup: Vec::new(),
            recover: Vec::new(),
            steps: vec![step],
            teardown: Vec::new(),
        }
    }

    fn measured(name: &str) -> EventKind {
        EventKind::Measurement(Measurement {
            step: "a".into(),
            attempt: 1,
            name: name.into(),
            of: name.into(),
            value: hil_record::Datum::Number(1.0),
            unit: String::new(),
            uncertainty: None,
            low: None,
            high: None,
            expected: None,
            accept_low: None,
            accept_high: None,
            decision: None,
            conformance: None,
            verdict: Verdict::Pass,
            provisional: false,
            limit: None,
            source: String::new(),
            owner: String::new(),
            requirements: Vec::new(),
            at_ns: 0,
        })
    }

    fn started() -> EventKind {
        let (step, title) = ("a".to_owned(), String::new());
        EventKind::StepStarted { step, title, index: 1, of: 1, attempt: 1, requirements: Vec::new(), beside: None }
    }

    fn finished(verdict: Verdict) -> EventKind {
        EventKind::StepFinished { step: "a".into(), attempt: 1, verdict, reason: Some("no".into()) }
    }

    fn problem() -> EventKind {
        EventKind::Problem { step: Some("a".into()), verdict: Verdict::Error, message: "no answer".into() }
    }

    /// A run of these events, one a second, then the safe state and the end.
    fn ran(kinds: Vec<EventKind>, outcome: Outcome, on: bool) -> Ran {
        let readback = if outcome.safe { "off" } else { "no answer" };
        let outputs = vec![SafeOutput { part: "battery".into(), off: outcome.safe, readback: readback.into() }];
        let safe = EventKind::SafeState { outputs, confirmed: outcome.safe, took_ns: SECOND / 2 };
        let Outcome { disposition, status, safe: is_safe } = outcome;
        let exit_code = outcome.exit_code();
        let end = EventKind::RunFinished { disposition, status, safe: is_safe, exit_code, retried: Vec::new(), not_judged: Vec::new() };
        let events = kinds.into_iter().chain([safe, end]).enumerate();
        let events = events.map(|(i, kind)| Event { seq: i as u64, bench_ns: i as u64 * SECOND, wall: String::new(), kind }).collect();
        let studs = ["battery", "alternator", "system"].map(|name| StudPower { name, on: on && name == "battery", volts: 0.0 });
        Ran { outcome: Some(outcome), events, studs, faults: Vec::new(), end: Nanos(20 * SECOND) }
    }

    const PASS: Outcome = Outcome { disposition: Disposition::Pass, status: Status::Completed, safe: true };
    const FAIL: Outcome = Outcome { disposition: Disposition::Fail, status: Status::Completed, safe: true };
    const TESTER: Outcome = Outcome { disposition: Disposition::None, status: Status::TesterError, safe: true };
    const NOT_SAFE: Outcome = Outcome { safe: false, ..TESTER };

    fn good() -> Case {
        Case { seed: 1, defect: None, faults: Vec::new() }
    }

    fn all() -> Vec<EventKind> {
        vec![started(), measured("v"), measured("v"), measured("x"), finished(Verdict::Pass)]
    }

    fn broken(case: &Case, ran: &Ran) -> Vec<Promise> {
        violations(&plan(), case, ran, &BTreeMap::new()).into_iter().map(|v| v.promise).collect()
    }

    #[test]
    fn a_good_run_keeps_all() {
        assert_eq!(broken(&good(), &ran(all(), PASS, false)), []);
        let bad = Case { defect: Some("D1".into()), ..good() };
        assert_eq!(broken(&bad, &ran(vec![started(), finished(Verdict::Fail)], FAIL, false)), []);
    }

    #[test]
    fn each_promise_can_be_broken() {
        let bad = Case { defect: Some("D1".into()), ..good() };
        assert_eq!(broken(&bad, &ran(all(), PASS, false)), [Promise::NoBadPasses]);
        for left_out in 1..4 {
            let mut kinds = all();
            kinds.remove(left_out);
            assert_eq!(broken(&good(), &ran(kinds, PASS, false)), [Promise::NothingMissing], "{left_out}");
        }
        assert_eq!(broken(&good(), &ran(vec![started(), finished(Verdict::Skipped)], PASS, false)), [Promise::NothingMissing]);
        assert_eq!(broken(&good(), &ran(Vec::new(), PASS, false)), [Promise::NothingMissing]);
        assert_eq!(broken(&good(), &ran(vec![started(), finished(Verdict::Fail)], FAIL, false)), [Promise::NoGoodFails]);
        let mut long = ran(vec![started(), finished(Verdict::Error)], TESTER, false);
        long.events[1].bench_ns = 66 * SECOND;
        assert_eq!(broken(&good(), &long), [Promise::NoHang]);
        let mut cut = ran(vec![started(), finished(Verdict::Error)], TESTER, false);
        cut.events.pop();
        assert_eq!(broken(&good(), &cut), [Promise::NoHang]);
    }

    fn with(part: &str, what: What, lasting: Option<u64>, mut ran: Ran, unanswered: &[u64]) -> Vec<Promise> {
        let lasting = lasting.map(Duration::from_secs);
        let fault = Fault { part: part.into(), what, at: "a".into(), after: Duration::ZERO, lasting };
        let over = lasting.map(|l| Nanos(SECOND) + l);
        ran.faults =
            vec![Suffered { begun: Some(Nanos(SECOND)), over, unanswered: unanswered.iter().map(|s| Nanos(s * SECOND)).collect() }];
        broken(&Case { faults: vec![fault], ..good() }, &ran)
    }

    const HANG: fn() -> What = || What::Instrument(InstrumentFault::Hang);

    #[test]
    fn off_at_the_end_or_said_not_to_be() {
        assert_eq!(broken(&good(), &ran(Vec::new(), TESTER, true)), [Promise::Safe]);
        // Nothing kept it from being confirmed.
        assert_eq!(broken(&good(), &ran(Vec::new(), NOT_SAFE, false)), [Promise::Safe]);
        let end = |on| ran(vec![started(), problem(), finished(Verdict::Error)], NOT_SAFE, on);
        let part = "instrument battery";
        assert_eq!(with(part, HANG(), None, end(true), &[]), []);
        assert_eq!(with("fixture", What::Line(LineFault::Hang), None, end(true), &[]), []);
        // Another part, one that was over, and one that is no hindrance.
        assert_eq!(with("instrument system", HANG(), None, end(true), &[]), [Promise::Safe]);
        assert_eq!(with(part, HANG(), Some(1), end(true), &[]), [Promise::Safe]);
        assert_eq!(with(part, What::Instrument(InstrumentFault::NoValue), None, end(true), &[]), [Promise::Safe]);
        let mut without = ran(Vec::new(), TESTER, false);
        without.events.remove(0);
        assert_eq!(broken(&good(), &without), [Promise::Safe]);
    }

    #[test]
    fn a_dead_part_is_noticed_in_time() {
        // Asked at 1 s, told at 2 s or 5 s.
        let told = |seconds: usize| {
            let mut kinds = vec![started(); seconds];
            kinds.extend([problem(), finished(Verdict::Error)]);
            ran(kinds, TESTER, false)
        };
        let part = "instrument battery";
        assert_eq!(with(part, HANG(), None, told(2), &[1]), []);
        assert_eq!(with(part, HANG(), None, told(5), &[1]), [Promise::Noticed]);
        // Asked anew long after that: nobody waited for the first answer.
        assert_eq!(with(part, HANG(), None, told(5), &[1, 4]), []);
        // Asked again and again is one attempt.
        assert_eq!(with(part, HANG(), None, told(5), &[1, 2, 3, 4]), [Promise::Noticed]);
        // It came back.
        assert_eq!(with(part, HANG(), Some(3), told(5), &[1]), []);
    }
}
