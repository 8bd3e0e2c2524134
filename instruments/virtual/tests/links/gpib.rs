//! Our clients against our gateways: several instruments on one bus, behind one that
//! speaks Prologix' language, and behind one that speaks VXI-11.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Beside, Move, Outcome};
use hil_client::prologix::{GatewayAddress, Gateways, Place};
use hil_client::{Address, ErrorKind, Lane, Link, Ways};
use hil_timebase::Clock;
use hil_virtual::{InstrumentFault, listen_gateway, listen_prologix};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::support::{Bench, in_real_time, settings};

/// Two instruments behind a gateway.
struct Bus {
    five: Bench,
    ways: Ways,
    addresses: [Address; 2],
    port: u16,
    server: JoinHandle<()>,
}

const PLACES: [Place; 2] = [Place { primary: 5, secondary: None }, Place { primary: 9, secondary: Some(2) }];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Prologix,
    Vxi11,
}

impl Bus {
    async fn begin(kind: Kind, clock: &Clock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (five, nine) = (Bench::new(clock), Bench::new(clock));
        let instruments = [Rc::clone(&five.psb), nine.psb];
        let host = || "127.0.0.1".to_owned();
        let clock = clock.clone();
        let (server, addresses) = match kind {
            Kind::Prologix => {
                let bus: BTreeMap<_, _> = PLACES.into_iter().zip(instruments).collect();
                let server = tokio::task::spawn_local(listen_prologix(listener, bus, clock));
                (server, PLACES.map(|place| Address::Gpib { board: 3, place }))
            }
            Kind::Vxi11 => {
                let abort = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                let names = ["gpib0,5", "gpib0,9,2"];
                let devices = names.map(str::to_owned).into_iter().zip(instruments).collect();
                let serve = async { listen_gateway(listener, abort, devices, clock).await.expect("serves") };
                let address = |name: &str| Address::Vxi11 { host: host(), port: Some(port), name: name.into() };
                (tokio::task::spawn_local(serve), names.map(address))
            }
        };
        let ways = Ways { gateways: Gateways::new([(3, GatewayAddress { host: host(), port })]), ..Ways::default() };
        Self { five, ways, addresses, port, server }
    }

    async fn links(&self, clock: &Clock) -> [Link; 2] {
        [self.link(0, clock).await, self.link(1, clock).await]
    }

    async fn link(&self, n: usize, clock: &Clock) -> Link {
        let stream = self.addresses[n].open(self.ways.clone(), clock, Duration::from_secs(2)).await.expect("opens");
        Link::spawn(&format!("at {}", self.addresses[n]), stream, settings(), clock.clone(), None)
    }
}

fn over_each(test: impl AsyncFn(Bus, &Clock)) {
    for kind in [Kind::Prologix, Kind::Vxi11] {
        in_real_time(async |clock| test(Bus::begin(kind, &clock).await, &clock).await);
    }
}

async fn entries(link: &Link) -> Vec<String> {
    let found = link.run(Lane::Normal, vec![Move::Errors]).await.expect("an error queue");
    let [Outcome::Errors(entries)] = &found[..] else { panic!("{found:?}") };
    entries.iter().map(ToString::to_string).collect()
}

#[test]
fn each_on_the_bus_answers_for_himself() {
    over_each(async |bus, clock| {
        let [five, nine] = bus.links(clock).await;
        let set = |volts: &str| vec![Move::tell("SYST:LOCK ON"), Move::tell(format!("VOLT {volts}"))];
        five.run(Lane::Normal, set("12.5")).await.expect("taken");
        nine.run(Lane::Normal, set("+3")).await.expect("taken");
        for _ in 0..3 {
            let (a, b) = tokio::join!(five.ask("VOLT?"), nine.ask("VOLT?"));
            assert_eq!((a.as_deref(), b.as_deref()), (Ok("12.499V"), Ok("3.001V")));
        }
        five.run(Lane::Normal, vec![Move::tell("BOGUS"), Move::ask("OUTP?")]).await.expect("taken");
        assert_eq!(five.beside(Beside::StatusByte).await, Ok(Outcome::Status(4)), "an entry waits");
        assert_eq!(nine.beside(Beside::StatusByte).await, Ok(Outcome::Status(0)));
        assert!(entries(&five).await[0].starts_with("-113,"));
        assert_eq!(entries(&nine).await, Vec::<String>::new());
        assert_eq!(nine.beside(Beside::Trigger).await, Ok(Outcome::Done));
        assert!(entries(&nine).await[0].starts_with("-211,"));
    });
}

#[test]
fn after_a_time_out_the_next_question_gets_its_own_answer() {
    over_each(async |bus, clock| {
        let [five, nine] = bus.links(clock).await;
        five.run(Lane::Normal, vec![Move::tell("SYST:LOCK ON"), Move::tell("VOLT 12.5")]).await.expect("taken");
        let late = InstrumentFault::Late { by: Duration::from_millis(450) };
        tokio::join!(bus.five.psb.suffer(&late, Some(Duration::from_millis(300))), async {
            let error = five.ask("VOLT?").await.expect_err("late");
            assert!(matches!(error.kind, ErrorKind::NoAnswer { .. }), "{error}");
        });
        for _ in 0..3 {
            assert_eq!(five.ask("VOLT?").await.as_deref(), Ok("12.499V"));
            assert_eq!(five.ask("OUTP?").await.as_deref(), Ok("OFF"));
            assert_eq!(nine.ask("OUTP?").await.as_deref(), Ok("OFF"));
        }
    });
}

