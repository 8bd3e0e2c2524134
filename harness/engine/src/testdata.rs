//! Short words for plans and runs, for this crate's tests.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use futures_util::future::join;
use hil_channel::BoxFuture;
use hil_model::expression::{EdgeRef, Expression, Operator};
use hil_model::quantity::find_unit;
use hil_model::{
    Act, Action, Blame, Check, Condition, Course, Limit, LimitSource, Plan, Quantity, Setpoint, SignalId, SignalKind, Span, Statistic,
    Step, Trigger,
};
use hil_record::{Event, EventKind, EventSink, Measurement, Outcome, SinkError, Verdict};
use hil_timebase::{Nanos, Runtime, World};
use tokio::sync::mpsc;

use crate::testbench::{TestBench, World as Signals, val};
use crate::{Answer, Control, Engine, Question, RunHeader, Selection, Sinks};

pub(crate) fn id(name: &str) -> SignalId {
    SignalId::new(name)
}

pub(crate) fn q(text: &str) -> Quantity {
    Quantity::parse(text).unwrap()
}

pub(crate) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub(crate) fn act(text: &str, action: Action) -> Act {
    Act { action, span: Span::default(), text: text.into(), fails_as: None }
}

pub(crate) fn set(signal: &str, value: &str) -> Act {
    set_as(signal, value, None)
}

pub(crate) fn set_as(signal: &str, value: &str, name: Option<&str>) -> Act {
    act(
        &format!("set {signal} = {value}"),
        Action::Set { assignments: vec![(id(signal), Setpoint::Fixed(val(value)))], refusable: false, name: name.map(str::to_owned) },
    )
}

pub(crate) fn wait(n: u64) -> Act {
    act(&format!("wait {n} ms"), Action::Wait { duration: ms(n) })
}

pub(crate) fn watch(signal: &str, becomes: &str, name: &str) -> Act {
    act(&format!("watch {signal}"), Action::Watch { signal: id(signal), trigger: Trigger::Becomes(val(becomes)), name: name.into() })
}

/// `min .. max`; an empty text is no bound.
pub(crate) fn limit(low: &str, high: &str) -> Check {
    let bound = |t: &str| (!t.is_empty()).then(|| q(t));
    Check::Limit(Limit { id: None, low: bound(low), high: bound(high), source: LimitSource::Plan, owner: String::new(), requirement: None })
}

pub(crate) fn difference(later: &str, earlier: &str) -> Expression {
    let edge = |name: &str| {
        let (name, index) = name.split_once('[').map_or((name, None), |(n, i)| (n, i.trim_end_matches(']').parse().ok()));
        Box::new(Expression::Edge(EdgeRef { name: name.into(), index }))
    };
    Expression::Binary(edge(later), Operator::Subtract, edge(earlier))
}

pub(crate) fn require(later: &str, earlier: &str, check: Check, within: u64) -> Act {
    let action =
        Action::Require { expression: difference(later, earlier), name: "span".into(), check, within: ms(within), blame: Blame::Unit };
    act(&format!("require {later} - {earlier}"), action)
}

pub(crate) fn measure(signal: &str, check: Check) -> Act {
    measure_over(signal, check, Statistic::Mean, 0)
}

pub(crate) fn measure_over(signal: &str, check: Check, statistic: Statistic, over: u64) -> Act {
    act(
        &format!("measure {signal}"),
        Action::Measure { signal: id(signal), name: signal.into(), statistic, over: ms(over), check, blame: Blame::Unit },
    )
}

pub(crate) fn expect(conditions: &[(&str, Condition)], within: u64, hold: u64) -> Act {
    let conditions = conditions.iter().map(|(s, c)| (id(s), c.clone())).collect();
    act("expect", Action::Expect { conditions, within: ms(within), hold: ms(hold) })
}

pub(crate) fn is(word: &str) -> Condition {
    Condition::Is(val(word))
}

pub(crate) fn step(id: &str, acts: Vec<Act>) -> Step {
    Step {
        id: id.into(),
        title: id.into(),
        requirements: vec!["R-1".into()],
        timeout: ms(60_000),
        acts,
        course: Course::default(),
        span: Span::default(),
    }
}

pub(crate) fn plan(steps: Vec<Step>) -> Plan {
    Plan {
        id: "plan".into(),
        title: "A plan".into(),
        product: "unit".into(),
        judging: hil_model::Judging::default(),
        parameters: BTreeMap::new(),
        setup: vec![],
        recover: vec![],
        steps,
        teardown: vec![set("power", "off")],
    }
}

