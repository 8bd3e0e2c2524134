//! `expect`: signals must reach states within a time and keep them.

use std::time::Duration;

use futures_util::future::{select_all, try_join_all};
use hil_channel::Reading;
use hil_model::{Condition, LedState, Level, SignalId, Value};
use hil_record::Verdict;
use hil_timebase::Nanos;

use crate::judge::holds;
use crate::scene::{Scene, Stop};

type Wanted = (SignalId, Condition);

pub(super) async fn expect(scene: &Scene<'_>, conditions: &[Wanted], within: Duration, hold: Duration) -> Result<(), Stop> {
    let mut readings = reach(scene, conditions, within).await?;
    if !hold.is_zero() && all_hold(conditions, &readings) {
        readings = keep(scene, conditions, scene.now() + hold).await?;
    }
    let mut worst = Verdict::Pass;
    for ((signal, condition), reading) in conditions.iter().zip(&readings) {
        worst = worst.max(scene.judge_condition(signal, condition, reading).await?);
    }
    if worst == Verdict::Pass { Ok(()) } else { Err(Stop::Judged) }
}

/// Waits until all hold at the same time, or until the time is over; the last
/// readings either way.
async fn reach(scene: &Scene<'_>, conditions: &[Wanted], within: Duration) -> Result<Vec<Reading>, Stop> {
    let deadline = scene.now() + within;
    loop {
        let begin = scene.now();
        let first = each(conditions, |(signal, condition)| wait_for(scene, signal, condition, deadline)).await?;
        let at_once = conditions.len() == 1 || within.is_zero() || scene.now() == begin;
        if at_once || !all_hold(conditions, &first) {
            return Ok(first);
        }
        // One may have come and gone while another was waited for. What was seen
        // last of all needs no second look: fields of one page have one time.
        let newest = first.iter().map(|r| r.at).max().unwrap_or(begin);
        let looks = conditions
            .iter()
            .zip(&first)
            .map(|((signal, _), seen)| async move { if seen.at == newest { Ok(seen.clone()) } else { scene.read(signal).await } });
        let again = try_join_all(looks).await?;
        if all_hold(conditions, &again) {
            return Ok(first);
        }
        if scene.now() >= deadline {
            return Ok(again);
        }
    }
}

/// Watches until `end` that all keep their state; the last reading of each, or
/// the first one that is not as it should be.
async fn keep(scene: &Scene<'_>, conditions: &[Wanted], end: Nanos) -> Result<Vec<Reading>, Stop> {
    each(conditions, |(signal, condition)| keep_one(scene, signal, condition, end)).await
}

async fn keep_one(scene: &Scene<'_>, signal: &SignalId, condition: &Condition, end: Nanos) -> Result<Reading, Stop> {
    match opposites(condition) {
        Some(opposites) => {
            let waits = opposites.iter().map(|o| Box::pin(wait_for(scene, signal, o, end)));
            // The first to return either saw the state leave or the end come.
            let (mut reading, _, rest) = select_all(waits).await;
            for wait in rest {
                if reading.as_ref().is_ok_and(|r| holds(condition, &r.value) == Some(true)) {
                    reading = wait.await;
                }
            }
            reading
        }
        None => poll_until(scene, signal, condition, end).await,
    }
}

/// For what has no list of other states: reads again and again, as fast as the
/// channel does.
async fn poll_until(scene: &Scene<'_>, signal: &SignalId, condition: &Condition, end: Nanos) -> Result<Reading, Stop> {
    let channel = scene.channel(signal)?;
    loop {
        let begin = scene.now();
        let reading = channel.read().await?;
        let next = begin + channel.interval();
        if holds(condition, &reading.value) != Some(true) || next > end {
            return Ok(reading);
        }
        scene.stage.clock.sleep_until(next).await;
    }
}

/// Conditions of which one holds exactly when `condition` does not; `None` for
/// text, whose other values nobody can list, and for quantities, which are read.
fn opposites(condition: &Condition) -> Option<Vec<Condition>> {
    match condition {
        Condition::Is(Value::Level(level)) => Some(others(&Level::WORDS, *level).map(|l| Condition::Is(Value::Level(l))).collect()),
        Condition::Is(Value::Led(state)) => Some(others(&LedState::WORDS, *state).map(|l| Condition::Is(Value::Led(l))).collect()),
        Condition::Is(Value::Text(_) | Value::Quantity(_)) | Condition::Above(_) | Condition::Below(_) | Condition::Within(..) => None,
    }
}

fn others<T: Copy + PartialEq>(words: &[(&str, T)], but: T) -> impl Iterator<Item = T> {
    words.iter().map(|(_, v)| *v).filter(move |v| *v != but)
}

async fn wait_for(scene: &Scene<'_>, signal: &SignalId, condition: &Condition, deadline: Nanos) -> Result<Reading, Stop> {
    Ok(scene.channel(signal)?.wait_for(condition, deadline).await?)
}

/// One future a signal, all at once; a part that is dead ends the others' waiting.
async fn each<'c, F: Future<Output = Result<Reading, Stop>>>(
    conditions: &'c [Wanted],
    f: impl Fn(&'c Wanted) -> F,
) -> Result<Vec<Reading>, Stop> {
    try_join_all(conditions.iter().map(f)).await
}

fn all_hold(conditions: &[Wanted], readings: &[Reading]) -> bool {
    conditions.iter().zip(readings).all(|((_, c), r)| holds(c, &r.value) == Some(true))
}

#[cfg(test)]
mod tests {
    use hil_model::Condition;
    use hil_record::{Datum, Verdict};

