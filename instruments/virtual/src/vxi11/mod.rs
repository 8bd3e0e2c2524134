//! Virtual instruments by VXI-11. What the calls are is known to `hil-client`;
//! here is the instrument's side.
//!
//! Not here: service requests (`create_intr_chan` and `device_enable_srq` are
//! refused).

mod link;
pub mod portmapper;
mod server;
mod session;

pub use server::{listen, listen_gateway};
