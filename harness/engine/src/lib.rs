//! Runs a plan on a bench: dispatcher, steps, actions, interrupts, safe state,
//! and the check of a plan against a bench.
//!
//! Sees signals, channels and events only; never an instrument, a line or a
//! report. Reads no file and asks nobody for the time but its clock.

pub mod header;
pub mod lacking;
pub mod preflight;
pub mod ratio;
pub mod run;

mod actions;
mod computed;
mod course;
mod dispatcher;
mod early;
mod evaluate;
mod guard;
mod interlock;
mod judge;
mod names;
mod scene;
mod state;
mod step;
mod timed;
mod uncertainty;
mod wall;
mod watches;

pub use header::{Answer, Control, Expects, Operator, Question, RunHeader, Selection, Sinks};
pub use run::{Engine, Wiretap};
pub use scene::PHASE_LIMIT;

#[cfg(test)]
mod safe_end;
#[cfg(test)]
mod testbench;
#[cfg(test)]
mod testdata;
#[cfg(test)]
mod tests;
