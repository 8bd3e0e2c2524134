//! HiSLIP, the protocol of instruments on port 4880 (IVI-6.1), in synchronous
//! mode: what it says ([`message`]), what a client makes of it ([`session`]), and
//! the bytes ([`Hislip`]).
//!
//! Not here: overlapped mode, secure connections, and service requests, which
//! are heard and dropped.

use tokio::io::{AsyncRead, AsyncWrite};

mod client;
pub mod message;
pub mod session;

pub use client::Hislip;
pub use message::{Decoder, Kind, Message};

/// One of its two connections.
pub type Channel<S> = crate::channel::Channel<S, Decoder>;

impl<S: AsyncRead + AsyncWrite + Unpin> Channel<S> {
    /// Appends a message that is to be sent.
    pub fn put(&mut self, message: &Message) {
        message.encode(self.out());
    }
}

/// The port, where an address names none.
pub const PORT: u16 = 4880;
