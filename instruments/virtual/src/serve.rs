//! A virtual instrument at one end of a stream.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::Clock;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::instrument::Instrument;
use crate::terminals::Terminals;

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
/// As [`Instrument::power_up`] otherwise; for a bench in memory, whose
/// instruments have one link each.
pub async fn serve<S>(stream: S, model: Model, identity: Identity, terminals: Arc<dyn Terminals>, clock: Clock, seed: u64)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Instrument::power_up(model, &identity, terminals, clock, seed, Duration::ZERO).attend(stream).await;
}
