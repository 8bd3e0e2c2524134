//! `ramp`: drives a signal linearly, in small steps, until a condition holds or
//! the end is reached.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join;
use hil_channel::Reading;
use hil_model::{Blame, Check, Condition, Quantity, SignalId, Value};

use crate::judge::{Taken, holds};
use crate::scene::{Scene, Stop};
use crate::uncertainty::{of_ramp, ramp_latency};

/// Time from one step to the next. Short beside the 100 ms and more over which
/// this field's limits are judged, long beside the 10 to 30 ms that a supply
/// needs for a command and its error query. A step is never larger than the
/// rate times this: a slow supply makes a slower ramp, not a coarser one.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// A condition is waited for in turns, so that no deadline is absurdly far.
const TURN: Duration = Duration::from_secs(3600);

/// What is driven.
pub(super) struct Line<'a> {
    pub(super) signal: &'a SignalId,
    pub(super) from: Option<Quantity>,
    pub(super) to: Quantity,
    pub(super) rate: Quantity,
}

/// What ends it, and what is then measured. The reader sees to it that a name
/// or a check comes with a capture, and a capture with a condition.
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
        return stepping.await;
    };
    let channel = scene.channel(signal)?;
    if comparable(signal, condition, &channel.read().await?)? {
        // It says nothing of where on the ramp it began.
        let message = format!("`{signal}` was {condition} before `{}` was ramped", line.signal);
        return Err(Stop::Problem(scene.bad(Blame::Unit).await?, message));
    }
    let on_the_way = tokio::select! {
        biased;
        reached = reach(scene, signal, condition) => { reached?; true }
        end = &mut stepping => { end?; false }
    };
    if on_the_way && brake.pull() {
        // A command is under way: its end belongs in the journal too.
        let (captured, stepped) = join(capture(scene, line, goal), stepping).await;
        return captured.and(stepped);
    }
    // What the last step caused may show one reading later.
    if on_the_way || last_chance(scene, signal, condition).await? {
        return capture(scene, line, goal).await;
    }
    let message = format!("`{}` was ramped to {}, but `{signal}` never was {condition}", line.signal, line.to);
    Err(Stop::Problem(scene.bad(Blame::Unit).await?, message))
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

/// Sets or reads where the ramp begins.
async fn start(scene: &Scene<'_>, line: &Line<'_>) -> Result<Quantity, Stop> {
    if let Some(from) = line.from {
        scene.set(line.signal, &Value::Quantity(from)).await?;
        return Ok(from);
    }
    let reading = scene.read(line.signal).await?;
    let present = reading.value.quantity().filter(|q| q.si.is_finite() && q.dimension == line.to.dimension);
    present
        .ok_or_else(|| Stop::error(format!("`{}` is `{}`, expected {} to ramp from", line.signal, reading.value, line.to.dimension.noun())))
}

/// The steps up to the end, or until the brake is pulled.
async fn steps(scene: &Scene<'_>, line: &Line<'_>, from: Quantity, brake: &Brake) -> Result<(), Stop> {
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
        scene.set(line.signal, &Value::Quantity(Quantity::new(si, line.to.dimension))).await?;
        brake.setting.set(false);
        if k >= count || brake.pulled.get() {
            return Ok(());
        }
        k += 1.0;
    }
}

/// Waits until the condition holds, however long it takes.
async fn reach(scene: &Scene<'_>, signal: &SignalId, condition: &Condition) -> Result<(), Stop> {
    let channel = scene.channel(signal)?;
    loop {
        let reading = channel.wait_for(condition, scene.now() + TURN).await?;
        if comparable(signal, condition, &reading)? {
            return Ok(());
        }
    }
}

async fn last_chance(scene: &Scene<'_>, signal: &SignalId, condition: &Condition) -> Result<bool, Stop> {
    let channel = scene.channel(signal)?;
    let reading = channel.wait_for(condition, scene.now() + channel.interval()).await?;
    comparable(signal, condition, &reading)
}

fn comparable(signal: &SignalId, condition: &Condition, reading: &Reading) -> Result<bool, Stop> {
    holds(condition, &reading.value)
        .ok_or_else(|| Stop::error(format!("`{signal}` is `{}`, which cannot be compared with `{condition}`", reading.value)))
}