/// A plan of one step.
pub(crate) fn acts(acts: Vec<Act>) -> Plan {
    plan(vec![step("one", acts)])
}

/// Keeps events; fails at the `fails_at`-th.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) events: Rc<RefCell<Vec<Event>>>,
    pub(crate) fails_at: Option<u64>,
    pub(crate) panics: bool,
}

impl EventSink for Memory {
    fn name(&self) -> &str {
        "memory"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        if self.fails_at.is_some_and(|at| event.seq >= at) {
            assert!(!self.panics, "sink fell over");
            return Err(SinkError { sink: "memory".into(), cause: "disk full".into() });
        }
        self.events.borrow_mut().push(event.clone());
        Ok(())
    }
}

/// What became of a run.
pub(crate) struct Ran {
    pub(crate) outcome: Outcome,
    pub(crate) events: Vec<Event>,
    pub(crate) world: Rc<Signals>,
}

/// How a run is disturbed.
#[derive(Default)]
pub(crate) struct Disturb {
    /// Interrupts, each so many milliseconds after the beginning.
    pub(crate) interrupts: Vec<u64>,
    /// A fault of the tester's, so many milliseconds after the beginning.
    pub(crate) fault: Option<u64>,
    pub(crate) journal: Memory,
    pub(crate) other: Option<Memory>,
    /// The world panics when it gets to this millisecond.
    pub(crate) world_panics: Option<u64>,
    pub(crate) selection: Selection,
    /// Steps that the bench cannot judge.
    pub(crate) lacking: BTreeMap<String, String>,
    /// What an operator says to every question; there is none without this.
    pub(crate) answer: Option<Result<String, String>>,
}

struct Parrot(Result<String, String>);

impl crate::Operator for Parrot {
    fn ask<'a>(&'a self, _: &'a Question) -> BoxFuture<'a, Result<Answer, String>> {
        Box::pin(async { self.0.clone().map(|text| Answer { text, by: "option".into() }) })
    }
}

struct BrittleWorld(u64);

impl World for BrittleWorld {
    fn advance(&mut self, until: Nanos, _: &mut Vec<Waker>) -> Nanos {
        assert!(until.0 < self.0 * 1_000_000, "the world fell over");
        until
    }
}

pub(crate) fn run(plan: &Plan, bench: impl FnOnce(TestBench) -> TestBench) -> Ran {
    disturbed(plan, bench, Disturb::default())
}

pub(crate) fn disturbed(plan: &Plan, bench: impl FnOnce(TestBench) -> TestBench, disturb: Disturb) -> Ran {
    let runtime = Runtime::virtual_time().unwrap();
    let clock = runtime.clock();
    if let Some(at) = disturb.world_panics {
        runtime.attach(Arc::new(Mutex::new(BrittleWorld(at))));
    }
    let bench = bench(TestBench::new(clock.clone()).signal("power", "on"));
    let (sender, control) = mpsc::unbounded_channel();
    let events = Rc::clone(&disturb.journal.events);
    let others = disturb.other.into_iter().map(|m| Box::new(m) as Box<dyn EventSink>).collect();
    let sinks = Sinks { journal: Box::new(disturb.journal), others };
    let mut engine = Engine::new(plan, &bench, clock.clone(), sinks, header(), control);
    engine.select(disturb.selection);
    engine.leave_out(disturb.lacking);
    if let Some(answer) = disturb.answer {
        engine.attend(Box::new(Parrot(answer)));
    }
    let interrupts = async {
        for at in disturb.interrupts {
            clock.sleep_until(Nanos(at * 1_000_000)).await;
            sender.send(Control::Interrupt { by: "SIGINT".into() }).unwrap();
        }
        if let Some(at) = disturb.fault {
            clock.sleep_until(Nanos(at * 1_000_000)).await;
            sender.send(Control::Fault { what: "the guardian is gone".into() }).unwrap();
        }
    };
    let outcome = match runtime.block_on(join(engine.run(), interrupts)) {
        Ok((outcome, ())) => outcome,
        Err(halt) => runtime.block_on(engine.recover(&halt.to_string())).unwrap(),
    };
    drop(engine);
    let ran = Ran { outcome, events: events.take(), world: Rc::clone(&bench.world) };
    ran.well_formed();
    ran
}

