//! The client against the server over HiSLIP, on TCP.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Beside, Move, Outcome};
use hil_client::{Address, ErrorKind, Lane, Link, LinkSettings};
use hil_timebase::Clock;
use hil_virtual::{Clients, InstrumentFault, listen_hislip};
use tokio::net::TcpListener;

use crate::support::{Bench, in_real_time, settings};

/// A served instrument and its address.
async fn bench(clock: &Clock, clients: Clients) -> (Bench, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let bench = Bench::new(clock);
    tokio::task::spawn_local(listen_hislip(listener, Rc::clone(&bench.psb), clients, clock.clone()));
    (bench, Address::Hislip { host: "127.0.0.1".into(), name: "hislip0".into(), port })
}

async fn link(clock: &Clock, address: &Address, settings: LinkSettings) -> Link {
    let stream = address.open(hil_client::serial::Line::default(), clock, Duration::from_secs(2)).await.expect("opens");
    Link::spawn("battery", stream, settings, clock.clone(), None)
}

async fn entries(link: &Link) -> Vec<String> {
    let found = link.run(Lane::Normal, vec![Move::Errors]).await.expect("an error queue");
    let [Outcome::Errors(entries)] = &found[..] else { panic!("{found:?}") };
    entries.iter().map(ToString::to_string).collect()
}

#[test]
fn identity_set_measure_and_error_queue() {
    in_real_time(async |clock| {
        let (_bench, address) = bench(&clock, Clients::Many).await;
        let link = link(&clock, &address, settings()).await;
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
    in_real_time(async |clock| {
        let (bench, address) = bench(&clock, Clients::Many).await;
        let link = link(&clock, &address, settings()).await;
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
    in_real_time(async |clock| {
        let (bench, address) = bench(&clock, Clients::Many).await;
        let link = link(&clock, &address, settings()).await;
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
    in_real_time(async |clock| {
        let (_bench, address) = bench(&clock, Clients::Many).await;
        let first = link(&clock, &address, settings()).await;
        let second = link(&clock, &address, LinkSettings { reply_within: Duration::from_secs(5), ..settings() }).await;
        let lock = |ms| Beside::Lock { within: Duration::from_millis(ms) };
        assert_eq!(first.beside(lock(0)).await, Ok(Outcome::Locked(true)));
        let error = first.beside(lock(0)).await.expect_err("held");
        assert_eq!(error.to_string(), "instrument `battery`: refused `lock`: a lock is held already");
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
        assert_eq!(error.to_string(), "instrument `battery`: refused `unlock`: there is no lock to give back");
        assert_eq!(second.beside(lock(0)).await, Ok(Outcome::Locked(true)));
        drop(second);
        assert_eq!(first.beside(lock(2000)).await, Ok(Outcome::Locked(true)), "who has gone holds nothing");
    });
}

#[test]
fn who_comes_second_waits_or_is_turned_away() {
    in_real_time(async |clock| {
        let (_bench, address) = bench(&clock, Clients::Refused).await;
        let first = link(&clock, &address, settings()).await;
        first.ask("OUTP?").await.expect("served");
        let error = address.open(hil_client::serial::Line::default(), &clock, Duration::from_secs(2)).await.err().expect("refused");
        let why = "the instrument reports a fatal HiSLIP error: maximum number of clients exceeded (code 4), `another client is served`";
        assert_eq!(error, format!("{address}: {why}"));
        let (_bench, address) = bench(&clock, Clients::Queued).await;
        let first = link(&clock, &address, settings()).await;
        first.ask("OUTP?").await.expect("served");
        let error =
            address.open(hil_client::serial::Line::default(), &clock, Duration::from_millis(200)).await.err().expect("nobody answers");
        assert_eq!(error, format!("{address}: no answer to Initialize within 200 ms"));
        let (opened, ()) = tokio::join!(address.open(hil_client::serial::Line::default(), &clock, Duration::from_secs(2)), async {
            clock.sleep(Duration::from_millis(50)).await;
            drop(first);
        });
        opened.expect("served when the first has gone");
    });
}

#[test]
fn an_inhibit_closes_the_link() {
    in_real_time(async |clock| {
        let (bench, address) = bench(&clock, Clients::Many).await;
        let link = link(&clock, &address, settings()).await;
        link.ask("OUTP?").await.expect("served");
        bench.psb.inhibit().await;
        clock.sleep(Duration::from_millis(20)).await;
        let error = link.ask("OUTP?").await.expect_err("closed");
        assert!(error.to_string().contains("the instrument closed the"), "{error}");
    });
}

#[test]
fn what_does_not_answer_or_is_none_is_reported() {
    in_real_time(async |clock| {
        // Connected, and silent.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let address = Address::Hislip { host: "127.0.0.1".into(), name: "hislip0".into(), port };
        let error = address.open(hil_client::serial::Line::default(), &clock, Duration::from_millis(100)).await.err().expect("silent");
        assert_eq!(error, format!("{address}: no answer to Initialize within 100 ms"));
        let (_bench, address) = bench(&clock, Clients::Many).await;
        let Address::Hislip { host, port, .. } = address else { panic!("{address}") };
        let other = Address::Hislip { host, name: "hislip7".into(), port };
        let error = other.open(hil_client::serial::Line::default(), &clock, Duration::from_secs(2)).await.err().expect("no such part");
        assert!(error.ends_with("(code 3), `there is no such part of the instrument, expected hislip0`"), "{error}");
    });
}
