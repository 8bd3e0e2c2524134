//! Samples at even distances, as a digitizer or a data log takes them.

use std::time::Duration;

use hil_timebase::Nanos;

/// U (k = 2) of a rectangular distribution of half width 1: 2/√3.
pub(crate) const RECTANGULAR: f64 = 1.154_700_538_379_251_5;

/// Consecutive samples, each the mean over the time to the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Samples {
    /// The middle of the first one's time.
    pub first: Nanos,
    /// Expanded uncertainty (k = 2) of that, which all of these share.
    pub uncertainty: Duration,
    /// From one to the next.
    pub interval: Duration,
    /// In SI units; never NaN, never a sentinel.
    pub values: Vec<f64>,
}

impl Samples {
    /// The middle of the time of sample `n`.
    pub fn at(&self, n: usize) -> Nanos {
        self.first + nth(self.interval, n)
    }
}

/// `n` times the interval: exact, where a product of floating-point numbers is not.
pub(crate) fn nth(interval: Duration, n: usize) -> Duration {
    let nanos = interval.as_nanos().saturating_mul(n as u128);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// So much earlier; not before the beginning of time.
pub(crate) fn back(from: Nanos, by: Duration) -> Nanos {
    Nanos(from.0.saturating_sub(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)))
}
