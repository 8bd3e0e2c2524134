//! Virtual instruments that are sent what the input says.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, Model, SourceState, Terminals};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// Largest current of the source.
const AMPS: u32 = 120;
/// After this an instrument must have answered.
const PATIENCE: Duration = Duration::from_secs(3600);
/// Asked in the end, whatever was sent before.
const AT_LAST: &[u8] = b"\n*CLS\n*IDN?\n";

/// Whatever an instrument is sent, it drives its terminals within its rating,
/// answers in lines of printable ASCII, and is there for the next.
pub fn check(bytes: &[u8]) {
    let Some((kind, sent)) = bytes.split_first() else { return };
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let world = Arc::new(Resistor::default());
    let model = if kind % 2 == 0 { Model::EaPsb10060(AMPS) } else { Model::KeithleyDmm6500 };
    let terminals = Arc::clone(&world) as Arc<dyn Terminals>;
    let sent = sent.to_vec();
    let work = async move {
        let instrument =
            Instrument::power_up(model, &Identity::new("S1"), terminals, clock.clone(), u64::from(*kind), Duration::from_millis(20));
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::task::spawn_local(async move { instrument.attend(theirs).await });
        let answered = clock.timeout(PATIENCE, converse(ours, &sent, &clock)).await;
        answered.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}"))
    };
    let replies = runtime.block_on(work).unwrap_or_else(|halt| panic!("{halt}"));
    assert!(replies.iter().all(|b| matches!(b, b'\n' | b' '..=b'~')), "{}", replies.escape_ascii());
}

/// All that is said; the identity comes last.
async fn converse(mut stream: DuplexStream, sent: &[u8], clock: &Clock) -> Vec<u8> {
    let mut said = Vec::new();
    stream.write_all(sent).await.expect("it listens");
    // An instrument may close an idle link, but not within this time.
    clock.sleep(Duration::from_millis(1)).await;
    stream.write_all(AT_LAST).await.expect("it listens");
    while !said.split(|b| *b == b'\n').any(|line| line.ends_with(b"S1,V3.04") || line.windows(3).any(|w| w == b",S1")) {
        let mut part = [0; 256];
        let n = stream.read(&mut part).await.expect("it speaks");
        assert!(n > 0, "it hung up: {}", said.escape_ascii());
        said.extend_from_slice(&part[..n]);
    }
    said
}

/// A battery behind a resistor.
#[derive(Default)]
struct Resistor(Mutex<SourceState>);

impl Resistor {
    fn state(&self) -> MutexGuard<'_, SourceState> {
        self.0.lock().expect("no panic")
    }
}

impl Terminals for Resistor {
    fn drive(&self, state: SourceState) {
        let SourceState { volts, source_amps, sink_amps, .. } = state;
        assert!((0.0..=61.2).contains(&volts), "{volts} V");
        let most = f64::from(AMPS) * 1.02;
        assert!((0.0..=most).contains(&source_amps) && (0.0..=most).contains(&sink_amps), "{source_amps} A, {sink_amps} A");
        *self.state() = state;
    }
    fn volts(&self) -> f64 {
        12.0 + self.amps() * 0.1
    }
    fn amps(&self) -> f64 {
        let s = *self.state();
        if s.on { ((s.volts - 12.0) / 0.1).clamp(-s.sink_amps, s.source_amps) } else { 0.0 }
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn constant_current(&self) -> bool {
        false
    }
}
