//! VISA addresses, and opening what they name: raw TCP sockets, HiSLIP, VXI-11,
//! serial ports, USB (USBTMC), and GPIB behind a gateway.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use hil_timebase::Clock;

use crate::hislip::{self, Hislip};
use crate::link::Stream;
use crate::prologix::{Gateways, Place};
use crate::serial::{self, Line};
use crate::socket::{Socket, tcp};
use crate::usbtmc::{self, UsbId};
use crate::vxi11::Vxi11;

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
    /// `TCPIP::HOST::hislip0::INSTR`, or with a port, `TCPIP::HOST::hislip0,PORT::INSTR`.
    Hislip {
        /// Name or IPv4 address.
        host: String,
        /// The part of the instrument, `hislip0`.
        name: String,
        /// Its port, usually 4880.
        port: u16,
    },
    /// `TCPIP::HOST::inst0::INSTR`, or with a port, as PyVISA-py writes it,
    /// `TCPIP::HOST,PORT::inst0::INSTR`. `inst0` may be left out; behind a LAN gateway
    /// it is `gpib0,5`.
    Vxi11 {
        /// Name or IPv4 address.
        host: String,
        /// Its port; without one, the portmapper is asked for it.
        port: Option<u16>,
        /// The part of the instrument, `inst0`.
        name: String,
    },
    /// `ASRL/dev/ttyUSB0::INSTR`.
    Serial {
        /// Path of the device.
        device: String,
    },
    /// `USB::0x1AB1::0x0E11::SERIAL::INSTR`.
    Usb(UsbId),
    /// `GPIB0::5::INSTR`, or with a secondary address, `GPIB0::5::2::INSTR`; through
    /// the gateway of that board.
    Gpib {
        /// Which board.
        board: u8,
        /// Where on its bus.
        place: Place,
    },
}

/// What the opening of some addresses needs beside them.
#[derive(Clone, Default, Debug)]
pub struct Ways {
    /// How a serial port speaks.
    pub line: Line,
    /// Which gateway is which GPIB board.
    pub gateways: Gateways,
}

impl From<Line> for Ways {
    fn from(line: Line) -> Self {
        Self { line, ..Self::default() }
    }
}

/// An address that this program cannot open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}`, expected `TCPIP::HOST::PORT::SOCKET`, `TCPIP::HOST::hislip0::INSTR`, `TCPIP::HOST::inst0::INSTR`, `TCPIP::HOST::gpib0,5::INSTR`, `USB::0xVVVV::0xPPPP::SERIAL::INSTR`, `GPIB0::5::INSTR` or `ASRL/dev/DEVICE::INSTR`"
)]
pub struct AddressError(String);

impl AddressError {
    /// What may have been meant.
    pub fn hint(&self) -> Option<String> {
        if self.0.starts_with("/dev/") {
            return Some(format!("did you mean `ASRL{}::INSTR`?", self.0));
        }
        let (host, port) = self.0.split_once(':').map_or((&*self.0, None), |(host, port)| (host, Some(port)));
        if !is_host(host) {
            return None;
        }
        match port {
            None => Some(format!(
                "did you mean `TCPIP::{host}::5025::SOCKET`, `TCPIP::{host}::hislip0::INSTR` or `TCPIP::{host}::inst0::INSTR`?"
            )),
            Some(port) => port_number(port).map(|port| format!("did you mean `TCPIP::{host}::{port}::SOCKET`?")),
        }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// In any case; a board number (`TCPIP0`) is of no meaning.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let parts: Vec<&str> = text.split("::").collect();
        let found = match parts[..] {
            [board, host, port, class] if class.eq_ignore_ascii_case("SOCKET") => lan(board, host).and_then(|host| {
                let port = port_number(port)?;
                Some(Self::Socket { host, port })
            }),
            [port, class] if class.eq_ignore_ascii_case("INSTR") => device(port).map(|device| Self::Serial { device }),
            [board, ref place @ .., class] if class.eq_ignore_ascii_case("INSTR") && is_board(board, "GPIB") => gpib(board, place),
            [board, ref id @ .., class] if class.eq_ignore_ascii_case("INSTR") && is_board(board, "USB") => usb(id),
            [board, host, class] if class.eq_ignore_ascii_case("INSTR") => vxi11(board, host, "inst0"),
            [board, host, name, class] if class.eq_ignore_ascii_case("INSTR") => {
                hislip(board, host, name).or_else(|| vxi11(board, host, name))
            }
            _ => None,
        };
        found.ok_or_else(|| AddressError(text.to_owned()))
    }
}

