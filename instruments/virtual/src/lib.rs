//! Virtual instruments: SCPI bytes on one side, physics at the terminals on
//! the other.

pub mod terminals;

pub use terminals::{SourceState, Terminals};
