//! Virtual instruments: SCPI bytes on one side, physics at the terminals on
//! the other.
//!
//! They behave like their models: refusals, units in replies, resolution,
//! latency, aperture, and an error of their own within the data sheet's limits,
//! drawn from a seed. Not here: faults of the link, and the physics
//! ([`Terminals`] is implemented by the twin).

mod dmm6500;
mod imperfection;
mod instrument;
mod psb;
mod serve;
mod tcp;
pub mod terminals;
mod tidy;
mod unit;

pub use instrument::Instrument;
pub use serve::{Identity, Model, serve};
pub use tcp::{Clients, listen};
pub use terminals::{SourceState, Terminals};
