//! Two steps in two voltages, one after the other, in the record of a virtual scope.

use std::sync::Arc;
use std::time::Duration;

use hil_client::scope::{Shot, View};
use hil_client::{Dialect, ErrorKind, Link, Scope};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, Model, Probes, Terminals};

use crate::digitizer::Step;

const AT: Nanos = Nanos(5_000_123_456);
/// The line's on channel 1, the signal's on channel 2.
const LINE: View = View { channel: 1, scale: 2.0 };
const SIGNAL: View = View { channel: 2, scale: 0.2 };
const LEVEL: f64 = 2.5;
const TIMEBASE: f64 = 1e-3;

/// `body` with a scope whose line steps to `line` at [`AT`] and whose signal does
/// `later` so much later.
fn with_scope<T>(line: f64, later: Duration, body: impl AsyncFnOnce(Scope, Clock) -> T) -> T {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let run = async {
        let dialect = Dialect::built_in("rigol-ds1054z").expect("listed").expect("good");
        let step = |at, then| -> Arc<dyn Terminals> { Arc::new(Step { clock: clock.clone(), at, then }) };
        let probes = Arc::new(Probes(vec![step(AT, line), step(AT + later, 0.1)]));
        let model = Model::described(&dialect);
        let scope = Instrument::power_up(model, &Identity::new("1"), probes, clock.clone(), 3, Duration::ZERO);
        let (ours, theirs) = tokio::io::duplex(4096);
        tokio::task::spawn_local(async move { scope.attend(theirs).await });
        let link = Link::spawn("scope", ours, dialect.link_settings(), clock.clone(), None);
        let scope = Scope::new(&link, &dialect, "1");
        scope.open().await.expect("opens");
        body(scope, clock.clone()).await
    };
    runtime.block_on(run).expect("no halt")
}

/// Seconds from the trigger to where a record crosses a level.
fn crossing(shot: &Shot, level: f64) -> f64 {
    let n = shot.volts.windows(2).position(|v| (v[0] < level) != (v[1] < level)).expect("it crosses");
    shot.at(n) + shot.interval / 2.0
}

#[test]
fn a_record_shows_both_edges_where_they_were() {
    for micros in [0, 7, 1_000, 4_321] {
        let later = Duration::from_micros(micros);
        with_scope(5.0, later, async |scope, clock| {
            scope.arm(LINE, LEVEL, SIGNAL, TIMEBASE).await.expect("armed");
            assert!(!scope.complete().await.expect("an answer"), "nothing has come yet");
            clock.sleep_until(AT + Duration::from_millis(20)).await;
            assert!(scope.complete().await.expect("an answer"));
            let (line, signal) = (scope.fetch(1).await.expect("a record"), scope.fetch(2).await.expect("a record"));
            let apart = crossing(&signal, 0.3) - crossing(&line, LEVEL);
            assert!((apart - later.as_secs_f64()).abs() <= 1.1 * line.interval, "{apart} s for {later:?}");
            let last = signal.volts.last().expect("samples");
            assert!((last - 0.1).abs() <= signal.error(0.1) && signal.volts.len() == 1200, "{last} V at the end");
        });
    }
}

#[test]
fn what_is_not_in_sight_is_an_error() {
    with_scope(12.0, Duration::ZERO, async |scope, clock| {
        scope.arm(LINE, LEVEL, SIGNAL, TIMEBASE).await.expect("armed");
        clock.sleep_until(AT + Duration::from_millis(20)).await;
        assert!(scope.complete().await.expect("an answer"));
        let told = scope.fetch(1).await.expect_err("12 V at 2 V a division").to_string();
        assert!(told.contains("clipped samples"), "{told}");
        let kind = scope.fetch(5).await.expect_err("four channels").kind;
        assert!(matches!(kind, ErrorKind::OutOfRange { .. }), "{kind:?}");
    });
    // At 10 ms a division there are 60 ms after the trigger.
    with_scope(5.0, Duration::ZERO, async |scope, clock| {
        scope.arm(LINE, LEVEL, SIGNAL, TIMEBASE * 10.0).await.expect("armed");
        clock.sleep_until(AT + Duration::from_millis(40)).await;
        assert!(!scope.complete().await.expect("an answer"), "the record is not full");
        clock.sleep(Duration::from_millis(40)).await;
        assert!(scope.complete().await.expect("an answer"));
    });
    // It never rises through the level.
    with_scope(1.0, Duration::ZERO, async |scope, clock| {
        scope.arm(LINE, LEVEL, SIGNAL, TIMEBASE).await.expect("armed");
        clock.sleep_until(AT + Duration::from_secs(1)).await;
        assert!(!scope.complete().await.expect("an answer"));
    });
}
