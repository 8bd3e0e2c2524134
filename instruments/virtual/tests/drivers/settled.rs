//! When a setting is over.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::{Dialect, Function, Link, Protection, Source};
use hil_timebase::Runtime;
use hil_virtual::{Identity, Model, Terminals, serve};

use crate::support::{Resistor, SERIAL};

/// How long setting 12 V took by the dialect's own words, and what was there then.
fn set_with(dialect: Dialect) -> (Duration, f64) {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let world = Resistor::new(0.0, 2.0);
    let body = async {
        let (ours, theirs) = tokio::io::duplex(4096);
        let virtual_one = Dialect::built_in("keysight-n7972a").expect("listed").expect("good");
        let terminals: Arc<dyn Terminals> = Arc::clone(&world) as Arc<dyn Terminals>;
        let model = Model::of("keysight-n7972a", &virtual_one);
        tokio::task::spawn_local(serve(theirs, model, Identity::new(SERIAL), terminals, clock.clone(), 7));
        let link = Link::spawn("supply", ours, dialect.link_settings(), clock.clone(), None);
        let source = Source::new(link, Rc::new(dialect), SERIAL, Protection::default());
        source.open().await.expect("opens");
        source.set_source_limit(10.0).await.expect("sets");
        clock.sleep(Duration::from_secs(1)).await;
        source.output(true).await.expect("switches");
        clock.sleep(Duration::from_secs(1)).await;
        let set = source.set_voltage(12.0).await.expect("sets");
        (set.confirmed.since(set.sent), world.volts())
    };
    runtime.block_on(body).expect("no halt")
}

#[test]
fn a_setting_is_over_when_the_instrument_says_so_and_not_before() {
    let told = Dialect::built_in("keysight-n7972a").expect("listed").expect("good");
    let settle = told.set_range(Function::Voltage).expect("sets it").settle;
    let mut timed = told.clone();
    timed.link.completes = None;
    let (took, volts) = set_with(told);
    assert!(took > settle / 5 && took < settle, "{took:?}");
    assert!((volts - 12.0).abs() < 0.1, "{volts}");
    // Without its word, it is only read back, and the output is on its way.
    let (took, volts) = set_with(timed);
    assert!(took < settle / 2 && volts < 1.0, "{took:?}, {volts}");
}
