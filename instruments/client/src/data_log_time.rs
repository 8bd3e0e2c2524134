//! When the next record of a data log begins: what is known of that, from when the
//! log was begun and what was fetched of it so far.
//!
//! A log may go on for hours, on the instrument's own clock. So what is known is
//! carried from record to record, with the drift of that clock, and every fetch
//! narrows it down anew. What cannot be is told: then records are missing, or their
//! period is not what it should be, and no time would be right.

use std::time::Duration;

use hil_timebase::Nanos;

use crate::samples::{RECTANGULAR, back, nth};

/// The instrument's clock is right within this share of the time: our assumption,
/// ten times what a cheap quartz has.
const DRIFT: f64 = 100e-6;
/// A record can be fetched at the latest so long after its period, or it counts as
/// missing: our assumption. If one is later, the log ends; no time gets wrong by it.
pub(crate) const LAG: Duration = Duration::from_millis(100);

/// Between when and when the next record begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    pub(crate) earliest: Nanos,
    /// Not known before the first record.
    pub(crate) latest: Option<Nanos>,
}

impl Due {
    /// The first record begins when it is told so, or later.
    pub(crate) const fn after_the_start(told: Nanos) -> Self {
        Self { earliest: told, latest: None }
    }

    /// Between `asked` and `answered`, these and no more could be fetched (`all`), or
    /// these and perhaps more; `None` if that cannot be.
    pub(crate) fn fetched(self, asked: Nanos, answered: Nanos, records: usize, all: bool, period: Duration) -> Option<Self> {
        let took = nth(period, records);
        let drift = took.mul_f64(DRIFT);
        let mut due = Self { earliest: self.earliest + took.saturating_sub(drift), latest: self.latest.map(|l| l + took + drift) };
        if records > 0 {
            // All that were fetched were over by then.
            due.latest = Some(due.latest.map_or(answered, |latest| latest.min(answered)));
        }
        if all {
            // The next was not over, or only just.
            due.earliest = due.earliest.max(back(asked, LAG + period + period.mul_f64(DRIFT)));
        }
        due.latest.is_none_or(|latest| due.earliest <= latest).then_some(due)
    }

    /// How long the oldest record that was not fetched has been over, at most.
    pub(crate) fn waited(self, now: Nanos, period: Duration) -> Duration {
        now.since(self.earliest + period)
    }

    /// The middle of the record that is so many before the next one, and U (k = 2) of
    /// that; `None` before the first record.
    pub(crate) fn before(self, records: usize, period: Duration) -> Option<(Nanos, Duration)> {
        let half = self.latest?.since(self.earliest) / 2;
        Some((back(self.earliest + half + period / 2, nth(period, records)), half.mul_f64(RECTANGULAR)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(1);

    const fn ms(n: u64) -> Nanos {
        Nanos(n * 1_000_000)
    }

    #[test]
    fn every_fetch_narrows_it_down() {
        let due = Due::after_the_start(ms(1000));
        let nothing = due.fetched(ms(1010), ms(1012), 0, true, PERIOD).expect("possible");
        assert_eq!(nothing, due, "nothing says nothing but that it goes on");
        // Ten of them were over at 1030: they began at 1020 at the latest.
        let some = nothing.fetched(ms(1028), ms(1030), 10, true, PERIOD).expect("possible");
        assert_eq!(some, Due { earliest: Nanos(1_010_000_000 - 1_000), latest: Some(ms(1030)) });
        let (first, u) = some.before(10, PERIOD).expect("known");
        assert_eq!((first.0 + 500) / 1_000, 1_010_500);
        assert!((u.as_secs_f64() - 0.01 * RECTANGULAR).abs() < 1e-6, "{u:?}");
        // An answer that was quicker says more.
        let more = some.fetched(ms(1033), ms(1034), 12, true, PERIOD).expect("possible");
        assert_eq!(more.latest, Some(ms(1034)));
        assert!(more.before(12, PERIOD).expect("known").1 < u);
    }

    #[test]
    fn the_clocks_drift_widens_it_and_the_fetches_hold_it_together() {
        let mut due = Due { earliest: ms(1000), latest: Some(ms(1002)) };
        // An hour in blocks of a second, by an instrument whose clock is slow by 50 ppm.
        for n in 1..=3600_u64 {
            let at = Nanos(ms(1002).0 + n * 1_000_050_000);
            due = due.fetched(at, at + PERIOD, 1000, true, PERIOD).unwrap_or_else(|| panic!("{n} s: {due:?}"));
            let truth = Nanos(ms(1001).0 + n * 1_000_050_000);
            assert!(due.earliest <= truth && truth <= due.latest.expect("known"), "{n} s: {due:?}, {truth}");
        }
        assert!(due.latest.expect("known").since(due.earliest) <= LAG + 2 * PERIOD + PERIOD);
    }

    #[test]
    fn what_cannot_be_is_told() {
        let due = Due { earliest: ms(1000), latest: Some(ms(1002)) };
        // In a second there were a hundred too few, or ten too many.
        assert_eq!(due.fetched(ms(2002), ms(2003), 890, true, PERIOD), None);
        assert_eq!(due.fetched(ms(2002), ms(2003), 1010, true, PERIOD), None);
        // There may be more of them that were not fetched yet.
        assert!(due.fetched(ms(2002), ms(2003), 890, false, PERIOD).is_some());
        assert_eq!(due.waited(ms(2003), PERIOD), Duration::from_millis(1002));
    }
}
