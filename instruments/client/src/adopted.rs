//! A port that somebody else opened and set, by its descriptor.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;

use rustix::fs::OFlags;
use tokio::io::{Join, join};
use tokio::net::unix::pipe::{Receiver, Sender};

use crate::link::Stream;

/// One more descriptor of a port, to be given away. As long as anybody has it the
/// port is not hung up: its lines stay as they are, and an instrument that starts
/// anew when they fall does not.
///
/// # Errors
/// The operating system's.
pub fn spare(device: &str) -> io::Result<OwnedFd> {
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits().cast_signed();
    Ok(OpenOptions::new().read(true).write(true).custom_flags(flags).open(device)?.into())
}

/// The bytes of a port that was opened by [`spare`]; how it is set stays as it is.
/// Each way is a pipe to tokio: all it needs of one is that it does not block.
pub type Adopted = Join<Receiver, Sender>;

/// Needs a runtime with an I/O driver.
///
/// # Errors
/// The operating system's: not a port, nor a pipe.
pub fn adopt(port: OwnedFd) -> io::Result<Adopted> {
    let other_way = port.try_clone()?;
    Ok(join(Receiver::from_owned_fd_unchecked(port)?, Sender::from_owned_fd_unchecked(other_way)?))
}

impl Stream for Adopted {}
