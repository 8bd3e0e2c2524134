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

mod actor;
pub mod address;
pub mod channel;
pub mod dialect;
pub mod discover;
mod driver;
pub mod error;
mod health;
pub mod hislip;
mod identity;
pub mod link;
pub mod meter;
pub mod prologix;
pub mod quirks;
pub mod scpi;
pub mod serial;
mod socket;
pub mod source;
pub mod template;
pub mod usbtmc;
pub mod verb;
pub mod vxi11;

pub use address::{Address, AddressError, Ways};
pub use dialect::{Dialect, DialectError, Function, Identity, Kind};
pub use driver::{Confirmed, Reading};
pub use error::{ClientError, ErrorKind};
pub use link::{Beside, Direction, Lane, Link, LinkSettings, Stream, Trace};
pub use meter::Meter;
pub use source::{Protection, Source};
