//! What a step can do, one file an action.

mod call;
mod expect;
mod measure;
mod profile;
mod prompt;
mod ramp;
mod read;
mod require;
mod set;
mod settle;
mod together;
mod wait;
mod watch;
mod write;

use hil_model::{Act, Action};

pub(crate) use ramp::STEP as RAMP_STEP;

use crate::scene::{Scene, Stop};

/// Does one act; `branch` says in which branch of a `together` it stands.
pub(crate) async fn perform<'a>(scene: &Scene<'a>, branch: &[usize], act: &'a Act) -> Result<(), Stop> {
    match &act.action {
        Action::Set { assignments, refusable, name } => set::set(scene, assignments, *refusable, name.as_ref()).await,
        Action::Ramp { signal, from, to, rate, until, capture, name, check } => {
            let goal = ramp::Goal { until: until.as_ref(), capture: capture.as_ref(), name: name.as_ref(), check: check.as_ref() };
            ramp::ramp(scene, &ramp::Line { signal, from: *from, to: *to, rate: *rate }, &goal).await
        }
        Action::Profile { signal, points, linear, name } => profile::profile(scene, signal, points, *linear, name.as_ref()).await,
        Action::Wait { duration } => wait::wait(scene, *duration).await,
        Action::Settle { signal, within, over, timeout } => settle::settle(scene, signal, *within, *over, *timeout).await,
        Action::Measure { signal, name, statistic, over, check, blame } => {
            let taken = measure::take(scene, signal, name, *statistic, *over, check).await?;
            scene.judge(&taken, check, *blame).await
        }
        Action::Watch { signal, trigger, name } => watch::watch(scene, signal, trigger, name).await,
        Action::Require { expression, name, check, within, blame } => {
            require::require(scene, expression, name, check, *within, *blame).await
        }
        Action::Expect { conditions, within, hold } => expect::expect(scene, conditions, *within, *hold).await,
        Action::Read { signal, name } => read::read(scene, signal, name).await,
        Action::Prompt { text, asked, name, check } => prompt::prompt(scene, text, asked, name, check.as_ref()).await,
        Action::Write { entries, commit, state, within } => write::write(scene, entries, commit, state, *within).await,
        Action::Call(call) => call::call(scene, call).await,
        Action::Together { branches } => together::together(scene, branch, branches).await,
    }
}
