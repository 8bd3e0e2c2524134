//! Virtual instruments by HiSLIP (IVI-6.1), in synchronous mode. What the
//! messages are is known to `hil-client`; here is the instrument's side.

mod server;
mod session;

pub use server::listen;
