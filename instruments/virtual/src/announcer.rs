//! Announces instruments by mDNS, as real LAN instruments do.

use std::net::Ipv4Addr;
use std::time::Duration;

use hil_client::Address;
use hil_client::discover::Scope;
use hil_client::discover::mdns::{Service, daemon};
use hil_client::vxi11::core::PORTMAPPER_PORT;
use mdns_sd::{IfKind, ServiceDaemon, ServiceInfo};

/// To take back what was announced.
const FAREWELL: Duration = Duration::from_millis(500);

/// Announces for as long as it is there.
pub struct Announcer {
    daemon: ServiceDaemon,
    own: Ipv4Addr,
}

impl Announcer {
    /// In the network in which this computer is `own`; in all of them if that is
    /// unspecified.
    ///
    /// # Errors
    /// The words of what went wrong with the network.
    pub fn new(own: Ipv4Addr, port: u16) -> Result<Self, String> {
        let scope = if own.is_unspecified() { Scope::All } else { Scope::Interface(own) };
        Ok(Self { daemon: daemon(scope, port)?, own })
    }

    /// Announces the instrument at `address`, and what is known of it; a serial port
    /// is not announced.
    ///
    /// # Errors
    /// The words of what cannot be announced.
    pub fn announce(&self, name: &str, serial: &str, properties: &[(&str, &str)], address: &Address) -> Result<(), String> {
        let (service, host, port) = match address {
            Address::Socket { host, port } => (Service::ScpiRaw, host, *port),
            Address::Hislip { host, port, .. } => (Service::Hislip, host, *port),
            Address::Vxi11 { host, port, .. } => (Service::Vxi11, host, port.unwrap_or(PORTMAPPER_PORT)),
            Address::Serial { .. } | Address::Usb(_) | Address::Gpib { .. } => return Ok(()),
        };
        let ip = if self.own.is_unspecified() { "" } else { host };
        let known = [&[("txtvers", "1"), ("SerialNumber", serial)], properties].concat();
        let info = ServiceInfo::new(service.name(), &format!("{name} {serial}"), &format!("hil-{serial}.local."), ip, port, &known[..]);
        let mut info = info.map_err(|e| e.to_string())?;
        if self.own.is_unspecified() {
            info = info.enable_addr_auto();
        } else if self.own.is_loopback() {
            info.set_interfaces(vec![IfKind::LoopbackV4]);
        }
        self.daemon.register(info).map_err(|e| e.to_string())
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        // Who has not heard the farewell forgets by himself.
        if let Ok(done) = self.daemon.shutdown() {
            let _ = done.recv_timeout(FAREWELL);
        }
    }
}
