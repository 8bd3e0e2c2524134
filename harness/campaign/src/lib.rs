//! Many runs of one plan: units and faults drawn from a seed, each run held
//! against what every run promises.
//!
//! Not here: files of plans and benches, and putting a bench together; the
//! command does that and hands over what it made.

pub mod affliction;
pub mod case;
pub mod declared;
pub mod draw;
pub mod fault;
pub mod promises;
pub mod ran;
pub mod tally;
pub mod wires;

pub use affliction::Patients;
pub use case::{Case, CaseError};
pub use draw::Catalog;
pub use fault::{Fault, FaultError, What};
pub use promises::{Promise, Violation, violations};
pub use ran::{Ran, run};
pub use tally::Tally;
pub use wires::Wires;
