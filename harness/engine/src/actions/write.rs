//! `write`: into the unit's memory, so that all of it counts or none.
//!
//! Values are staged, made valid together, and read back; each reading is a
//! judged measurement. Until the memory says that it is done the unit has what
//! it had before, and a run that is cut short anywhere here ends without a
//! pass. What an earlier attempt staged is discarded first, so the next attempt
//! needs to know nothing of this one.

use std::iter;
use std::time::Duration;

use futures_util::future::try_join_all;
use hil_channel::Reading;
use hil_model::{Blame, Check, Condition, Entry, Limit, LimitSource, Memory, Quantity, SignalId, Value};
use hil_record::{Datum, EventKind, Verdict};
use hil_timebase::Nanos;

use crate::judge::{Taken, holds};
use crate::scene::{Scene, Stop};

pub(super) async fn write(scene: &Scene<'_>, entries: &[Entry], commit: &SignalId, state: &SignalId, within: Duration) -> Result<(), Stop> {
    let word = |word: &str| Value::Text(word.to_owned());
    stage(scene, commit, &word(Memory::DISCARD)).await?;
    let mut written = Vec::new();
    for entry in entries {
        let value = scene.setpoint(&entry.signal, &entry.setpoint)?;
        stage(scene, &entry.signal, &value).await?;
        written.push((entry, value));
    }
    stage(scene, commit, &word(Memory::WRITE)).await?;
    let readings = once_clean(scene, entries, state, scene.now() + within).await?;
    // Every one is judged, also when one is wrong.
    let mut bad = None;
    for ((entry, value), reading) in written.iter().zip(readings) {
        match judge(scene, entry, value, &reading).await {
            Err(Stop::Judged) => bad = Some(Stop::Judged),
            other => other?,
        }
    }
    bad.map_or(Ok(()), Err)
}

/// Reads state and entries together until the memory is clean, and judges that.
async fn once_clean(scene: &Scene<'_>, entries: &[Entry], state: &SignalId, deadline: Nanos) -> Result<Vec<Reading>, Stop> {
    let clean = Condition::Is(Value::Text(Memory::CLEAN.to_owned()));
    loop {
        // The state first: what it says was so before the others were read.
        let signals = iter::once(state).chain(entries.iter().map(|e| &e.signal));
        let mut all = try_join_all(signals.map(|signal| scene.read(signal))).await?.into_iter();
        let first = all.next().ok_or_else(|| Stop::error(format!("no reading of `{state}`")))?;
        let done = holds(&clean, &first.value) == Some(true);
        if done || scene.now() >= deadline {
            let verdict = scene.judge_condition(state, &clean, &first).await?;
            return if verdict == Verdict::Pass { Ok(all.collect()) } else { Err(Stop::Judged) };
        }
        scene.stage.clock.sleep(scene.channel(state)?.interval()).await;
    }
}

/// Tells the unit. What it makes of that shows when it is read back: until then
/// it answers with what it had before, or refuses without a word.
async fn stage(scene: &Scene<'_>, signal: &SignalId, value: &Value) -> Result<(), Stop> {
    let edge = scene.channel(signal)?.set(value).await?;
    let (datum, unit) = Datum::of(value, scene.kind(signal));
    scene.emit(EventKind::Stimulus {
        step: scene.step.to_owned(),
        signal: signal.to_string(),
        value: datum,
        unit,
        at_ns: scene.ns(edge.at),
        uncertainty_ns: u64::try_from(edge.uncertainty.as_nanos()).unwrap_or(u64::MAX),
        source: "staged".to_owned(),
    })
}

/// A quantity must be the nearest step of the memory to what was written, words
/// exactly that.
async fn judge(scene: &Scene<'_>, entry: &Entry, value: &Value, reading: &Reading) -> Result<(), Stop> {
    let Some((written, step)) = value.quantity().zip(entry.step).filter(|_| reading.value.quantity().is_some()) else {
        // A word for a quantity (`not-available`) is the unit's answer, not a
        // reading that the tester cannot compare.
        let expected = if value.quantity().is_some() { Value::Text(value.to_string()) } else { value.clone() };
        let verdict = scene.judge_condition(&entry.signal, &Condition::Is(expected), reading).await?;
        scene.keep_value(entry.signal.as_str(), entry.signal.as_str(), &reading.value, None, reading.at);
        return if verdict == Verdict::Pass { Ok(()) } else { Err(Stop::Judged) };
    };
    // Half a step, and the last digits that arithmetic leaves.
    let half = 0.501 * step.si;
    let bound = |si| Some(Quantity::new(si, written.dimension));
    let (low, high) = (bound(written.si - half), bound(written.si + half));
    let limit = Limit { id: None, low, high, source: LimitSource::Plan, owner: "plan".to_owned(), requirement: None };
    let taken = Taken {
        name: entry.signal.as_str(),
        of: entry.signal.to_string(),
        value: reading.value.clone(),
        uncertainty: reading.uncertainty,
        at: reading.at,
        kind: scene.kind(&entry.signal),
    };
    scene.judge(&taken, &Check::Limit(limit), Blame::Unit).await
}

