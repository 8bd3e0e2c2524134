//! What was wrong with a link so far, also where nobody heard of it: questions
//! of a task that looks on may end in errors that nobody waits for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use hil_timebase::Nanos;

use crate::scpi::ErrorEntry;

/// So many late answers are remembered.
const KEPT: usize = 256;

/// An answer this much later than its model's usual one counts as late. Limits
/// of reactions that are judged by polling are longer.
pub(crate) const LATE: Duration = Duration::from_millis(100);

/// The same in real time, where bench time runs faster.
pub(crate) const LATE_REAL: Duration = Duration::from_millis(100);

/// Shared by a link's task and its handles.
#[derive(Default)]
pub(crate) struct Health {
    /// When question and answer last came apart, or the link was lost.
    trouble: Cell<Option<Nanos>>,
    /// When the answer that is waited for is due.
    due: Cell<Option<Nanos>>,
    /// When answers came that were late, and by how much.
    late: RefCell<VecDeque<(Nanos, Duration)>>,
    /// The last entries of the error queue that a clearing dropped.
    dropped: RefCell<Vec<String>>,
}

impl Health {
    pub(crate) fn trouble(&self, at: Nanos) {
        self.trouble.set(Some(at));
        self.due.set(None);
    }

    pub(crate) fn dropped(&self, errors: &[ErrorEntry]) {
        *self.dropped.borrow_mut() = errors.iter().map(ToString::to_string).collect();
    }

    pub(crate) fn take_dropped(&self) -> Vec<String> {
        self.dropped.take()
    }

    pub(crate) fn wait(&self, due: Nanos) {
        self.due.set(Some(due));
    }

    pub(crate) fn answered(&self, at: Nanos) {
        let by = self.due.take().map_or(Duration::ZERO, |due| at.since(due));
        if by > LATE {
            let mut late = self.late.borrow_mut();
            if late.len() == KEPT {
                late.pop_front();
            }
            late.push_back((at, by));
        }
    }

    pub(crate) fn trouble_since(&self, since: Nanos) -> bool {
        self.trouble.get().is_some_and(|at| at >= since)
    }

    /// The latest answer by more than `most` since `since`, the one that is
    /// waited for included.
    pub(crate) fn latest(&self, since: Nanos, now: Nanos, most: Duration) -> Option<Duration> {
        let present = self.due.get().map(|due| now.since(due));
        let late = self.late.borrow();
        let past = late.iter().rev().take_while(|(at, _)| *at >= since).map(|(_, by)| *by);
        past.chain(present).max().filter(|by| *by > most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn the_latest_answer_since_then_and_the_one_that_is_waited_for() {
        let health = Health::default();
        for (due, answered) in [(10, 20), (100, 350), (400, 520)] {
            health.wait(at(due));
            health.answered(at(answered));
        }
        assert_eq!(health.latest(at(0), at(600), LATE), Some(ms(250)));
        assert_eq!(health.latest(at(351), at(600), LATE), Some(ms(120)));
        assert_eq!(health.latest(at(351), at(600), ms(200)), None);
        assert_eq!(health.latest(at(521), at(600), LATE), None);
        health.wait(at(600));
        assert_eq!(health.latest(at(521), at(900), LATE), Some(ms(300)));
    }

    #[test]
    fn trouble_is_remembered() {
        let health = Health::default();
        assert!(!health.trouble_since(at(0)));
        health.trouble(at(5));
        assert!(health.trouble_since(at(5)) && !health.trouble_since(at(6)));
    }
}
