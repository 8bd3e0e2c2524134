//! Our clients against our servers on TCP, over the protocols that have messages.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Beside, Move, Outcome};
use hil_client::serial::Line;
use hil_client::{Address, ErrorKind, Lane, Link, LinkSettings};
use hil_timebase::Clock;
use hil_virtual::{Clients, InstrumentFault, listen_hislip, listen_vxi11};
use tokio::net::TcpListener;

use crate::support::{Bench, in_real_time, settings};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    Hislip,
    Vxi11,
}

use Protocol::{Hislip, Vxi11};

impl Protocol {
    fn address(self, port: u16) -> Address {
        let host = "127.0.0.1".into();
        match self {
            Hislip => Address::Hislip { host, name: "hislip0".into(), port },
            Vxi11 => Address::Vxi11 { host, port: Some(port), name: "inst0".into() },
        }
    }
}

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

/// A served instrument and its address.
async fn bench(protocol: Protocol, clock: &Clock, clients: Clients) -> (Bench, Address) {
    let (listener, port) = listener().await;
    let bench = Bench::new(clock);
    let (psb, clock) = (Rc::clone(&bench.psb), clock.clone());
    match protocol {
        Hislip => drop(tokio::task::spawn_local(listen_hislip(listener, psb, clients, clock))),
        Vxi11 => {
            let (abort, _) = self::listener().await;
            drop(tokio::task::spawn_local(listen_vxi11(listener, abort, psb, clients, clock)));
        }
    }
    (bench, protocol.address(port))
}

/// `test` in real time, over each protocol.
fn over_each(test: impl AsyncFn(Protocol, &Clock)) {
    for protocol in [Hislip, Vxi11] {
        in_real_time(async |clock| test(protocol, &clock).await);
    }
}

async fn link(clock: &Clock, address: &Address, settings: LinkSettings) -> Link {
    let stream = address.open(Line::default(), clock, Duration::from_secs(2)).await.expect("opens");
    Link::spawn("battery", stream, settings, clock.clone(), None)
}

async fn entries(link: &Link) -> Vec<String> {
    let found = link.run(Lane::Normal, vec![Move::Errors]).await.expect("an error queue");
    let [Outcome::Errors(entries)] = &found[..] else { panic!("{found:?}") };
    entries.iter().map(ToString::to_string).collect()
}

#[test]
fn identity_set_measure_and_error_queue() {
    over_each(async |protocol, clock| {
        let (_bench, address) = bench(protocol, clock, Clients::Many).await;
        let link = link(clock, &address, settings()).await;
        assert_eq!(link.ask("*IDN?").await.expect("an identity").split(',').nth(2), Some("2810450001"));
        link.run(Lane::Normal, vec![Move::tell("SYST:LOCK ON"), Move::tell("VOLT 12.5")]).await.expect("taken");
        assert_eq!(entries(&link).await, Vec::<String>::new());
        assert_eq!(link.ask("VOLT?").await.expect("a value"), "12.499V");
        let measured = link.ask("MEAS:VOLT?").await.expect("a value");
        let volts: f64 = measured.trim_end_matches('V').trim().parse().expect("a number");
        assert!((volts - 1.0).abs() < 0.1, "{measured}");
        // The question sees to it that the command was carried out: the status
        // byte goes another way, and may overtake.
        link.run(Lane::Normal, vec![Move::tell("BOGUS"), Move::ask("OUTP?")]).await.expect("taken");
        assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(4)), "an entry waits");
        assert!(entries(&link).await[0].starts_with("-113,"));
        assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(0)));
        assert_eq!(link.beside(Beside::Trigger).await, Ok(Outcome::Done));
        assert!(entries(&link).await[0].starts_with("-211,"));
    });
}

#[test]
fn after_a_time_out_the_next_question_gets_its_own_answer() {
    over_each(async |protocol, clock| {
        let (bench, address) = bench(protocol, clock, Clients::Many).await;
        let link = link(clock, &address, settings()).await;
        link.run(Lane::Normal, vec![Move::tell("SYST:LOCK ON"), Move::tell("VOLT 12.5")]).await.expect("taken");
        let late = InstrumentFault::Late { by: Duration::from_millis(450) };
        // Late beyond the deadline, so that the clear cuts it short.
        tokio::join!(bench.psb.suffer(&late, Some(Duration::from_millis(300))), async {
            let error = link.ask("VOLT?").await.expect_err("late");
            assert!(matches!(error.kind, ErrorKind::NoAnswer { .. }), "{error}");
        });
        for _ in 0..3 {
            assert_eq!(link.ask("VOLT?").await.expect("its own"), "12.499V");
            assert_eq!(link.ask("OUTP?").await.expect("its own"), "OFF");
        }
    });
}

#[test]
fn an_instrument_that_hangs_is_reported_within_its_deadline() {
    over_each(async |protocol, clock| {
        let (bench, address) = bench(protocol, clock, Clients::Many).await;
        let link = link(clock, &address, settings()).await;
        link.ask("*IDN?").await.expect("an identity");
        let asking = async {
            let begun = clock.now();
            let error = link.ask("VOLT?").await.expect_err("dead");
            let waited = clock.now().since(begun);
            assert!(matches!(error.kind, ErrorKind::NoAnswer { .. }), "{error}");
            assert!(waited < Duration::from_secs(1), "{waited:?}");
            // Each of three clearings waits for an identity.
            let error = link.ask("VOLT?").await.expect_err("dead");
            assert_eq!(error.to_string(), "instrument `battery`: link lost: no order after 3 attempts to clear it");
        };
        tokio::select! {
            biased;
            () = bench.psb.suffer(&InstrumentFault::Hang, None) => {}
            () = asking => {}
        }
    });
}

