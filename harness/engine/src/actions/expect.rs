//! `expect`: signals must reach states within a time and keep them.

use std::time::Duration;

use futures_util::future::{join_all, select_all};
use hil_channel::Reading;
use hil_model::{Condition, LedState, Level, Quantity, SignalId, Value};
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
        worst = worst.max(scene.judge_condition(signal, condition, reading)?);
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
        // One may have come and gone while another was waited for.
        let again = each(conditions, |(signal, _)| scene.read(signal)).await?;
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

/// For what has no list of other states: reads again and again.
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
/// text, whose other values nobody can list.
fn opposites(condition: &Condition) -> Option<Vec<Condition>> {
    let infinite = |q: &Quantity, sign: f64| Quantity::new(sign * f64::INFINITY, q.dimension);
    match condition {
        Condition::Above(q) => Some(vec![Condition::Within(infinite(q, -1.0), *q)]),
        Condition::Below(q) => Some(vec![Condition::Within(*q, infinite(q, 1.0))]),
        Condition::Within(low, high) => Some(vec![Condition::Below(*low), Condition::Above(*high)]),
        Condition::Is(Value::Level(level)) => Some(others(&Level::WORDS, *level).map(|l| Condition::Is(Value::Level(l))).collect()),
        Condition::Is(Value::Led(state)) => Some(others(&LedState::WORDS, *state).map(|l| Condition::Is(Value::Led(l))).collect()),
        Condition::Is(Value::Text(_) | Value::Quantity(_)) => None,
    }
}

fn others<T: Copy + PartialEq>(words: &[(&str, T)], but: T) -> impl Iterator<Item = T> {
    words.iter().map(|(_, v)| *v).filter(move |v| *v != but)
}

async fn wait_for(scene: &Scene<'_>, signal: &SignalId, condition: &Condition, deadline: Nanos) -> Result<Reading, Stop> {
    Ok(scene.channel(signal)?.wait_for(condition, deadline).await?)
}

/// One future a signal, all at once.
async fn each<'c, F: Future<Output = Result<Reading, Stop>>>(conditions: &'c [Wanted], f: impl Fn(&'c Wanted) -> F) -> Result<Vec<Reading>, Stop> {
    join_all(conditions.iter().map(f)).await.into_iter().collect()
}

fn all_hold(conditions: &[Wanted], readings: &[Reading]) -> bool {
    conditions.iter().zip(readings).all(|((_, c), r)| holds(c, &r.value) == Some(true))
}
