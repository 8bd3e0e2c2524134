//! Instruments that announce themselves by mDNS, as LXI wants it (LXI 1.6, section
//! 10.4): `_lxi`, `_scpi-raw`, `_hislip` and `_vxi-11`.

use std::cell::RefCell;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hil_timebase::Clock;
use mdns_sd::{IfKind, Receiver, ResolvedService, ServiceDaemon, ServiceEvent};

use crate::address::Address;
use crate::discover::{Found, Means, Scope};
use crate::hislip;
use crate::vxi11::core::PORTMAPPER_PORT;

/// The port of mDNS.
pub const PORT: u16 = 5353;

/// What instruments announce.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    /// That it is one, and its page.
    Lxi,
    /// SCPI on a raw socket.
    ScpiRaw,
    /// HiSLIP.
    Hislip,
    /// VXI-11; the port is the portmapper's, or the instrument's own.
    Vxi11,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Lxi, Self::ScpiRaw, Self::Hislip, Self::Vxi11];

    /// As it is called in the network.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lxi => "_lxi._tcp.local.",
            Self::ScpiRaw => "_scpi-raw._tcp.local.",
            Self::Hislip => "_hislip._tcp.local.",
            Self::Vxi11 => "_vxi-11._tcp.local.",
        }
    }

    fn address(self, host: String, port: u16) -> Option<Address> {
        let address = match self {
            Self::Lxi => return None,
            Self::ScpiRaw => Address::Socket { host, port },
            Self::Hislip if port == 0 => Address::Hislip { host, name: "hislip0".into(), port: hislip::PORT },
            Self::Hislip => Address::Hislip { host, name: "hislip0".into(), port },
            Self::Vxi11 => Address::Vxi11 { host, port: Some(port).filter(|p| !matches!(*p, 0 | PORTMAPPER_PORT)), name: "inst0".into() },
        };
        // Whatever somebody in the network calls himself: only what can be opened.
        address.to_string().parse().ok()
    }
}

/// Who listens and announces in `scope`.
///
/// # Errors
/// The words of what went wrong with the network.
pub fn daemon(scope: Scope, port: u16) -> Result<ServiceDaemon, String> {
    let daemon = ServiceDaemon::new_with_port(port).map_err(|e| e.to_string())?;
    if let Scope::Interface(own) = scope {
        daemon.disable_interface(IfKind::All).map_err(|e| e.to_string())?;
        let kind = if own.is_loopback() { IfKind::LoopbackV4 } else { IfKind::Addr(IpAddr::V4(own)) };
        daemon.enable_interface(kind).map_err(|e| e.to_string())?;
    }
    Ok(daemon)
}

/// Listens for `within`, and returns all who are there.
///
/// # Errors
/// The words of what went wrong with the network.
pub async fn search(clock: &Clock, within: Duration, scope: Scope, port: u16) -> Result<Vec<Found>, String> {
    let daemon = daemon(scope, port)?;
    let found = RefCell::new(Vec::new());
    let mut searches = Vec::new();
    for service in Service::ALL {
        let events = daemon.browse(service.name()).map_err(|e| e.to_string())?;
        searches.push(hear(service, events, &found));
    }
    // They never end by themselves.
    let _ = clock.timeout(within, join_all(searches)).await;
    // Its thread ends with the program anyway.
    let _ = daemon.shutdown();
    Ok(found.into_inner())
}

async fn hear(service: Service, events: Receiver<ServiceEvent>, found: &RefCell<Vec<Found>>) {
    while let Ok(event) = events.recv_async().await {
        if let ServiceEvent::ServiceResolved(resolved) = event {
            let new = told(service, &resolved);
            let mut found = found.borrow_mut();
            if !found.contains(&new) {
                found.push(new);
            }
        }
    }
}

fn told(service: Service, resolved: &ResolvedService) -> Found {
    let mut hosts: Vec<String> = resolved.addresses.iter().filter(|a| a.is_ipv4()).map(ToString::to_string).collect();
    hosts.sort();
    let host = hosts.into_iter().next().unwrap_or_else(|| resolved.host.trim_end_matches('.').to_owned());
    let name = resolved.fullname.strip_suffix(service.name()).unwrap_or(&resolved.fullname).trim_end_matches('.');
    let property = |key| resolved.txt_properties.get_property_val_str(key);
    let known: Vec<&str> = ["Manufacturer", "Model", "SerialNumber", "FirmwareVersion"].into_iter().filter_map(property).collect();
    let says = [name, &known.join(" ")].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(": ");
    let address = service.address(host.clone(), resolved.port);
    let says = if address.is_none() { format!("{says} at {host}") } else { says };
    Found { address, host: Some(host), by: Means::Mdns, says }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_has_its_address() {
        for (service, port, address) in [
            (Service::ScpiRaw, 5025, Some("TCPIP::10.0.0.5::5025::SOCKET")),
            (Service::Hislip, 4880, Some("TCPIP::10.0.0.5::hislip0::INSTR")),
            (Service::Vxi11, 111, Some("TCPIP::10.0.0.5::inst0::INSTR")),
            (Service::Vxi11, 9009, Some("TCPIP::10.0.0.5,9009::inst0::INSTR")),
            (Service::Lxi, 80, None),
        ] {
            let found = service.address("10.0.0.5".into(), port).map(|a| a.to_string());
            assert_eq!(found.as_deref(), address, "{service:?}");
        }
        assert_eq!(Service::ScpiRaw.address("a::b".into(), 1), None);
    }
}
