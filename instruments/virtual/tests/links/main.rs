//! Virtual instruments on TCP, over every protocol.

mod hislip;
mod support;
mod tcp;
