//! The drivers of hil-client against the virtual instruments, bytes and all.

mod meters;
mod off;
mod proofs;
mod settled;
mod sources;
mod support;
mod wire;
