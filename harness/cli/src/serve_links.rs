//! By which links the instruments of a served bench are reached, and how they are
//! found.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;

use hil_bench::InstrumentSpec;
use hil_client::prologix::{GatewayAddress, Place};
use hil_client::quirks::SecondClient;
use hil_client::vxi11::core::PORTMAPPER_PORT;
use hil_client::{Address, Dialect};
use hil_timebase::Clock;
use hil_virtual::{Announcer, Clients, Instrument, Pty, portmapper};
use tokio::net::{TcpListener, UdpSocket};

use crate::args::{self, ServeArguments, ServedLink};
use crate::failure::Failure;

/// Where whoever asks everybody on this computer is heard.
const EVERYBODY: Ipv4Addr = Ipv4Addr::new(127, 255, 255, 255);

/// Links that are being made.
pub struct Links<'a> {
    arguments: &'a ServeArguments,
    clock: Clock,
    announcer: Option<Announcer>,
    /// Portmappers' sockets, and the ports that they tell.
    mapped: Vec<(Rc<UdpSocket>, u16)>,
    /// The listener of a gateway, and what is behind it.
    gateway: Option<TcpListener>,
    bus: BTreeMap<Place, Rc<Instrument>>,
    /// How many instruments have a link.
    count: u16,
}

impl<'a> Links<'a> {
    /// None yet.
    ///
    /// # Errors
    /// Options that do not go together (exit code 2), a network that cannot be told (3).
    pub fn new(arguments: &'a ServeArguments, clock: Clock) -> Result<Self, Failure> {
        if arguments.portmapper && (arguments.link != ServedLink::Vxi11 || !arguments.listen.is_loopback()) {
            return Err(Failure::invalid(
                "--portmapper: expected `--link vxi11` and a `--listen` of this computer alone, such as 127.0.0.1",
                Some("each instrument has an address of its own there: 127.0.0.1, 127.0.0.2 and so on"),
            ));
        }
        let announced = matches!(arguments.link, ServedLink::Socket | ServedLink::Hislip | ServedLink::Vxi11);
        if arguments.announce && !announced {
            return Err(Failure::invalid("--announce: serial ports and gateways are not announced, expected another `--link`", None));
        }
        let announcer = match (arguments.announce, arguments.listen) {
            (false, _) => None,
            (true, IpAddr::V6(own)) => return Err(Failure::invalid(format!("--announce: `{own}`, expected an IPv4 address"), None)),
            (true, IpAddr::V4(own)) => {
                let announcer = Announcer::new(own, arguments.mdns_port);
                Some(announcer.map_err(|e| Failure::tester(format!("--announce: {e}"), None))?)
            }
        };
        Ok(Self { arguments, clock, announcer, mapped: Vec::new(), gateway: None, bus: BTreeMap::new(), count: 0 })
    }