#[test]
fn a_lock_keeps_others_out_until_it_is_given_back() {
    over_each(async |protocol, clock| {
        let (_bench, address) = bench(protocol, clock, Clients::Many).await;
        let first = link(clock, &address, settings()).await;
        let second = link(clock, &address, LinkSettings { reply_within: Duration::from_secs(5), ..settings() }).await;
        let lock = |ms| Beside::Lock { within: Duration::from_millis(ms) };
        assert_eq!(first.beside(lock(0)).await, Ok(Outcome::Locked(true)));
        match protocol {
            Hislip => {
                let error = first.beside(lock(0)).await.expect_err("held");
                assert_eq!(error.to_string(), "instrument `battery`: refused `lock`: a lock is held already");
            }
            Vxi11 => assert_eq!(first.beside(lock(0)).await, Ok(Outcome::Locked(false))),
        }
        assert_eq!(second.beside(lock(20)).await, Ok(Outcome::Locked(false)));
        let order = RefCell::new(Vec::new());
        tokio::join!(
            async {
                second.ask("OUTP?").await.expect("at last");
                order.borrow_mut().push("answered");
            },
            async {
                clock.sleep(Duration::from_millis(50)).await;
                assert_eq!(first.ask("OUTP?").await.expect("the holder's"), "OFF");
                order.borrow_mut().push("unlocked");
                assert_eq!(first.beside(Beside::Unlock).await, Ok(Outcome::Done));
            }
        );
        assert_eq!(order.into_inner(), ["unlocked", "answered"]);
        let error = first.beside(Beside::Unlock).await.expect_err("not held");
        let why = match protocol {
            Hislip => "there is no lock to give back",
            Vxi11 => "device_unlock: no lock held by this link (VXI-11 error 12)",
        };
        assert_eq!(error.to_string(), format!("instrument `battery`: refused `unlock`: {why}"));
        assert_eq!(second.beside(lock(0)).await, Ok(Outcome::Locked(true)));
        drop(second);
        assert_eq!(first.beside(lock(2000)).await, Ok(Outcome::Locked(true)), "who has gone holds nothing");
    });
}

#[test]
fn who_comes_second_waits_or_is_turned_away() {
    over_each(async |protocol, clock| {
        let (_bench, address) = bench(protocol, clock, Clients::Refused).await;
        let first = link(clock, &address, settings()).await;
        first.ask("OUTP?").await.expect("served");
        let error = address.open(Line::default(), clock, Duration::from_secs(2)).await.err().expect("refused");
        let why = match protocol {
            Hislip => {
                "the instrument reports a fatal HiSLIP error: maximum number of clients exceeded (code 4), `another client is served`"
            }
            Vxi11 => "no link to `inst0`: out of resources (VXI-11 error 9)",
        };
        assert_eq!(error, format!("{address}: {why}"));
        let (_bench, address) = bench(protocol, clock, Clients::Queued).await;
        let first = link(clock, &address, settings()).await;
        first.ask("OUTP?").await.expect("served");
        let error = address.open(Line::default(), clock, Duration::from_millis(200)).await.err().expect("nobody answers");
        assert_eq!(error, format!("{address}: no {} within 200 ms", first_answer(protocol)));
        let (opened, ()) = tokio::join!(address.open(Line::default(), clock, Duration::from_secs(2)), async {
            clock.sleep(Duration::from_millis(50)).await;
            drop(first);
        });
        opened.expect("served when the first has gone");
    });
}

#[test]
fn an_inhibit_closes_the_link() {
    over_each(async |protocol, clock| {
        let (bench, address) = bench(protocol, clock, Clients::Many).await;
        let link = link(clock, &address, settings()).await;
        link.ask("OUTP?").await.expect("served");
        bench.psb.inhibit().await;
        clock.sleep(Duration::from_millis(20)).await;
        let error = link.ask("OUTP?").await.expect_err("closed");
        assert!(error.to_string().contains("the instrument closed the"), "{error}");
    });
}

#[test]
fn what_does_not_answer_or_is_none_is_reported() {
    over_each(async |protocol, clock| {
        // Connected, and silent.
        let (_listener, port) = listener().await;
        let address = protocol.address(port);
        let error = address.open(Line::default(), clock, Duration::from_millis(100)).await.err().expect("silent");
        assert_eq!(error, format!("{address}: no {} within 100 ms", first_answer(protocol)));
        let (_bench, address) = bench(protocol, clock, Clients::Many).await;
        let (other, why) = match address {
            Address::Hislip { host, port, .. } => (
                Address::Hislip { host, port, name: "hislip7".into() },
                "(code 3), `there is no such part of the instrument, expected hislip0`",
            ),
            Address::Vxi11 { host, port, .. } => {
                (Address::Vxi11 { host, port, name: "inst7".into() }, "no link to `inst7`: device not accessible (VXI-11 error 3)")
            }
            address => panic!("{address}"),
        };
        let error = other.open(Line::default(), clock, Duration::from_secs(2)).await.err().expect("no such part");
        assert!(error.ends_with(why), "{error}");
    });
}

/// What a server must answer first.
fn first_answer(protocol: Protocol) -> &'static str {
    match protocol {
        Hislip => "answer to Initialize",
        Vxi11 => "answer to create_link",
    }
}
