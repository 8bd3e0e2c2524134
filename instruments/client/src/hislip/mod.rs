//! HiSLIP, the protocol of instruments on port 4880 (IVI-6.1), in synchronous
//! mode: what it says ([`message`]), what a client makes of it ([`session`]), and
//! the bytes ([`channel`], [`Hislip`]).
//!
//! Not here: overlapped mode, secure connections, and service requests, which
//! are heard and dropped.

pub mod channel;
mod client;
pub mod message;
pub mod session;

pub use channel::Channel;
pub use client::Hislip;
pub use message::{Kind, Message};

/// The port, where an address names none.
pub const PORT: u16 = 4880;
