//! Sources: set, read back, protected, overtaken.

use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{Dialect, ErrorKind, Function, Lane, Meter, Protection, Source};
use hil_virtual::Terminals;

use crate::support::{Bench, Resistor, SERIAL, kind, on_bench};

/// Whatever calls itself a source must do this: 10 V behind 2 ohm outside.
async fn conforms_as_source(bench: &Bench, source: &Source) {
    let world = &bench.world;
    let resolution = |f| source.dialect().set_range(f).map_or(0.0, |r| r.resolution.si);
    let tolerance = |f, v| source.dialect().setting_uncertainty(f, v).unwrap_or(0.0);

    // Opening switches nothing on and proves who it is.
    let identity = source.open().await.expect("opens");
    assert_eq!(identity.serial, SERIAL);
    assert!(!source.is_on().await.expect("answers") && !world.state().on);

    // What is set is what is read back, and what stands at the terminals.
    let set = source.set_voltage(12.8).await.expect("sets");
    assert!(set.sent < set.confirmed);
    assert!((source.voltage_set_point().await.expect("answers") - 12.8).abs() <= resolution(Function::Voltage));
    source.set_source_limit(5.0).await.expect("sets");
    assert!((source.source_limit_set_point().await.expect("answers") - 5.0).abs() <= resolution(Function::SourceLimit));
    source.set_sink_limit(3.0).await.expect("sets");
    assert!((source.sink_limit_set_point().await.expect("answers") - 3.0).abs() <= resolution(Function::SinkLimit));
    let state = *world.state();
    assert!((state.volts - 12.8).abs() <= tolerance(Function::Voltage, 12.8));

    // Constant voltage: 1.4 A into 2 ohm.
    source.output(true).await.expect("switches");
    assert!(source.is_on().await.expect("answers") && !world.constant_current());
    let (volts, amps) = (source.volts().await.expect("reads"), source.amps().await.expect("reads"));
    assert!((volts.value - world.volts()).abs() <= volts.uncertainty, "{volts:?}");
    assert!((amps.value - world.amps()).abs() <= amps.uncertainty && amps.value > 1.0, "{amps:?}");

    // Constant current: 0.5 A into 2 ohm is 11 V.
    source.set_source_limit(0.5).await.expect("sets");
    assert!(world.constant_current());
    let (volts, amps) = (source.volts().await.expect("reads"), source.amps().await.expect("reads"));
    assert!((volts.value - 11.0).abs() < 0.4 && (amps.value - 0.5).abs() < 0.2, "{volts:?} {amps:?}");

    // Below the outside's voltage it sinks, and says so by the sign.
    source.set_voltage(8.0).await.expect("sets");
    assert!((source.amps().await.expect("reads").value + 1.0).abs() < 0.2);

    // Out of range: refused before anything is sent.
    let state = *world.state();
    for volts in [-0.1, 1e6, f64::NAN, f64::INFINITY] {
        assert!(matches!(kind(source.set_voltage(volts).await), ErrorKind::OutOfRange { .. }), "{volts}");
    }
    assert_eq!(*world.state(), state);

    // The safe state, at any time and again.
    source.off_confirmed().await.expect("off");
    source.off_confirmed().await.expect("off");
    assert!(!world.state().on);
    source.output(true).await.expect("on again");
    source.release().await.expect("released");
    source.off_confirmed().await.expect("off without the lock");
    assert!(!world.state().on);
}

#[test]
fn the_psb_conforms_as_source() {
    on_bench("ea-psb-10060-120", Resistor::new(10.0, 2.0), |bench| async move {
        let source = bench.source();
        conforms_as_source(&bench, &source).await;
    });
}

