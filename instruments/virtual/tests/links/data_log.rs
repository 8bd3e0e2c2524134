//! A step in a current, timed by the data log of a virtual source.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::data_log::BLOCK;
use hil_client::{DataLog, Dialect, ErrorKind, Function, Link, Protection, Source};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, Model, SourceState, Terminals};

const BEFORE: f64 = 4.0;
const AFTER: f64 = 0.25;
const VOLTS: f64 = 12.0;
const PERIOD: Duration = Duration::from_millis(1);
/// No step within a test.
const NEVER: Nanos = Nanos(u64::MAX / 2);

/// A current, and from a moment on another one.
struct Step {
    clock: Clock,
    at: Nanos,
    then: f64,
}

impl Terminals for Step {
    fn drive(&self, _: SourceState) {}
    fn volts(&self) -> f64 {
        VOLTS
    }
    fn amps(&self) -> f64 {
        if self.clock.now() < self.at { BEFORE } else { self.then }
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        VOLTS
    }
    fn current_samples(&self, first: Nanos, interval: Duration, count: usize) -> Vec<f64> {
        let share = |n: usize| self.at.since(first + interval * u32::try_from(n).expect("few")).as_secs_f64() / interval.as_secs_f64();
        (0..count).map(|n| share(n).min(1.0)).map(|before| BEFORE * before + self.then * (1.0 - before)).collect()
    }
    fn constant_current(&self) -> bool {
        false
    }
}

/// `body` with a source of this dialect, on a step at `at`.
fn with_source<T>(dialect: &Dialect, seed: u64, step: (Nanos, f64), body: impl AsyncFnOnce(Rc<Source>, Clock) -> T) -> T {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let run = async {
        let terminals = Arc::new(Step { clock: clock.clone(), at: step.0, then: step.1 });
        let model = Model::Described { dialect: Rc::new(dialect.clone()), channel: 1 };
        let instrument = Instrument::power_up(model, &Identity::new("1"), terminals, clock.clone(), seed, Duration::ZERO);
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::task::spawn_local(async move { instrument.attend(theirs).await });
        let one = Rc::new(dialect.for_channel(1));
        let link = Link::spawn("psu", ours, one.link_settings(), clock.clone(), None);
        let source = Source::new(link, one, "1", Protection::default());
        source.open().await.expect("opens");
        body(Rc::new(source), clock.clone()).await
    };
    runtime.block_on(run).expect("no halt")
}

fn logs(name: &str) -> Dialect {
    Dialect::built_in(name).expect("listed").expect("good")
}

/// When the current fell, by the log, and how well that is known.
async fn fall(log: &mut DataLog) -> (Nanos, Duration) {
    let mut before = None;
    loop {
        let samples = log.next().await.expect("samples");
        assert!(samples.values.len() <= BLOCK && samples.interval == log.period());
        if let Some(n) = samples.values.iter().position(|amps| *amps < 2.0) {
            let between = n.checked_sub(1).map_or(before.expect("an earlier block"), |n| samples.at(n));
            return (between + samples.at(n).since(between) / 2, samples.uncertainty);
        }
        before = Some(samples.at(samples.values.len() - 1));
    }
}

#[test]
fn a_step_is_timed_within_its_uncertainty_wherever_it_falls() {
    for name in ["keysight-n6705c", "keysight-n7972a"] {
        for (seed, offset) in [(1, 0_u64), (2, 170), (3, 500), (4, 999), (5, 30_123_456)] {
            let at = Nanos(2_000_000_000 + offset * 1_000);
            with_source(&logs(name), seed, (at, AFTER), async |source, _| {
                let mut log = DataLog::start(Rc::clone(&source), Function::Current, PERIOD).await.expect("begun");
                let (edge, uncertainty) = fall(&mut log).await;
                let off = edge.since(at).max(at.since(edge));
                assert!(off <= uncertainty + log.period(), "{name}: {edge} for {at}: {off:?}, {uncertainty:?}");
                // The way of the command that begins it, and what it makes of that; and a
                // drift of 100 ppm for as long as it went on.
                assert!(uncertainty < Duration::from_millis(15), "{name}: {uncertainty:?}");
                assert!(log.accuracy(BEFORE).is_none_or(|u| u > 0.0));
                log.stop().await.expect("ended");
                source.prove(Nanos::ZERO).await.expect("in order");
            });
        }
    }
}

#[test]
fn it_is_set_read_back_and_measured_with_while_it_logs() {
    with_source(&logs("keysight-n6705c"), 3, (NEVER, 0.0), async |source, _| {
        let mut log = DataLog::start(Rc::clone(&source), Function::Voltage, PERIOD).await.expect("begun");
        let mut next: Option<Nanos> = None;
        for n in 0..50_u32 {
            source.set_voltage(f64::from(n) / 10.0).await.expect("set and read back");
            source.amps().await.expect("measured");
            let samples = log.next().await.expect("samples");
            assert!(samples.values.iter().all(|volts| (volts - VOLTS).abs() < 0.1), "{samples:?}");
            if let Some(expected) = next {
                // Only as more becomes known do times move.
                let moved = samples.first.since(expected).max(expected.since(samples.first));
                assert!(moved < Duration::from_millis(12), "{moved:?}");
            }
            next = Some(samples.at(samples.values.len()));
        }
    });
}

