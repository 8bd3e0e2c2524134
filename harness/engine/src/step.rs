//! One step: its acts in order, within its timeout. The first fail or error
//! ends it.

use std::collections::BTreeMap;
use std::time::Duration;

use hil_model::{Act, Blame, FailureKind, Quantity, Step};
use hil_record::{EventKind, Verdict};
use hil_timebase::Nanos;

use crate::actions::perform;
use crate::dispatcher::JournalFailed;
use crate::names::Exported;
use crate::scene::{Scene, Stage, Stop};
use crate::state::State;
use crate::timed::timed;
use crate::watches::{Watches, attended};

/// Why nothing goes on after the journal failed.
pub(crate) const NO_JOURNAL: &str = "the journal cannot be written";

/// Bench time that proving the bench may take; its parts' own deadlines are
/// shorter.
const PROOF_LIMIT: Duration = Duration::from_secs(10);

/// What became of one attempt.
pub(crate) struct Ended {
    pub(crate) verdict: Verdict,
    /// What kind of failure it was, if it was one of those that a plan can name.
    pub(crate) failure: Option<FailureKind>,
    /// What it gives to later steps; empty after a fail or an error.
    pub(crate) exported: BTreeMap<String, Exported>,
}

/// Where an attempt stands in its run.
pub(crate) struct Place {
    /// The step's number, from 1.
    pub(crate) index: usize,
    /// How many steps there are.
    pub(crate) of: usize,
    /// From 1.
    pub(crate) attempt: u32,
    /// The step that goes on meanwhile.
    pub(crate) beside: Option<String>,
    /// See [`hil_channel::Bench::prove`].
    pub(crate) forgiven: Nanos,
}

/// Runs one attempt of a step from its first event to its last.
pub(crate) async fn run_step(
    stage: &Stage<'_>,
    step: &Step,
    place: Place,
    imports: &BTreeMap<String, Exported>,
) -> Result<Ended, JournalFailed> {
    let Place { index, of, attempt, beside, forgiven } = place;
    stage.log.emit(EventKind::StepStarted {
        step: step.id.clone(),
        title: step.title.clone(),
        index,
        of,
        attempt,
        requirements: step.requirements.clone(),
        beside,
    })?;
    let end = stage.clock.now() + step.timeout;
    let watches = Watches::of(step);
    let timed = timed(&step.acts);
    let scene = Scene { attempt, end, timed, watches, ..Scene::new(stage, &step.id, &step.requirements, false) };
    scene.names.borrow_mut().import(imports);
    if stage.clock.timeout(step.timeout, run_and_vouch(&scene, step)).await.is_err() {
        let doing = step.acts.get(scene.act.get()).map_or("", |a| a.text.as_str());
        let limit = Quantity::seconds(step.timeout.as_secs_f64());
        let message = format!("step `{}` did not end within its timeout of {limit}, it was at `{doing}`", step.id);
        stage.log.emit(EventKind::Problem { step: Some(step.id.clone()), verdict: Verdict::Error, message })?;
    }
    doubt(&scene, forgiven).await?;
    let names = scene.names.borrow();
    let mut exported: BTreeMap<_, _> = step.course.exports.iter().filter_map(|name| Some((name.clone(), names.export(name)?))).collect();
    let failure = scene.failure.get();
    drop(names);
    // Disarms the watches.
    drop(scene);
    let verdict = finish_step(stage, &step.id, None, "")?;
    if verdict >= Verdict::Aborted {
        exported.clear();
    }
    Ok(Ended { verdict, failure, exported })
}

/// What was found with a part of the bench that was late says nothing of the
/// unit, and a unit fails only on a bench that is in order.
async fn doubt(scene: &Scene<'_>, forgiven: Nanos) -> Result<(), JournalFailed> {
    let log = &scene.stage.log;
    let worst = log.look().state.open_step(scene.step).and_then(|open| open.worst());
    if worst >= Some(Verdict::Error) {
        return Ok(());
    }
    let doubt = match scene.stage.bench.late(scene.begun).await {
        Some(late) => Some(unproved(&late)),
        None if worst == Some(Verdict::Fail) => prove(scene.stage, forgiven).await.err(),
        None => None,
    };
    match doubt {
        Some(message) => log.emit(EventKind::Problem { step: Some(scene.step.to_owned()), verdict: Verdict::Error, message }),
        None => Ok(()),
    }
}

