//! Deadlines of the real clock, kept by a thread of their own.
//!
//! Tokio's timers count in milliseconds. On a bench whose time runs ten times as
//! fast as real time that would be ten milliseconds of the bench, as long as a
//! supply's gap between two messages; a condition variable is good to some tens
//! of microseconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::Instant;

/// A deadline, and the order in which it was asked for.
pub(crate) type Alarm = (Instant, u64);

#[derive(Default)]
struct State {
    next: u64,
    due: BTreeMap<Alarm, Waker>,
    /// The thread looks again by itself then; `None`: not before it is told.
    looks: Option<Instant>,
    closed: bool,
}

/// All deadlines of one clock; the thread ends with the last handle.
pub(crate) struct Alarms(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    earlier: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Alarms {
    /// Starts the thread.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let shared = Arc::new(Shared::default());
        let thread = Arc::downgrade(&shared);
        std::thread::Builder::new().name("alarms".into()).spawn(move || ring(&thread))?;
        Ok(Arc::new(Self(shared)))
    }

    /// Wakes `waker` at `at`.
    pub(crate) fn set(&self, at: Instant, waker: Waker) -> Alarm {
        let mut state = self.0.state();
        state.next += 1;
        let alarm = (at, state.next);
        state.due.insert(alarm, waker);
        // Most alarms are deadlines of replies that come sooner: the thread is not
        // woken for each of them, but looks after what is left when one has passed.
        let sooner = state.looks.is_none_or(|looks| at < looks);
        if sooner {
            state.looks = Some(at);
        }
        drop(state);
        if sooner {
            self.0.earlier.notify_one();
        }
        alarm
    }

    /// Another waker for the same alarm; false if it has rung.
    pub(crate) fn renew(&self, alarm: Alarm, waker: &Waker) -> bool {
        let mut state = self.0.state();
        let waiting = state.due.get_mut(&alarm);
        waiting.map(|w| w.clone_from(waker)).is_some()
    }

    /// Forgets an alarm.
    pub(crate) fn clear(&self, alarm: Alarm) {
        let waker = self.0.state().due.remove(&alarm);
        drop(waker);
    }
}

impl Drop for Alarms {
    fn drop(&mut self) {
        self.0.state().closed = true;
        self.0.earlier.notify_one();
    }
}

fn ring(shared: &Weak<Shared>) {
    let mut rung = Vec::new();
    while let Some(shared) = shared.upgrade() {
        let mut state = shared.state();
        let now = Instant::now();
        while let Some(first) = state.due.first_entry()
            && first.key().0 <= now
        {
            rung.push(first.remove());
        }
        if rung.is_empty() {
            if state.closed {
                return;
            }
            let next = state.due.first_key_value().map(|((at, _), _)| *at);
            state.looks = next;
            let waited = match next {
                Some(at) => shared.earlier.wait_timeout(state, at.duration_since(now)).map(|w| w.0).map_err(|e| e.into_inner().0),
                None => shared.earlier.wait(state).map_err(PoisonError::into_inner),
            };
            drop(waited.unwrap_or_else(|state| state));
        } else {
            drop(state);
            rung.drain(..).for_each(Waker::wake);
        }
    }
}
