//! Means of what the converter delivers, before any correction: what the maker
//! calibrates by. A single sample is noisier than a calibration may be.

use crate::io::Inputs;

/// Samples of one mean.
const SAMPLES: u32 = 128;

/// Means of the three stud voltages and the alternator current.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct Raw {
    sums: [f64; 4],
    count: u32,
    whole: Option<[f64; 4]>,
}

impl Raw {
    pub(crate) fn tick(&mut self, inputs: &Inputs) {
        let samples = [inputs.battery_volts, inputs.alternator_volts, inputs.system_volts, inputs.alternator_amps];
        for (sum, sample) in self.sums.iter_mut().zip(samples) {
            *sum += sample;
        }
        self.count += 1;
        if self.count == SAMPLES {
            *self = Self { whole: Some(self.running()), ..Self::default() };
        }
    }

    /// Of the last whole number of samples; of what there is, right after
    /// power-up.
    pub(crate) fn means(&self) -> [f64; 4] {
        self.whole.unwrap_or_else(|| self.running())
    }

    fn running(&self) -> [f64; 4] {
        self.sums.map(|sum| sum / f64::from(self.count))
    }
}
