//! The clock that everything waits on.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::alarms::{Alarm, Alarms};
use crate::heap::{Key, Shared, Turn};
use crate::hold::Hold;
use crate::nanos::Nanos;
use crate::waiting::Waiting;

/// Real or virtual; cheap to clone; one a runtime.
#[derive(Clone)]
pub struct Clock(pub(crate) Kind);

#[derive(Clone)]
pub(crate) enum Kind {
    Real(Arc<RealTime>),
    Virtual(Arc<Shared>),
}

/// Bench time as a multiple of real time since `origin`.
pub(crate) struct RealTime {
    pub(crate) origin: Instant,
    /// Bench time a real time.
    pub(crate) scale: f64,
    pub(crate) alarms: Arc<Alarms>,
}

impl RealTime {
    fn now(&self) -> u64 {
        (self.origin.elapsed().as_nanos() as f64 * self.scale) as u64
    }

    /// The moment at which bench time has reached `at`; never before it.
    fn instant(&self, at: u64) -> Instant {
        let real = (at as f64 / self.scale).ceil();
        // A deadline beyond a century is none.
        self.origin + Duration::from_nanos(real.min(3e18) as u64)
    }
}

/// A deadline passed before the future was ready.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("deadline passed")]
pub struct Elapsed;

impl Clock {
    /// The present.
    pub fn now(&self) -> Nanos {
        match &self.0 {
            Kind::Real(real) => Nanos(real.now()),
            Kind::Virtual(shared) => Nanos(shared.state().now),
        }
    }

    /// Whether time is virtual.
    pub const fn is_virtual(&self) -> bool {
        matches!(self.0, Kind::Virtual(_))
    }

    /// How many times as fast as real time a real clock runs; 1 for a virtual
    /// one, whose partners live in its own time.
    pub fn scale(&self) -> f64 {
        match &self.0 {
            Kind::Real(real) => real.scale,
            Kind::Virtual(_) => 1.0,
        }
    }

    /// A limit for a partner outside: `limit`, but on a clock that runs faster
    /// than real time not shorter than `real` time, for a process on the other
    /// side answers in real time. Never longer than `limit` in real time.
    pub fn patience(&self, limit: Duration, real: Duration) -> Duration {
        limit.max(limit.min(real).mul_f64(self.scale()))
    }

    /// So much real time, in bench time; the same on a virtual clock.
    pub fn real(&self, real: Duration) -> Duration {
        real.mul_f64(self.scale())
    }

    /// Waits until `at`; ready at once if it has passed.
    pub fn sleep_until(&self, at: Nanos) -> Sleep {
        Sleep(match &self.0 {
            Kind::Real(real) => Inner::Real { real: Arc::clone(real), at: at.0, alarm: None },
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
            Kind::Real(_) => None,
            Kind::Virtual(shared) => Some(Arc::clone(shared)),
        })
    }

    /// `future`, under a name by which a deadlock would call it.
    pub fn waiting<F: Future>(&self, label: impl Into<String>, future: F) -> Waiting<F> {
        Waiting::new(
            match &self.0 {
                Kind::Real(_) => None,
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
    Real { real: Arc<RealTime>, at: u64, alarm: Option<Alarm> },
    Virtual { shared: Arc<Shared>, at: u64, turn: Turn, key: Option<Key> },
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Inner::Real { real, at, alarm } => {
                if alarm.is_some_and(|alarm| real.alarms.renew(alarm, cx.waker())) {
                    return Poll::Pending;
                }
                if real.now() >= *at {
                    *alarm = None;
                    return Poll::Ready(());
                }
                *alarm = Some(real.alarms.set(real.instant(*at), cx.waker().clone()));
                Poll::Pending
            }
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
        match &self.0 {
            Inner::Virtual { shared, key: Some(key), .. } => {
                let waker = shared.state().deadlines.remove(key);
                drop(waker);
            }
            Inner::Real { real, alarm: Some(alarm), .. } => real.alarms.clear(*alarm),
            Inner::Virtual { key: None, .. } | Inner::Real { alarm: None, .. } => {}
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
