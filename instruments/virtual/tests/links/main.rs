//! Virtual instruments on TCP, over every protocol.

mod data_log;
mod digitizer;
mod every_link;
mod gpib;
mod messages;
mod pty;
mod scope;
mod support;
mod tcp;
