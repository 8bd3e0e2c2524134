//! Whether an instrument is still what it was opened as.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::link::Move;
use hil_client::{ClientError, Dialect, ErrorKind, Lane, Link, Meter, Protection, Source};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, InstrumentFault, Model, Terminals, serve};

use crate::support::{Resistor, SERIAL, kind, on_bench};

/// An instrument that can be told to suffer, and a link to it.
fn patient(dialect: &str, clock: &Clock) -> (Rc<Instrument>, Link, Rc<Dialect>) {
    let model = Model::of(dialect, &Dialect::built_in(dialect).expect("listed").expect("good"));
    let instrument = Instrument::power_up(model, &Identity::new(SERIAL), Resistor::new(10.0, 2.0), clock.clone(), 7, Duration::ZERO);
    let instrument = Rc::new(instrument);
    let (ours, theirs) = tokio::io::duplex(4096);
    let attending = Rc::clone(&instrument);
    tokio::task::spawn_local(async move { attending.attend(theirs).await });
    let dialect = Rc::new(Dialect::built_in(dialect).expect("listed").expect("good"));
    let link = Link::spawn("it", ours, dialect.link_settings(), clock.clone(), None);
    (instrument, link, dialect)
}

/// What a source proves that suffered `fault` for 300 ms; `used` meanwhile, by
/// somebody who does not look at what comes of it.
async fn source_after(clock: &Clock, fault: &InstrumentFault, used: bool) -> Result<(), ClientError> {
    let (instrument, link, dialect) = patient("ea-psb-10060-120", clock);
    let source = Source::new(link, dialect, SERIAL, Protection { over_voltage: Some(17.0), over_current: Some(30.0) });
    source.open().await.expect("opens");
    source.set_voltage(12.8).await.expect("sets");
    source.output(true).await.expect("on");
    let opened = clock.now();
    source.prove(opened).await.expect("in order");
    let using = async {
        clock.sleep(Duration::from_millis(20)).await;
        if used {
            drop(source.amps().await);
            drop(source.set_voltage(12.0).await);
        }
    };
    tokio::join!(instrument.suffer(fault, Some(Duration::from_millis(300))), using);
    source.prove(opened).await
}

#[test]
fn a_fault_that_is_over_shows_when_a_source_is_proved() {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    for (fault, used, words) in [
        (InstrumentFault::Reboot { keeps_link: true }, false, "it was switched on anew"),
        (InstrumentFault::Reboot { keeps_link: true }, true, "question and answer have come apart"),
        (InstrumentFault::Reboot { keeps_link: false }, false, "link lost"),
        (InstrumentFault::ConstantCurrent { milliamps: 100 }, false, "its output was held by neither set value"),
        (InstrumentFault::Refuse, true, "it refused something"),
        (InstrumentFault::Garbage, true, "question and answer have come apart"),
        (InstrumentFault::Half { ended: true }, true, "question and answer have come apart"),
        (InstrumentFault::Half { ended: false }, true, "question and answer have come apart"),
        (InstrumentFault::Previous, true, "question and answer have come apart"),
        (InstrumentFault::Drop, false, "link lost"),
    ] {
        let proof = runtime.block_on(source_after(&clock, &fault, used)).expect("no halt");
        let told = proof.expect_err(&format!("{fault:?}")).to_string();
        assert!(told.contains(words), "{fault:?}: {told}");
    }
    // It harmed nobody.
    runtime.block_on(source_after(&clock, &InstrumentFault::Hang, false)).expect("no halt").expect("in order");
}

#[test]
fn a_meter_is_proved_and_what_it_says_late_or_by_half_is_noticed() {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let test = async {
        let (instrument, link, dialect) = patient("keithley-dmm6500", &clock);
        let meter = Meter::new(link, dialect, SERIAL, 1.0);
        meter.open().await.expect("opens");
        let opened = clock.now();
        meter.read_volts(100.0).await.expect("reads");
        meter.prove(opened).await.expect("in order");
        assert_eq!(meter.late(opened), None);
        // Late, but within what is waited for.
        let late = InstrumentFault::Late { by: Duration::from_millis(300) };
        let (_, read) = tokio::join!(instrument.suffer(&late, Some(Duration::from_millis(100))), meter.read_volts(100.0));
        read.expect("reads");
        assert!(meter.late(opened).is_some_and(|by| by >= Duration::from_millis(300)), "{:?}", meter.late(opened));
        assert_eq!(meter.late(clock.now() + Duration::from_millis(1)), None);
        // As much of a number as looks like one.
        let half = InstrumentFault::Half { ended: true };
        let (_, read) = tokio::join!(instrument.suffer(&half, Some(Duration::from_millis(100))), meter.read_volts(100.0));
        let ErrorKind::Garbled { answer, expected, .. } = kind(read) else { panic!("no error") };
        assert!(answer.parse::<f64>().is_ok_and(|volts| volts < 1.001), "{answer}");
        assert_eq!(expected, "a number with an exponent");
        assert!(matches!(kind(meter.prove(opened).await), ErrorKind::LinkLost { .. }));
        // Whoever was told of it and tries again may go on.
        meter.read_volts(100.0).await.expect("reads");
        clock.sleep(Duration::from_millis(1)).await;
        meter.prove(clock.now()).await.expect("in order");
        instrument.suffer(&InstrumentFault::Reboot { keeps_link: true }, Some(Duration::from_millis(10))).await;
        let told = meter.prove(clock.now()).await.expect_err("switched on anew").to_string();
        assert!(told.contains("it was switched on anew"), "{told}");
    };
    runtime.block_on(test).expect("no halt");
}

#[test]
fn a_proof_in_one_go_finds_what_one_by_one_finds() {
    let found = |pipelines: bool, at: Option<&str>| {
        on_bench("ea-psb-10060-120", Resistor::new(10.0, 2.0), |bench| async move {
            let mut settings = bench.dialect.link_settings();
            (settings.pipelines, settings.gap) = (pipelines, Duration::ZERO);
            let (ours, theirs) = tokio::io::duplex(4096);
            let terminals: Arc<dyn Terminals> = Arc::clone(&bench.world) as Arc<dyn Terminals>;
            let model = Model::of("ea-psb-10060-120", &bench.dialect);
            tokio::task::spawn_local(serve(theirs, model, Identity::new(SERIAL), terminals, bench.clock.clone(), 7));
            let link = Link::spawn("battery", ours, settings, bench.clock.clone(), None);
            let source = Source::new(link.clone(), Rc::clone(&bench.dialect), SERIAL, Protection::default());
            source.open().await.expect("opens");
            source.set_voltage(12.8).await.expect("sets");
            if let Some(command) = at {
                // Somebody else.
                link.run(Lane::Normal, vec![Move::tell(command)]).await.expect("told");
            }
            source.prove(Nanos::ZERO).await.map_err(|e| e.kind)
        })
    };
    assert_eq!(found(true, None), Ok(()));
    for command in ["VOLT 12.9", "SINK:CURR 1"] {
        let one_by_one = found(false, Some(command)).expect_err("changed");
        assert!(matches!(one_by_one, ErrorKind::Readback { .. }), "{one_by_one}");
        assert_eq!(found(true, Some(command)).expect_err("changed"), one_by_one);
    }
}
