//! The runtime that a clock belongs to: an ordinary current-thread tokio
//! runtime; the virtual one is advanced from its `on_thread_park` hook.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Instant;

use tokio::task::LocalSet;

use crate::clock::{Clock, Kind};
use crate::heap::{Pace, Shared};
use crate::nanos::Nanos;

/// What moves with virtual time besides tasks: the digital twin.
pub trait World: Send {
    /// Goes to `until`, or to the earliest change before it that somebody
    /// waits for. Adds the wakers of those who wait for that change and
    /// returns the time reached, never later than `until`.
    fn advance(&mut self, until: Nanos, woken: &mut Vec<Waker>) -> Nanos;
}

/// Why a run could not go on.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Halt {
    /// No task is ready, no deadline is set and nobody outside works.
    #[error("deadlock: nothing can happen any more; waiting: {}", list(.waiting))]
    Deadlock {
        /// What the waiters said they wait for.
        waiting: Vec<String>,
    },
    /// A panic in the world or in the root task.
    #[error("panic: {message}")]
    Panicked {
        /// Its text.
        message: String,
    },
}

fn list(waiting: &[String]) -> String {
    if waiting.is_empty() { "nobody by name".into() } else { waiting.join("; ") }
}

/// One thread of tasks and its clock. Tasks spawned with
/// `tokio::task::spawn_local` live until the runtime is dropped.
pub struct Runtime {
    local: LocalSet,
    tokio: Mutex<tokio::runtime::Runtime>,
    clock: Clock,
}

impl Runtime {
    /// In virtual time, as fast as it goes, without an I/O driver.
    ///
    /// # Errors
    /// The operating system's, when a runtime cannot be made.
    pub fn virtual_time() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        Ok(Self { local: LocalSet::new(), tokio: Mutex::new(build_virtual(&shared)?), clock: Clock(Kind::Virtual(shared)) })
    }

    /// In real time.
    ///
    /// # Errors
    /// The operating system's, when a runtime cannot be made.
    pub fn real_time() -> std::io::Result<Self> {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { local: LocalSet::new(), tokio: Mutex::new(tokio), clock: Clock(Kind::Real { origin: Instant::now() }) })
    }

    /// The clock of this runtime.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Hangs a world on the virtual clock; no effect on a real one.
    pub fn attach(&self, world: Arc<Mutex<dyn World>>) {
        if let Kind::Virtual(shared) = &self.clock.0 {
            shared.set_world(Some(world));
        }
    }

    /// Paces virtual time: 1.0 is real time, 10.0 ten times as fast.
    pub fn pace(&self, factor: f64) {
        if let Kind::Virtual(shared) = &self.clock.0 {
            let mut state = shared.state();
            state.pace = Some(Pace { origin: Instant::now(), origin_ns: state.now, factor });
        }
    }

    /// Runs `future` to its end.
    ///
    /// # Errors
    /// [`Halt::Deadlock`] when nothing can happen any more, [`Halt::Panicked`]
    /// when the world or `future` panicked. After a panic the world is
    /// detached; time and tasks go on without it, so that the bench can still
    /// be brought into a safe state.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Halt> {
        let mut tokio = self.tokio.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let clock = &self.clock;
        let guarded = async move {
            let mut future = std::pin::pin!(future);
            poll_fn(|cx| {
                // Registered before the poll: a hold may end during it.
                if let Kind::Virtual(shared) = &clock.0 {
                    shared.state().root = Some(cx.waker().clone());
                }
                if let Poll::Ready(out) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(out));
                }
                if let Kind::Virtual(shared) = &clock.0 {
                    let mut state = shared.state();
                    if std::mem::take(&mut state.deadlock) {
                        return Poll::Ready(Err(Halt::Deadlock { waiting: state.waiting.values().cloned().collect() }));
                    }
                }
                Poll::Pending
            })
            .await
        };
        match catch_unwind(AssertUnwindSafe(|| self.local.block_on(&tokio, guarded))) {
            Ok(out) => out,
            Err(payload) => {
                if let Kind::Virtual(shared) = &clock.0 {
                    shared.set_world(None);
                    if let Ok(fresh) = build_virtual(shared) {
                        std::mem::replace(&mut *tokio, fresh).shutdown_background();
                    }
                }
                Err(Halt::Panicked { message: panic_text(payload.as_ref()) })
            }
        }
    }
}

fn build_virtual(shared: &Arc<Shared>) -> std::io::Result<tokio::runtime::Runtime> {
    let hook = Arc::clone(shared);
    tokio::runtime::Builder::new_current_thread().on_thread_park(move || hook.idle()).build()
}

/// The text of a panic's payload.
fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}
