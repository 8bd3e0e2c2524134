//! Virtual instruments: SCPI bytes on one side, physics at the terminals on
//! the other.
//!
//! They behave like their models: refusals, units in replies, resolution,
//! latency, aperture, and an error of their own within the data sheet's limits,
//! drawn from a seed. [`faults`] are what they do wrong when told to. Not here:
//! the physics ([`Terminals`] is implemented by the twin).

mod ailments;
mod announcer;
mod digitizer;
mod dmm6500;
mod dummy;
pub mod faults;
mod feasa;
mod generic;
mod hislip;
mod imperfection;
mod instrument;
mod locks;
mod prologix;
mod psb;
mod pty;
mod serve;
mod tcp;
pub mod terminals;
mod tidy;
mod unit;
mod vxi11;
mod work;

pub use announcer::Announcer;
pub use dummy::Dummy;
pub use faults::InstrumentFault;
pub use hislip::listen as listen_hislip;
pub use instrument::Instrument;
pub use prologix::listen as listen_prologix;
pub use pty::Pty;
pub use serve::{Identity, Model, serve};
pub use tcp::{Clients, listen};
pub use terminals::{Light, Probes, SourceState, Terminals};
pub use vxi11::{listen as listen_vxi11, listen_gateway, portmapper};
