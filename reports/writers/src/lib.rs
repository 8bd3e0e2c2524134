//! Reports, each a fold over a run's events: the console while it runs, JUnit
//! and CSV from its journal.
//!
//! Nobody here opens a file, asks for the time or decides a verdict: what a
//! report says, an event has said.

pub mod console;
pub mod csv;
pub mod junit;
mod letters;
mod text;

pub use console::{Console, ConsoleOptions};
pub use csv::{Csv, write_csv};
pub use junit::write_junit;
