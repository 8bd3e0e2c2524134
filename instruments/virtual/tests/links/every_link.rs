//! What every link promises, whatever it is made of: in memory, raw TCP, HiSLIP,
//! VXI-11 and a serial port.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, join_all};
use hil_client::serial::Line;
use hil_client::{Address, ErrorKind, Link, LinkSettings, scpi};
use hil_timebase::{Clock, Nanos};
use hil_virtual::{Clients, Instrument, InstrumentFault, Pty, listen, listen_hislip, listen_vxi11};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{Bench, VOLTS_AT_FIRST, VOLTS_PER_SECOND, in_real_time, settings};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    Memory,
    Socket,
    Hislip,
    Vxi11,
    Serial,
}

const ALL: [Way; 5] = [Way::Memory, Way::Socket, Way::Hislip, Way::Vxi11, Way::Serial];

/// How much a reading may be off, in time: accuracy, resolution, the way.
const FRESH: Duration = Duration::from_millis(150);

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

/// A served instrument, whose voltage tells the time, and a link to it.
async fn bench(way: Way, clock: &Clock, settings: LinkSettings) -> (Rc<Instrument>, Link) {
    let psb = Bench::telling_the_time(clock).psb;
    let (served, timer, host) = (Rc::clone(&psb), clock.clone(), "127.0.0.1".to_owned());
    let address = match way {
        Way::Memory => {
            let (ours, theirs) = tokio::io::duplex(1024);
            tokio::task::spawn_local(async move { served.attend(theirs).await });
            return (psb, Link::spawn("battery", ours, settings, clock.clone(), None));
        }
        Way::Socket => {
            let (listener, port) = listener().await;
            tokio::task::spawn_local(listen(listener, served, Clients::Many, timer));
            Address::Socket { host, port }
        }
        Way::Hislip => {
            let (listener, port) = listener().await;
            tokio::task::spawn_local(listen_hislip(listener, served, Clients::Many, timer));
            Address::Hislip { host, name: "hislip0".into(), port }
        }
        Way::Vxi11 => {
            let ((listener, port), (abort, _)) = (listener().await, listener().await);
            tokio::task::spawn_local(listen_vxi11(listener, abort, served, Clients::Many, timer));
            Address::Vxi11 { host, port: Some(port), name: "inst0".into() }
        }
        Way::Serial => {
            let pty = Pty::open().expect("a pseudo-terminal");
            let address = pty.address().clone();
            tokio::task::spawn_local(pty.serve(served));
            address
        }
    };
    let stream = address.open(Line::default(), clock, Duration::from_secs(2)).await.expect("opens");
    (psb, Link::spawn("battery", stream, settings, clock.clone(), None))
}

/// When a reply says that it was made.
fn made(reply: &str) -> Nanos {
    let volts = scpi::number(reply.as_bytes(), "V").unwrap_or_else(|e| panic!("`{reply}` is {e}"));
    Nanos::ZERO + Duration::from_secs_f64(((volts - VOLTS_AT_FIRST) / VOLTS_PER_SECOND).max(0.0))
}

/// A reply that is late by `by`, and the next questions: `same` or others.
async fn late(way: Way, by: Duration, same: bool, clock: &Clock) {
    let case = format!("{way:?}, late by {by:?}, the same question: {same}");
    let (psb, link) = bench(way, clock, settings()).await;
    link.ask("*IDN?").await.expect("an identity");
    let fault = InstrumentFault::Late { by };
    let first = tokio::join!(psb.suffer(&fault, Some(Duration::from_millis(100))), link.ask("MEAS:VOLT?")).1;
    assert!(matches!(first.expect_err("late").kind, ErrorKind::NoAnswer { .. }), "{case}");
    // What has no clear and cannot be opened anew is given up within a second,
    // rather than that a reply is taken for another's.
    let may_be_lost = matches!(way, Way::Memory | Way::Serial) && by > Duration::from_millis(700);
    for round in 0..3 {
        if !same {
            match link.ask("OUTP?").await {
                Err(e) if may_be_lost && matches!(e.kind, ErrorKind::LinkLost { .. }) => return,
                reply => assert_eq!(reply.as_deref(), Ok("OFF"), "{case}, round {round}"),
            }
        }
        let asked = clock.now();
        let reply = match link.ask("MEAS:VOLT?").await {
            Err(e) if may_be_lost && matches!(e.kind, ErrorKind::LinkLost { .. }) => return,
            reply => reply.unwrap_or_else(|e| panic!("{case}, round {round}: {e}")),
        };
        assert!(made(&reply) + FRESH >= asked, "{case}, round {round}: `{reply}` was made {:?}, asked {asked:?}", made(&reply));
    }
}

