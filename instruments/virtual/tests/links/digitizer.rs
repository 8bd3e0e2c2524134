//! A step in a voltage, timed by the digitizer of a virtual meter.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::{Dialect, Digitizer, ErrorKind, Link, LinkSettings, Meter, Stream, digitizer::BLOCK};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, Model, SourceState, Terminals};

/// A volt, and from a moment on another voltage.
pub(crate) struct Step {
    pub(crate) clock: Clock,
    pub(crate) at: Nanos,
    pub(crate) then: f64,
}

const BEFORE: f64 = 0.5;
const INTERVAL: Duration = Duration::from_micros(100);

impl Terminals for Step {
    fn drive(&self, _: SourceState) {}
    fn volts(&self) -> f64 {
        if self.clock.now() < self.at { BEFORE } else { self.then }
    }
    fn amps(&self) -> f64 {
        0.0
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn samples(&self, first: Nanos, interval: Duration, count: usize) -> Vec<f64> {
        let share = |n: usize| self.at.since(first + interval * u32::try_from(n).expect("few")).as_secs_f64() / interval.as_secs_f64();
        (0..count).map(|n| share(n).min(1.0)).map(|before| BEFORE * before + self.then * (1.0 - before)).collect()
    }
    fn constant_current(&self) -> bool {
        false
    }
}

/// `body` with a meter on a step at `at`.
fn with_meter<T>(at: Nanos, then: f64, body: impl AsyncFnOnce(Rc<Meter>, Clock) -> T) -> T {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let run = async {
        let terminals = Arc::new(Step { clock: clock.clone(), at, then });
        let identity = Identity::new("1");
        let dmm = Instrument::power_up(Model::KeithleyDmm6500, &identity, terminals, clock.clone(), 3, Duration::ZERO);
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::task::spawn_local(async move { dmm.attend(theirs).await });
        let meter = meter(ours, &clock);
        meter.open().await.expect("opens");
        body(Rc::new(meter), clock.clone()).await
    };
    runtime.block_on(run).expect("no halt")
}

fn meter(stream: impl Stream + 'static, clock: &Clock) -> Meter {
    let dialect = Dialect::built_in("keithley-dmm6500").expect("listed").expect("good");
    let settings = LinkSettings { gap: Duration::ZERO, ..dialect.link_settings() };
    Meter::new(Link::spawn("dmm", stream, settings, clock.clone(), None), Rc::new(dialect), "1", 1.0)
}

#[test]
fn a_step_is_timed_within_its_uncertainty_wherever_it_falls() {
    for offset in [0_u64, 17, 50, 99, 123_456] {
        let at = Nanos(1_000_000_000 + offset * 1_000);
        with_meter(at, 0.1, async |meter, _| {
            let mut digitizer = Digitizer::arm(Rc::clone(&meter), 1.0, INTERVAL).await.expect("armed");
            let mut before: Option<Nanos> = None;
            let (edge, uncertainty) = loop {
                let samples = digitizer.next().await.expect("samples").expect("the record goes on");
                assert!(samples.values.len() <= BLOCK && samples.interval == INTERVAL);
                if let Some(n) = samples.values.iter().position(|v| *v < 0.3) {
                    let between = n.checked_sub(1).map_or(before.expect("an earlier block"), |n| samples.at(n));
                    break (between + samples.at(n).since(between) / 2, samples.uncertainty);
                }
                before = Some(samples.at(samples.values.len() - 1));
            };
            let off = edge.since(at).max(at.since(edge));
            assert!(off <= uncertainty + INTERVAL, "{edge} for {at}: {off:?}, {uncertainty:?}");
            // The half of one question's way, not of a reading's aperture.
            assert!(uncertainty < Duration::from_millis(1), "{uncertainty:?}");
            // It is a voltmeter again when it is asked to be one.
            let reading = meter.read_volts(1.0).await.expect("a reading");
            assert!((reading.value - 0.1).abs() < 1e-4, "{reading:?}");
            meter.prove(Nanos::ZERO).await.expect("in order");
        });
    }
}

#[test]
fn a_record_has_an_end_and_every_sample_once() {
    with_meter(Nanos(u64::MAX / 2), 0.0, async |meter, clock| {
        let begun = clock.now();
        let mut digitizer = Digitizer::arm(Rc::clone(&meter), 1.0, INTERVAL).await.expect("armed");
        // Nobody looks for a while: it waits in the meter.
        clock.sleep(Duration::from_secs(3)).await;
        let (mut count, mut next) = (0, None);
        while let Some(samples) = digitizer.next().await.expect("samples") {
            assert!(samples.values.iter().all(|v| (*v - BEFORE).abs() < 1e-4));
            if let Some(expected) = next {
                // Only as the beginning becomes better known do times move.
                let moved = samples.first.since(expected).max(expected.since(samples.first));
                assert!(moved < Duration::from_millis(2), "{moved:?}");
            }
            next = Some(samples.at(samples.values.len()));
            count += samples.values.len();
        }
        let record = meter.dialect().digitizer.as_ref().expect("it digitizes").record;
        assert_eq!(count, record);
        let took = clock.now().since(begun);
        assert!(took >= INTERVAL * u32::try_from(record).expect("few"), "{took:?}");
    });
}

#[test]
fn an_overflow_is_no_sample() {
    with_meter(Nanos(500_000_000), 5.0, async |meter, _| {
        let mut digitizer = Digitizer::arm(Rc::clone(&meter), 1.0, INTERVAL).await.expect("armed");
        let error = loop {
            match digitizer.next().await {
                Ok(samples) => assert!(samples.expect("the record goes on").values.iter().all(|v| v.abs() < 1.2)),
                Err(error) => break error,
            }
        };
        assert!(matches!(&error.kind, ErrorKind::Garbled { expected, .. } if expected == "a number, not an overflow"), "{error}");
        assert!(matches!(meter.read_volts(10.0).await.map(|r| r.value), Ok(v) if (v - 5.0).abs() < 1e-3));
    });
}

#[test]
fn what_it_cannot_digitize_is_said_before_anything_is_sent() {
    with_meter(Nanos(u64::MAX / 2), 0.0, async |meter, _| {
        let error = Digitizer::arm(Rc::clone(&meter), 1.0, Duration::from_nanos(100)).await.err().expect("too fast");
        assert_eq!(error.to_string(), "instrument `dmm`: a sample every 0.1 µs is out of range, expected 1 µs .. 1 ms");
        meter.read_volts(1.0).await.expect("a voltmeter still");
    });
}
