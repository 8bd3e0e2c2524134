//! The drivers of hil-client against the virtual instruments, bytes and all.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{ClientError, Dialect, ErrorKind, Function, Lane, Link, Meter, Protection, Source, Trace};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, InstrumentFault, Model, SourceState, Terminals, serve};

const SERIAL: &str = "2810450001";

/// A battery behind a resistor: what the source is clamped to.
struct Resistor {
    emf: f64,
    ohm: f64,
    state: Mutex<SourceState>,
}

impl Resistor {
    fn new(emf: f64, ohm: f64) -> Arc<Self> {
        Arc::new(Self { emf, ohm, state: Mutex::default() })
    }
    fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().expect("no panic")
    }
}

impl Terminals for Resistor {
    fn drive(&self, state: SourceState) {
        *self.state() = state;
    }
    fn amps(&self) -> f64 {
        let s = *self.state();
        if s.on { ((s.volts - self.emf) / self.ohm).clamp(-s.sink_amps, s.source_amps) } else { 0.0 }
    }
    fn volts(&self) -> f64 {
        self.emf + self.amps() * self.ohm
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn constant_current(&self) -> bool {
        let s = *self.state();
        s.on && (self.volts() - s.volts).abs() > 1e-9
    }
}

/// A bench with one virtual instrument.
struct Bench {
    clock: Clock,
    world: Arc<Resistor>,
    link: Link,
    dialect: Rc<Dialect>,
}

impl Bench {
    fn new(clock: Clock, dialect: &str, world: Arc<Resistor>, seed: u64, trace: Option<Trace>) -> Self {
        let (ours, theirs) = tokio::io::duplex(4096);
        let model = Model::of(dialect, &Dialect::built_in(dialect).expect("listed").expect("good"));
        let terminals: Arc<dyn Terminals> = Arc::clone(&world) as Arc<dyn Terminals>;
        tokio::task::spawn_local(serve(theirs, model, Identity::new(SERIAL), terminals, clock.clone(), seed));
        let dialect = Rc::new(Dialect::built_in(dialect).expect("listed").expect("good"));
        let link = Link::spawn("battery", ours, dialect.link_settings(), clock.clone(), trace);
        Self { clock, world, link, dialect }
    }

    fn source(&self) -> Source {
        let protection = Protection { over_voltage: Some(17.0), over_current: Some(30.0) };
        Source::new(self.link.clone(), Rc::clone(&self.dialect), SERIAL, protection)
    }

    fn meter(&self) -> Meter {
        Meter::new(self.link.clone(), Rc::clone(&self.dialect), SERIAL, 1.0)
    }
}

fn on_bench<T, F: Future<Output = T>>(dialect: &str, world: Arc<Resistor>, body: impl FnOnce(Bench) -> F) -> T {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    runtime.block_on(async { body(Bench::new(clock, dialect, world, 7, None)).await }).expect("no halt")
}

fn kind<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ErrorKind {
    result.expect_err("an error").kind
}

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

#[test]
fn the_dmm_measures_within_its_data_sheet() {
    for volts in [0.0, 0.005, 0.9, -0.9, 12.8, 14.4, 60.0] {
        on_bench("keithley-dmm6500", Resistor::new(volts, 2.0), |bench| async move {
            let meter = bench.meter();
            meter.open().await.expect("opens");
            for range in [0.1, 1.0, 10.0, 100.0, 1000.0].into_iter().filter(|r| volts.abs() <= r * 1.1) {
                let begun = bench.clock.now();
                let reading = meter.read_volts(range).await.expect("reads");
                // The data sheet's limit itself is the rectangle's half width.
                let limit = reading.uncertainty * 3_f64.sqrt() / 2.0;
                assert!((reading.value - volts).abs() <= limit, "{volts} V in {range} V: {reading:?}");
                assert!(bench.clock.now().since(begun) >= meter.reading_time());
            }
        });
    }
}

#[test]
fn an_overflow_is_an_error_and_the_range_is_not_forgotten() {
    on_bench("keithley-dmm6500", Resistor::new(14.4, 2.0), |bench| async move {
        let meter = bench.meter();
        meter.open().await.expect("opens");
        let ErrorKind::Garbled { answer, expected, .. } = kind(meter.read_volts(10.0).await) else { panic!("no overflow") };
        assert_eq!((answer.as_str(), expected.as_str()), ("9.900000E+37", "a number, not an overflow"));
        // Two readers, two ranges, one meter.
        for _ in 0..5 {
            let (a, b) = futures_join(meter.read_volts(10.0), meter.read_volts(100.0)).await;
            assert!(a.is_err());
            assert!((b.expect("reads").value - 14.4).abs() < 2e-3);
        }
        assert!(matches!(kind(meter.read_volts(1e4).await), ErrorKind::OutOfRange { .. }));
    });
}

async fn futures_join<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    tokio::join!(biased; a, b)
}

