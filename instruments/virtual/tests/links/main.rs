//! Virtual instruments on TCP, over every protocol.

mod hislip;
mod pty;
mod support;
mod tcp;
