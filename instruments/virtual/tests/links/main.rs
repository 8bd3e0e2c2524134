//! Virtual instruments on TCP, over every protocol.

mod gpib;
mod messages;
mod pty;
mod support;
mod tcp;
