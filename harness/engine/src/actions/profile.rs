//! `profile`: points at exact offsets from the first edge, stepped or linear.

use std::time::Duration;

use hil_model::{Quantity, SignalId, Value};
use hil_timebase::Nanos;

use super::ramp::STEP;
use crate::scene::{Scene, Stop};

pub(super) async fn profile(
    scene: &Scene<'_>,
    signal: &SignalId,
    points: &[(Duration, Value)],
    linear: bool,
    name: Option<&String>,
) -> Result<(), Stop> {
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

#[cfg(test)]
mod tests {
    use hil_model::{Act, Action};
    use hil_record::{Datum, EventKind, Verdict};

    use crate::testbench::val;
    use crate::testdata::*;

    fn profile(linear: bool, points: &[(u64, &str)]) -> Act {
        let points = points.iter().map(|(at, v)| (ms(*at), val(v))).collect();
        act("profile", Action::Profile { signal: id("v"), points, linear, name: Some("dip".into()) })
    }

    /// Bench milliseconds and value of each set of `v`.
    fn sets(ran: &Ran) -> Vec<(u64, f64)> {
        let stimulus = |e: &hil_record::Event| match &e.kind {
            EventKind::Stimulus { signal, value: Datum::Number(x), at_ns, .. } if signal == "v" => Some((at_ns / 1_000_000, *x)),
            _ => None,
        };
        ran.events.iter().filter_map(stimulus).collect()
    }

    #[test]
    fn points_keep_their_offsets_from_the_first_edge() {
        let plan = acts(vec![
            wait(7),
            profile(false, &[(0, "13.6 V"), (9000, "13.8 V"), (9500, "13.6 V")]),
            require("dip[2]", "dip[0]", limit("9.5 s", "9.5 s"), 0),
        ]);
        let ran = run(&plan, |b| b.signal("v", "13 V"));
        assert_eq!(sets(&ran), [(9, 13.6), (9009, 13.8), (9509, 13.6)]);
        assert_eq!(ran.verdict(), Verdict::Pass);
    }

    #[test]
    fn slides_from_point_to_point() {
        let ran = run(&acts(vec![profile(true, &[(0, "1 V"), (200, "2 V"), (250, "2 V")])]), |b| b.signal("v", "0 V"));
        assert_eq!(sets(&ran), [(2, 1.0), (52, 1.25), (102, 1.5), (152, 1.75), (202, 2.0), (252, 2.0)]);
    }
}
