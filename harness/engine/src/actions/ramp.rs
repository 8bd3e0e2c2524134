//! `ramp`: drives a signal linearly, in small steps, until a condition holds or
//! the end is reached.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join;
use hil_channel::{Edge, EdgeSource, Reading};
use hil_model::{Blame, Check, Condition, Quantity, SignalId, Value};

use crate::judge::{Taken, holds};
use crate::scene::{Scene, Stop};

/// Time from one step to the next. Short beside the 100 ms and more over which
/// this field's limits are judged, long beside the 10 to 30 ms that a supply
/// needs for a command and its error query. A step is never larger than the
/// rate times this: a slow supply makes a slower ramp, not a coarser one.
pub(super) const STEP: Duration = Duration::from_millis(50);

/// A condition is waited for in turns, so that no deadline is absurdly far.
const TURN: Duration = Duration::from_secs(3600);

/// What is driven.
pub(super) struct Line<'a> {
    pub(super) signal: &'a SignalId,
    pub(super) from: Option<Quantity>,
    pub(super) to: Quantity,
    pub(super) rate: Quantity,
}

/// What ends it, and what is then measured.
pub(super) struct Goal<'a> {
    pub(super) until: Option<&'a (SignalId, Condition)>,
    pub(super) capture: Option<&'a SignalId>,
    pub(super) name: Option<&'a String>,
    pub(super) check: Option<&'a Check>,
}

pub(super) async fn ramp(scene: &Scene<'_>, line: &Line<'_>, goal: &Goal<'_>) -> Result<(), Stop> {
    let from = start(scene, line).await?;
    let brake = Brake::default();
    let mut stepping = pin!(steps(scene, line, from, &brake));
    let Some((signal, condition)) = goal.until else {
        let last = stepping.await?;
        return if goal.measures() { capture(scene, line, goal).await } else { keep(scene, goal, &last) };
    };
    let reached = tokio::select! {
        biased;
        reading = reach(scene, signal, condition) => Some(reading?),
        end = &mut stepping => { end?; None }
    };
    let Some(reading) = reached else {
        // What the last step caused may show one reading later.
        return match last_chance(scene, signal, condition).await? {
            Some(reading) => arrive(scene, line, goal, signal, reading).await,
            None => {
                let message = format!("`{}` was ramped to {}, but `{signal}` never was {condition}", line.signal, line.to);
                Err(Stop::Problem(scene.bad(Blame::Unit), message))
            }
        };
    };
    if brake.pull() {
        // A command is under way: its end belongs in the journal too.
        let (arrived, stepped) = join(arrive(scene, line, goal, signal, reading), stepping).await;
        return arrived.and(stepped.map(|_| ()));
    }
    arrive(scene, line, goal, signal, reading).await
}

impl Goal<'_> {
    /// The name is that of a value, not of an edge.
    const fn measures(&self) -> bool {
        self.capture.is_some() || self.check.is_some()
    }
}

/// Ends a ramp between two steps.
#[derive(Default)]
struct Brake {
    pulled: Cell<bool>,
    setting: Cell<bool>,
}

impl Brake {
    /// No further step; whether one is under way.
    fn pull(&self) -> bool {
        self.pulled.set(true);
        self.setting.get()
    }
}

/// What follows once the condition holds.
async fn arrive(scene: &Scene<'_>, line: &Line<'_>, goal: &Goal<'_>, signal: &SignalId, reading: Reading) -> Result<(), Stop> {
    if goal.measures() {
        return capture(scene, line, goal).await;
    }
    let uncertainty = scene.channel(signal)?.interval();
    keep(scene, goal, &Edge { at: reading.at, uncertainty, source: EdgeSource::Poll, value: reading.value })
}

fn keep(scene: &Scene<'_>, goal: &Goal<'_>, edge: &Edge) -> Result<(), Stop> {
    scene.keep_edge(goal.name, edge);
    Ok(())
}

/// Sets or reads where the ramp begins.
async fn start(scene: &Scene<'_>, line: &Line<'_>) -> Result<Quantity, Stop> {
    if let Some(from) = line.from {
        scene.set(line.signal, &Value::Quantity(from)).await?;
        return Ok(from);
    }
    let reading = scene.read(line.signal).await?;
    let present = reading.value.quantity().filter(|q| q.si.is_finite() && q.dimension == line.to.dimension);
    present.ok_or_else(|| Stop::error(format!("`{}` is `{}`, expected {} to ramp from", line.signal, reading.value, line.to.dimension.noun())))
}

/// The steps up to the end; the last one's edge.
async fn steps(scene: &Scene<'_>, line: &Line<'_>, from: Quantity, brake: &Brake) -> Result<Edge, Stop> {
    let span = line.to.si - from.si;
    let size = line.rate.si.abs() * STEP.as_secs_f64();
    // A last step of a billionth of the others would be a rounding error.
    let count = (span.abs() / size - 1e-9).ceil();
    if !count.is_finite() || count > 1e9 {
        return Err(Stop::error(format!("cannot ramp `{}` from {from} to {} at {}", line.signal, line.to, line.rate)));
    }
    let mut k = 1.0;
    let mut due = scene.now();
    loop {
        due = (due + STEP).max(scene.now());
        scene.stage.clock.sleep_until(due).await;
        let si = if k >= count { line.to.si } else { from.si + span.signum() * size * k };
        brake.setting.set(true);
        let edge = scene.set(line.signal, &Value::Quantity(Quantity::new(si, line.to.dimension))).await?;
        brake.setting.set(false);
        if k >= count || brake.pulled.get() {
            return Ok(edge);
        }
        k += 1.0;
    }
}

/// Waits until the condition holds, however long it takes.
async fn reach(scene: &Scene<'_>, signal: &SignalId, condition: &Condition) -> Result<Reading, Stop> {
    let channel = scene.channel(signal)?;
    loop {
        let reading = channel.wait_for(condition, scene.now() + TURN).await?;
        if comparable(signal, condition, &reading)? {
            return Ok(reading);
        }
    }
}

async fn last_chance(scene: &Scene<'_>, signal: &SignalId, condition: &Condition) -> Result<Option<Reading>, Stop> {
    let channel = scene.channel(signal)?;
    let reading = channel.wait_for(condition, scene.now() + channel.interval()).await?;
    Ok(comparable(signal, condition, &reading)?.then_some(reading))
}

fn comparable(signal: &SignalId, condition: &Condition, reading: &Reading) -> Result<bool, Stop> {
    holds(condition, &reading.value).ok_or_else(|| Stop::error(format!("`{signal}` is `{}`, which cannot be compared with `{condition}`", reading.value)))
}

/// Reads at once what the plan wants to know, and judges it if it says how.
async fn capture(scene: &Scene<'_>, line: &Line<'_>, goal: &Goal<'_>) -> Result<(), Stop> {
    let signal = goal.capture.unwrap_or(line.signal);
    let reading = scene.read(signal).await?;
    let name = goal.name.map_or(signal.as_str(), String::as_str);
    let Some(check) = goal.check else {
        return scene.keep_reading(name, signal, &reading);
    };
    let taken = Taken { name, of: signal.to_string(), value: reading.value, uncertainty: reading.uncertainty, at: reading.at, kind: scene.kind(signal) };
    scene.judge(&taken, check, Blame::Unit)
}
