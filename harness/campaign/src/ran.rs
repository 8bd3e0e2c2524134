//! One run of a case, and what is known of it.

use std::rc::Rc;
use std::time::Duration;

use hil_channel::Bench;
use hil_engine::{Engine, RunHeader, Sinks};
use hil_model::Plan;
use hil_record::{Event, Kept, Outcome};
use hil_timebase::{Nanos, Runtime};
use hil_twin::{StudPower, Twin};

use crate::affliction::{Affliction, Patients};
use crate::case::Case;
use crate::fault::INSTRUMENT;
use crate::wires::Wires;

/// What a run came to, and the truth beside it.
#[derive(Clone, PartialEq, Debug)]
pub struct Ran {
    /// `None`: the safe state could not be reached.
    pub outcome: Option<Outcome>,
    /// Its journal.
    pub events: Vec<Event>,
    /// What stood at the studs at its end, as the twin says.
    pub studs: [StudPower; 3],
    /// How each fault went, in the case's order.
    pub faults: Vec<Suffered>,
    /// Bench time of its end.
    pub end: Nanos,
}

/// How a fault went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suffered {
    /// When it began; `None` if the run never came so far.
    pub begun: Option<Nanos>,
    /// When it was over, if it was.
    pub over: Option<Nanos>,
    /// When its part was asked and did not answer, to the end of the run.
    pub unanswered: Vec<Nanos>,
}

impl Ran {
    /// As `hil run` would end.
    pub fn exit_code(&self) -> u8 {
        self.outcome.map_or(6, Outcome::exit_code)
    }
}

impl Suffered {
    /// Whether it lasted at some moment from `from` to `to`.
    pub fn within(&self, from: Nanos, to: Nanos) -> bool {
        self.begun.is_some_and(|begun| begun <= to) && self.over.is_none_or(|over| over >= from)
    }
}

/// Runs `plan` on a fresh bench that can suffer, through panics and deadlocks.
pub fn run(
    runtime: &Runtime,
    plan: &Plan,
    bench: &dyn Bench,
    header: RunHeader,
    case: &Case,
    (patients, twin, wires): (Patients, &Twin, &Wires),
) -> Ran {
    let (_control, receiver) = tokio::sync::mpsc::unbounded_channel();
    let kept = Kept::default();
    let affliction = Affliction::new(&case.faults, patients.clone(), runtime.clock());
    let begun = Rc::clone(&affliction.begun);
    let sinks = Sinks { journal: Box::new(kept.clone()), others: vec![Box::new(affliction)] };
    let mut engine = Engine::new(plan, bench, runtime.clock(), sinks, header, receiver);
    let mut ended = runtime.block_on(engine.run());
    for _ in 0..3 {
        if let Err(halt) = &ended {
            let halt = halt.to_string();
            ended = runtime.block_on(engine.recover(&halt));
        }
    }
    let end = runtime.clock().now();
    let begun = begun.borrow();
    let faults = case.faults.iter().zip(&*begun).map(|(fault, begun)| {
        let unanswered = match fault.part.strip_prefix(INSTRUMENT) {
            Some(name) => wires.unanswered(name),
            None => patients.fixture.unanswered(&fault.part),
        };
        let over = begun.and_then(|b| fault.lasting.map(|lasting: Duration| b + lasting)).filter(|over| *over <= end);
        Suffered { begun: *begun, over, unanswered }
    });
    Ran { outcome: ended.ok(), events: kept.take(), studs: twin.power(), faults: faults.collect(), end }
}
