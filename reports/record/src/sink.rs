//! Where events go.

use std::cell::RefCell;
use std::rc::Rc;

use crate::event::Event;

/// Takes every event, in order. One failing sink never stops the others; a
/// journal that fails ends the run.
pub trait EventSink {
    /// A name for messages: `journal`, `console`.
    fn name(&self) -> &str;

    /// Takes one event.
    ///
    /// # Errors
    /// When the event could not be taken.
    fn handle(&mut self, event: &Event) -> Result<(), SinkError>;
}

/// A sink could not take an event.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot write {sink}: {cause}")]
pub struct SinkError {
    /// Which sink, with its path where it has one.
    pub sink: String,
    /// The operating system's words.
    pub cause: String,
}

/// Keeps every event, for whoever has a clone of it.
#[derive(Clone, Debug, Default)]
pub struct Kept(Rc<RefCell<Vec<Event>>>);

impl Kept {
    /// What was kept; from then on nothing is, until the next event.
    pub fn take(&self) -> Vec<Event> {
        self.0.take()
    }
}

impl EventSink for Kept {
    fn name(&self) -> &str {
        "memory"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.0.borrow_mut().push(event.clone());
        Ok(())
    }
}
