//! One run, from its first event to its last.

use hil_channel::Bench;
use hil_model::Plan;
use hil_record::{Disposition, Outcome, SinkError, Status};
use hil_timebase::Clock;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::header::{Control, RunHeader, Sinks};

/// One run of a plan on a bench. Its state outlives the future of
/// [`Engine::run`], so that [`Engine::recover`] can end what was cut short.
pub struct Engine<'a> {
    plan: &'a Plan,
    bench: &'a dyn Bench,
    clock: Clock,
    sinks: Sinks<'a>,
    header: RunHeader,
    control: UnboundedReceiver<Control>,
}

impl<'a> Engine<'a> {
    /// A run that has not begun; bench time counts from here.
    pub fn new(plan: &'a Plan, bench: &'a dyn Bench, clock: Clock, sinks: Sinks<'a>, header: RunHeader, control: UnboundedReceiver<Control>) -> Self {
        Self { plan, bench, clock, sinks, header, control }
    }

    /// From the first event to the last. Always ends in the safe state.
    pub async fn run(&mut self) -> Outcome {
        let _ = (&self.plan, &self.bench, &self.clock, &self.sinks, &self.header, &self.control);
        Outcome { disposition: Disposition::None, status: Status::TesterError, safe: false }
    }

    /// For when `Runtime::block_on` returned a halt instead of an outcome:
    /// records the problem, skips what is left, teardown too, and ends in the
    /// safe state. May be called again; does nothing twice.
    pub async fn recover(&mut self, message: &str) -> Outcome {
        let _ = message;
        self.run().await
    }

    /// Sinks that failed, with the first error of each, the journal included.
    /// One that failed at the last event is only known here.
    pub fn sink_failures(&self) -> Vec<SinkError> {
        Vec::new()
    }
}