/// The oldest are overwritten, and what comes next would have their times.
#[test]
fn what_waited_for_too_long_has_no_time() {
    let mut dialect = logs("keysight-n6705c");
    let facts = dialect.data_log.as_mut().expect("it logs");
    facts.buffer = Duration::from_secs(1);
    let shortest = facts.shortest_period;
    with_source(&dialect, 3, (NEVER, 0.0), async |source, clock| {
        for (nap, lasts) in [(400, true), (3000, false)] {
            let mut log = DataLog::start(Rc::clone(&source), Function::Current, shortest).await.expect("begun");
            log.next().await.expect("samples");
            clock.sleep(Duration::from_millis(nap)).await;
            let found = log.next().await;
            assert_eq!(found.is_ok(), lasts, "{nap} ms: {found:?}");
            if let Err(error) = found {
                let text = error.to_string();
                assert!(text.contains("had waited for 3.") && text.contains("none older than 500 ms: it overwrites what is old"), "{text}");
                let error = log.next().await.expect_err("it has ended");
                assert!(matches!(error.kind, ErrorKind::Unsupported { .. }), "{error}");
            }
        }
    });
}

/// A buffer that is smaller than its file says: fewer records than time has passed.
#[test]
fn missing_records_are_told() {
    let mut dialect = logs("keysight-n6705c");
    dialect.data_log.as_mut().expect("it logs").buffer = Duration::from_millis(300);
    let shortest = dialect.data_log.as_ref().expect("it logs").shortest_period;
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let run = async {
        let terminals = Arc::new(Step { clock: clock.clone(), at: NEVER, then: 0.0 });
        let model = Model::Described { dialect: Rc::new(dialect), channel: 1 };
        let instrument = Instrument::power_up(model, &Identity::new("1"), terminals, clock.clone(), 3, Duration::ZERO);
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::task::spawn_local(async move { instrument.attend(theirs).await });
        let one = Rc::new(logs("keysight-n6705c").for_channel(1));
        let link = Link::spawn("psu", ours, one.link_settings(), clock.clone(), None);
        let source = Rc::new(Source::new(link, one, "1", Protection::default()));
        source.open().await.expect("opens");
        let mut log = DataLog::start(Rc::clone(&source), Function::Current, shortest).await.expect("begun");
        log.next().await.expect("samples");
        clock.sleep(Duration::from_secs(1)).await;
        log.next().await.expect_err("a gap").to_string()
    };
    let text = runtime.block_on(run).expect("no halt");
    assert!(text.contains("records` to `FETC:ELOG? 4096,(@1)`, expected one for every 122.88 µs since the last answer"), "{text}");
}

#[test]
fn an_overflow_is_no_sample_and_another_log_ends_this_one() {
    with_source(&logs("keysight-n6705c"), 3, (Nanos(1_500_000_000), 50.0), async |source, _| {
        let mut log = DataLog::start(Rc::clone(&source), Function::Current, PERIOD).await.expect("begun");
        let error = loop {
            match log.next().await {
                Ok(samples) => assert!(samples.values.iter().all(|amps| amps.abs() < 6.0)),
                Err(error) => break error,
            }
        };
        assert!(matches!(&error.kind, ErrorKind::Garbled { expected, .. } if expected == "a number, not an overflow"), "{error}");
        let mut first = DataLog::start(Rc::clone(&source), Function::Voltage, PERIOD).await.expect("begun");
        let mut second = DataLog::start(Rc::clone(&source), Function::Voltage, PERIOD).await.expect("begun");
        let told = first.next().await.expect_err("ended").to_string();
        assert_eq!(told, "instrument `psu`: cannot go on with a log that another one has ended");
        first.stop().await.expect("nothing to do");
        second.next().await.expect("it was not ended by the first");
    });
}

#[test]
fn what_it_cannot_log_is_said_before_anything_is_sent() {
    with_source(&logs("keysight-n6705c"), 3, (NEVER, 0.0), async |source, _| {
        let start = async |function, period| DataLog::start(Rc::clone(&source), function, period).await.err().expect("refused").to_string();
        let told = start(Function::Current, Duration::from_micros(50)).await;
        assert_eq!(told, "instrument `psu`: a record every 50 µs is out of range, expected 102.4 µs .. 60 s");
        assert_eq!(start(Function::SourceLimit, PERIOD).await, "instrument `psu`: cannot log its source-limit");
    });
}
