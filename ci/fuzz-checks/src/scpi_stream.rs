//! Drivers against an instrument that says what the input says.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::{Link, Meter, Protection, Source};
use hil_timebase::{Clock, Runtime};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use crate::files;

/// Begins what the instrument says next, with the tenths of a second that it
/// takes.
const NEXT: u8 = 0xFE;
/// Closes the link.
const HANG_UP: u8 = 0xFF;
/// Longest that a driver may take for what is asked of it here, in bench time.
const PATIENCE: Duration = Duration::from_secs(600);

/// Whatever an instrument says, drivers come to an end, read no value that is
/// none, and confirm nothing that was not said.
pub fn check(bytes: &[u8]) {
    let Some((kind, script)) = bytes.split_first() else { return };
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let script = script.to_vec();
    let is_source = kind % 2 == 0;
    let work = async move {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let said = Rc::new(Cell::new(0));
        tokio::task::spawn_local(instrument(theirs, script, clock.clone(), Rc::clone(&said)));
        let used = async { if is_source { source(ours, &clock, &said).await } else { meter(ours, &clock).await } };
        assert!(clock.timeout(PATIENCE, used).await.is_ok(), "no end within {PATIENCE:?}");
    };
    runtime.block_on(work).unwrap_or_else(|halt| panic!("{halt}"));
}

/// Says the next part of the script whenever it is sent a line; counts how often
/// it said something.
async fn instrument(mut stream: DuplexStream, script: Vec<u8>, clock: Clock, said: Rc<Cell<usize>>) {
    let mut parts = script.split(|b| *b == NEXT);
    let mut byte = [0];
    while stream.read(&mut byte).await.is_ok_and(|n| n > 0) {
        if byte[0] != b'\n' {
            continue;
        }
        let Some((tenths, words)) = parts.next().and_then(<[u8]>::split_first) else { continue };
        clock.sleep(Duration::from_millis(100) * u32::from(tenths.wrapping_sub(b'0'))).await;
        if words.last() == Some(&HANG_UP) || stream.write_all(words).await.is_err() {
            return;
        }
        said.set(said.get() + usize::from(!words.is_empty()));
    }
}

async fn source(stream: DuplexStream, clock: &Clock, said: &Cell<usize>) {
    let dialect = files::dialects()["ea-psb-10060-120"].clone();
    let link = Link::spawn("source", stream, dialect.link_settings(), clock.clone(), None);
    let protection = Protection { over_voltage: Some(17.0), over_current: Some(30.0) };
    let source = Source::new(link, Rc::new(dialect), "2810450001", protection);
    if let Ok(identity) = source.open().await {
        assert_eq!(identity.serial, "2810450001");
    }
    for reading in [source.volts().await, source.amps().await].into_iter().flatten() {
        sound(reading.value, reading.uncertainty);
    }
    for set_point in [source.voltage_set_point().await, source.source_limit_set_point().await].into_iter().flatten() {
        assert!(set_point.is_finite(), "{set_point}");
    }
    let before = said.get();
    if source.set_voltage(12.8).await.is_ok() {
        assert!(said.get() > before, "set, and nobody said so");
    }
    let before = said.get();
    if source.off_confirmed().await.is_ok() {
        assert!(said.get() > before, "off, and nobody said so");
    }
}

async fn meter(stream: DuplexStream, clock: &Clock) {
    let dialect = files::dialects()["keithley-dmm6500"].clone();
    let link = Link::spawn("meter", stream, dialect.link_settings(), clock.clone(), None);
    let meter = Meter::new(link, Rc::new(dialect), "04500001", 1.0);
    if let Ok(identity) = meter.open().await {
        assert_eq!(identity.serial, "04500001");
    }
    for range in [10.0, 10.0, 100.0] {
        if let Ok(reading) = meter.read_volts(range).await {
            sound(reading.value, reading.uncertainty);
        }
    }
}

fn sound(value: f64, uncertainty: f64) {
    assert!(value.is_finite() && value.abs() < 9.9e37, "{value}");
    assert!(uncertainty.is_finite() && uncertainty >= 0.0, "{uncertainty}");
}