#[test]
fn a_refused_command_surfaces_in_the_instruments_words() {
    on_bench("ea-psb-10060-120", Resistor::new(0.0, 2.0), |bench| async move {
        let source = bench.source();
        // Not opened: nobody has taken the lock.
        let refused = source.set_voltage(5.0).await.expect_err("no lock");
        assert_eq!(refused.to_string(), "instrument `battery`: refused `VOLT 5.000`: -201,\"Invalid while in local\"");
        source.open().await.expect("opens");
        source.set_voltage(5.0).await.expect("sets");
        // Past the driver's own check.
        let moves = vec![Move::tell("VOLT 70"), Move::tell("BOGUS"), Move::tell("CURR:PROT 1 V"), Move::Errors, Move::ask("VOLT?")];
        let outcomes = bench.link.run(Lane::Normal, moves).await.expect("link is fine");
        let [.., Outcome::Errors(errors), Outcome::Answered { reply, .. }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!(errors.iter().map(|e| e.code).collect::<Vec<_>>(), [-222, -113, -138]);
        // 5 V in steps of 60 V / 26214.
        assert_eq!(reply.as_slice(), b"5.001V");
    });
}

#[test]
fn another_serial_number_is_refused() {
    for dialect in ["ea-psb-10060-120", "keithley-dmm6500"] {
        on_bench(dialect, Resistor::new(10.0, 2.0), |bench| async move {
            let open = match bench.dialect.kind {
                hil_client::Kind::Source => {
                    Source::new(bench.link.clone(), Rc::clone(&bench.dialect), "1", Protection::default()).open().await
                }
                _ => Meter::new(bench.link.clone(), Rc::clone(&bench.dialect), "1", 1.0).open().await,
            };
            let ErrorKind::WrongIdentity { found, expected } = kind(open) else { panic!("{dialect}") };
            assert!(found.contains(SERIAL) && expected.ends_with("serial 1"), "{found}, {expected}");
        });
    }
}

#[test]
fn another_model_is_refused() {
    on_bench("keithley-dmm6500", Resistor::new(10.0, 2.0), |bench| async move {
        let psb = Rc::new(Dialect::built_in("ea-psb-10060-120").expect("listed").expect("good"));
        let source = Source::new(bench.link.clone(), psb, SERIAL, Protection::default());
        assert!(matches!(kind(source.open().await), ErrorKind::WrongIdentity { .. }));
    });
}

#[test]
fn protection_trips_and_is_reported() {
    // 20 V outside, protection at 17 V.
    on_bench("ea-psb-10060-120", Resistor::new(20.0, 2.0), |bench| async move {
        let source = bench.source();
        source.open().await.expect("opens");
        source.set_voltage(12.0).await.expect("sets");
        source.set_sink_limit(1.0).await.expect("sets");
        let answer = kind(source.output(true).await).to_string();
        assert!(answer.contains("OVP"), "{answer}");
        assert!(!bench.world.state().on);
    });
}

#[test]
fn the_idle_time_out_is_switched_off_by_opening() {
    on_bench("ea-psb-10060-120", Resistor::new(10.0, 2.0), |bench| async move {
        let source = bench.source();
        source.open().await.expect("opens");
        bench.clock.sleep(Duration::from_secs(3600)).await;
        source.volts().await.expect("still there");
    });
    on_bench("ea-psb-10060-120", Resistor::new(10.0, 2.0), |bench| async move {
        let source = bench.source();
        source.is_on().await.expect("answers");
        bench.clock.sleep(Duration::from_secs(6)).await;
        assert!(matches!(kind(source.volts().await), ErrorKind::LinkLost { .. }));
    });
}

#[test]
fn the_safe_lane_overtakes_a_queue_and_nothing_follows_it() {
    on_bench("ea-psb-10060-120", Resistor::new(10.0, 2.0), |bench| async move {
        let source = Rc::new(bench.source());
        source.open().await.expect("opens");
        source.output(true).await.expect("switches");
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let source = Rc::clone(&source);
                tokio::task::spawn_local(async move { source.output(true).await })
            })
            .collect();
        bench.clock.sleep(Duration::from_millis(1)).await;
        let begun = bench.clock.now();
        source.off_confirmed().await.expect("off");
        let took = bench.clock.now().since(begun);
        assert!(took < Duration::from_millis(60), "{took:?}");
        for task in tasks {
            assert!(matches!(kind(task.await.expect("no panic")), ErrorKind::Overtaken { .. }));
        }
        assert!(!bench.world.state().on);
    });
}