/// The host, if the board is a LAN one.
fn lan(board: &str, host: &str) -> Option<String> {
    (is_board(board, "TCPIP") && is_host(host)).then(|| host.to_owned())
}

/// `NAME`, or with a number.
pub(crate) fn is_board(text: &str, name: &str) -> bool {
    text.get(..name.len()).is_some_and(|b| b.eq_ignore_ascii_case(name)) && text[name.len()..].bytes().all(|b| b.is_ascii_digit())
}

/// `GPIB0`, and primary and perhaps secondary address.
fn gpib(board: &str, place: &[&str]) -> Option<Address> {
    let board = match &board[4..] {
        "" => 0,
        number => number.parse().ok()?,
    };
    let place = match place {
        [primary] => Place::parse(primary, None)?,
        [primary, secondary] => Place::parse(primary, Some(secondary))?,
        _ => return None,
    };
    Some(Address::Gpib { board, place })
}

/// Vendor, product, serial number, and perhaps the interface, of which the kernel has
/// but one a device.
fn usb(id: &[&str]) -> Option<Address> {
    let (vendor, product, serial) = match id {
        [vendor, product, serial] => (vendor, product, serial),
        [vendor, product, serial, interface] if interface.bytes().all(|b| b.is_ascii_digit()) && !interface.is_empty() => {
            (vendor, product, serial)
        }
        _ => return None,
    };
    UsbId::parse(vendor, product, serial).map(Address::Usb)
}

/// The device of `ASRL/dev/ttyUSB0`.
fn device(port: &str) -> Option<String> {
    let path = port.get(4..).filter(|_| port[..4].eq_ignore_ascii_case("ASRL"))?;
    (path.starts_with('/') && !path.chars().any(char::is_control)).then(|| path.to_owned())
}

pub(crate) fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

pub(crate) fn port_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

fn hislip(board: &str, host: &str, name: &str) -> Option<Address> {
    let (name, port) = with_port(name)?;
    Some(Address::Hislip { host: lan(board, host)?, name: numbered(name, "hislip")?, port: port.unwrap_or(hislip::PORT) })
}

fn vxi11(board: &str, host: &str, name: &str) -> Option<Address> {
    let (host, port) = with_port(host)?;
    Some(Address::Vxi11 { host: lan(board, host)?, port, name: numbered(name, "inst").or_else(|| behind_gateway(name))? })
}

/// `gpib0,5`, or with a secondary address, `gpib0,5,2`.
fn behind_gateway(text: &str) -> Option<String> {
    let (board, place) = text.split_once(',')?;
    let (primary, secondary) = place.split_once(',').map_or((place, None), |(p, s)| (p, Some(s)));
    let (board, place) = (numbered(board, "gpib")?, Place::parse(primary, secondary)?);
    Some(place.secondary.map_or_else(|| format!("{board},{}", place.primary), |s| format!("{board},{},{s}", place.primary)))
}

/// `TEXT` or `TEXT,PORT`.
fn with_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.split_once(',') {
        None => Some((text, None)),
        Some((text, port)) => port_number(port).map(|port| (text, Some(port))),
    }
}

/// `NAMEn`, in small letters.
fn numbered(text: &str, name: &str) -> Option<String> {
    let number = text.get(..name.len()).filter(|b| b.eq_ignore_ascii_case(name)).map(|_| &text[name.len()..])?;
    (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())).then(|| format!("{name}{number}"))
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket { host, port } => write!(f, "TCPIP::{host}::{port}::SOCKET"),
            Self::Hislip { host, name, port: hislip::PORT } => write!(f, "TCPIP::{host}::{name}::INSTR"),
            Self::Serial { device } => write!(f, "ASRL{device}::INSTR"),
            Self::Hislip { host, name, port } => write!(f, "TCPIP::{host}::{name},{port}::INSTR"),
            Self::Usb(id) => write!(f, "USB::{id}::INSTR"),
            Self::Gpib { board, place } => write!(f, "GPIB{board}::{place}::INSTR"),
            Self::Vxi11 { host, port: None, name } => write!(f, "TCPIP::{host}::{name}::INSTR"),
            Self::Vxi11 { host, port: Some(port), name } => write!(f, "TCPIP::{host},{port}::{name}::INSTR"),
        }
    }
}

