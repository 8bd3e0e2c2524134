//! The one owner of a run's state: numbers and stamps every event, gives it to
//! the journal first, then to the other sinks, and folds it into the state.
//! Decides nothing.

use std::cell::{Ref, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use hil_model::Secrets;
use hil_model::secrets::HIDDEN;
use hil_record::{Event, EventKind, EventSink, SinkError, Verdict};
use hil_timebase::{Clock, Nanos, panic_text};

use crate::header::{RunHeader, Sinks};
use crate::state::State;
use crate::wall::rfc3339;

/// The journal could not take an event: nothing may act any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JournalFailed;

/// Owns the state and the sinks.
pub(crate) struct Dispatcher {
    sinks: Sinks,
    clock: Clock,
    origin: Nanos,
    wall_start_ns: i128,
    /// Wall time of the last event, by its bench time: many happen at once.
    wall: (u64, String),
    secrets: Secrets,
    seq: u64,
    pub(crate) state: State,
    journal_failed: bool,
    /// First error of each sink that failed, with its index among the others.
    failures: Vec<(Option<usize>, SinkError)>,
}

impl Dispatcher {
    pub(crate) fn new(sinks: Sinks, clock: Clock, header: &RunHeader) -> Self {
        let (origin, wall_start_ns, secrets) = (clock.now(), header.wall_start_ns, header.secrets.clone());
        let (wall, state, failures) = ((0, rfc3339(wall_start_ns)), State::default(), Vec::new());
        Self { sinks, clock, origin, wall_start_ns, wall, secrets, seq: 0, state, journal_failed: false, failures }
    }

    /// Numbers, stamps, journals, tells and folds one event. What the journal
    /// refused is still told to the others, so that people see why.
    ///
    /// # Errors
    /// When the journal fails or has failed before.
    pub(crate) fn handle_event(&mut self, mut kind: EventKind) -> Result<(), JournalFailed> {
        self.hide(&mut kind);
        let event = self.stamp(kind);
        let known = self.failures.len();
        self.tell_journal(&event);
        self.tell_others(&event);
        self.state.fold(&event.kind);
        // Nothing may follow the last event; the caller asks for failures.
        if self.state.outcome.is_none() {
            let fresh: Vec<String> = self.failures[known..].iter().map(|(_, e)| e.to_string()).collect();
            for message in fresh {
                // A sink fails for the first time only once: this ends.
                let _ = self.handle_event(EventKind::Problem { step: None, verdict: Verdict::Error, message });
            }
        }
        if self.journal_failed { Err(JournalFailed) } else { Ok(()) }
    }

    /// Here, and nowhere later: what no event says, no journal, console or
    /// report can.
    fn hide(&mut self, kind: &mut EventKind) {
        if self.secrets.is_empty() {
            return;
        }
        if let Some((signal, values)) = kind.told_value()
            && self.secrets.covers(signal)
        {
            for value in values {
                // A problem may repeat what was read.
                self.secrets.learn(value);
                HIDDEN.clone_into(value);
            }
        }
        kind.change_texts(&mut |text| {
            if let Some(hidden) = self.secrets.hide(text) {
                *text = hidden;
            }
        });
    }

    fn stamp(&mut self, kind: EventKind) -> Event {
        let bench_ns = self.since_start(self.clock.now());
        let seq = self.seq;
        self.seq += 1;
        if self.wall.0 != bench_ns {
            self.wall = (bench_ns, rfc3339(self.wall_start_ns + i128::from(bench_ns)));
        }
        Event { seq, bench_ns, wall: self.wall.1.clone(), kind }
    }

    fn tell_journal(&mut self, event: &Event) {
        // A journal with a gap would be worse than one that ends.
        if self.journal_failed {
            return;
        }
        if let Err(error) = tell(self.sinks.journal.as_mut(), event) {
            self.journal_failed = true;
            self.failures.push((None, error));
        }
    }

    fn tell_others(&mut self, event: &Event) {
        for (index, sink) in self.sinks.others.iter_mut().enumerate() {
            if let Err(error) = tell(sink.as_mut(), event)
                && !self.failures.iter().any(|(i, _)| *i == Some(index))
            {
                self.failures.push((Some(index), error));
            }
        }
    }

    /// Bench nanoseconds since the run began.
    pub(crate) fn since_start(&self, at: Nanos) -> u64 {
        at.0.saturating_sub(self.origin.0)
    }

    /// When the run began.
    pub(crate) const fn origin(&self) -> Nanos {
        self.origin
    }

    pub(crate) const fn journal_failed(&self) -> bool {
        self.journal_failed
    }

    pub(crate) fn failures(&self) -> Vec<SinkError> {
        self.failures.iter().map(|(_, e)| e.clone()).collect()
    }
}

/// Gives one event to one sink; its panic is its failure.
fn tell(sink: &mut dyn EventSink, event: &Event) -> Result<(), SinkError> {
    catch_unwind(AssertUnwindSafe(|| sink.handle(event))).unwrap_or_else(|payload| {
        Err(SinkError { sink: sink.name().to_owned(), cause: format!("panic: {}", panic_text(payload.as_ref())) })
    })
}

/// A handle to the dispatcher, shared by whatever acts.
#[derive(Clone)]
pub(crate) struct Log(Rc<RefCell<Dispatcher>>);

impl Log {
    pub(crate) fn new(dispatcher: Dispatcher) -> Self {
        Self(Rc::new(RefCell::new(dispatcher)))
    }

    /// Journals an event before something acts on it.
    ///
    /// # Errors
    /// When the journal fails or has failed: then nothing may act.
    pub(crate) fn emit(&self, kind: EventKind) -> Result<(), JournalFailed> {
        self.0.borrow_mut().handle_event(kind)
    }

    /// Notes an event on which nothing will act; a failing journal is
    /// remembered by the dispatcher.
    pub(crate) fn note(&self, kind: EventKind) {
        let _ = self.emit(kind);
    }

    /// For a short look; never across an await.
    pub(crate) fn look(&self) -> Ref<'_, Dispatcher> {
        self.0.borrow()
    }
}