#[cfg(test)]
mod tests {
    use hil_model::{Action, Setpoint};
    use hil_record::Datum;

    use super::*;
    use crate::testbench::{TestBench, val};
    use crate::testdata::*;

    fn plan(gain: &str) -> hil_model::Plan {
        let entry = |signal: &str, value: &str, step: Option<&str>| Entry {
            signal: id(signal),
            setpoint: Setpoint::Fixed(val(value)),
            step: step.map(q),
        };
        let entries = vec![entry("gain", gain, Some("0.1 V")), entry("serial", "HQ1", None)];
        acts(vec![act("write", Action::Write { entries, commit: id("commit"), state: id("state"), within: ms(100) })])
    }

    /// A unit with a memory: `gain` and `serial` are as staged, or what `kept`
    /// makes of them, from 10 ms after the commit.
    fn unit(bench: TestBench) -> TestBench {
        bench
            .signal("commit", "none")
            .signal("state", "clean")
            .reaction("gain", "1.02 V", 0, "state", "staged")
            .reaction("commit", "write", 0, "state", "writing")
            .reaction("commit", "write", 10, "state", "clean")
    }

    #[test]
    fn discards_stages_makes_valid_and_reads_back() {
        let ran = run(&plan("1.02 V"), |b| unit(b).signal("gain", "1 V").signal("serial", "old"));
        assert_eq!(ran.verdict(), Verdict::Pass, "{:?}", ran.problems());
        assert_eq!(ran.sets(), ["commit = discard", "gain = 1.02 V", "serial = HQ1", "commit = write", "power = off"]);
        let names: Vec<String> = ran.measurements().into_iter().map(|m| m.name).collect();
        assert_eq!(names, ["state", "gain", "serial"]);
        let staged = ran.events.iter().filter(|e| matches!(&e.kind, EventKind::Stimulus { source, .. } if source == "staged")).count();
        assert_eq!(staged, 4);
    }

    /// What comes back instead of 1.02 V, kept in steps of 0.1 V, and `HQ1`.
    fn back(gain: &'static str, serial: &'static str) -> (Verdict, Vec<Verdict>) {
        let ran = run(&plan("1.02 V"), |b| unit(b).derived("gain", move |_, _| val(gain)).derived("serial", move |_, _| val(serial)));
        (ran.verdict(), ran.measurements().iter().map(|m| m.verdict).collect())
    }

    #[test]
    fn what_comes_back_must_be_what_was_written_as_well_as_it_can_be_kept() {
        use Verdict::{Error, Fail, Pass};
        assert_eq!(back("1 V", "HQ1"), (Pass, vec![Pass, Pass, Pass]));
        assert_eq!(back("1.06 V", "HQ1"), (Pass, vec![Pass, Pass, Pass]));
        // The one before it would have been nearer.
        assert_eq!(back("1.08 V", "HQ1"), (Fail, vec![Pass, Fail, Pass]));
        assert_eq!(back("1.08 V", "HQ2"), (Fail, vec![Pass, Fail, Fail]));
        assert_eq!(back("1 V", "old"), (Fail, vec![Pass, Pass, Fail]));
        assert_eq!(back("not-available", "not-available"), (Fail, vec![Pass, Fail, Fail]));
        assert_eq!(back("NaN", "HQ1"), (Error, vec![Pass, Error, Pass]));
    }

    #[test]
    fn a_memory_that_does_not_become_clean_fails_before_anything_else_is_judged() {
        let ran = run(&plan("1.02 V"), |b| unit(b).signal("gain", "1 V").signal("serial", "HQ1").derived("state", |_, _| val("blank")));
        assert_eq!((ran.verdict(), ran.measurements().len()), (Verdict::Fail, 1));
        assert_eq!(ran.only().value, Datum::Text("blank".into()));
    }
}
