//! Whether the root future itself was called, or only the task that polls it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The root's own waker remembers the call and passes it on to the task.
pub(crate) struct Call {
    called: AtomicBool,
    task: Mutex<Waker>,
}

impl Call {
    /// Called once, to begin with.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let call = Arc::new(Self { called: AtomicBool::new(true), task: Mutex::new(Waker::noop().clone()) });
        (Arc::clone(&call), Waker::from(call))
    }

    /// Passes calls on to `task` from now on.
    pub(crate) fn passes_to(&self, task: &Waker) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).clone_from(task);
    }

    /// Whether it was called since the last time somebody asked.
    pub(crate) fn take(&self) -> bool {
        self.called.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.called.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).clone();
        task.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn remembers_a_call_and_passes_it_on() {
        let (call, waker) = Call::new();
        assert!(call.take() && !call.take(), "it is called to begin with, and once");
        let task = Arc::new(Task::default());
        call.passes_to(&Waker::from(Arc::clone(&task)));
        waker.wake_by_ref();
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        assert!(call.take() && !call.take());
    }
}