#[test]
fn one_that_hangs_does_not_silence_the_other() {
    over_each(async |bus, clock| {
        let [five, nine] = bus.links(clock).await;
        let asking = async {
            let others = async {
                let begun = clock.now();
                assert_eq!(nine.ask("OUTP?").await.as_deref(), Ok("OFF"));
                clock.now().since(begun)
            };
            let (dead, took) = tokio::join!(five.ask("VOLT?"), others);
            assert!(matches!(dead.expect_err("dead").kind, ErrorKind::NoAnswer { .. }));
            // A turn of the dead one's read may be before it.
            assert!(took < Duration::from_millis(290), "{took:?}");
        };
        tokio::select! {
            biased;
            () = bus.five.psb.suffer(&InstrumentFault::Hang, None) => {}
            () = asking => {}
        }
    });
}

#[test]
fn a_gateway_that_is_gone_is_a_lost_link_and_can_be_opened_again() {
    in_real_time(async |clock| {
        let bus = Bus::begin(Kind::Prologix, &clock).await;
        let cable = Cable::to(bus.port).await;
        let stream = bus.addresses[0].open(cable.ways.clone(), &clock, Duration::from_secs(2)).await.expect("opens");
        let link = Link::spawn("five", stream, settings(), clock.clone(), None);
        assert_eq!(link.ask("OUTP?").await.as_deref(), Ok("OFF"));
        let (asked, ()) = tokio::join!(link.ask("BOGUS?"), async {
            clock.sleep(Duration::from_millis(50)).await;
            cable.pump.abort();
        });
        let error = asked.expect_err("cut during a read").to_string();
        assert!(error.starts_with("instrument `five`: link lost: "), "{error}");
        let again = bus.link(0, &clock).await;
        assert_eq!(again.ask("OUTP?").await.as_deref(), Ok("OFF"));
        bus.server.abort();
        let nobody = Address::Gpib { board: 4, place: PLACES[0] };
        let error = nobody.open(bus.ways.clone(), &clock, Duration::from_secs(1)).await.err().expect("no such board");
        assert_eq!(error, "GPIB4::5::INSTR: nobody says which gateway is `GPIB4`");
    });
}

/// A cable to the gateway that can be cut.
struct Cable {
    ways: Ways,
    pump: JoinHandle<()>,
}

impl Cable {
    async fn to(there: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let pump = tokio::task::spawn_local(async move {
            let (mut near, _) = listener.accept().await.expect("a client");
            let mut far = TcpStream::connect(("127.0.0.1", there)).await.expect("the gateway");
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
        let gateways = Gateways::new([(3, GatewayAddress { host: "127.0.0.1".into(), port })]);
        Self { ways: Ways { gateways, ..Ways::default() }, pump }
    }
}

#[test]
fn what_is_said_to_a_gateway_is_what_the_manual_says() {
    in_real_time(async |clock| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let gateways = Gateways::new([(0, GatewayAddress { host: "127.0.0.1".into(), port })]);
        let address = Address::Gpib { board: 0, place: PLACES[1] };
        let script = async {
            let (mut stream, _) = listener.accept().await.expect("a client");
            for (expected, answer) in [
                ("++savecfg 0\n++mode 1\n++auto 0\n++eoi 1\n++eos 3\n++eot_char 4\n++eot_enable 1\n++ver\n", "Gateway 1\r\n"),
                ("++addr 9 98\nVOLT? \x1b+\x1b\n\n++read_tmo_ms 200\n++read eoi\n++ver\n", "Gateway 1\r\n"),
                // Nothing yet: the next turn, shorter, for the deadline is near.
                ("++read_tmo_ms 100\n++read eoi\n++ver\n", "#15a\n\x04bcGateway 1\r\n"),
                ("++read_tmo_ms 200\n++read eoi\n++ver\n", "\x04Gateway 1\r\n"),
                ("++spoll\n++ver\n", "16\r\nGateway 1\r\n"),
                ("++spoll\n++ver\n", "Gateway 1\r\n"),
            ] {
                let mut said = vec![0; expected.len()];
                stream.read_exact(&mut said).await.expect("as long");
                assert_eq!(String::from_utf8(said).as_deref(), Ok(expected));
                // In pieces, as networks have them.
                for byte in answer.as_bytes() {
                    stream.write_all(&[*byte]).await.expect("taken");
                    tokio::task::yield_now().await;
                }
            }
        };
        let client = async {
            let ways = Ways { gateways, ..Ways::default() };
            let stream = address.open(ways, &clock, Duration::from_secs(2)).await.expect("opens");
            let link = Link::spawn("nine", stream, settings(), clock.clone(), None);
            // A reply that has the end's byte and a line feed inside of a block, and ends
            // without one.
            assert_eq!(link.ask("VOLT? +").await.as_deref(), Ok("#15a\n\u{4}bc"));
            assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(16)));
            let error = link.beside(Beside::StatusByte).await.expect_err("nobody answers the poll");
            assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
        };
        tokio::join!(script, client);
    });
}
