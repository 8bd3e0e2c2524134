//! The virtual clock's state: the present, the deadlines, who waits for what.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::nanos::Nanos;
use crate::runtime::World;

/// A deadline and the order in which it was asked for.
pub(crate) type Key = (u64, u64);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: u64,
    next_key: u64,
    pub(crate) deadlines: BTreeMap<Key, Waker>,
    /// Work outside the runtime that keeps virtual time still.
    pub(crate) holds: usize,
    /// What tasks say they wait for, to name them in a deadlock.
    pub(crate) waiting: BTreeMap<u64, String>,
    pub(crate) deadlock: bool,
    /// The root task: woken when a hold ends or nothing can go on.
    pub(crate) root: Option<Waker>,
    pub(crate) pace: Option<Pace>,
    /// Somebody outside wants attention: stop a paced wait.
    pub(crate) nudged: bool,
}

/// Real time as a multiple of virtual time.
pub(crate) struct Pace {
    pub(crate) origin: Instant,
    pub(crate) origin_ns: u64,
    pub(crate) factor: f64,
}

impl Pace {
    /// The virtual present that real time has reached.
    fn present(&self) -> u64 {
        self.origin_ns + (self.origin.elapsed().as_nanos() as f64 * self.factor) as u64
    }

    /// Real time from now to virtual `at`.
    fn until(&self, at: u64) -> Duration {
        let due = Duration::from_nanos((at.saturating_sub(self.origin_ns) as f64 / self.factor) as u64);
        due.saturating_sub(self.origin.elapsed())
    }
}

#[derive(Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    attention: Condvar,
    world: Mutex<Option<Arc<Mutex<dyn World>>>>,
}

fn unpoisoned<T: ?Sized>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        unpoisoned(&self.state)
    }

    pub(crate) fn set_world(&self, world: Option<Arc<Mutex<dyn World>>>) {
        *unpoisoned(&self.world) = world;
    }

    /// Ends a paced wait early; the tasks then see the present.
    pub(crate) fn nudge(&self) {
        self.state().nudged = true;
        self.attention.notify_all();
    }

    /// Called when no task is ready: goes to the next deadline, or to the
    /// world's first watched change before it, and wakes whom it concerns.
    pub(crate) fn idle(&self) {
        let Some(goal) = self.next_goal() else { return };
        let goal = self.wait_for_pace(goal);
        let mut woken = Vec::new();
        let reached = self.advance_world(goal, &mut woken);
        let mut state = self.state();
        state.now = state.now.max(reached);
        while let Some(entry) = state.deadlines.first_entry() {
            if entry.key().0 > reached {
                break;
            }
            woken.push(entry.remove());
        }
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The first deadline; `None` while time is held, and after naming a
    /// deadlock when there is none.
    fn next_goal(&self) -> Option<u64> {
        let mut state = self.state();
        if state.holds > 0 {
            return None;
        }
        if let Some((&(at, _), _)) = state.deadlines.first_key_value() {
            return Some(at);
        }
        state.deadlock = true;
        let root = state.root.take();
        drop(state);
        if let Some(root) = root {
            root.wake();
        }
        None
    }

    /// Sleeps in real time until `goal` is due; earlier if nudged, and then
    /// returns the present instead.
    fn wait_for_pace(&self, goal: u64) -> u64 {
        let mut state = self.state();
        loop {
            let Some(pace) = &state.pace else { return goal };
            let wait = pace.until(goal);
            let present = pace.present();
            if state.nudged {
                state.nudged = false;
                return goal.min(present.max(state.now));
            }
            if wait.is_zero() {
                return goal;
            }
            state = self.attention.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn advance_world(&self, goal: u64, woken: &mut Vec<Waker>) -> u64 {
        let world = unpoisoned(&self.world).clone();
        match world {
            Some(world) => unpoisoned(&world).advance(Nanos(goal), woken).0.min(goal),
            None => goal,
        }
    }
}

impl State {
    pub(crate) fn insert(&mut self, at: u64, waker: Waker) -> Key {
        self.next_key += 1;
        let key = (at, self.next_key);
        self.deadlines.insert(key, waker);
        key
    }
}
