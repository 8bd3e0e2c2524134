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
            return Err(Stop::Problem(scene.bad(Blame::Unit), message));
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
