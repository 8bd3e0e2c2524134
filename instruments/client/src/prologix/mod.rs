//! GPIB behind a gateway that speaks Prologix' language on a socket (Prologix
//! GPIB-ETHERNET controller manual, version 1.5; also AR488 and others): lines that
//! begin with `++` are for the gateway, all others for the instrument whose address it
//! was told.
//!
//! One connection serves all instruments of a bus: [`Gateway`] has it, a [`Gpib`] is
//! one instrument.
//!
//! Not here: service requests, and gateways on a serial port.

mod bus;
mod stream;
pub mod words;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::str::FromStr;

use hil_timebase::Clock;
use tokio::sync::mpsc;

use crate::address::{is_board, is_host, port_number};
use crate::prologix::bus::{Bus, Request};
pub use crate::prologix::stream::Gpib;

/// The port that Prologix' own gateways have.
pub const PORT: u16 = 1234;

/// Where an instrument is on its bus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// From 0 to 30.
    pub primary: u8,
    /// From 0 to 30.
    pub secondary: Option<u8>,
}

impl Place {
    pub(crate) fn parse(primary: &str, secondary: Option<&str>) -> Option<Self> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok().filter(|n| *n <= 30)).flatten();
        let secondary = match secondary {
            Some(text) => Some(number(text)?),
            None => None,
        };
        Some(Self { primary: number(primary)?, secondary })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.secondary {
            None => write!(f, "{}", self.primary),
            Some(secondary) => write!(f, "{}::{secondary}", self.primary),
        }
    }
}

/// `PRLGX-TCPIP::HOST::PORT::INTFC`, as PyVISA-py writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatewayAddress {
    /// Name or IPv4 address.
    pub host: String,
    /// Its port, usually 1234.
    pub port: u16,
}

/// No gateway's address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}`, expected `PRLGX-TCPIP::HOST::PORT::INTFC`, such as `PRLGX-TCPIP::10.0.0.9::1234::INTFC`")]
pub struct GatewayError(String);

impl FromStr for GatewayAddress {
    type Err = GatewayError;

    fn from_str(text: &str) -> Result<Self, GatewayError> {
        let parts: Vec<&str> = text.split("::").collect();
        let found = match parts[..] {
            [board, host, port, class] if class.eq_ignore_ascii_case("INTFC") && is_board(board, "PRLGX-TCPIP") && is_host(host) => {
                port_number(port).map(|port| Self { host: host.to_owned(), port })
            }
            _ => None,
        };
        found.ok_or_else(|| GatewayError(text.to_owned()))
    }
}

impl fmt::Display for GatewayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PRLGX-TCPIP::{}::{}::INTFC", self.host, self.port)
    }
}

/// Which gateway is which board; cheap to clone, and clones share its connections.
#[derive(Clone, Default, Debug)]
pub struct Gateways(BTreeMap<u8, Rc<Gateway>>);

impl Gateways {
    /// Of these addresses, by board.
    pub fn new(all: impl IntoIterator<Item = (u8, GatewayAddress)>) -> Self {
        Self(all.into_iter().map(|(board, address)| (board, Rc::new(Gateway { address, bus: RefCell::new(None) }))).collect())
    }

    pub(crate) fn of(&self, board: u8) -> io::Result<&Gateway> {
        let known = self.0.get(&board).map(|gateway| &**gateway);
        known.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("nobody says which gateway is `GPIB{board}`")))
    }
}

/// A gateway, connected once somebody needs it.
#[derive(Debug)]
pub(crate) struct Gateway {
    address: GatewayAddress,
    bus: RefCell<Option<mpsc::UnboundedSender<Request>>>,
}

impl Gateway {
    /// An instrument behind it. Says nothing to the instrument.
    pub(crate) async fn open(&self, place: Place, clock: &Clock) -> io::Result<Gpib> {
        let living = self.bus.borrow().clone().filter(|bus| !bus.is_closed());
        let requests = match living {
            Some(requests) => requests,
            None => {
                let (requests, jobs) = mpsc::unbounded_channel();
                let bus = Bus::connect(&self.address, clock.clone()).await?;
                tokio::task::spawn_local(bus.serve(jobs));
                *self.bus.borrow_mut() = Some(requests.clone());
                requests
            }
        };
        Ok(Gpib::new(place, requests))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_read_and_written() {
        let address: GatewayAddress = "prlgx-tcpip0::gw.lab::1234::intfc".parse().unwrap();
        assert_eq!(address, GatewayAddress { host: "gw.lab".into(), port: 1234 });
        assert_eq!(address.to_string().parse(), Ok(address));
        for text in ["", "PRLGX-TCPIP::gw::INTFC", "PRLGX-TCPIP::gw::0::INTFC", "PRLGX-ASRL::/dev/ttyUSB0::INTFC", "TCPIP::gw::1234::INTFC"]
        {
            assert_eq!(text.parse::<GatewayAddress>(), Err(GatewayError(text.into())), "{text}");
        }
    }
}
