//! A virtual instrument that outlives its links: it is powered up once, and
//! serves whoever is connected, one message at a time. It may be told to suffer
//! a fault.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::{Clock, Nanos};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};

use crate::ailments::Ailments;
use crate::dmm6500::Dmm6500;
use crate::faults::InstrumentFault;
use crate::psb::Psb;
use crate::serve::{Identity, Model};
use crate::terminals::Terminals;
use crate::unit::{Served, Unit};

/// A longer message than this is dropped, as an input buffer's overflow.
const MESSAGE: usize = 4096;

/// An idle link is not closed sooner than this in real time, however fast bench
/// time runs: whoever is at its other end lives in real time.
const IDLE_AT_LEAST: Duration = Duration::from_secs(1);

/// A virtual instrument under power.
pub struct Instrument {
    serial: String,
    device: Mutex<Box<dyn Served>>,
    clock: Clock,
    hang_up: Notify,
    ailments: Ailments,
}

impl Instrument {
    /// Powers it up, with its output off. Must be called inside a `LocalSet`.
    ///
    /// Its error within the data sheet and its noise come from `seed` and its
    /// serial number: instruments may share a seed. An output that is told to go
    /// off holds what it holds for `off_latency` more.
    pub fn power_up(
        model: Model,
        identity: &Identity,
        terminals: Arc<dyn Terminals>,
        clock: Clock,
        seed: u64,
        off_latency: Duration,
    ) -> Self {
        let Identity { serial, firmware } = identity;
        let seed = seed ^ fingerprint(serial);
        let device: Box<dyn Served> = match model {
            Model::EaPsb10060(amps) => {
                let psb = Psb::new(f64::from(amps), serial, firmware, terminals, seed);
                Box::new(Unit::new(psb.switching_off_after(off_latency, clock.clone())))
            }
            Model::KeithleyDmm6500 => Box::new(Unit::new(Dmm6500::new(serial, firmware, terminals, clock.clone(), seed))),
        };
        Self { serial: serial.clone(), device: Mutex::new(device), clock, hang_up: Notify::new(), ailments: Ailments::default() }
    }

    /// Whether a link to it can be made at present.
    pub fn reachable(&self) -> bool {
        !self.ailments.any(InstrumentFault::cuts)
    }

    /// Suffers `fault` from now on, `lasting` so long; for good without that.
    pub async fn suffer(&self, fault: &InstrumentFault, lasting: Option<Duration>) {
        let number = self.ailments.begin(fault);
        match fault {
            InstrumentFault::Drop => self.break_links(),
            InstrumentFault::Reboot { keeps_link } => {
                self.device.lock().await.reboot();
                self.ailments.forget();
                if !keeps_link {
                    self.break_links();
                }
            }
            InstrumentFault::ConstantCurrent { milliamps } => {
                self.device.lock().await.derate(Some(f64::from(*milliamps) / 1e3));
            }
            _ => {}
        }
        match lasting {
            Some(lasting) => self.clock.sleep(lasting).await,
            None => std::future::pending().await,
        }
        if matches!(fault, InstrumentFault::ConstantCurrent { .. }) {
            self.device.lock().await.derate(None);
        }
        self.ailments.end(number);
    }

    /// When queries came that got no answer, because it hung or started.
    pub fn unanswered(&self) -> Vec<Nanos> {
        self.ailments.unanswered()
    }

    fn break_links(&self) {
        self.ailments.forget();
        self.hang_up.notify_waiters();
    }

    /// Speaks SCPI on `stream` until one of both ends closes it.
    pub async fn attend(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let ended = tokio::select! {
            ended = self.converse(stream) => ended,
            () = self.hang_up.notified() => Ok(()),
        };
        if let Err(error) = ended {
            tracing::debug!(serial = self.serial, %error, "virtual instrument's link ended");
        }
    }

    /// Its inhibit input is pulled: the output goes off, and every link is
    /// closed, so that nobody takes what he then reads for his own doing.
    pub async fn inhibit(&self) {
        self.device.lock().await.inhibit();
        self.hang_up.notify_waiters();
    }

    async fn converse(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
        let mut inbox = Vec::with_capacity(256);
        let mut out = Vec::with_capacity(64);
        loop {
            let Some(end) = inbox.iter().position(|b| *b == b'\n') else {
                if inbox.len() > MESSAGE {
                    inbox.clear();
                }
                let idle_close = self.device.lock().await.idle_close();
                let read = stream.read_buf(&mut inbox);
                let read = match idle_close.map(|limit| self.clock.patience(limit, IDLE_AT_LEAST)) {
                    None => read.await?,
                    Some(limit) => match self.clock.timeout(limit, read).await {
                        Ok(read) => read?,
                        Err(_) => return Ok(()),
                    },
                };
                if read == 0 {
                    return Ok(());
                }
                continue;
            };
            out.clear();
            if self.ailments.awake(&inbox[..end], &self.clock).await {
                self.carry_out(&inbox[..end], &mut out).await;
                self.ailments.spoil(&inbox[..end], &mut out, &self.clock).await;
            }
            inbox.drain(..=end);
            if !out.is_empty() {
                stream.write_all(&out).await?;
                stream.flush().await?;
            }
        }
    }

    /// One message; another link's waits meanwhile.
    async fn carry_out(&self, message: &[u8], out: &mut Vec<u8>) {
        let mut device = self.device.lock().await;
        if device.aperture().is_some() {
            // Of a link that was closed during its reading.
            device.complete(&mut Vec::new());
        }
        let latency = device.latency();
        self.clock.sleep(latency).await;
        if !message.contains(&b'?') && self.ailments.any(|f| *f == InstrumentFault::Refuse) {
            device.refuse();
            return;
        }
        device.execute(message, out);
        if let Some(aperture) = device.aperture() {
            self.clock.sleep(aperture).await;
            device.complete(out);
        }
    }
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
