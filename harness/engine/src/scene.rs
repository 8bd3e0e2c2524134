//! What the acts of one step (or of setup, or of teardown) share: the bench,
//! the names they give to edges and values, and the watches that are armed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use hil_channel::{Bench, Channel, ChannelError, Edge, Fault, Reading};
use hil_model::{Blame, DecisionRule, FailureKind, Quantity, SignalId, SignalKind, Value};
use hil_record::{Datum, EventKind, Verdict};
use hil_timebase::{Clock, Nanos};

use crate::dispatcher::{JournalFailed, Log};
use crate::header::{Answer, Operator, Question, RunHeader};
use crate::names::{Known, Moment, Names};
use crate::uncertainty::Form;
use crate::watches::Watches;

/// What every step of a run shares.
pub(crate) struct Stage<'a> {
    pub(crate) bench: &'a dyn Bench,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) header: &'a RunHeader,
    /// How the plan's limits are decided.
    pub(crate) rule: DecisionRule,
    /// Who answers questions.
    pub(crate) operator: &'a dyn Operator,
}

impl Stage<'_> {
    /// Asks whoever is there.
    pub(crate) async fn ask(&self, question: &Question) -> Result<Answer, String> {
        self.operator.ask(question).await
    }
}

/// Why the acts of a step ended early.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Stop {
    /// A measurement said so; its event is out.
    Judged,
    /// Something that is no measurement; its event is not yet out.
    Problem(Verdict, String),
    /// A part of the bench or of the unit did not answer; its event is not yet
    /// out.
    NoCommunication(String),
    /// The journal failed: nothing may act any more.
    Journal,
}

impl Stop {
    /// The tester's fault.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::Problem(Verdict::Error, message.into())
    }
}

impl From<ChannelError> for Stop {
    fn from(e: ChannelError) -> Self {
        match e.fault {
            Fault::NoAnswer { .. } | Fault::Garbled { .. } | Fault::LinkLost { .. } | Fault::Stale { .. } => {
                Self::NoCommunication(e.to_string())
            }
            Fault::Unsupported { .. }
            | Fault::OutOfRange { .. }
            | Fault::Refused { .. }
            | Fault::Readback { .. }
            | Fault::WrongIdentity { .. }
            | Fault::WrongCable { .. }
            | Fault::NoUnit {}
            | Fault::InterlockOpen { .. } => Self::error(e.to_string()),
        }
    }
}

impl From<JournalFailed> for Stop {
    fn from(_: JournalFailed) -> Self {
        Self::Journal
    }
}

/// Longest time for which a tester may be held up and still judge the unit. As
/// long as the shortest reaction that plans judge by polling.
const HELD_UP: Duration = Duration::from_millis(100);

/// Bench time that setup may take, and a question in it or in teardown.
pub const PHASE_LIMIT: Duration = Duration::from_secs(600);

