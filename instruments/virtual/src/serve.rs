//! A virtual instrument at one end of a stream.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::Dialect;
use hil_timebase::Clock;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::instrument::Instrument;
use crate::terminals::Terminals;

/// Which model it is.
#[derive(Clone, PartialEq, Debug)]
pub enum Model {
    /// EA PSB 10060, two-quadrant source, rated for so many amperes.
    EaPsb10060(u32),
    /// Keithley DMM6500, as a DC voltmeter.
    KeithleyDmm6500,
    /// Any other, as its dialect describes it.
    Described {
        /// Its dialect.
        dialect: Rc<Dialect>,
        /// Which of its channels is clamped, counted from 1.
        channel: u32,
    },
}

impl Model {
    /// The model that speaks a dialect, which came from a file of this name without
    /// `.toml`. Some are made by hand; of all others it is made of the dialect.
    pub fn of(name: &str, dialect: &Dialect) -> Self {
        match name {
            "ea-psb-10060-60" => Self::EaPsb10060(60),
            "ea-psb-10060-120" => Self::EaPsb10060(120),
            "ea-psb-10060-340" => Self::EaPsb10060(340),
            "keithley-dmm6500" => Self::KeithleyDmm6500,
            _ => Self::described(dialect),
        }
    }

    /// The model that `dialect` describes, clamped at its first channel.
    pub fn described(dialect: &Dialect) -> Self {
        Self::Described { dialect: Rc::new(dialect.clone()), channel: 1 }
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
