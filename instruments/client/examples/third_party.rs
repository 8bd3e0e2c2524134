//! This client against a SCPI server that was not written here:
//! `ci/check_third_party.py` starts it and says its port.
//!
//!   third_party PORT

use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::serial::Line;
use hil_client::{Address, ErrorKind, Lane, Link, LinkSettings, scpi};
use hil_timebase::{Clock, Runtime};

fn settings() -> LinkSettings {
    LinkSettings { reply_within: Duration::from_millis(500), max_reply: 4096, ..LinkSettings::default() }
}

/// A command, and the entries of the error queue that are its own.
async fn tell(link: &Link, command: &str) -> Vec<String> {
    let outcomes = link.run(Lane::Normal, vec![Move::tell(command), Move::Errors]).await.expect("told");
    let [Outcome::Told { .. }, Outcome::Errors(entries)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    entries.iter().map(ToString::to_string).collect()
}

async fn converse(port: u16, clock: &Clock) {
    let address = Address::Socket { host: "127.0.0.1".into(), port };
    let stream = address.open(Line::default(), clock, Duration::from_secs(2)).await.expect("a server");
    let link = Link::spawn("supply", stream, settings(), clock.clone(), None);
    assert_eq!(link.ask("*IDN?").await.as_deref(), Ok("SCPIPY,SUPPLY,1,1.5"));
    tell(&link, "*CLS").await;
    assert_eq!(tell(&link, "VOLT 12.5").await, Vec::<String>::new());
    let volts = link.ask("volt?").await.expect("a reply");
    assert_eq!(scpi::number(volts.as_bytes(), ""), Ok(12.5));
    // Each entry is its own command's.
    assert_eq!(tell(&link, "VOLT 99").await, [r#"-222,"Data out of range""#]);
    assert_eq!(tell(&link, "VOLT 3;VOLT 4").await, Vec::<String>::new());
    assert_eq!(tell(&link, "BOGUS 1").await, [r#"-110,"Command header error""#]);
    assert_eq!(link.ask("VOLT?").await.as_deref(), Ok("4.000000E+00"));
    let events = link.ask("*ESR?").await.expect("a reply");
    assert_eq!(scpi::whole(events.as_bytes()).expect("a register") & 0b11_0000, 0b11_0000, "it refused two commands");
    assert_eq!(link.ask("*OPC?").await.as_deref(), Ok("1"));
    let current = link.ask("MEAS:CURR?").await.expect("a reply");
    assert_eq!(scpi::number(current.as_bytes(), ""), Err(scpi::ReplyError::NoValue));
    // What it does not know, it does not answer; the next question is answered.
    let begun = clock.now();
    let silent = link.ask("BOGUS?").await.expect_err("no reply");
    assert!(matches!(silent.kind, ErrorKind::NoAnswer { .. }), "{silent}");
    assert!(clock.now().since(begun) < Duration::from_millis(700));
    assert_eq!(link.ask("VOLT?").await.as_deref(), Ok("4.000000E+00"));
    for _ in 0..1000 {
        assert_eq!(link.ask("VOLT?").await.as_deref(), Ok("4.000000E+00"));
    }
}

fn main() {
    let port = std::env::args().nth(1).and_then(|p| p.parse().ok()).expect("usage: third_party PORT");
    let runtime = Runtime::real_time().expect("a runtime");
    let clock = runtime.clock();
    runtime.block_on(converse(port, &clock)).expect("no halt");
    println!("ok: identity, set, read, error queue, events, *OPC?, no value, time-out, 1,000 questions");
}
