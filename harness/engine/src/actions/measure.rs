//! `measure`: one value from one or more readings.

use std::time::Duration;

use hil_channel::Reading;
use hil_model::{Check, Quantity, SignalId, Statistic, Value};
use hil_timebase::Nanos;

use crate::judge::{Taken, check_value};
use crate::ratio::worst_bound;
use crate::scene::{Scene, Stop};
use crate::uncertainty::of_statistic;

pub(super) async fn take<'a>(
    scene: &Scene<'a>,
    signal: &SignalId,
    name: &'a str,
    statistic: Statistic,
    over: Duration,
    check: &Check,
) -> Result<Taken<'a>, Stop> {
    let readings = selected(scene, signal, over, check).await?;
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
            let value = reduce(&all, statistic);
            let worst = readings.iter().map(|r| r.uncertainty).try_fold(0.0, |worst: f64, u| u.map(|u| worst.max(u)));
            Ok(taken(Value::Quantity(value), worst.map(|u| u * of_statistic(statistic)), middle))
        }
        // Words have no mean: the first that is not good stands for all.
        None => {
            let shown = readings.iter().find(|r| check_value(check, &r.value) != Some(true)).unwrap_or(last);
            Ok(taken(shown.value.clone(), None, shown.at))
        }
    }
}

/// Readings by the path that knows a value at the limit best. The usual path is
/// brought back also after an error; if this future is dropped, the engine does.
async fn selected(scene: &Scene<'_>, signal: &SignalId, over: Duration, check: &Check) -> Result<Vec<Reading>, Stop> {
    let channel = scene.channel(signal)?;
    let Check::Limit(limit) = check else { return readings(scene, signal, over).await };
    if channel.abilities().routes.is_empty() {
        return readings(scene, signal, over).await;
    }
    channel.select(Some(worst_bound(limit))).await?;
    let taken = readings(scene, signal, over).await;
    channel.select(None).await?;
    taken
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

/// One value from all readings.
fn reduce(all: &[Quantity], statistic: Statistic) -> Quantity {
    let dimension = all[0].dimension;
    // `f64::min` would pass over a NaN.
    if all.iter().any(|q| !q.si.is_finite() || q.dimension != dimension) {
        return Quantity::new(f64::NAN, dimension);
    }
    let low = all.iter().map(|q| q.si).fold(f64::INFINITY, f64::min);
    let high = all.iter().map(|q| q.si).fold(f64::NEG_INFINITY, f64::max);
    let si = match statistic {
        Statistic::Mean => all.iter().map(|q| q.si).sum::<f64>() / all.len() as f64,
        Statistic::Min => low,
        Statistic::Max => high,
        Statistic::PeakToPeak => high - low,
    };
    Quantity::new(si, dimension)
}

#[cfg(test)]
mod tests {
    use hil_model::{Action, Blame};
    use hil_record::{Datum, Verdict};

    use super::*;
    use crate::testbench::{Behave, val};
    use crate::testdata::*;

    #[test]
    fn one_reading_is_judged_in_the_signals_unit() {
        let ran = run(&acts(vec![measure("mv", limit("0.4 V", "0.5 V"))]), |b| b.signal("mv", "0.5 V"));
        let m = ran.only();
        assert_eq!(
            (m.value, m.unit.as_str(), m.low, m.high, m.uncertainty),
            (Datum::Number(500.0), "mV", Some(400.0), Some(500.0), Some(1.0))
        );
        assert_eq!((m.verdict, m.provisional, m.requirements), (Verdict::Pass, true, vec!["R-1".to_owned()]));
    }

    #[test]
    fn statistics_over_a_time() {
        // 1 V, but 3 V in the second half.
        let value = |statistic| {
            let plan = acts(vec![measure_over("v", limit("0 V", ""), statistic, 190)]);
            let m = run(&plan, |b| b.signal("v", "1 V").at(100, "v", "3 V")).only();
            (m.value, m.at_ns, m.uncertainty)
        };
        let at = 95_000_000;
        assert_eq!(value(Statistic::Mean), (Datum::Number(2.0), at, Some(0.001)));
        assert_eq!(value(Statistic::Min).0, Datum::Number(1.0));
        assert_eq!(value(Statistic::Max).0, Datum::Number(3.0));
        assert_eq!(value(Statistic::PeakToPeak), (Datum::Number(2.0), at, Some(0.001 * 2_f64.sqrt())));
    }

    #[test]
    fn what_is_not_finite_is_an_error_also_among_good_readings() {
        for statistic in [Statistic::Mean, Statistic::Min, Statistic::Max, Statistic::PeakToPeak] {
            let plan = acts(vec![measure_over("v", limit("0 V", ""), statistic, 200)]);
            let ran = run(&plan, |b| b.signal("v", "1 V").at(100, "v", "NaN").at(120, "v", "1 V"));
            assert_eq!((ran.only().verdict, ran.only().value), (Verdict::Error, Datum::Text("NaN".into())));
            assert_eq!(ran.verdict(), Verdict::Error);
        }
    }

    #[test]
    fn another_dimension_or_kind_is_an_error() {
        for bad in ["1 A", "high", "word"] {
            let ran = run(&acts(vec![measure("v", limit("0 V", ""))]), |b| b.signal("v", bad));
            assert_eq!(ran.only().verdict, Verdict::Error, "{bad}");
        }
    }

    #[test]
    fn words_are_compared() {
        let equals = |word| acts(vec![measure_over("out", Check::Equals(val(word)), Statistic::Mean, 100)]);
        let out = |b: crate::testbench::TestBench| b.signal("out", "high").at(50, "out", "low").at(60, "out", "high");
        let ran = run(&equals("high"), out);
        assert_eq!((ran.only().verdict, ran.only().value), (Verdict::Fail, Datum::Text("low".into())));
        assert_eq!(ran.steps()[0].2.as_deref(), Some("`out` is low, expected `high`"));
        let ran = run(&equals("high"), |b| b.signal("out", "high"));
        assert_eq!((ran.only().verdict, ran.only().expected.as_deref()), (Verdict::Pass, Some("high")));
        assert_eq!(run(&equals("word"), |b| b.signal("out", "high")).only().verdict, Verdict::Error);
    }

    #[test]
    fn blame_makes_it_the_testers() {
        let action = Action::Measure {
            signal: id("v"),
            name: "source".into(),
            statistic: Statistic::Mean,
            over: ms(0),
            check: limit("2 V", ""),
            blame: Blame::Tester,
        };
        let ran = run(&acts(vec![act("measure", action)]), |b| b.signal("v", "1 V"));
        assert_eq!((ran.only().verdict, ran.verdict()), (Verdict::Error, Verdict::Error));
    }

    #[test]
    fn a_path_is_chosen_for_the_limit_and_given_back() {
        let plan = acts(vec![measure("v", limit("", "0.5 V")), measure("w", limit("", "0.5 V"))]);
        let ran = run(&plan, |b| b.routed("v", "0.1 V").signal("w", "0.1 V"));
        assert_eq!((ran.verdict(), ran.world.selections.borrow().join(" ")), (Verdict::Pass, "0.5 usual released".into()));
        // Also after a reading that failed.
        let ran = run(&plan, |b| b.routed("v", "0.1 V").signal("w", "0.1 V").behaves("v", Behave::Fails));
        assert_eq!((ran.verdict(), ran.world.selections.borrow().join(" ")), (Verdict::Error, "0.5 usual released".into()));
    }

    #[test]
    fn a_step_that_is_cut_short_is_followed_by_a_release() {
        let mut plan = acts(vec![measure("v", limit("", "0.5 V"))]);
        plan.steps[0].timeout = ms(100);
        let ran = run(&plan, |b| b.routed("v", "0.1 V").behaves("v", Behave::Hangs));
        assert_eq!(ran.world.selections.borrow().join(" "), "0.5 released");
        // Teardown switches off also where that fails.
        let ran = run(&plan, |b| b.routed("v", "0.1 V").behaves("release", Behave::Fails));
        assert_eq!(ran.sets(), ["power = off"]);
        assert_eq!(ran.outcome.exit_code(), 3);
    }

    #[test]
    fn a_dead_link_is_the_testers() {
        let ran = run(&acts(vec![measure("v", limit("0 V", ""))]), |b| b.signal("v", "1 V").behaves("v", Behave::Fails));
        assert_eq!(ran.problem(), (Verdict::Error, "`measure v`: part `v`: link lost: cable pulled".into()));
    }
}
