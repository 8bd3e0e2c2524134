//! `settle`: waits until a signal stays within a band. A signal that does not
//! settle is the unit's fault.

use std::collections::VecDeque;
use std::time::Duration;

use hil_model::{Blame, Dimension, Quantity, SignalId};
use hil_timebase::Nanos;

use crate::scene::{Scene, Stop};

pub(super) async fn settle(scene: &Scene<'_>, signal: &SignalId, within: Quantity, over: Duration, timeout: Duration) -> Result<(), Stop> {
    let channel = scene.channel(signal)?;
    let deadline = scene.now() + timeout;
    let mut window = Window { within: within.si, over, readings: VecDeque::new() };
    loop {
        let begin = scene.now();
        let reading = channel.read().await?;
        let q = reading.value.quantity().filter(|q| q.si.is_finite() && q.dimension == within.dimension);
        let Some(q) = q else {
            return Err(Stop::error(format!("`{signal}` is `{}`, expected {}", reading.value, noun(within.dimension))));
        };
        if window.settled(reading.at, q.si) {
            return Ok(());
        }
        let next = begin + channel.interval();
        if next.max(scene.now()) > deadline {
            let message = format!("`{signal}` did not settle within {within} for {} in {}, last {q}", seconds(over), seconds(timeout));
            return Err(Stop::Problem(scene.bad(Blame::Unit).await?, message));
        }
        scene.stage.clock.sleep_until(next).await;
    }
}

fn noun(dimension: Dimension) -> String {
    format!("{} that is finite", dimension.noun())
}

fn seconds(d: Duration) -> Quantity {
    Quantity::seconds(d.as_secs_f64())
}

/// The longest run of latest readings that stays within the band.
struct Window {
    within: f64,
    over: Duration,
    readings: VecDeque<(Nanos, f64)>,
}

impl Window {
    /// Takes a reading; whether the band was kept for long enough.
    fn settled(&mut self, at: Nanos, si: f64) -> bool {
        // Older readings count only up to the last one out of the band.
        let keep = self.readings.iter().rposition(|(_, old)| (old - si).abs() > self.within).map_or(0, |i| i + 1);
        self.readings.drain(..keep);
        self.readings.push_back((at, si));
        self.readings.front().is_some_and(|(first, _)| at.since(*first) >= self.over)
    }
}

#[cfg(test)]
mod tests {
    use hil_model::{Act, Action};
    use hil_record::Verdict;

    use crate::testbench::val;
    use crate::testdata::*;

    fn settle(timeout: u64) -> Act {
        act("settle v", Action::Settle { signal: id("v"), within: q("20 mV"), over: ms(200), timeout: ms(timeout) })
    }

    #[test]
    fn waits_for_the_band_to_be_kept() {
        // A decay: 1 V halves every 100 ms; it moves 20 mV in 200 ms from 26.7 mV on, at 523 ms.
        let ran = run(&acts(vec![settle(5000)]), |b| {
            b.derived("v", |_, at| hil_model::Value::Quantity(hil_model::Quantity::volts(0.5_f64.powf(at.0 as f64 / 1e8))))
        });
        let settled = ran.ended_ms() - 22;
        assert!((720..=740).contains(&settled), "{settled}");
    }

    #[test]
    fn a_slow_drift_is_not_settled() {
        // 10 mV every 50 ms stays within 20 mV from reading to reading, not over 200 ms.
        let ran = run(&acts(vec![settle(1000)]), |b| {
            b.derived("v", |_, at| hil_model::Value::Quantity(hil_model::Quantity::volts(at.0 as f64 * 2e-10)))
        });
        let (verdict, message) = ran.problem();
        assert_eq!(
            (verdict, message.as_str()),
            (Verdict::Fail, "`settle v`: `v` did not settle within 20 mV for 200 ms in 1 s, last 200 mV")
        );
    }

    #[test]
    fn a_tester_that_was_held_up_blames_himself() {
        for (held_up, expected) in [(100, Verdict::Fail), (101, Verdict::Error)] {
            let ran = run(&acts(vec![settle(1000)]), |b| {
                b.holds_up(held_up).derived("v", |_, at| hil_model::Value::Quantity(hil_model::Quantity::volts(at.0 as f64 * 2e-10)))
            });
            assert_eq!(ran.steps()[0].1, expected);
            let message = "the tester was held up for 101 ms of bench time, what it found is no judgement";
            assert_eq!(ran.problems()[0].1 == message, held_up > 100, "{:?}", ran.problems());
        }
    }

    #[test]
    fn what_is_no_number_is_the_testers() {
        for bad in ["NaN", "high", "1 A"] {
            let ran = run(&acts(vec![settle(1000)]), |b| b.derived("v", move |_, _| val(bad)));
            assert_eq!(ran.verdict(), Verdict::Error, "{bad}");
        }
    }
}
