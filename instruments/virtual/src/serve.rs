//! A virtual instrument at one end of a stream.

use std::sync::Arc;

use hil_timebase::Clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::dmm6500::Dmm6500;
use crate::psb::Psb;
use crate::terminals::Terminals;
use crate::unit::{Behaviour, Unit};

/// A longer message than this is dropped, as an input buffer's overflow.
const MESSAGE: usize = 4096;

/// Which model it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Model {
    /// EA PSB 10060, two-quadrant source, rated for so many amperes.
    EaPsb10060(u32),
    /// Keithley DMM6500, as a DC voltmeter.
    KeithleyDmm6500,
}

impl Model {
    /// The model that speaks a dialect, by the dialect file's name without
    /// `.toml`.
    pub fn from_dialect(name: &str) -> Option<Self> {
        match name {
            "ea-psb-10060-60" => Some(Self::EaPsb10060(60)),
            "ea-psb-10060-120" => Some(Self::EaPsb10060(120)),
            "ea-psb-10060-340" => Some(Self::EaPsb10060(340)),
            "keithley-dmm6500" => Some(Self::KeithleyDmm6500),
            _ => None,
        }
    }
}

/// What it says of itself beside maker and model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Serial number.
    pub serial: String,
    /// Firmware version.
    pub firmware: String,
}

impl Identity {
    /// A serial number and some firmware version.
    pub fn new(serial: &str) -> Self {
        Self { serial: serial.to_owned(), firmware: "V3.04".into() }
    }
}

/// Powers up a virtual instrument and speaks SCPI on `stream` until the other
/// end closes it. Its output then stays as it is, as a real one's would.
///
/// Its error within the data sheet and its noise come from `seed` and its
/// serial number: instruments may share a seed.
pub async fn serve<S>(stream: S, model: Model, identity: Identity, terminals: Arc<dyn Terminals>, clock: Clock, seed: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let seed = seed ^ fingerprint(&identity.serial);
    let Identity { serial, firmware } = identity;
    let ended = match model {
        Model::EaPsb10060(amps) => {
            let psb = Psb::new(f64::from(amps), &serial, &firmware, terminals, seed);
            attend(stream, Unit::new(psb), clock).await
        }
        Model::KeithleyDmm6500 => {
            let dmm = Dmm6500::new(&serial, &firmware, terminals, clock.clone(), seed);
            attend(stream, Unit::new(dmm), clock).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(serial, %error, "virtual instrument's link ended");
    }
}

async fn attend<S, B>(mut stream: S, mut unit: Unit<B>, clock: Clock) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Behaviour,
{
    let mut inbox = Vec::with_capacity(256);
    let mut out = Vec::with_capacity(64);
    loop {
        let Some(end) = inbox.iter().position(|b| *b == b'\n') else {
            if inbox.len() > MESSAGE {
                inbox.clear();
            }
            let read = stream.read_buf(&mut inbox);
            let read = match unit.behaviour.idle_close() {
                None => read.await?,
                Some(limit) => match clock.timeout(limit, read).await {
                    Ok(read) => read?,
                    Err(_) => return Ok(()),
                },
            };
            if read == 0 {
                return Ok(());
            }
            continue;
        };
        clock.sleep(unit.behaviour.latency()).await;
        out.clear();
        unit.execute(&inbox[..end], &mut out);
        inbox.drain(..=end);
        if let Some(aperture) = unit.behaviour.aperture() {
            clock.sleep(aperture).await;
            unit.complete(&mut out);
        }
        if !out.is_empty() {
            stream.write_all(&out).await?;
            stream.flush().await?;
        }
    }
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
