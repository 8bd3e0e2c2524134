//! `profile`: points at exact offsets from the first edge, stepped or linear.

use std::time::Duration;

use hil_model::{Quantity, SignalId, Value};
use hil_timebase::Nanos;

use super::ramp::STEP;
use crate::scene::{Scene, Stop};

pub(super) async fn profile(scene: &Scene<'_>, signal: &SignalId, points: &[(Duration, Value)], linear: bool, name: Option<&String>) -> Result<(), Stop> {
    // Commands go out at the points' offsets from the first command: each takes
    // as long to have effect as the first, so the edges keep the offsets too.
    let begin = scene.now();
    let mut previous: Option<&(Duration, Value)> = None;
    for point in points {
        if let Some(previous) = previous.filter(|_| linear) {
            slide(scene, signal, begin, previous, point).await?;
        }
        scene.stage.clock.sleep_until(begin + point.0).await;
        let edge = scene.set(signal, &point.1).await?;
        scene.keep_edge(name, &edge);
        previous = Some(point);
    }
    Ok(())
}

/// The steps strictly between two points.
async fn slide(scene: &Scene<'_>, signal: &SignalId, begin: Nanos, from: &(Duration, Value), to: &(Duration, Value)) -> Result<(), Stop> {
    let (Some(a), Some(b)) = (from.1.quantity(), to.1.quantity()) else {
        return Err(Stop::error(format!("cannot slide `{signal}` from `{}` to `{}`, expected quantities", from.1, to.1)));
    };
    let length = to.0.saturating_sub(from.0);
    let mut offset = STEP;
    while offset < length {
        scene.stage.clock.sleep_until(begin + from.0 + offset).await;
        // A late step takes the value of its own moment.
        let passed = scene.now().since(begin + from.0).as_secs_f64() / length.as_secs_f64();
        if passed >= 1.0 {
            break;
        }
        let value = Value::Quantity(Quantity::new(a.si + (b.si - a.si) * passed, a.dimension));
        scene.set(signal, &value).await?;
        let now = scene.now();
        while begin + from.0 + offset <= now && offset < length {
            offset += STEP;
        }
    }
    Ok(())
}
