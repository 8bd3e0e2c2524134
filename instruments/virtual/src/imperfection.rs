//! How a virtual instrument is wrong: a gain and an offset that stay, and
//! noise. All from the seed, all within the model's data sheet.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

/// Of the data sheet's limit, at most this part is offset …
const OFFSET_SHARE: f64 = 0.5;
/// … and this part gain. Together below one: an instrument within its limits.
const GAIN_SHARE: f64 = 0.4;

/// One instrument's error in one function and range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Imperfection {
    gain: f64,
    offset: f64,
    /// Standard deviation of the noise.
    sigma: f64,
}

impl Imperfection {
    /// Within `limit` at every value up to `full` scale.
    pub(crate) fn within(limit: f64, full: f64, sigma: f64, rng: &mut ChaCha8Rng) -> Self {
        let offset = limit * OFFSET_SHARE * rng.random_range(-1.0..=1.0);
        let gain = limit / full * GAIN_SHARE * rng.random_range(-1.0..=1.0);
        Self { gain, offset, sigma }
    }

    /// Within `percent` of the value plus `limit`.
    pub(crate) fn of_reading(percent: f64, limit: f64, sigma: f64, rng: &mut ChaCha8Rng) -> Self {
        let offset = limit * OFFSET_SHARE * rng.random_range(-1.0..=1.0);
        let gain = percent / 100.0 * GAIN_SHARE * rng.random_range(-1.0..=1.0);
        Self { gain, offset, sigma }
    }

    /// The value with its lasting error.
    pub(crate) fn steady(&self, value: f64) -> f64 {
        value * (1.0 + self.gain) + self.offset
    }

    /// The value with its lasting error and noise, `quieter` times less than
    /// usual.
    pub(crate) fn noisy(&self, value: f64, quieter: f64, rng: &mut ChaCha8Rng) -> f64 {
        // Beyond three sigma the noise would leave the data sheet's limits.
        let noise: f64 = rng.sample::<f64, _>(StandardNormal).clamp(-3.0, 3.0);
        self.steady(value) + noise * self.sigma / quieter
    }
}

/// The nearest multiple of `step`.
pub(crate) fn quantised(value: f64, step: f64) -> f64 {
    (value / step).round() * step
}