/// One step while it runs.
pub(crate) struct Scene<'a> {
    pub(crate) stage: &'a Stage<'a>,
    /// Step id, `setup` or `teardown`.
    pub(crate) step: &'a str,
    pub(crate) attempt: u32,
    pub(crate) requirements: &'a [String],
    /// Setup and teardown judge the tester, never the unit.
    pub(crate) tester_only: bool,
    /// The act that runs, for messages.
    pub(crate) act: Cell<usize>,
    /// What kind of failure ended it.
    pub(crate) failure: Cell<Option<FailureKind>>,
    /// When it began.
    pub(crate) begun: Nanos,
    /// Its acts time something.
    pub(crate) timed: bool,
    /// It was said that the tester was held up.
    pub(crate) told: Cell<bool>,
    /// When its time is over.
    pub(crate) end: Nanos,
    pub(crate) names: RefCell<Names>,
    pub(crate) watches: Watches,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(stage: &'a Stage<'a>, step: &'a str, requirements: &'a [String], tester_only: bool) -> Self {
        let names = RefCell::new(Names::new(stage.log.look().origin()));
        Self {
            stage,
            step,
            attempt: 1,
            requirements,
            tester_only,
            act: Cell::new(0),
            failure: Cell::new(None),
            begun: stage.clock.now(),
            timed: false,
            told: Cell::new(false),
            end: stage.clock.now() + PHASE_LIMIT,
            names,
            watches: Watches::default(),
        }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.stage.clock.now()
    }

    /// The channel of a signal.
    pub(crate) fn channel(&self, signal: &SignalId) -> Result<Rc<dyn Channel>, Stop> {
        let bench = self.stage.bench;
        bench.channel(signal).ok_or_else(|| Stop::error(format!("signal `{signal}` is not bound on bench `{}`", bench.name())))
    }

    pub(crate) fn kind(&self, signal: &SignalId) -> Option<&'a SignalKind> {
        self.stage.header.kinds.get(signal)
    }

    pub(crate) fn emit(&self, kind: EventKind) -> Result<(), Stop> {
        Ok(self.stage.log.emit(kind)?)
    }

    /// Bench nanoseconds since the run began.
    pub(crate) fn ns(&self, at: Nanos) -> u64 {
        self.stage.log.look().since_start(at)
    }

    /// Sets a signal and journals that it was.
    pub(crate) async fn set(&self, signal: &SignalId, value: &Value) -> Result<Edge, Stop> {
        let edge = self.channel(signal)?.set(value).await?;
        // What it took, not what it was told: a setting may be refused.
        let (datum, unit) = Datum::of(&edge.value, self.kind(signal));
        self.emit(EventKind::Stimulus {
            step: self.step.to_owned(),
            signal: signal.to_string(),
            value: datum,
            unit,
            at_ns: self.ns(edge.at),
            uncertainty_ns: u64::try_from(edge.uncertainty.as_nanos()).unwrap_or(u64::MAX),
            source: edge.source.to_string(),
        })?;
        Ok(edge)
    }

    /// Takes one reading without journalling it.
    pub(crate) async fn read(&self, signal: &SignalId) -> Result<Reading, Stop> {
        Ok(self.channel(signal)?.read().await?)
    }

    /// Journals a reading that is not judged and gives it its name.
    pub(crate) fn keep_reading(&self, name: &str, signal: &SignalId, reading: &Reading) -> Result<(), Stop> {
        let (value, unit) = Datum::of(&reading.value, self.kind(signal));
        self.emit(EventKind::Reading {
            step: self.step.to_owned(),
            name: name.to_owned(),
            signal: signal.to_string(),
            value,
            unit,
            at_ns: self.ns(reading.at),
        })?;
        self.keep_value(name, signal.as_str(), &reading.value, reading.uncertainty, reading.at);
        Ok(())
    }

    /// Gives a value of a signal its name.
    pub(crate) fn keep_value(&self, name: &str, signal: &str, value: &Value, uncertainty: Option<f64>, at: Nanos) {
        let form = uncertainty.map(|u| Form::single(&self.origin(signal), u));
        self.keep_known(name, Known { value: value.clone(), uncertainty: form, at });
    }

    /// Gives a value its name, with what its uncertainty consists of.
    pub(crate) fn keep_known(&self, name: &str, known: Known) {
        self.names.borrow_mut().add_value(name, known);
    }

    /// Whose error a reading of this signal has: signals that one part of the
    /// bench reads share it.
    fn origin(&self, signal: &str) -> String {
        let channel = self.stage.bench.channel(&SignalId::new(signal));
        channel.map_or_else(|| signal.to_owned(), |c| c.abilities().part.clone())
    }

    /// Gives an edge its name; a second of the same name is `name[1]`.
    pub(crate) fn keep_edge(&self, name: Option<&String>, edge: &Edge) {
        if let Some(name) = name {
            self.names.borrow_mut().add_edge(name, Moment { at: edge.at, uncertainty: edge.uncertainty });
            self.watches.tell(&self.names.borrow());
        }
    }

    /// A bad value's verdict.
    pub(crate) async fn bad(&self, blame: Blame) -> Result<Verdict, Stop> {
        self.stands(Verdict::Fail, blame).await
    }

    /// A verdict as it stands. What a tester saw that was held up says nothing of
    /// the unit, neither good where time matters, nor bad anywhere.
    pub(crate) async fn stands(&self, verdict: Verdict, blame: Blame) -> Result<Verdict, Stop> {
        let doubtful = match verdict {
            Verdict::Fail if blame == Blame::Tester || self.tester_only => return Ok(Verdict::Error),
            Verdict::Fail => true,
            Verdict::Pass | Verdict::Inconclusive => self.timed,
            Verdict::Skipped | Verdict::Aborted | Verdict::Error => false,
        };
        if verdict == Verdict::Fail {
            self.powered().await;
        }
        if doubtful && self.was_held_up().await? { Ok(Verdict::Error) } else { Ok(verdict) }
    }

    /// … and if so, says so once.
    async fn was_held_up(&self) -> Result<bool, Stop> {
        let held_up = self.stage.bench.held_up(self.begun).await?;
        if held_up > HELD_UP && !self.told.replace(true) {
            let message = format!(
                "the tester was held up for {} of bench time, what it found is no judgement",
                Quantity::seconds(held_up.as_secs_f64())
            );
            self.stage.log.note(EventKind::Problem { step: Some(self.step.to_owned()), verdict: Verdict::Error, message });
        }
        Ok(held_up > HELD_UP)
    }
}
