//! VXI-11 instruments, by asking every portmapper in the network at once where its
//! VXI-11 program is (RFC 1833 by UDP).

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hil_timebase::Clock;
use tokio::net::UdpSocket;

use crate::address::Address;
use crate::discover::{Found, Means, Scope};
use crate::vxi11::core::{CORE, Mapping, PORTMAPPER, TCP, procedure};
use crate::vxi11::rpc::{put_call, reply};
use crate::vxi11::xdr::Xdr as _;

/// The number of our one call; an answer has it, too.
const CALL: u32 = u32::from_be_bytes(*b"hilD");
/// A record's length, which a datagram has not.
const LENGTH: usize = 4;
/// More is no answer to it.
const ANSWER: usize = 512;

/// Asks, asks again at half time, and returns all who answered `within`; `port` is
/// the portmappers', usually 111.
///
/// # Errors
/// No network can be asked.
pub async fn search(clock: &Clock, within: Duration, scope: Scope, port: u16) -> Result<Vec<Found>, String> {
    let asks = sockets(scope).await?;
    let question = question();
    let mut found = Vec::new();
    let heard = asks.iter().map(|(socket, everybody)| {
        let question = &question;
        async move {
            let mut here = Vec::new();
            for _ in 0..2 {
                socket.send_to(question, (*everybody, port)).await.map_err(|e| format!("{everybody}: {e}"))?;
                hear(clock, within / 2, socket, &mut here).await;
            }
            Ok::<_, String>(here)
        }
    });
    let (mut worked, mut why) = (false, String::new());
    for heard in futures_util::future::join_all(heard).await {
        match heard {
            Ok(here) => {
                worked = true;
                found.extend(here);
            }
            Err(error) => why = error,
        }
    }
    if !worked && !asks.is_empty() {
        return Err(why);
    }
    found.sort_unstable();
    found.dedup();
    let as_found = |ip: Ipv4Addr| Found {
        address: Some(Address::Vxi11 { host: ip.to_string(), port: None, name: "inst0".into() }),
        host: Some(ip.to_string()),
        by: Means::Vxi11,
        says: "answers as a VXI-11 instrument".into(),
    };
    Ok(found.into_iter().map(as_found).collect())
}

async fn hear(clock: &Clock, within: Duration, socket: &UdpSocket, found: &mut Vec<Ipv4Addr>) {
    let mut bytes = [0; ANSWER];
    let end = clock.now() + within;
    while clock.now() < end
        && let Ok(received) = clock.timeout(end.since(clock.now()), socket.recv_from(&mut bytes)).await
    {
        // A network that says of an earlier packet that it did not arrive.
        let Ok((n, SocketAddr::V4(from))) = received else { continue };
        if is_there(&bytes[..n]) {
            found.push(*from.ip());
        }
    }
}

/// A socket in each network, and the address of everybody there.
async fn sockets(scope: Scope) -> Result<Vec<(UdpSocket, Ipv4Addr)>, String> {
    let interfaces = if_addrs::get_if_addrs().map_err(|e| e.to_string())?;
    let mut all = Vec::new();
    for interface in interfaces {
        let if_addrs::IfAddr::V4(v4) = &interface.addr else { continue };
        let wanted = match scope {
            Scope::All => true,
            Scope::Interface(own) => v4.ip == own,
        };
        let everybody = if v4.ip.is_loopback() { Some(Ipv4Addr::new(127, 255, 255, 255)) } else { v4.broadcast };
        if let (true, Some(everybody)) = (wanted, everybody) {
            all.push((socket(v4.ip).await.map_err(|e| format!("{}: {e}", v4.ip))?, everybody));
        }
    }
    match scope {
        Scope::Interface(own) if all.is_empty() => Err(format!("this computer has no network with the address {own}")),
        _ => Ok(all),
    }
}

async fn socket(own: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((IpAddr::V4(own), 0)).await?;
    socket.set_broadcast(true)?;
    Ok(socket)
}

fn question() -> Vec<u8> {
    let mut record = Vec::new();
    let wanted = Mapping { program: CORE.number, version: CORE.version, protocol: TCP, port: 0 };
    put_call(CALL, PORTMAPPER, procedure::GET_PORT, &wanted, &mut record);
    record.split_off(LENGTH)
}

/// Whether an answer says that there is a VXI-11 program.
fn is_there(datagram: &[u8]) -> bool {
    let Ok((CALL, Ok(results))) = reply(datagram) else { return false };
    u32::of(&results).is_ok_and(|port| (1..=u32::from(u16::MAX)).contains(&port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vxi11::rpc::{Denial, call, put_reply};

    fn answer(id: u32, results: Result<Vec<u8>, Denial>) -> Vec<u8> {
        let mut record = Vec::new();
        put_reply(id, results, PORTMAPPER.version, &mut record);
        record.split_off(LENGTH)
    }

    #[test]
    fn the_question_is_a_portmappers() {
        let called = call(&question()).expect("a call");
        assert_eq!((called.program, called.procedure), (PORTMAPPER, procedure::GET_PORT));
        assert_eq!(Mapping::of(&called.arguments).map(|m| m.program), Ok(CORE.number));
    }

    #[test]
    fn only_a_port_that_we_asked_for_counts() {
        assert!(is_there(&answer(CALL, Ok(1024_u32.bytes()))));
        for other in [
            answer(CALL, Ok(0_u32.bytes())),
            answer(CALL, Ok(65_536_u32.bytes())),
            answer(CALL + 1, Ok(1024_u32.bytes())),
            answer(CALL, Err(Denial::NoProgram)),
            answer(CALL, Ok(Vec::new())),
            question(),
            Vec::new(),
            b"HTTP/1.1 400 Bad Request".to_vec(),
        ] {
            assert!(!is_there(&other), "{other:?}");
        }
    }
}