    use crate::testbench::{Behave, val};
    use crate::testdata::*;

    fn within(low: &str, high: &str) -> Condition {
        Condition::Within(q(low), q(high))
    }

    #[test]
    fn one_reading_each_when_there_is_no_time() {
        let plan = acts(vec![expect(&[("out", is("high")), ("v", Condition::Above(q("1 V"))), ("mv", within("1 V", "2 V"))], 0, 0)]);
        let ran = run(&plan, |b| b.signal("out", "high").signal("v", "2 V").signal("mv", "1 V"));
        let all = ran.measurements();
        let shown: Vec<_> = all.iter().map(|m| (m.name.as_str(), m.expected.as_deref().unwrap(), m.low, m.high, m.provisional)).collect();
        assert_eq!(
            shown,
            [
                ("out", "high", None, None, false),
                ("v", "> 1 V", Some(1.0), None, true),
                ("mv", "1 V .. 2 V", Some(1000.0), Some(2000.0), true)
            ]
        );
        assert_eq!(ran.verdict(), Verdict::Pass);
    }

    #[test]
    fn every_signal_is_judged_also_when_one_fails() {
        let plan = acts(vec![expect(&[("a", is("high")), ("b", is("high")), ("c", is("on"))], 100, 0)]);
        let ran = run(&plan, |b| b.signal("a", "high").signal("b", "floating").signal("c", "on"));
        assert_eq!(ran.measurements().iter().map(|m| m.verdict).collect::<Vec<_>>(), [Verdict::Pass, Verdict::Fail, Verdict::Pass]);
        assert_eq!(ran.steps()[0].2.as_deref(), Some("`b` is floating, expected `high`"));
        assert_eq!(ran.ended_ms(), 122);
    }

    #[test]
    fn waits_for_all_at_once() {
        let plan = acts(vec![expect(&[("a", is("high")), ("b", is("high"))], 1000, 0)]);
        let ran = run(&plan, |b| b.signal("a", "low").at(300, "a", "high").signal("b", "low").at(700, "b", "high"));
        assert_eq!((ran.verdict(), ran.ended_ms()), (Verdict::Pass, 722));
        // One has gone before the other comes.
        let ran = run(&plan, |b| b.signal("a", "low").at(300, "a", "high").at(400, "a", "low").signal("b", "low").at(700, "b", "high"));
        assert_eq!(ran.measurements().iter().map(|m| m.verdict).collect::<Vec<_>>(), [Verdict::Fail, Verdict::Pass]);
        // It comes back in time.
        let ran = run(&plan, |b| b.signal("a", "high").at(400, "a", "low").at(900, "a", "high").signal("b", "low").at(700, "b", "high"));
        assert_eq!((ran.verdict(), ran.ended_ms()), (Verdict::Pass, 922));
    }

    /// The verdict of keeping a condition for 1 s from the beginning, and when
    /// the reading was taken.
    fn kept(condition: Condition, before: &'static str, at: u64, after: &'static str) -> (Verdict, Datum, u64) {
        let ran = run(&acts(vec![expect(&[("x", condition)], 0, 1000)]), |b| b.signal("x", before).at(at, "x", after));
        let m = ran.only();
        (m.verdict, m.value, m.at_ns / 1_000_000)
    }

    #[test]
    fn a_state_must_be_kept() {
        for (condition, good, bad) in [
            (is("high"), "high", "floating"),
            (is("high"), "high", "low"),
            (is("on"), "on", "blinking"),
            (is("word"), "word", "other"),
            (Condition::Above(q("1 V")), "1.1 V", "1 V"),
            (Condition::Below(q("1 V")), "0.9 V", "1 V"),
            (within("1 V", "2 V"), "1 V", "0.9 V"),
            (within("1 V", "2 V"), "2 V", "2.1 V"),
        ] {
            let (verdict, _, at) = kept(condition.clone(), good, 500, bad);
            assert_eq!((verdict, at), (Verdict::Fail, 500), "{condition} {bad}");
            let (verdict, _, at) = kept(condition.clone(), good, 2000, bad);
            assert_eq!((verdict, at), (Verdict::Pass, 1000), "{condition} {good}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_the_testers() {
        for bad in ["NaN", "1 A", "high"] {
            let ran = run(&acts(vec![expect(&[("v", Condition::Below(q("1 V")))], 10, 10)]), |b| b.derived("v", move |_, _| val(bad)));
            assert_eq!((ran.only().verdict, ran.verdict()), (Verdict::Error, Verdict::Error), "{bad}");
        }
        let ran = run(&acts(vec![expect(&[("v", is("on")), ("w", is("on"))], 10, 10)]), |b| {
            b.signal("v", "on").signal("w", "on").behaves("w", Behave::Fails)
        });
        assert_eq!(ran.problem(), (Verdict::Error, "`expect`: part `w`: link lost: cable pulled".into()));
    }

    /// A find of `hil torment`: a dead meter was told only when the LED beside it was known.
    #[test]
    fn a_dead_part_is_not_kept_for_the_end_of_the_wait() {
        let ran = run(&acts(vec![expect(&[("v", is("on")), ("w", is("on"))], 5000, 0)]), |b| {
            b.signal("v", "off").signal("w", "on").behaves("w", Behave::Fails)
        });
        assert_eq!(ran.problem(), (Verdict::Error, "`expect`: part `w`: link lost: cable pulled".into()));
        assert!(ran.ended_ms() < 1000, "{}", ran.ended_ms());
    }
}