/// What kind of event it is, as the journal says it.
pub(crate) fn kind_of(event: &Event) -> String {
    let json = serde_json::to_value(event).unwrap();
    json["kind"].as_str().unwrap().to_owned()
}

/// The last event is the run's end, and before it is one safe state, after which
/// nothing was done any more but to open the lid. What the end says of it is so.
pub(crate) fn ends_safely(events: &[Event], what: &str) {
    let Some((Event { kind: EventKind::RunFinished { safe, .. }, .. }, before)) = events.split_last() else {
        panic!("{what}: no end: {events:?}")
    };
    let states = |e: &&Event| matches!(e.kind, EventKind::SafeState { .. });
    assert_eq!(before.iter().filter(states).count(), 1, "{what}");
    let mut after = before.iter().skip_while(|e| !states(e));
    let Some(EventKind::SafeState { confirmed, .. }) = after.next().map(|e| &e.kind) else { panic!("{what}: no safe state") };
    assert_eq!(safe, confirmed, "{what}");
    let strange = after.find(|e| !matches!(e.kind, EventKind::Problem { .. } | EventKind::Interrupted { .. } | EventKind::Lid { .. }));
    assert_eq!(strange, None, "{what}");
}

pub(crate) fn header() -> RunHeader {
    let volt = find_unit("V").unwrap();
    let kinds = [("v", volt), ("mv", find_unit("mV").unwrap())].map(|(n, unit)| (id(n), SignalKind::Analog { unit }));
    RunHeader {
        run: "run".into(),
        bench: "scripted".into(),
        wall_start_ns: 1_795_342_500_000_000_000,
        kinds: kinds.into(),
        ..RunHeader::default()
    }
}

impl Ran {
    /// What holds for every journal that did not break.
    pub(crate) fn well_formed(&self) {
        let Some(last) = self.events.last() else { return };
        for (i, event) in self.events.iter().enumerate() {
            assert_eq!(event.seq, i as u64, "a gap before {event:?}");
        }
        assert!(self.events.windows(2).all(|w| w[0].bench_ns <= w[1].bench_ns));
        assert!(matches!(self.events[0].kind, EventKind::RunStarted { .. }));
        let EventKind::RunFinished { disposition, status, safe, .. } = last.kind else { return };
        assert_eq!(Outcome { disposition, status, safe }, self.outcome);
        ends_safely(&self.events, "a run");
        let ends = self.events.iter().filter(|e| matches!(e.kind, EventKind::StepFinished { .. })).count();
        let EventKind::RunStarted { steps, .. } = &self.events[0].kind else { return };
        assert!(ends >= steps.len());
    }

    pub(crate) fn measurements(&self) -> Vec<Measurement> {
        self.events.iter().filter_map(|e| if let EventKind::Measurement(m) = &e.kind { Some(m.clone()) } else { None }).collect()
    }

    pub(crate) fn only(&self) -> Measurement {
        let mut all = self.measurements();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    pub(crate) fn problems(&self) -> Vec<(Verdict, String)> {
        self.events
            .iter()
            .filter_map(
                |e| if let EventKind::Problem { verdict, message, .. } = &e.kind { Some((*verdict, message.clone())) } else { None },
            )
            .collect()
    }

    pub(crate) fn problem(&self) -> (Verdict, String) {
        let mut all = self.problems();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    /// The texts of all actions, in order.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|e| if let EventKind::ActionStarted { text, .. } = &e.kind { Some(text.clone()) } else { None })
            .collect()
    }

    /// Verdict and reason of each step.
    pub(crate) fn steps(&self) -> Vec<(String, Verdict, Option<String>)> {
        let end = |e: &Event| {
            if let EventKind::StepFinished { step, verdict, reason, .. } = &e.kind {
                Some((step.clone(), *verdict, reason.clone()))
            } else {
                None
            }
        };
        self.events.iter().filter_map(end).collect()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.steps()[0].1
    }

    /// The kinds of all events, as the journal names them.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.events.iter().map(kind_of).collect()
    }

    pub(crate) fn sets(&self) -> Vec<String> {
        self.world.sets.borrow().clone()
    }

    /// Bench milliseconds at the end.
    pub(crate) fn ended_ms(&self) -> u64 {
        self.events.last().map_or(0, |e| e.bench_ns / 1_000_000)
    }
}
