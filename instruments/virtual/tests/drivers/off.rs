//! Outputs that go off late, inhibits, and links that end.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::{Dialect, ErrorKind, Link, Protection, Source};
use hil_timebase::Clock;
use hil_virtual::{Identity, Instrument, Model, Terminals};

use crate::support::{Resistor, SERIAL, in_virtual_time};

/// A source that goes off 20 ms after it was told to, and one link to it.
async fn with_off_latency(clock: &Clock, world: &Arc<Resistor>) -> (Rc<Instrument>, Source) {
    let terminals: Arc<dyn Terminals> = Arc::clone(world) as Arc<dyn Terminals>;
    let (model, latency) = (Model::EaPsb10060(120), Duration::from_millis(20));
    let instrument = Rc::new(Instrument::power_up(model, &Identity::new(SERIAL), terminals, clock.clone(), 1, latency));
    let (ours, theirs) = tokio::io::duplex(4096);
    let served = Rc::clone(&instrument);
    tokio::task::spawn_local(async move { served.attend(theirs).await });
    let dialect = Rc::new(Dialect::built_in("ea-psb-10060-120").expect("listed").expect("good"));
    let link = Link::spawn("battery", ours, dialect.link_settings(), clock.clone(), None);
    let source = Source::new(link, dialect, SERIAL, Protection::default());
    source.open().await.expect("opens");
    source.set_voltage(14.0).await.expect("set");
    source.set_source_limit(5.0).await.expect("set");
    source.output(true).await.expect("on");
    assert!(world.state().on);
    (instrument, source)
}

#[test]
fn an_output_that_reads_back_off_goes_off_a_latency_later() {
    in_virtual_time(|clock| async move {
        let world = Resistor::new(12.0, 1.0);
        let (_instrument, source) = with_off_latency(&clock, &world).await;
        let begun = clock.now();
        let confirmed = source.output(false).await.expect("off");
        assert!(confirmed.confirmed.since(begun) < Duration::from_millis(60));
        while world.state().on {
            clock.sleep(Duration::from_millis(1)).await;
        }
        let took = clock.now().since(begun);
        assert!(took >= Duration::from_millis(20) && took < Duration::from_millis(60), "{took:?}");

        // On again before it was off: it stays on.
        source.output(true).await.expect("on");
        let link = source.output(false).await;
        link.expect("off");
        source.output(true).await.expect("on");
        clock.sleep(Duration::from_millis(100)).await;
        assert!(world.state().on);
    });
}

#[test]
fn an_inhibit_acts_at_once_and_closes_every_link() {
    in_virtual_time(|clock| async move {
        let world = Resistor::new(12.0, 1.0);
        let (instrument, source) = with_off_latency(&clock, &world).await;
        instrument.inhibit().await;
        assert!(!world.state().on);
        let error = source.volts().await.expect_err("no link");
        assert!(matches!(error.kind, ErrorKind::LinkLost { .. }), "{error}");
        clock.sleep(Duration::from_millis(100)).await;
        assert!(!world.state().on);
    });
}

#[test]
fn an_instrument_outlives_its_links() {
    in_virtual_time(|clock| async move {
        let world = Resistor::new(12.0, 1.0);
        let (instrument, source) = with_off_latency(&clock, &world).await;
        drop(source);
        clock.sleep(Duration::from_millis(10)).await;
        assert!(world.state().on, "a closed link switches nothing off");
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::task::spawn_local(async move { instrument.attend(theirs).await });
        let dialect = Dialect::built_in("ea-psb-10060-120").expect("listed").expect("good");
        let link = Link::spawn("battery", ours, dialect.link_settings(), clock.clone(), None);
        assert_eq!(link.ask("OUTP?").await.expect("answers"), "ON");
        assert_eq!(link.ask("VOLT?").await.expect("answers"), "14.001V");
    });
}