impl Address {
    /// Connects within `limit` of bench time. Needs a runtime with an I/O driver.
    /// `ways` is for serial ports and GPIB.
    ///
    /// # Errors
    /// The operating system's words, or what was waited for in vain.
    pub async fn open(&self, ways: impl Into<Ways>, clock: &Clock, limit: Duration) -> Result<Box<dyn Stream>, String> {
        let ways = ways.into();
        let stage = Cell::new("connection");
        match clock.timeout(limit, self.connect(&ways, clock, |s| stage.set(s))).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(format!("{self}: {error}")),
            Err(_) => Err(format!("{self}: no {} within {} ms", stage.get(), limit.as_millis())),
        }
    }

    async fn connect(&self, ways: &Ways, clock: &Clock, stage: impl Fn(&'static str)) -> io::Result<Box<dyn Stream>> {
        Ok(match self {
            Self::Socket { host, port } => Box::new(Socket::connect(host, *port).await?),
            Self::Serial { device } => Box::new(serial::open(device, ways.line)?),
            Self::Usb(id) => Box::new(usbtmc::open(id)?),
            Self::Gpib { board, place } => {
                let gateway = ways.gateways.of(*board)?;
                stage("answer of the GPIB gateway");
                Box::new(gateway.open(*place, clock).await?)
            }
            Self::Hislip { host, name, port } => Box::new(Hislip::open(async || tcp(host, *port).await, name, stage).await?),
            Self::Vxi11 { host, port, name } => Box::new(Vxi11::open(async |port| tcp(host, port).await, *port, name, stage).await?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "`TCPIP::HOST::PORT::SOCKET`, `TCPIP::HOST::hislip0::INSTR`, `TCPIP::HOST::inst0::INSTR`, `TCPIP::HOST::gpib0,5::INSTR`, `USB::0xVVVV::0xPPPP::SERIAL::INSTR`, `GPIB0::5::INSTR` or `ASRL/dev/DEVICE::INSTR`";

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
            "TCPIP::ho st::INSTR",
            "TCPIP::host,0::inst0::INSTR",
            "TCPIP::host,1::hislip0::INSTR",
            "TCPIP::host::inst::INSTR",
            "TCPIP::host::gpib0::INSTR",
            "TCPIP::host::gpib0,31::INSTR",
            "TCPIP::host::gpib0,5,31::INSTR",
            "GPIB0::INSTR",
            "GPIB0::31::INSTR",
            "GPIB0::5::31::INSTR",
            "GPIB0::5::1::1::INSTR",
            "GPIB256::5::INSTR",
            "GPIB0::+5::INSTR",
            "USB0::0x1AB1::0x0E11::INSTR",
            "USB0::0x1AB1::0x0E11::::INSTR",
            "USB0::0x1AB1::0x10E11::S::INSTR",
            "USB0::1AB1::0x0E11::S::INSTR",
            "USB0::0x1AB1::0x0E11::S::x::INSTR",
            "USB0::0x1AB1::0x0E11::S\n::INSTR",
            "TCPIP::host::hislip::INSTR",
            "TCPIP::host::hislip0x::INSTR",
            "TCPIP::host::hislip0,::INSTR",
            "TCPIP::host::hislip0,0::INSTR",
            "TCPIP::host::hislip0,4880,1::INSTR",
            "TCPIP::host::0::SOCKET",
            "TCPIP::host::65536::SOCKET",
            "TCPIP::::5025::SOCKET",
            "TCPIP::ho st::5025::SOCKET",
            "TCPIPx::host::5025::SOCKET",
            "USB0::1::2::SOCKET",
            "TCP\u{df}P::host::1::SOCKET",
            "TCPIP::host::5025::SOCKET::",
            "ASRL::INSTR",
            "ASRLttyUSB0::INSTR",
            "ASRL/dev/tty\n::INSTR",
            "ASR\u{df}/dev/x::INSTR",
        ] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(error.to_string(), format!("`{text}`, expected {EXPECTED}"));
        }
    }

    #[test]
    fn hislip_is_read_and_written() {
        for (text, name, port, written) in [
            ("TCPIP0::psu.local::hislip0::INSTR", "hislip0", 4880, "TCPIP::psu.local::hislip0::INSTR"),
            ("tcpip::psu.local::HiSLIP12,14880::instr", "hislip12", 14880, "TCPIP::psu.local::hislip12,14880::INSTR"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Hislip { host: "psu.local".into(), name: name.into(), port });
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address));
        }
    }

    #[test]
    fn serial_ports_are_read_and_written() {
        let address: Address = "asrl/dev/ttyUSB0::instr".parse().unwrap();
        assert_eq!(address, Address::Serial { device: "/dev/ttyUSB0".into() });
        assert_eq!(address.to_string(), "ASRL/dev/ttyUSB0::INSTR");
    }

    #[test]
    fn vxi11_is_read_and_written() {
        for (text, name, port, written) in [
            ("TCPIP0::10.0.0.5::INSTR", "inst0", None, "TCPIP::10.0.0.5::inst0::INSTR"),
            ("TCPIP::10.0.0.5::INST3::INSTR", "inst3", None, "TCPIP::10.0.0.5::inst3::INSTR"),
            ("TCPIP::10.0.0.5,9009::inst0::INSTR", "inst0", Some(9009), "TCPIP::10.0.0.5,9009::inst0::INSTR"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Vxi11 { host: "10.0.0.5".into(), name: name.into(), port });
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address));
        }
    }

    #[test]
    fn usb_is_read_and_written() {
        for text in
            ["USB0::0x1ab1::0x0E11::DL3A214800::INSTR", "usb::0x1AB1::0xe11::DL3A214800::0::instr", "USB::6833::3601::DL3A214800::INSTR"]
        {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Usb(UsbId { vendor: 0x1ab1, product: 0x0e11, serial: "DL3A214800".into() }), "{text}");
            assert_eq!(address.to_string(), "USB::0x1AB1::0x0E11::DL3A214800::INSTR");
            assert_eq!(address.to_string().parse(), Ok(address));
        }
    }

    #[test]
    fn gpib_is_read_and_written() {
        for (text, board, primary, secondary, written) in [
            ("GPIB0::5::INSTR", 0, 5, None, "GPIB0::5::INSTR"),
            ("gpib::30::instr", 0, 30, None, "GPIB0::30::INSTR"),
            ("GPIB12::5::2::INSTR", 12, 5, Some(2), "GPIB12::5::2::INSTR"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address, Address::Gpib { board, place: Place { primary, secondary } });
            assert_eq!(address.to_string(), written);
            assert_eq!(written.parse(), Ok(address));
        }
        for (text, name) in [("TCPIP::gw::GPIB0,5::INSTR", "gpib0,5"), ("TCPIP::gw,9009::gpib1,30,2::INSTR", "gpib1,30,2")] {
            let Ok(Address::Vxi11 { name: found, .. }) = text.parse() else { panic!("{text}") };
            assert_eq!(found, name);
        }
    }

    #[test]
    fn a_bare_address_gets_a_hint() {
        for (text, hint) in [
            (
                "10.0.0.5",
                Some("did you mean `TCPIP::10.0.0.5::5025::SOCKET`, `TCPIP::10.0.0.5::hislip0::INSTR` or `TCPIP::10.0.0.5::inst0::INSTR`?"),
            ),
            ("psu.local:1234", Some("did you mean `TCPIP::psu.local::1234::SOCKET`?")),
            ("psu.local:12345678", None),
            ("USB0::1::2::SOCKET", None),
            ("/dev/ttyUSB0", Some("did you mean `ASRL/dev/ttyUSB0::INSTR`?")),
        ] {
            assert_eq!(text.parse::<Address>().unwrap_err().hint().as_deref(), hint);
        }
    }
}