/// All bytes of a run, with their times.
fn transcript(seed: u64) -> Vec<String> {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let trace: Trace = {
        let seen = Rc::clone(&seen);
        Rc::new(move |_, direction, bytes, at| seen.borrow_mut().push(format!("{} {direction:?} {}", at.0, bytes.escape_ascii())))
    };
    let run = async {
        let bench = Bench::new(clock, "ea-psb-10060-120", Resistor::new(10.0, 2.0), seed, Some(trace));
        let source = bench.source();
        source.open().await.expect("opens");
        source.set_voltage(12.8).await.expect("sets");
        source.set_source_limit(5.0).await.expect("sets");
        source.output(true).await.expect("switches");
        for _ in 0..20 {
            source.volts().await.expect("reads");
            source.amps().await.expect("reads");
        }
        source.off_confirmed().await.expect("off");
    };
    runtime.block_on(run).expect("no halt");
    seen.take()
}

#[test]
fn a_seed_decides_every_byte_and_time() {
    assert_eq!(transcript(1), transcript(1));
    assert_ne!(transcript(1), transcript(2));
}

#[test]
fn no_message_breaks_an_instrument() {
    let messages = [
        "",
        ";",
        ";;;",
        ":",
        "*",
        "?",
        "VOLT",
        "VOLT ",
        "VOLT ,",
        "VOLT 1,2",
        "VOLT?1",
        "VOLT #",
        "VOLT #H",
        "VOLT #15",
        "VOLT \"",
        "VOLT '",
        "VOLT (",
        "VOLT (@1",
        "VOLT 1e999",
        "VOLT NAN",
        "VOLT INF",
        "VOLT MAX",
        "VOLT 1 V",
        "OUTP 2",
        "OUTP MAYBE",
        ":SENS:FUNC \"",
        ":READ?;:READ?",
        ":READ? 1",
        "\u{e9}",
        "A:B:C:D",
        "*IDN?;*IDN?;BOGUS?",
        "SYST:COMM:LAN:TIM -1",
        "SYST:COMM:LAN:TIM 1",
        ":SENS:VOLT:NPLC 0",
        ":SENS:VOLT:RANG 1e9",
        "*OPC;*OPC?",
        "*TST?",
    ];
    for dialect in ["ea-psb-10060-120", "keithley-dmm6500"] {
        on_bench(dialect, Resistor::new(10.0, 2.0), |bench| async move {
            for message in messages {
                bench.link.run(Lane::Normal, vec![Move::tell(message)]).await.expect("taken");
                bench.clock.sleep(Duration::from_millis(100)).await;
            }
            // Replies nobody asked for are cleared away, and so are the errors.
            assert!(bench.link.ask("*IDN?").await.expect("still there").contains(SERIAL), "{dialect}");
        });
    }
}

#[test]
fn cls_empties_the_error_queue_and_opc_does_not_fill_it() {
    on_bench("keithley-dmm6500", Resistor::new(10.0, 2.0), |bench| async move {
        let moves = ["BOGUS", "*CLS", "*OPC"].map(Move::tell).into_iter().chain([
            Move::Errors,
            Move::ask("*ESR?"),
            Move::tell("BOGUS"),
            Move::Errors,
        ]);
        let outcomes = bench.link.run(Lane::Normal, moves.collect()).await.expect("answers");
        let [_, _, _, Outcome::Errors(none), Outcome::Answered { reply, .. }, _, Outcome::Errors(one)] = outcomes.as_slice() else {
            panic!("{outcomes:?}")
        };
        assert!(none.is_empty(), "{none:?}");
        assert_eq!(reply.as_slice(), b"1");
        assert!(one.len() == 1 && one[0].code == -113 && one[0].text.starts_with("Undefined header;1;"), "{one:?}");
    });
}

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

fn in_virtual_time<T, F: Future<Output = T>>(body: impl FnOnce(Clock) -> F) -> T {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    runtime.block_on(body(clock)).expect("no halt")
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