/// That the bench is in order; if not, why what it found is no judgement.
pub(crate) async fn prove(stage: &Stage<'_>, forgiven: Nanos) -> Result<(), String> {
    match stage.clock.timeout(PROOF_LIMIT, stage.bench.prove(forgiven)).await {
        Ok(proved) => proved.map_err(|e| unproved(&e.to_string())),
        Err(_) => Err(unproved(&format!("it was not proved within {} s", PROOF_LIMIT.as_secs()))),
    }
}

fn unproved(cause: &str) -> String {
    format!("the bench is not in order, so that nothing it found is a judgement: {cause}")
}

/// Ends a step if it runs, with `floor` as its mildest verdict.
pub(crate) fn finish_step(stage: &Stage<'_>, step: &str, floor: Option<Verdict>, floor_reason: &str) -> Result<Verdict, JournalFailed> {
    // What is not in the journal has not been judged.
    let (floor, floor_reason) = if stage.log.look().journal_failed() { (Some(Verdict::Error), NO_JOURNAL) } else { (floor, floor_reason) };
    let open = |state: &State| Some((state.open_step(step)?.attempt, state.open_step(step)?.verdict(floor, floor_reason)));
    let ended = open(&stage.log.look().state);
    let Some((attempt, (verdict, reason))) = ended else { return Ok(Verdict::Skipped) };
    stage.log.emit(EventKind::StepFinished { step: step.to_owned(), attempt, verdict, reason })?;
    Ok(verdict)
}

/// The acts; then, that what is given to later steps was not found by a tester
/// who was held up: there it would be judged as if it had not been.
async fn run_and_vouch(scene: &Scene<'_>, step: &Step) {
    if run_acts(scene, &step.acts).await.is_ok()
        && !step.course.exports.is_empty()
        && let Err(stop) = scene.stands(Verdict::Pass, Blame::Unit).await
    {
        tell(scene, "export", stop);
    }
}

/// Acts of a step, of setup or of teardown, in order, up to the first that is
/// not good. Why they ended early is journalled; the error is its message.
pub(crate) async fn run_acts(scene: &Scene<'_>, acts: &[Act]) -> Result<(), String> {
    for (index, act) in acts.iter().enumerate() {
        scene.act.set(index);
        let stop = match run_act(scene, index, act).await {
            Ok(()) => continue,
            Err(stop) => stop,
        };
        scene.not_interlocked().await;
        // Of an action in a branch it is known already.
        scene.failure.set(scene.failure.get().or(act.fails_as));
        return Err(tell(scene, &act.text, stop));
    }
    Ok(())
}

/// Journals why the acts ended early, if that is still to be done; the same as a
/// message.
fn tell(scene: &Scene<'_>, act: &str, stop: Stop) -> String {
    let problem = |verdict, message| {
        let message = format!("`{act}`: {message}");
        scene.stage.log.note(EventKind::Problem { step: Some(scene.step.to_owned()), verdict, message: message.clone() });
        message
    };
    match stop {
        Stop::Judged => format!("`{act}` was not good"),
        Stop::Journal => NO_JOURNAL.into(),
        Stop::Problem(verdict, message) => problem(verdict, message),
        Stop::NoCommunication(message) => {
            scene.failure.set(Some(FailureKind::NoCommunication));
            problem(Verdict::Error, message)
        }
    }
}

/// As [`run_acts`], after a step that may have been cut short: first every signal
/// gets its usual path back. If one does not, the acts run all the same: they
/// make the bench safer.
pub(crate) async fn run_acts_after(scene: &Scene<'_>, acts: &[Act]) -> Result<(), String> {
    let released = scene.stage.bench.release().await.map_err(|e| e.to_string());
    if let Err(message) = &released {
        let step = Some(scene.step.to_owned());
        scene.stage.log.note(EventKind::Problem { step, verdict: Verdict::Error, message: message.clone() });
    }
    run_acts(scene, acts).await.and(released)
}

async fn run_act(scene: &Scene<'_>, index: usize, act: &Act) -> Result<(), Stop> {
    scene.emit(EventKind::ActionStarted { step: scene.step.to_owned(), action: index, text: act.text.clone(), branch: Vec::new() })?;
    attended(scene, perform(scene, &[], act)).await
}
