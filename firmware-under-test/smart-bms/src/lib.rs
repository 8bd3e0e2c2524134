//! Reference firmware of the Smart BMS 12-200: what we read the manual to say.
//!
//! `no_std`, no allocation, no clock of its own: the board (or the twin) calls
//! [`Firmware::tick`] once a millisecond with what the sensors say and applies
//! the outputs. Knows nobody.

#![no_std]

pub mod alternator;
pub mod btv;
pub mod codes;
mod firmware;
pub mod guard;
mod held;
pub mod io;
pub mod key;
pub mod lead;
pub mod leds;
pub mod limit;
pub mod maker;
pub mod page;
pub mod params;
pub mod paths;
mod raw;
pub mod remote;
pub mod rules;
pub mod settings;
mod status;
pub mod store;

pub use codes::{Code, Codes};
pub use firmware::Firmware;
pub use guard::SelfTest;
pub use io::{BtvInputs, FuseRow, Inputs, Led, Outputs, PreAlarmLine, TICK_MS};
pub use key::{KEY_BYTES, Key};
pub use maker::{Maker, MakerState};
pub use page::{PAGE_BYTES, Page, PageError, SERIAL_LENGTH, Serial, Trim};
pub use params::{ParamError, Params};
pub use rules::Rules;
pub use settings::{PreAlarmMode, PreAlarmUsage, RemoteFunction, Setting, SettingError, Settings};
pub use status::{Activity, Status};
pub use store::Slots;
