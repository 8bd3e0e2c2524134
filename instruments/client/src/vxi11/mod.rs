//! VXI-11, the protocol of LAN instruments before HiSLIP: remote procedure calls
//! ([`rpc`], by the crate `onc-rpc`) with what they take and give ([`core`],
//! [`xdr`]) in records on TCP ([`record`]); the client is a stream ([`Vxi11`]).
//!
//! Not here: service requests, and finding instruments by broadcast.

mod client;
pub mod core;
pub mod record;
pub mod rpc;
pub mod xdr;

pub use client::Vxi11;
