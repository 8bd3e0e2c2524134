//! Virtual instruments on TCP, over every protocol.

mod messages;
mod pty;
mod support;
mod tcp;