/// By how much the ramp may have moved what is captured since the condition came
/// true; `None` for another signal than is ramped: nobody knows how it follows.
fn moved(scene: &Scene<'_>, line: &Line<'_>, goal: &Goal<'_>) -> Result<Option<f64>, Stop> {
    let Some(((until, _), capture)) = goal.until.zip(goal.capture) else { return Ok(None) };
    if capture != line.signal {
        return Ok(None);
    }
    let (until, capture) = (scene.channel(until)?, scene.channel(capture)?);
    Ok(Some(of_ramp(line.rate, ramp_latency(STEP, until.abilities(), capture.abilities()))))
}

/// Reads at once what the plan wants to know, and judges it if it says how.
async fn capture(scene: &Scene<'_>, line: &Line<'_>, goal: &Goal<'_>) -> Result<(), Stop> {
    let Some(signal) = goal.capture else { return Ok(()) };
    let mut reading = scene.read(signal).await?;
    reading.uncertainty = reading.uncertainty.zip(moved(scene, line, goal)?).map(|(own, moved)| own.hypot(moved));
    let name = goal.name.map_or(signal.as_str(), String::as_str);
    let Some(check) = goal.check else {
        return scene.keep_reading(name, signal, &reading);
    };
    let taken = Taken {
        name,
        of: signal.to_string(),
        value: reading.value,
        uncertainty: reading.uncertainty,
        at: reading.at,
        kind: scene.kind(signal),
    };
    scene.judge(&taken, check, Blame::Unit).await
}

#[cfg(test)]
mod tests {
    use hil_model::{Act, Action};
    use hil_record::{Datum, EventKind, Verdict};

    use super::*;
    use crate::testbench::{Behave, TestBench, World, val};
    use crate::testdata::*;

    struct Ramp {
        from: Option<&'static str>,
        rate: &'static str,
        until: Option<Condition>,
        capture: bool,
        check: Option<Check>,
    }

    impl Default for Ramp {
        fn default() -> Self {
            Self { from: Some("12 V"), rate: "1 V/s", until: None, capture: false, check: None }
        }
    }

    impl Ramp {
        fn act(self) -> Act {
            let until = self.until.map(|c| (id("current"), c));
            let capture = self.capture.then(|| id("v"));
            act(
                "ramp",
                Action::Ramp {
                    signal: id("v"),
                    from: self.from.map(q),
                    to: q("14 V"),
                    rate: q(self.rate),
                    until,
                    capture,
                    name: Some("start".into()),
                    check: self.check,
                },
            )
        }
    }

    /// A current that flows above 13 V.
    fn bench(b: TestBench) -> TestBench {
        let flows = |w: &World, at| if w.value("v", at).quantity().is_some_and(|v| v.si > 13.0) { val("2 A") } else { val("0 A") };
        b.signal("v", "12.5 V").derived("current", flows)
    }

    fn sets(ran: &Ran) -> Vec<(u64, f64)> {
        let stimulus = |e: &hil_record::Event| match &e.kind {
            EventKind::Stimulus { signal, value: Datum::Number(x), at_ns, .. } if signal == "v" => Some((at_ns / 1_000_000, *x)),
            _ => None,
        };
        ran.events.iter().filter_map(stimulus).collect()
    }

    fn above(text: &str) -> Option<Condition> {
        Some(Condition::Above(q(text)))
    }

    #[test]
    fn goes_in_small_steps_to_the_end() {
        let ran = run(&acts(vec![Ramp::default().act()]), bench);
        let steps = sets(&ran);
        assert_eq!((steps[0], steps[1], steps[40]), ((2, 12.0), (54, 12.05), (2054 - 50, 14.0)));
        assert!(steps.windows(2).all(|w| w[1].1 - w[0].1 < 0.0501 && w[1].0 - w[0].0 >= 50));
        // Down, from where it is.
        let mut down = Ramp { from: None, ..Ramp::default() }.act();
        if let Action::Ramp { to, .. } = &mut down.action {
            *to = q("12.42 V");
        }
        let values: Vec<f64> = sets(&run(&acts(vec![down]), bench)).iter().map(|s| s.1).collect();
        assert_eq!(values, [12.45, 12.42]);
    }