#[test]
fn after_a_time_out_the_next_question_gets_its_own_answer_wherever_the_late_one_comes() {
    in_real_time(async |clock| {
        let clock = &clock;
        // Before the clear, in it, round its questions, and long after.
        let delays = [310, 330, 350, 400, 500, 640, 700, 1000].map(Duration::from_millis);
        let cases = ALL.into_iter().flat_map(|way| delays.map(|by| (way, by)));
        join_all(cases.flat_map(|(way, by)| [true, false].map(|same| late(way, by, same, clock)))).await;
    });
}

#[test]
fn a_dead_instrument_is_reported_within_its_deadline() {
    in_real_time(async |clock| {
        let clock = &clock;
        let dead = async |way: Way| {
            // The deadline of every dialect that has no reason for another.
            let settings = LinkSettings { reply_within: Duration::from_secs(1), ..settings() };
            let (psb, link) = bench(way, clock, settings).await;
            link.ask("*IDN?").await.expect("an identity");
            let asking = async {
                for question in ["MEAS:VOLT?", "OUTP?", "*IDN?"] {
                    let begun = clock.now();
                    let error = link.ask(question).await.expect_err("dead");
                    let waited = clock.now().since(begun);
                    assert!(matches!(error.kind, ErrorKind::NoAnswer { .. } | ErrorKind::LinkLost { .. }), "{way:?}: {error}");
                    assert!(waited < Duration::from_millis(1300), "{way:?}: {question} waited {waited:?}");
                }
            };
            tokio::select! {
                biased;
                () = psb.suffer(&InstrumentFault::Hang, None) => {}
                () = asking => {}
            }
        };
        join_all(ALL.map(|way| -> LocalBoxFuture<'_, ()> { Box::pin(dead(way)) })).await;
    });
}

/// A port that lets nobody in: its queue of connections is full.
async fn deaf_port(clock: &Clock) -> (u16, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("listens");
    let port = listener.local_addr().expect("bound").port();
    let mut waiting = Vec::new();
    while let Ok(stream) = clock.timeout(Duration::from_millis(200), TcpStream::connect(("127.0.0.1", port))).await {
        waiting.push(stream.expect("connects"));
        assert!(waiting.len() < 10, "the queue is never full");
    }
    (port, listener, waiting)
}

#[test]
fn an_address_that_lets_nobody_in_is_reported_within_the_open_deadline() {
    in_real_time(async |clock| {
        let clock = &clock;
        let (port, _listener, _waiting) = deaf_port(clock).await;
        let host = || "127.0.0.1".to_owned();
        let addresses = [
            Address::Socket { host: host(), port },
            Address::Hislip { host: host(), name: "hislip0".into(), port },
            Address::Vxi11 { host: host(), name: "inst0".into(), port: Some(port) },
        ];
        join_all(addresses.iter().map(async |address| {
            let begun = clock.now();
            let error = address.open(Line::default(), clock, Duration::from_secs(2)).await.err().expect("nobody there");
            let waited = clock.now().since(begun);
            assert_eq!(error, format!("{address}: no connection within 2000 ms"));
            assert!(waited < Duration::from_millis(2200), "{address}: {waited:?}");
        }))
        .await;
    });
}
