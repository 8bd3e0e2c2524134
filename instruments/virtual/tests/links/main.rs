//! Virtual instruments on TCP, over every protocol.

mod digitizer;
mod every_link;
mod gpib;
mod messages;
mod pty;
mod scope;
mod support;
mod tcp;
