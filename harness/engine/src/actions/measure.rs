//! `measure`: one value from one or more readings.

use std::time::Duration;

use hil_channel::Reading;
use hil_model::{Check, Quantity, SignalId, Statistic, Value};
use hil_timebase::Nanos;

use crate::judge::{Taken, check_value};
use crate::scene::{Scene, Stop};

pub(super) async fn take<'a>(scene: &Scene<'a>, signal: &SignalId, name: &'a str, statistic: Statistic, over: Duration, check: &Check) -> Result<Taken<'a>, Stop> {
    let readings = readings(scene, signal, over).await?;
    let (first, last) = match readings.as_slice() {
        [] => return Err(Stop::error(format!("no reading of `{signal}`"))),
        [one] => (one, one),
        [first, .., last] => (first, last),
    };
    let middle = Nanos(first.at.0 + last.at.since(first.at).as_nanos() as u64 / 2);
    let taken = |value, uncertainty, at| Taken { name, of: signal.to_string(), value, uncertainty, at, kind: scene.kind(signal) };
    let quantities: Option<Vec<Quantity>> = readings.iter().map(|r| r.value.quantity()).collect();
    match quantities {
        Some(all) => {
            let (value, parts) = reduce(&all, statistic);
            let worst = readings.iter().map(|r| r.uncertainty).try_fold(0.0, |worst: f64, u| u.map(|u| worst.max(u)));
            Ok(taken(Value::Quantity(value), worst.map(|u| u * parts), middle))
        }
        // Words have no mean: the first that is not good stands for all.
        None => {
            let shown = readings.iter().find(|r| check_value(check, &r.value) != Some(true)).unwrap_or(last);
            Ok(taken(shown.value.clone(), None, shown.at))
        }
    }
}

/// One reading, or as many as fit into `over`, at its end at the latest.
async fn readings(scene: &Scene<'_>, signal: &SignalId, over: Duration) -> Result<Vec<Reading>, Stop> {
    let channel = scene.channel(signal)?;
    let begin = scene.now();
    let mut all = vec![channel.read().await?];
    let mut next = begin + channel.interval();
    while next <= begin + over {
        scene.stage.clock.sleep_until(next).await;
        all.push(channel.read().await?);
        next = (next + channel.interval()).max(scene.now());
    }
    Ok(all)
}

/// The value, and by how much a reading's uncertainty enters it. It is not
/// divided by the number of readings: a calibration's error is in all of them.
fn reduce(all: &[Quantity], statistic: Statistic) -> (Quantity, f64) {
    let dimension = all[0].dimension;
    // `f64::min` would pass over a NaN.
    if all.iter().any(|q| !q.si.is_finite() || q.dimension != dimension) {
        return (Quantity::new(f64::NAN, dimension), 1.0);
    }
    let low = all.iter().map(|q| q.si).fold(f64::INFINITY, f64::min);
    let high = all.iter().map(|q| q.si).fold(f64::NEG_INFINITY, f64::max);
    let (si, parts) = match statistic {
        Statistic::Mean => (all.iter().map(|q| q.si).sum::<f64>() / all.len() as f64, 1.0),
        Statistic::Min => (low, 1.0),
        Statistic::Max => (high, 1.0),
        Statistic::PeakToPeak => (high - low, std::f64::consts::SQRT_2),
    };
    (Quantity::new(si, dimension), parts)
}