    /// Serves one more instrument by the link that was asked for.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn attach(&mut self, spec: &InstrumentSpec, dialect: Option<&Dialect>, instrument: Rc<Instrument>) -> io::Result<Address> {
        let n = self.count;
        self.count += 1;
        if self.arguments.link == ServedLink::Serial {
            let pty = Pty::open()?;
            let address = pty.address().clone();
            tokio::task::spawn_local(pty.serve(instrument));
            return Ok(address);
        }
        if matches!(self.arguments.link, ServedLink::Prologix | ServedLink::Vxi11Gateway) {
            return self.on_the_bus(n, instrument).await;
        }
        let host = self.host(n)?;
        let listener = self.listener(host, n).await?;
        let port = listener.local_addr()?.port();
        let clients = self.arguments.second_client.map_or_else(|| clients(dialect), told);
        // Who listens everywhere is found here, too.
        let there = if host.is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { host }.to_string();
        let clock = self.clock.clone();
        let address = match self.arguments.link {
            ServedLink::Hislip => {
                tokio::task::spawn_local(hil_virtual::listen_hislip(listener, instrument, clients, clock));
                Address::Hislip { host: there, name: "hislip0".into(), port }
            }
            ServedLink::Vxi11 => {
                // Clients are told this port when they open a link.
                let abort = TcpListener::bind((host, 0)).await?;
                tokio::task::spawn_local(hil_virtual::listen_vxi11(listener, abort, instrument, clients, clock));
                let told = if self.arguments.portmapper { self.map(host, port).await? } else { Some(port) };
                Address::Vxi11 { host: there, port: told, name: "inst0".into() }
            }
            // The others have no listener of their own.
            ServedLink::Socket | ServedLink::Serial | ServedLink::Prologix | ServedLink::Vxi11Gateway => {
                tokio::task::spawn_local(hil_virtual::listen(listener, instrument, clients, clock));
                Address::Socket { host: there, port }
            }
        };
        if let Some(announcer) = &self.announcer {
            let known = dialect.map(|d| [("Manufacturer", d.identity.maker.as_str()), ("Model", d.identity.model.as_str())]);
            let known = known.as_ref().map_or(&[][..], |known| known);
            announcer.announce(&spec.name, &spec.serial, known, &address).map_err(io::Error::other)?;
        }
        Ok(address)
    }

    /// One more on the bus behind the gateway, at the next address from 1.
    async fn on_the_bus(&mut self, n: u16, instrument: Rc<Instrument>) -> io::Result<Address> {
        let primary = u8::try_from(n + 1).ok().filter(|n| *n <= 30).ok_or_else(|| unfit("a GPIB bus has 30 places"))?;
        let place = Place { primary, secondary: None };
        self.bus.insert(place, instrument);
        if self.gateway.is_none() {
            self.gateway = Some(self.listener(self.arguments.listen, 0).await?);
        }
        if self.arguments.link == ServedLink::Prologix {
            return Ok(Address::Gpib { board: 0, place });
        }
        let (host, port) = self.reached().unwrap_or_default();
        Ok(Address::Vxi11 { host, port: Some(port), name: format!("gpib0,{primary}") })
    }

    /// Where the gateway is reached.
    fn reached(&self) -> Option<(String, u16)> {
        let port = self.gateway.as_ref()?.local_addr().ok()?.port();
        let listen = self.arguments.listen;
        let host = if listen.is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { listen };
        Some((host.to_string(), port))
    }

    /// For the bench file: the gateway of its GPIB board.
    pub fn board(&self) -> Option<GatewayAddress> {
        let (host, port) = self.reached().filter(|_| self.arguments.link == ServedLink::Prologix)?;
        Some(GatewayAddress { host, port })
    }

    /// All are attached. What is returned announces them for as long as it is there.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn complete(self) -> io::Result<Option<Announcer>> {
        match (self.arguments.link, self.gateway) {
            (ServedLink::Prologix, Some(listener)) => {
                tokio::task::spawn_local(hil_virtual::listen_prologix(listener, self.bus, self.clock));
            }
            (_, Some(listener)) => {
                let abort = TcpListener::bind((self.arguments.listen, 0)).await?;
                let named = self.bus.into_iter().map(|(place, instrument)| (format!("gpib0,{}", place.primary), instrument)).collect();
                tokio::task::spawn_local(hil_virtual::listen_gateway(listener, abort, named, self.clock));
            }
            (_, None) => {}
        }
        if !self.mapped.is_empty() {
            let everybody = bind_udp(IpAddr::V4(EVERYBODY)).await?;
            tokio::task::spawn_local(portmapper::serve_everybody(everybody, self.mapped));
        }
        Ok(self.announcer)
    }

    /// Where instrument `n` listens.
    fn host(&self, n: u16) -> io::Result<IpAddr> {
        match self.arguments.listen {
            IpAddr::V4(first) if self.arguments.portmapper => {
                let own = u32::from(first).checked_add(u32::from(n)).map(Ipv4Addr::from);
                let own = own.filter(|own| own.is_loopback() && *own < EVERYBODY);
                own.map(IpAddr::V4).ok_or_else(|| unfit("no address of this computer is left, expected a smaller `--listen`"))
            }
            listen => Ok(listen),
        }
    }

    async fn listener(&self, host: IpAddr, n: u16) -> io::Result<TcpListener> {
        let port = self.arguments.base_port.map_or(Some(0), |base| base.checked_add(n));
        let port = port.ok_or_else(|| unfit("--base-port: too few ports up to 65535"))?;
        TcpListener::bind((host, port)).await.map_err(|e| io::Error::new(e.kind(), format!("{host}:{port}: {e}")))
    }

    /// A portmapper that tells `port`; nobody has to know it then.
    async fn map(&mut self, host: IpAddr, port: u16) -> io::Result<Option<u16>> {
        let tcp = TcpListener::bind((host, PORTMAPPER_PORT)).await.map_err(|e| privileged(host, &e))?;
        let udp = bind_udp(host).await?;
        tokio::task::spawn_local(portmapper::serve(tcp, Rc::clone(&udp), port, self.clock.clone()));
        self.mapped.push((udp, port));
        Ok(None)
    }
}

async fn bind_udp(host: IpAddr) -> io::Result<Rc<UdpSocket>> {
    UdpSocket::bind((host, PORTMAPPER_PORT)).await.map(Rc::new).map_err(|e| privileged(host, &e))
}

fn privileged(host: IpAddr, e: &io::Error) -> io::Error {
    let hint = match e.kind() {
        io::ErrorKind::PermissionDenied => "; --portmapper needs root or CAP_NET_BIND_SERVICE",
        io::ErrorKind::AddrInUse => "; another portmapper is there",
        _ => "",
    };
    io::Error::new(e.kind(), format!("{host}:{PORTMAPPER_PORT}: {e}{hint}"))
}

const fn told(second: args::SecondClient) -> Clients {
    match second {
        args::SecondClient::Served => Clients::Many,
        args::SecondClient::Queued => Clients::Queued,
        args::SecondClient::Refused => Clients::Refused,
    }
}

fn clients(dialect: Option<&Dialect>) -> Clients {
    match dialect.and_then(|d| d.quirks.one_client.as_ref()).map(|q| q.second) {
        None => Clients::Many,
        Some(SecondClient::Queued) => Clients::Queued,
        Some(SecondClient::Refused) => Clients::Refused,
    }
}

/// What cannot be served as the command line wants it.
fn unfit(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
