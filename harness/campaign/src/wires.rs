//! What went over the wires of a run's instruments, as far as the promises ask:
//! when each was asked something.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use hil_client::{Direction, Trace};
use hil_timebase::Nanos;

/// Queries without an answer so far, by instrument; cheap to clone.
#[derive(Clone, Default)]
pub struct Wires(Rc<RefCell<BTreeMap<String, Vec<Nanos>>>>);

impl Wires {
    /// To be told of every message.
    pub fn trace(&self) -> Trace {
        let all = Rc::clone(&self.0);
        Rc::new(move |instrument, direction, bytes, at| {
            let mut all = all.borrow_mut();
            let open = all.entry(instrument.to_owned()).or_default();
            match direction {
                Direction::Received => open.clear(),
                Direction::Sent if bytes.contains(&b'?') => open.push(at),
                Direction::Sent | Direction::Note => {}
            }
        })
    }

    /// When an instrument was asked since it last answered.
    pub fn unanswered(&self, instrument: &str) -> Vec<Nanos> {
        self.0.borrow().get(instrument).cloned().unwrap_or_default()
    }
}
