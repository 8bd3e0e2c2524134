//! How uncertainties combine (JCGM 100, 5.1 and 5.2). All are expanded with
//! k = 2, in SI units; factors of 2 on both sides cancel in a root sum of
//! squares, so expanded ones combine as standard ones do.
//!
//! Not here: what a reading's own uncertainty is made of; its channel knows.

use std::collections::BTreeMap;
use std::f64::consts::SQRT_2;
use std::time::Duration;

use hil_channel::Abilities;
use hil_model::{Quantity, Statistic};

/// U of a rectangular distribution of half width 1: 2/√3 (JCGM 100, 4.3.7).
pub(crate) const RECTANGULAR: f64 = 1.154_700_538_379_251_5;

/// What a value's uncertainty consists of, by where it comes from: each
/// origin's part is a sum of signed shares (sensitivity × U).
///
/// Shares of one origin (one instrument, or one edge) are correlated by a
/// calibration error that is in all its readings, by an unknown amount between
/// nothing and fully. The variance is linear in that amount, so the larger of
/// both ends is never too small: a difference of two readings of one meter is
/// not credited with the error that cancels, a sum is charged with the error
/// that adds up. Neglected is correlation between instruments (a reference of
/// one laboratory, one ambient temperature): it is small beside the accuracies,
/// which are limits over the whole interval of calibration, not corrections.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Form(BTreeMap<String, Share>);

#[derive(Clone, Copy, PartialEq, Debug, Default)]
struct Share {
    /// Of the signed shares.
    sum: f64,
    /// Of their squares.
    squares: f64,
}

impl Form {
    /// Of one reading.
    pub(crate) fn single(origin: &str, expanded: f64) -> Self {
        Self([(origin.to_owned(), Share { sum: expanded, squares: expanded * expanded })].into())
    }

    /// Multiplied by a sensitivity.
    pub(crate) fn scaled(mut self, by: f64) -> Self {
        for share in self.0.values_mut() {
            share.sum *= by;
            share.squares *= by * by;
        }
        self
    }

    /// Both together.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (origin, share) in other.0 {
            let own = self.0.entry(origin).or_default();
            own.sum += share.sum;
            own.squares += share.squares;
        }
        self
    }

    /// The expanded uncertainty.
    pub(crate) fn expanded(&self) -> f64 {
        self.0.values().map(|s| (s.sum * s.sum).max(s.squares)).sum::<f64>().sqrt()
    }
}

/// By how much one reading's uncertainty enters a statistic over several. It is
/// not divided by their number: a calibration's error is in all of them.
pub(crate) const fn of_statistic(statistic: Statistic) -> f64 {
    match statistic {
        Statistic::Mean | Statistic::Min | Statistic::Max => 1.0,
        Statistic::PeakToPeak => SQRT_2,
    }
}

/// What a ramp adds to the uncertainty of the signal it drives, captured when
/// another reaches its condition: the ramp goes on, or has stood one step too
/// far, for at most this `latency`. Rectangular, taken to both sides although
/// the error has one sign: no correction is made.
pub(crate) fn of_ramp(rate: Quantity, latency: Duration) -> f64 {
    rate.si.abs() * latency.as_secs_f64() * RECTANGULAR
}

/// From the truth of a condition to the end of the captured reading: one step
/// of the ramp, one interval and one reading of who sees the condition, and the
/// captured reading.
pub(crate) fn ramp_latency(step: Duration, until: &Abilities, capture: &Abilities) -> Duration {
    step + until.poll.unwrap_or_default() + until.reading_time + capture.reading_time
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn independent_shares_add_as_squares() {
        let both = Form::single("a", 3.0).and(Form::single("b", 4.0));
        assert!((both.expanded() - 5.0).abs() < 1e-12);
        assert!((both.scaled(-2.0).expanded() - 10.0).abs() < 1e-12);
    }

    #[test]
    fn one_meter_is_charged_for_sums_and_not_credited_for_differences() {
        let reading = || Form::single("meter", 3.0);
        assert!((reading().and(reading()).expanded() - 6.0).abs() < 1e-12);
        assert!((reading().and(reading().scaled(-1.0)).expanded() - 3.0 * SQRT_2).abs() < 1e-12);
    }

    proptest! {
        /// For every amount of correlation within one origin the variance is
        /// at most what the form says.
        #[test]
        fn never_less_than_any_correlation_gives(shares in prop::collection::vec(-9.0_f64..9.0, 1..6), amount in 0.0_f64..=1.0) {
            let form = shares.iter().fold(Form::default(), |f, s| f.and(Form::single("meter", 1.0).scaled(*s)));
            let (sum, squares): (f64, f64) = (shares.iter().sum(), shares.iter().map(|s| s * s).sum());
            let variance = (1.0 - amount) * squares + amount * sum * sum;
            prop_assert!(form.expanded() >= variance.sqrt() - 1e-9);
        }
    }

    #[test]
    fn a_ramp_adds_its_rate_times_the_latency() {
        let abilities =
            |poll| Abilities { poll: Some(Duration::from_millis(poll)), reading_time: Duration::from_millis(20), ..Abilities::default() };
        let latency = ramp_latency(Duration::from_millis(50), &abilities(30), &abilities(30));
        assert_eq!(latency, Duration::from_millis(120));
        let rate = Quantity::parse("20 mV/s").unwrap();
        assert!((of_ramp(rate, latency) - 2.0 * 0.0024 / 3_f64.sqrt()).abs() < 1e-9);
    }
}
