//! Reference firmware of the Smart BMS 12-200: what we read the manual to say.
//!
//! `no_std`, no allocation, no clock of its own: the board (or the twin) calls
//! [`Firmware::tick`] once a millisecond with what the sensors say and applies
//! the outputs. Knows nobody.

#![no_std]

pub mod io;
pub mod settings;

pub use io::{BtvInputs, FuseRow, Inputs, Led, Outputs, PreAlarmLine, TICK_MS};
pub use settings::{PreAlarmMode, PreAlarmUsage, RemoteFunction, Settings};
