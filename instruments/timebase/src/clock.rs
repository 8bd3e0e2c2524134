//! The clock that everything waits on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::heap::{Key, Shared, Turn};
use crate::hold::Hold;
use crate::nanos::Nanos;
use crate::waiting::Waiting;

/// Real or virtual; cheap to clone; one a runtime.
#[derive(Clone)]
pub struct Clock(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Real { origin: Instant },
    Virtual(Arc<Shared>),
}

/// A deadline passed before the future was ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("deadline passed")]
pub struct Elapsed;

impl Clock {
    /// The present.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            Kind::Real { origin } => Nanos(u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)),
            Kind::Virtual(shared) => Nanos(shared.state().now),
        }
    }

    /// Whether time is virtual.
    pub const fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual(_))
    }

    /// Waits until `at`; ready at once if it has passed.
    pub fn sleep_until(&self, at: Nanos) -> Sleep {
        Sleep(match &self.0 {
            Kind::Real { origin } => {
                let due = tokio::time::Instant::from_std(*origin + Duration::from_nanos(at.0));
                Inner::Real(Box::pin(tokio::time::sleep_until(due)))
            }
            Kind::Virtual(shared) => Inner::Virtual { shared: Arc::clone(shared), at: at.0, turn: Turn::Sleep, key: None },
        })
    }

    /// Waits for `duration`.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        self.sleep_until(self.now() + duration)
    }

    /// `future`, or [`Elapsed`] if it is not ready after `limit`, counted from
    /// this call. A result that comes with the deadline wins: the future is
    /// polled first, and in virtual time the limit passes only when nothing
    /// else can happen at that moment.
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> Timeout<F> {
        let mut sleep = self.sleep(limit);
        if let Inner::Virtual { turn, .. } = &mut sleep.0 {
            *turn = Turn::Limit;
        }
        Timeout { sleep, future: Box::pin(future) }
    }

    /// Keeps virtual time still while work goes on outside the runtime (a
    /// thread, a process, a socket). Whoever does that work hands its result
    /// over before it drops the hold. No effect on a real clock.
    pub fn hold(&self) -> Hold {
        Hold::new(match &self.0 {
            Kind::Real { .. } => None,
            Kind::Virtual(shared) => Some(Arc::clone(shared)),
        })
    }

    /// `future`, under a name by which a deadlock would call it.
    pub fn waiting<F: Future>(&self, label: impl Into<String>, future: F) -> Waiting<F> {
        Waiting::new(
            match &self.0 {
                Kind::Real { .. } => None,
                Kind::Virtual(shared) => Some(Arc::clone(shared)),
            },
            label.into(),
            future,
        )
    }

    /// From another thread: end a paced wait now, because a message has been
    /// sent to a task. No effect on a real clock or without a pace.
    pub fn nudge(&self) {
        if let Kind::Virtual(shared) = &self.0 {
            shared.nudge();
        }
    }
}

/// Made by [`Clock::sleep`].
pub struct Sleep(Inner);

enum Inner {
    Real(Pin<Box<tokio::time::Sleep>>),
    Virtual { shared: Arc<Shared>, at: u64, turn: Turn, key: Option<Key> },
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Inner::Real(sleep) => sleep.as_mut().poll(cx),
            Inner::Virtual { shared, at, turn, key } => {
                let mut state = shared.state();
                let waiting = key.and_then(|k| state.deadlines.get_mut(&k));
                if let Some(waker) = waiting {
                    // Only the hook takes it out, when its turn has come.
                    waker.clone_from(cx.waker());
                    return Poll::Pending;
                }
                if key.take().is_some() || state.has_passed(*at, *turn) {
                    return Poll::Ready(());
                }
                *key = Some(state.insert(*at, *turn, cx.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Inner::Virtual { shared, key: Some(key), .. } = &self.0 {
            let waker = shared.state().deadlines.remove(key);
            drop(waker);
        }
    }
}

/// Made by [`Clock::timeout`].
pub struct Timeout<F> {
    sleep: Sleep,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(out) = self.future.as_mut().poll(cx) {
            return Poll::Ready(Ok(out));
        }
        Pin::new(&mut self.sleep).poll(cx).map(|()| Err(Elapsed))
    }
}