    #[test]
    fn stops_and_measures_when_the_condition_holds() {
        let ramp = || Ramp { until: above("0.5 A"), capture: true, check: Some(limit("13 V", "13.1 V")), ..Ramp::default() };
        let ran = run(&acts(vec![ramp().act(), wait(1000)]), bench);
        let m = ran.only();
        assert_eq!((m.name.as_str(), m.of.as_str(), m.verdict), ("start", "v", Verdict::Pass));
        assert!(matches!(m.value, Datum::Number(x) if (x - 13.05).abs() < 1e-9), "{m:?}");
        assert!(sets(&ran).last().unwrap().1 < 13.051);
        // Judged.
        let ran = run(&acts(vec![Ramp { check: Some(limit("", "12.9 V")), ..ramp() }.act()]), bench);
        assert_eq!(ran.only().verdict, Verdict::Fail);
        // Without a limit the value is only kept.
        let ran = run(&acts(vec![Ramp { check: None, ..ramp() }.act()]), bench);
        assert!(ran.measurements().is_empty());
        assert!(ran.events.iter().any(|e| matches!(&e.kind, EventKind::Reading { name, .. } if name == "start")));
    }

    #[test]
    fn a_step_that_is_under_way_is_journalled() {
        // The command of the first step goes out at 52 ms and ends at 54 ms.
        let ramp = Ramp { until: above("0.5 A"), capture: true, check: Some(limit("12 V", "12 V")), ..Ramp::default() };
        let flows = |b: TestBench| b.signal("v", "12 V").signal("current", "0 A").at(53, "current", "1 A");
        let ran = run(&acts(vec![ramp.act(), wait(500)]), flows);
        assert_eq!((ran.only().verdict, ran.only().at_ns), (Verdict::Pass, 53_000_000));
        assert_eq!(sets(&ran), [(2, 12.0), (54, 12.05)]);
    }

    #[test]
    fn the_last_step_has_its_effect_too() {
        let ramp = Ramp { until: above("0.5 A"), capture: true, check: Some(limit("14 V", "14 V")), ..Ramp::default() };
        let late = |w: &World, at: hil_timebase::Nanos| {
            if w.value("v", hil_timebase::Nanos(at.0.saturating_sub(8_000_000))) == val("14 V") { val("1 A") } else { val("0 A") }
        };
        let ran = run(&acts(vec![ramp.act()]), |b| b.signal("v", "12 V").derived("current", late));
        assert_eq!(ran.only().verdict, Verdict::Pass);
    }

    #[test]
    fn an_end_without_the_condition_is_the_units_fault() {
        let ramp = Ramp { until: above("5 A"), capture: true, check: Some(limit("13 V", "13.1 V")), ..Ramp::default() };
        let ran = run(&acts(vec![ramp.act()]), bench);
        assert_eq!(ran.problem(), (Verdict::Fail, "`ramp`: `v` was ramped to 14 V, but `current` never was > 5 A".into()));
        assert_eq!((ran.measurements().len(), ran.verdict()), (0, Verdict::Fail));
    }

    #[test]
    fn what_cannot_be_compared_or_driven_is_the_testers() {
        let until = |bad: &'static str| {
            let ramp = Ramp { until: above("1 A"), ..Ramp::default() };
            run(&acts(vec![ramp.act()]), move |b| b.signal("v", "12 V").derived("current", move |_, _| val(bad))).problem()
        };
        assert_eq!(until("NaN"), (Verdict::Error, "`ramp`: `current` is `NaN V`, which cannot be compared with `> 1 A`".into()));
        assert_eq!(until("high").0, Verdict::Error);
        let ran = run(&acts(vec![Ramp { from: None, ..Ramp::default() }.act()]), |b| b.signal("v", "word"));
        assert_eq!(ran.problem().1, "`ramp`: `v` is `word`, expected a voltage to ramp from");
        let ran = run(&acts(vec![Ramp { rate: "0 V/s", ..Ramp::default() }.act()]), bench);
        assert_eq!(ran.problem().1, "`ramp`: cannot ramp `v` from 12 V to 14 V at 0 V/s");
        let ran = run(&acts(vec![Ramp { until: above("1 A"), ..Ramp::default() }.act()]), |b| bench(b).behaves("current", Behave::Fails));
        assert_eq!(ran.problem().0, Verdict::Error);
    }
}
