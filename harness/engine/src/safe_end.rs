//! No path ends a run without a safe state: every event of a plan that has all
//! phases is a place where somebody interrupts, the journal fails, a part of the
//! bench dies, hangs or falls over, or the run is cut off.

use std::cell::Cell;
use std::rc::Rc;

use hil_model::{Action, Plan};
use hil_record::{Event, EventSink, SinkError};
use hil_timebase::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::header::Control;
use crate::testbench::{Behave, TestBench, World};
use crate::testdata::*;
use crate::{Engine, Sinks};

/// What happens at an event.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Blow {
    Nothing,
    Interrupt,
    /// … and again at the next event.
    InterruptTwice,
    JournalFails,
    /// From there on, every part.
    Parts(Behave),
    /// Only the safe state.
    SafeState(Behave),
    /// The future of the run is dropped, as after a panic of the world.
    CutOff,
}

const BLOWS: [Blow; 11] = [
    Blow::Interrupt,
    Blow::InterruptTwice,
    Blow::JournalFails,
    Blow::Parts(Behave::Fails),
    Blow::Parts(Behave::Hangs),
    Blow::Parts(Behave::Panics),
    Blow::SafeState(Behave::Fails),
    Blow::SafeState(Behave::Hangs),
    Blow::SafeState(Behave::Panics),
    Blow::SafeState(Behave::Unconfirmed),
    Blow::CutOff,
];

/// Setup, a step that fails, recovery, one that passes with two branches, teardown.
fn all_phases() -> Plan {
    let mut plan = plan(vec![
        step("bad", vec![watch("out", "high", "edge"), set("v", "13 V"), measure("v", limit("14 V", ""))]),
        step(
            "good",
            vec![
                act("together", Action::Together { branches: vec![vec![wait(10)], vec![act("read", read())]] }),
                expect(&[("out", is("low"))], 100, 50),
                measure("v", limit("", "14 V")),
            ],
        ),
    ]);
    plan.setup = vec![set("v", "12 V"), wait(5)];
    plan.recover = vec![set("v", "12 V")];
    plan.teardown = vec![set("v", "0 V")];
    plan
}

fn read() -> Action {
    Action::Read { signal: id("v"), name: "x".into() }
}

/// The journal of a run, and whoever listens beside it: both see every event.
struct Striker {
    at: u64,
    blow: Blow,
    world: Rc<World>,
    control: UnboundedSender<Control>,
    cut: Rc<Cell<bool>>,
    kept: Memory,
    journal: bool,
}

impl EventSink for Striker {
    fn name(&self) -> &str {
        "striker"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        let struck = event.seq == self.at;
        match self.blow {
            Blow::JournalFails if self.journal && event.seq >= self.at => {
                return Err(SinkError { sink: "journal".into(), cause: "disk full".into() });
            }
            Blow::Interrupt if struck => self.interrupt(),
            Blow::InterruptTwice if struck || event.seq == self.at + 1 => self.interrupt(),
            Blow::Parts(behave) if struck => {
                ["v", "out", "power", "open", "close", "release", "held-up"].iter().for_each(|part| self.world.behaves(part, behave))
            }
            Blow::SafeState(behave) if struck => self.world.behaves("safe-state", behave),
            Blow::CutOff if struck => self.cut.set(true),
            _ => {}
        }
        self.kept.handle(event)
    }
}

impl Striker {
    fn interrupt(&self) {
        if self.journal {
            let _ = self.control.send(Control::Interrupt { by: "SIGINT".into() });
        }
    }
}

/// What the other listener was told of a run that was struck, and how often the
/// bench was told to be safe.
fn struck(blow: Blow, at: u64) -> (Vec<Event>, u32) {
    let runtime = Runtime::virtual_time().unwrap();
    let clock = runtime.clock();
    let bench = TestBench::new(clock.clone()).signal("power", "on").signal("v", "12 V").signal("out", "low");
    let (control, receiver) = unbounded_channel();
    let told = Memory::default();
    let cut = Rc::new(Cell::new(false));
    let striker = |journal: bool, kept: Memory| {
        let (world, control, cut) = (Rc::clone(&bench.world), control.clone(), Rc::clone(&cut));
        Box::new(Striker { at, blow, world, control, cut, kept, journal })
    };
    let sinks = Sinks { journal: striker(true, Memory::default()), others: vec![striker(false, told.clone())] };
    let plan = all_phases();
    let mut engine = Engine::new(&plan, &bench, clock.clone(), sinks, header(), receiver);
    let mut ended = runtime.block_on(async {
        let mut run = Box::pin(engine.run());
        std::future::poll_fn(|cx| {
            if cut.get() {
                return std::task::Poll::Ready(None);
            }
            run.as_mut().poll(cx).map(Some)
        })
        .await
    });
    // As `hil run` does: whatever it was, until there is an outcome.
    let mut tries = 0;
    while !matches!(ended, Ok(Some(_))) {
        tries += 1;
        assert!(tries < 10, "{blow:?} at {at}: it never ends");
        ended = runtime.block_on(async { Some(engine.recover("struck").await) });
    }
    drop(engine);
    (told.events.take(), bench.world.safe_calls.get())
}

#[test]
fn no_path_ends_a_run_without_a_safe_state() {
    let (whole, _) = struck(Blow::Nothing, 0);
    let kinds: Vec<String> = whole.iter().map(kind_of).collect();
    for kind in ["phase-started", "branch-finished", "step-finished", "measurement", "stimulus", "reading"] {
        assert!(kinds.iter().any(|k| k == kind), "the plan has no {kind}");
    }
    for blow in BLOWS {
        for at in 0..whole.len() as u64 {
            let (events, safe_calls) = struck(blow, at);
            let what = format!("{blow:?} at event {at}, {}", kinds[at as usize]);
            assert!(safe_calls >= 1, "{what}: the bench was never told to be safe");
            ends_safely(&events, &what);
        }
    }
}
