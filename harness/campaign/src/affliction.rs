//! Lets faults begin: a sink that waits for the step or phase of each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hil_record::{Event, EventKind, EventSink, SinkError};
use hil_timebase::{Clock, Nanos};
use hil_twin::FaultyFixture;
use hil_virtual::Instrument;

use crate::fault::{Fault, INSTRUMENT, What};

/// Whatever can suffer.
#[derive(Clone)]
pub struct Patients {
    /// By name.
    pub instruments: BTreeMap<String, Rc<Instrument>>,
    /// All lines.
    pub fixture: Rc<FaultyFixture>,
}

/// When each fault of a case began; `None` for one whose time never came.
pub(crate) type Begun = Rc<RefCell<Vec<Option<Nanos>>>>;

pub(crate) struct Affliction {
    faults: Vec<Fault>,
    /// Of each fault, whether its place has begun.
    set_off: Vec<bool>,
    pub(crate) begun: Begun,
    patients: Patients,
    clock: Clock,
}

impl Affliction {
    pub(crate) fn new(faults: &[Fault], patients: Patients, clock: Clock) -> Self {
        let (set_off, begun) = (vec![false; faults.len()], Rc::new(RefCell::new(vec![None; faults.len()])));
        Self { faults: faults.to_vec(), set_off, begun, patients, clock }
    }

    fn at(&mut self, place: &str) {
        for (index, fault) in self.faults.iter().enumerate().filter(|(_, f)| f.at == place) {
            if !std::mem::replace(&mut self.set_off[index], true) {
                let (patients, fault) = (self.patients.clone(), fault.clone());
                let (clock, begun, at) = (self.clock.clone(), Rc::clone(&self.begun), self.clock.now() + fault.after);
                tokio::task::spawn_local(async move {
                    clock.sleep_until(at).await;
                    begun.borrow_mut()[index] = Some(at);
                    patients.suffer(&fault).await;
                });
            }
        }
    }
}

impl Patients {
    async fn suffer(&self, fault: &Fault) {
        match &fault.what {
            What::Instrument(what) => {
                let name = fault.part.strip_prefix(INSTRUMENT).unwrap_or(&fault.part);
                if let Some(instrument) = self.instruments.get(name) {
                    instrument.suffer(what, fault.lasting).await;
                }
            }
            What::Line(what) => self.fixture.suffer(&fault.part, what, fault.lasting).await,
        }
    }
}

impl EventSink for Affliction {
    fn name(&self) -> &str {
        "faults"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        match &event.kind {
            EventKind::RunStarted { .. } => self.at("open"),
            EventKind::PhaseStarted { phase } => self.at(&phase.clone()),
            EventKind::StepStarted { step, .. } => self.at(&step.clone()),
            _ => {}
        }
        Ok(())
    }
}
