//! Links to instruments, SCPI, and drivers that dialect files describe.
//!
//! A [`Link`] owns the bytes to one instrument, a [`Dialect`] says how its
//! model wants to be spoken to, and [`Source`] and [`Meter`] are what a bench
//! works with. Every write is verified by the error queue and by read-back.
//!
//! [`Address`] opens raw TCP sockets, HiSLIP, VXI-11, serial ports, USB and GPIB; whoever
//! puts a bench together may hand any other open stream to [`Link::spawn`].
//!
//! Not here: what an instrument is for.

pub mod ability;
mod actor;
pub mod address;
pub mod adopted;
pub mod channel;
pub mod command;
pub mod data_log;
mod data_log_facts;
mod data_log_reader;
mod data_log_time;
pub mod dialect;
mod dialect_reader;
pub mod digitizer;
mod digitizer_reader;
pub mod discover;
mod driver;
pub mod error;
mod health;
pub mod hislip;
mod identity;
mod inbox;
pub mod led;
pub mod link;
pub mod meter;
pub mod prologix;
pub mod quirks;
mod quirks_reader;
pub mod samples;
pub mod scope;
pub mod scpi;
pub mod serial;
mod socket;
pub mod source;
pub mod template;
pub mod trial;
pub mod usbtmc;
pub mod verb;
pub mod vxi11;
#[cfg(test)]
mod wrong_dialects;

pub use address::{Address, AddressError, Ways};
pub use data_log::DataLog;
pub use data_log_facts::DataLogFacts;
pub use dialect::{Dialect, Function, Identity, Kind};
pub use digitizer::{Digitizer, DigitizerFacts};
pub use driver::{Confirmed, Reading};
pub use error::{ClientError, ErrorKind};
pub use led::LedAnalyser;
pub use link::{Beside, Direction, Lane, Link, LinkSettings, Stream, Trace};
pub use meter::Meter;
pub use samples::Samples;
pub use scope::Scope;
pub use source::{Load, Protection, Source};
