//! VISA addresses, and opening what they name: raw TCP sockets.
//!
//! Not here: serial ports, USB, GPIB, VXI-11 and HiSLIP.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use hil_timebase::Clock;
use tokio::net::TcpStream;

/// Where an instrument is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// `TCPIP::HOST::PORT::SOCKET`.
    Socket {
        /// Name or IPv4 address.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// An address that this program cannot open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}`, expected `TCPIP::HOST::PORT::SOCKET`")]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    /// In any case; a board number (`TCPIP0`) is of no meaning.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let error = || AddressError(text.to_owned());
        let [board, host, port, class] = text.split("::").collect::<Vec<_>>()[..] else { return Err(error()) };
        let socket = class.eq_ignore_ascii_case("SOCKET");
        let tcp = board.get(..5).is_some_and(|b| b.eq_ignore_ascii_case("TCPIP")) && board[5..].bytes().all(|b| b.is_ascii_digit());
        let named = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        match port.parse() {
            Ok(port) if socket && tcp && named && port != 0 => Ok(Self::Socket { host: host.to_owned(), port }),
            _ => Err(error()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { host, port } => write!(f, "TCPIP::{host}::{port}::SOCKET"),
        }
    }
}

impl Address {
    /// Connects within `limit` of bench time. Needs a runtime with an I/O driver.
    ///
    /// # Errors
    /// The operating system's words, or that nobody answered in time.
    pub async fn open(&self, clock: &Clock, limit: Duration) -> Result<TcpStream, String> {
        let Self::Socket { host, port } = self;
        let connecting = TcpStream::connect((host.as_str(), *port));
        match clock.timeout(limit, connecting).await {
            Ok(Ok(stream)) => {
                // A command shall not wait for the next one.
                stream.set_nodelay(true).map_err(|e| format!("{self}: {e}"))?;
                Ok(stream)
            }
            Ok(Err(error)) => Err(format!("{self}: {error}")),
            Err(_) => Err(format!("{self}: no connection within {} ms", limit.as_millis())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_read_and_written() {
        for (text, host, port) in [
            ("TCPIP::192.168.0.2::5025::SOCKET", "192.168.0.2", 5025),
            ("TCPIP0::psb-1.lab::1::socket", "psb-1.lab", 1),
            ("tcpip::127.0.0.1::65535::SOCKET", "127.0.0.1", 65535),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Socket { host: host.into(), port });
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn what_cannot_be_opened_is_refused() {
        for text in [
            "",
            "::",
            "TCPIP::host::INSTR",
            "TCPIP::host::0::SOCKET",
            "TCPIP::host::65536::SOCKET",
            "TCPIP::::5025::SOCKET",
            "TCPIP::ho st::5025::SOCKET",
            "TCPIPx::host::5025::SOCKET",
            "USB0::1::2::SOCKET",
            "TCP\u{df}P::host::1::SOCKET",
            "TCPIP::host::5025::SOCKET::",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}`, expected `TCPIP::HOST::PORT::SOCKET`"));
        }
    }
}
