//! Virtual instruments on pseudo-terminals, as on serial ports.

use std::rc::Rc;

use hil_client::Address;
use tokio_serial::{SerialPort as _, SerialStream};

use crate::instrument::Instrument;

/// A pseudo-terminal, and where its user finds it.
pub struct Pty {
    ours: SerialStream,
    /// Open, so that whoever closes the port can be followed by another.
    _theirs: SerialStream,
    address: Address,
}

impl Pty {
    /// Needs a runtime with an I/O driver.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open() -> std::io::Result<Self> {
        let (ours, mut theirs) = SerialStream::pair()?;
        theirs.set_exclusive(false)?;
        let device = theirs.name().ok_or(std::io::ErrorKind::NotFound)?;
        Ok(Self { ours, _theirs: theirs, address: Address::Serial { device } })
    }

    /// Its address.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Serves whoever opens the port, for ever. What an inhibit or a long silence
    /// ends elsewhere, here only drops a message that was not complete.
    pub async fn serve(mut self, instrument: Rc<Instrument>) {
        // As its other end is held, it is never closed.
        loop {
            instrument.attend(&mut self.ours).await;
        }
    }
}
