//! The virtual clock's state: the present, the deadlines, who waits for what.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::nanos::Nanos;
use crate::runtime::{Halt, World, panic_text};

/// A deadline, its turn, and the order in which it was asked for.
pub(crate) type Key = (u64, Turn, u64);

/// Who goes first among equal deadlines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// A sleep: as soon as its moment comes.
    Sleep,
    /// The limit of a time-out: when nothing else can happen at its moment, so
    /// that a result that comes with it is seen whoever brings it.
    Limit,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: u64,
    next_key: u64,
    pub(crate) deadlines: BTreeMap<Key, Waker>,
    /// Work outside the runtime that keeps virtual time still.
    pub(crate) holds: usize,
    /// What tasks say they wait for, to name them in a deadlock.
    pub(crate) waiting: BTreeMap<u64, String>,
    /// Why the root task cannot go on.
    pub(crate) halt: Option<Halt>,
    /// The root task: woken when a hold ends or nothing can go on.
    pub(crate) root: Option<Waker>,
    pub(crate) pace: Option<Pace>,
    /// Empty; for the next to be woken.
    woken: Vec<Waker>,
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

    /// Virtual time that is gone at once: 20 ms of real time, at least 1 µs.
    fn stride(&self) -> u64 {
        (20e6 * self.factor).max(1e3) as u64
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

    /// Lets go of the world and of every waker: they hold the runtime, whose hook holds
    /// this.
    pub(crate) fn let_go(&self) {
        self.set_world(None);
        let mut state = self.state();
        let wakers = (state.root.take(), std::mem::take(&mut state.deadlines), std::mem::take(&mut state.woken));
        // Dropping a waker may drop its task, whose timers end here again.
        drop(state);
        drop(wakers);
    }

    /// Ends a paced wait early; the tasks then see the present.
    pub(crate) fn nudge(&self) {
        self.state().nudged = true;
        self.attention.notify_all();
    }

    /// Called when no task is ready: goes to the next deadline, or to the
    /// world's first watched change before it, and wakes whom it concerns.
    /// Unless time is held the root is woken too, else the runtime could park
    /// for ever.
    pub(crate) fn idle(&self) {
        let Some(goal) = self.next_goal() else { return };
        let Some(goal) = self.wait_for_pace(goal) else { return };
        // With the room of the last time.
        let mut woken = std::mem::take(&mut self.state().woken);
        let reached = self.advance_world(goal, &mut woken);
        let mut state = self.state();
        state.now = state.now.max(reached);
        state.take_due(reached, &mut woken);
        // Also when others are woken: a waker may belong to a future that is
        // gone by now, and then nobody would bring the thread back here.
        woken.extend(state.root.clone());
        drop(state);
        woken.drain(..).for_each(Waker::wake);
        self.state().woken = woken;
    }

    /// The first deadline; `None` while time is held, and after naming a
    /// deadlock when there is none.
    fn next_goal(&self) -> Option<u64> {
        let mut state = self.state();
        if state.holds > 0 {
            return None;
        }
        if let Some((&(at, _, _), _)) = state.deadlines.first_key_value() {
            return Some(at);
        }
        state.halt = Some(Halt::Deadlock { waiting: state.waiting.values().cloned().collect() });
        let root = state.root.clone();
        drop(state);
        if let Some(root) = root {
            root.wake();
        }
        None
    }

    /// Sleeps in real time until `goal` is due; earlier if nudged, and then
    /// returns the present instead; `None` if another thread holds time now.
    fn wait_for_pace(&self, goal: u64) -> Option<u64> {
        let mut state = self.state();
        loop {
            if state.holds > 0 {
                return None;
            }
            let Some(pace) = &state.pace else { return Some(goal) };
            // In short strides: an edge on the way shows when it happens.
            let goal = goal.min(state.now.saturating_add(pace.stride()));
            let wait = pace.until(goal);
            let present = pace.present();
            if state.nudged {
                state.nudged = false;
                return Some(goal.min(present.max(state.now)));
            }
            if wait.is_zero() {
                return Some(goal);
            }
            state = self.attention.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The time that the world reached. If it panicked: the present, and the
    /// world is detached and the root told, before a panic could unwind the
    /// runtime. The lock is left unpoisoned, for the safe state goes through
    /// instruments that look at the world.
    fn advance_world(&self, goal: u64, woken: &mut Vec<Waker>) -> u64 {
        let Some(world) = unpoisoned(&self.world).clone() else { return goal };
        match catch_unwind(AssertUnwindSafe(|| unpoisoned(&world).advance(Nanos(goal), woken))) {
            Ok(reached) => reached.0.min(goal),
            Err(payload) => {
                self.set_world(None);
                world.clear_poison();
                let mut state = self.state();
                state.halt = Some(Halt::Panicked { message: panic_text(payload.as_ref()) });
                woken.extend(state.root.clone());
                state.now
            }
        }
    }
}

impl State {
    /// Whether a deadline that is not in the heap is over.
    pub(crate) fn has_passed(&self, at: u64, turn: Turn) -> bool {
        match turn {
            Turn::Sleep => self.now >= at,
            Turn::Limit => self.now > at,
        }
    }

    /// Takes the deadlines up to `reached`; limits only if nobody else is
    /// woken.
    fn take_due(&mut self, reached: u64, woken: &mut Vec<Waker>) {
        for turn in [Turn::Sleep, Turn::Limit] {
            if turn == Turn::Limit && !woken.is_empty() {
                return;
            }
            while let Some(entry) = self.deadlines.first_entry()
                && entry.key().0 <= reached
                && entry.key().1 <= turn
            {
                woken.push(entry.remove());
            }
        }
    }

    pub(crate) fn insert(&mut self, at: u64, turn: Turn, waker: Waker) -> Key {
        self.next_key += 1;
        let key = (at, turn, self.next_key);
        self.deadlines.insert(key, waker);
        key
    }
}
