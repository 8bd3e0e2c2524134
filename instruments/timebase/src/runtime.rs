//! The runtime that a clock belongs to: an ordinary current-thread tokio
//! runtime; the virtual one is advanced from its `on_thread_park` hook.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use tokio::task::LocalSet;

use crate::alarms::Alarms;
use crate::call::Call;
use crate::clock::{Clock, Kind, RealTime};
use crate::heap::{Pace, Shared};
use crate::nanos::Nanos;

/// What moves with virtual time besides tasks: the digital twin.
pub trait World: Send {
    /// Goes to `until`, or to the earliest change up to it that somebody waits
    /// for. Adds the wakers of those who wait for that change and returns the
    /// time reached, never later than `until`. The clock still shows the old
    /// time during the call. A world that stops early must come further with
    /// each call, or add a waker. Only deadlines make time move: who waits for
    /// a change alone, with no deadline anywhere, is in a deadlock.
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
    tokio: tokio::runtime::Runtime,
    clock: Clock,
}

impl Runtime {
    /// In virtual time, as fast as it goes, without an I/O driver.
    ///
    /// # Errors
    /// The operating system's, when a runtime cannot be made.
    pub fn virtual_time() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        Ok(Self { local: LocalSet::new(), tokio: build_virtual(&shared)?, clock: Clock(Kind::Virtual(shared)) })
    }

    /// In real time.
    ///
    /// # Errors
    /// The operating system's, when a runtime cannot be made.
    pub fn real_time() -> std::io::Result<Self> {
        Self::scaled(1.0)
    }

    /// In real time with an I/O driver, bench time being `scale` times as fast:
    /// for a bench that is itself a program. A scale that is not positive and
    /// finite counts as 1.
    ///
    /// # Errors
    /// The operating system's, when a runtime cannot be made.
    pub fn scaled(scale: f64) -> std::io::Result<Self> {
        let scale = if scale > 0.0 && scale.is_finite() { scale } else { 1.0 };
        let tokio = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let real = RealTime { origin: Instant::now(), scale, alarms: Alarms::start()? };
        Ok(Self { local: LocalSet::new(), tokio, clock: Clock(Kind::Real(Arc::new(real))) })
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

    /// Paces virtual time from now on: 1.0 is real time, 10.0 ten times as
    /// fast. A factor that is not positive and finite means as fast as it goes.
    /// Unless somebody nudges, the order and times of events stay the same.
    pub fn pace(&self, factor: f64) {
        if let Kind::Virtual(shared) = &self.clock.0 {
            let mut state = shared.state();
            let paced = factor > 0.0 && factor.is_finite();
            state.pace = paced.then(|| Pace { origin: Instant::now(), origin_ns: state.now, factor });
            state.nudged = false;
        }
    }

    /// Runs `future` to its end.
    ///
    /// # Errors
    /// [`Halt::Deadlock`] when nothing can happen any more, [`Halt::Panicked`]
    /// when the world or `future` panicked. A world that panicked is detached.
    /// Either way time and spawned tasks go on in the next call, so that the
    /// bench can still be brought into a safe state. A panic in a spawned task
    /// is its `JoinHandle`'s error, not one of these.
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, Halt> {
        let shared = match &self.clock.0 {
            Kind::Real(_) => None,
            Kind::Virtual(shared) => Some(&**shared),
        };
        // Left over when an earlier root became ready at the last moment.
        let _stale = shared.and_then(|shared| shared.state().halt.take());
        let guarded = async move {
            let mut future = std::pin::pin!(future);
            let (call, waker) = Call::new();
            poll_fn(|cx| poll_root(shared, future.as_mut(), cx, &call, &waker)).await
        };
        self.local.block_on(&self.tokio, guarded)
    }
}

/// Without this neither would ever go: the clock has the runtime's wakers, and the
/// runtime's hook has the clock.
impl Drop for Runtime {
    fn drop(&mut self) {
        if let Kind::Virtual(shared) = &self.clock.0 {
            shared.let_go();
        }
    }
}

/// Polls the root if it was called, and a last time before a deadlock ends it; a
/// panic of its own stops here, so that it never unwinds tokio. Most wakes of its
/// task are not for it but for a spawned task, or bring the thread back to the hook.
fn poll_root<F: Future>(
    shared: Option<&Shared>,
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
    call: &Call,
    waker: &Waker,
) -> Poll<Result<F::Output, Halt>> {
    call.passes_to(cx.waker());
    let mut called = call.take();
    if let Some(shared) = shared {
        let mut state = shared.state();
        // Registered before the poll: a hold may end during it.
        state.root.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        // A root without its world would only stumble over what is missing.
        if let Some(halt) = state.halt.take_if(|halt| matches!(halt, Halt::Panicked { .. })) {
            return Poll::Ready(Err(halt));
        }
        called |= state.halt.is_some();
    }
    if called {
        match catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(waker)))) {
            Ok(Poll::Ready(out)) => return Poll::Ready(Ok(out)),
            Ok(Poll::Pending) => {}
            Err(payload) => return Poll::Ready(Err(Halt::Panicked { message: panic_text(payload.as_ref()) })),
        }
    }
    match shared.and_then(|shared| shared.state().halt.take()) {
        Some(halt) => Poll::Ready(Err(halt)),
        None => Poll::Pending,
    }
}

fn build_virtual(shared: &Arc<Shared>) -> std::io::Result<tokio::runtime::Runtime> {
    let hook = Arc::clone(shared);
    tokio::runtime::Builder::new_current_thread().on_thread_park(move || hook.idle()).build()
}

/// The text of a panic's payload.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".into())
}
