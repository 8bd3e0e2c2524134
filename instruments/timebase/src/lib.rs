//! One clock, which may be virtual.
//!
//! Everything that waits, waits on a [`Clock`]. On a real bench it is the
//! computer's, or a multiple of it, with deadlines kept by a thread of their own.
//! On the virtual bench it is a heap of deadlines in nanoseconds, advanced only
//! when no task is ready, and a [`World`] hangs on the same hook: it runs to the
//! next deadline and stops early at the first change that somebody waits for.
//!
//! This is the only room that may ask the operating system for the time.

#![expect(clippy::disallowed_methods, reason = "this is the clock's own room")]

mod alarms;
mod call;
mod clock;
mod heap;
mod hold;
mod nanos;
mod runtime;
mod waiting;

pub use clock::{Clock, Elapsed, Sleep, Timeout};
pub use hold::Hold;
pub use nanos::Nanos;
pub use runtime::{Halt, Runtime, World, panic_text};
pub use waiting::Waiting;
