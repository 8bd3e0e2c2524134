//! A virtual instrument that outlives its links: it is powered up once, and
//! serves whoever is connected, one message at a time. It may be told to suffer
//! a fault.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use hil_client::Kind;
use hil_timebase::{Clock, Nanos};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Notify};

use crate::ailments::Ailments;
use crate::dmm6500::Dmm6500;
use crate::faults::InstrumentFault;
use crate::feasa::Feasa;
use crate::generic::Generic;
use crate::locks::Locks;
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
    locks: Locks,
    /// The status byte as of the last message.
    status: Cell<u8>,
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
            Model::Described { dialect, .. } if dialect.kind == Kind::LedAnalyser => Box::new(Feasa::new(serial, terminals, clock.clone())),
            Model::Described { dialect, channel } => {
                Box::new(Unit::new(Generic::new(&dialect, channel, (serial, firmware), &terminals, clock.clone(), seed)))
            }
            Model::EaPsb10060(amps) => {
                let psb = Psb::new(f64::from(amps), serial, firmware, terminals, seed);
                Box::new(Unit::new(psb.switching_off_after(off_latency, clock.clone())))
            }
            Model::KeithleyDmm6500 => Box::new(Unit::new(Dmm6500::new(serial, firmware, terminals, clock.clone(), seed))),
        };
        Self {
            serial: serial.clone(),
            device: Mutex::new(device),
            clock,
            hang_up: Notify::new(),
            ailments: Ailments::default(),
            locks: Locks::default(),
            status: Cell::new(0),
        }
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
        self.until_hung_up(self.converse(stream)).await;
    }

    /// `conversation`, unless the instrument closes its links before its end.
    pub(crate) async fn until_hung_up(&self, conversation: impl Future<Output = std::io::Result<()>>) {
        let ended = tokio::select! {
            ended = conversation => ended,
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
                let idle_close = self.idle_close().await;
                let read = stream.read_buf(&mut inbox);
                let read = match idle_close {
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
            self.answer(&inbox[..end], &mut out).await;
            inbox.drain(..=end);
            if !out.is_empty() {
                stream.write_all(&out).await?;
                stream.flush().await?;
            }
        }
    }

    /// After this a link without a message is closed.
    async fn idle_close(&self) -> Option<Duration> {
        let limit = self.device.lock().await.idle_close();
        limit.map(|limit| self.clock.patience(limit, IDLE_AT_LEAST))
    }

    /// Ready when a link has been idle for so long that it is closed.
    pub(crate) async fn idle(&self) {
        match self.idle_close().await {
            None => std::future::pending().await,
            Some(limit) => self.clock.sleep(limit).await,
        }
    }

    /// What it says to the lines of a message that has an end of its own.
    pub(crate) async fn answer_all(&self, message: &[u8]) -> Vec<u8> {
        let (mut all, mut out) = (Vec::new(), Vec::new());
        let lines = message.strip_suffix(b"\n").unwrap_or(message).split(|b| *b == b'\n');
        for line in lines.filter(|line| line.len() <= MESSAGE) {
            out.clear();
            self.answer(line, &mut out).await;
            all.extend_from_slice(&out);
        }
        all
    }

    /// One message, and what it says to it, as it is at present.
    async fn answer(&self, message: &[u8], out: &mut Vec<u8>) {
        if self.ailments.awake(message, &self.clock).await {
            self.carry_out(message, out).await;
            self.ailments.spoil(message, out, &self.clock).await;
        }
    }

    /// A trigger that came beside the messages.
    pub(crate) async fn trigger(&self) {
        self.device.lock().await.trigger();
    }

    /// A reply was given up because the next message came before it was read.
    pub(crate) fn interrupted(&self) {
        match self.device.try_lock() {
            Ok(mut device) => device.interrupted(),
            Err(_) => tracing::debug!(serial = self.serial, "an interruption while another link is served"),
        }
    }

    /// Nothing that was left over from earlier messages will be said.
    pub(crate) fn device_clear(&self) {
        self.ailments.forget();
    }

    /// The status byte without the bit that tells of a reply; while it carries
    /// out a message, as of the one before.
    pub(crate) fn status_byte(&self) -> u8 {
        if let Ok(device) = self.device.try_lock() {
            self.status.set(device.status_byte());
        }
        self.status.get()
    }

    pub(crate) const fn locks(&self) -> &Locks {
        &self.locks
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
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
        self.status.set(device.status_byte());
    }
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
