//! Who tells where an instrument's program is (RFC 1833), by TCP, by UDP, and to
//! whoever asks everybody in the network. An instrument has an address of its own
//! then: a portmapper knows one VXI-11 program.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use hil_client::channel::{Channel, invalid};
use hil_client::vxi11::core::{CORE, Mapping, PORTMAPPER, TCP, procedure};
use hil_client::vxi11::record::Records;
use hil_client::vxi11::rpc::{Call, Denial, call, put_reply};
use hil_client::vxi11::xdr::Xdr as _;
use hil_timebase::Clock;
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::tcp::accept;
use crate::vxi11::server::belongs;

/// A question has no more bytes.
const QUESTION: usize = 1024;
/// A record's length, which a datagram has not.
const LENGTH: usize = 4;

/// Tells all who ask by TCP or UDP that the program is at `port`, for ever. Must run
/// inside a `LocalSet`.
pub async fn serve(tcp: TcpListener, udp: Rc<UdpSocket>, port: u16, clock: Clock) {
    tokio::join!(serve_tcp(tcp, port, clock), serve_udp(udp, port));
}

async fn serve_tcp(listener: TcpListener, port: u16, clock: Clock) {
    loop {
        let stream = accept(&listener, &clock).await;
        tokio::task::spawn_local(async move {
            if let Err(error) = converse(stream, port).await {
                tracing::debug!(%error, "a portmapper's client has gone");
            }
        });
    }
}

async fn converse(stream: TcpStream, port: u16) -> io::Result<()> {
    let mut channel = Channel::new(stream, Records::new(QUESTION));
    while let Some(record) = channel.turn(true).await? {
        let called = call(&record).map_err(invalid)?;
        put_reply(called.id, answer(&called, port), PORTMAPPER.version, channel.out());
    }
    Ok(())
}

async fn serve_udp(socket: Rc<UdpSocket>, port: u16) {
    let from_itself = Rc::clone(&socket);
    serve_everybody(socket, vec![(from_itself, port)]).await;
}

/// Hears at `socket`, an address of everybody, and answers from each instrument's own.
pub async fn serve_everybody(socket: Rc<UdpSocket>, instruments: Vec<(Rc<UdpSocket>, u16)>) {
    let mut bytes = [0; QUESTION];
    loop {
        match socket.recv_from(&mut bytes).await {
            Ok((n, from)) => answer_all(&bytes[..n], from, &instruments).await,
            Err(error) => return tracing::warn!(%error, "a portmapper hears nothing any more"),
        }
    }
}

async fn answer_all(question: &[u8], from: SocketAddr, instruments: &[(Rc<UdpSocket>, u16)]) {
    let Ok(called) = call(question) else { return };
    for (own, port) in instruments {
        let mut record = Vec::new();
        put_reply(called.id, answer(&called, *port), PORTMAPPER.version, &mut record);
        if let Err(error) = own.send_to(&record[LENGTH..], from).await {
            tracing::debug!(%error, "a portmapper's answer was not sent");
        }
    }
}

fn answer(called: &Call, port: u16) -> Result<Vec<u8>, Denial> {
    belongs(called, PORTMAPPER)?;
    match called.procedure {
        procedure::NULL => Ok(Vec::new()),
        procedure::GET_PORT => {
            let wanted = Mapping::of(&called.arguments).map_err(|_| Denial::BadArguments)?;
            let there = (wanted.program, wanted.version, wanted.protocol) == (CORE.number, CORE.version, TCP);
            Ok(if there { u32::from(port) } else { 0 }.bytes())
        }
        _ => Err(Denial::NoProcedure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_question_has_no_answer_or_says_that_nobody_is_there() {
        let wanted = Mapping { program: CORE.number, version: CORE.version, protocol: TCP, port: 0 };
        let mut record = Vec::new();
        hil_client::vxi11::rpc::put_call(7, PORTMAPPER, procedure::GET_PORT, &wanted, &mut record);
        let question = record.split_off(LENGTH);
        let told = |bytes: &[u8]| call(bytes).ok().map(|called| answer(&called, 5025));
        assert_eq!(told(&question), Some(Ok(5025_u32.bytes())));
        for cut in 0..question.len() {
            assert!(!matches!(told(&question[..cut]), Some(Ok(port)) if port == 5025_u32.bytes()), "{cut} bytes");
        }
        // The port that is asked for means nothing; authentication that nobody has neither.
        let arguments = question.len() - 16;
        for (at, bit) in (0..question.len() - 4).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut damaged = question.clone();
            damaged[at] ^= 1 << bit;
            let found = told(&damaged);
            let means_the_same = at < 4 || (24..arguments).contains(&at);
            assert!(means_the_same || !matches!(&found, Some(Ok(port)) if *port == 5025_u32.bytes()), "byte {at}, bit {bit}: {found:?}");
        }
    }
}
