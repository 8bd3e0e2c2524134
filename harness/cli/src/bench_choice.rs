//! `--bench any`: a bench that offers all that the plan asks, chosen among those of
//! the repository and of the station. Never a virtual one: whoever has a unit in his
//! hand wants that tested.

use std::path::Path;
use std::time::Duration;

use hil_timebase::Runtime;

use crate::args::Place;
use crate::bench_lock::BenchLock;
use crate::failure::Failure;
use crate::load::{Calendar, Loaded, load_at};
use crate::project::Project;
use crate::screen::complain;
use crate::station;

/// `--bench any`.
pub const ANY: &str = "any";

/// Between two looks whether one is free.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// What `--bench` means.
///
/// # Errors
/// Every error of every file; of `any`, when no bench fits, why not each.
pub fn fitting(
    plan: &Path,
    place: &Place,
    parameters: &[String],
    serial: Option<&str>,
    calendar: Calendar,
) -> Result<Vec<Loaded>, Failure> {
    if place.file() != ANY {
        return Ok(vec![load_at(plan, place, parameters, serial, calendar)?]);
    }
    let mut benches: Vec<String> = Vec::new();
    for path in Project::around(plan)?.benches().into_iter().chain(station::benches::listed()?) {
        benches.push(path.to_string_lossy().into_owned());
    }
    let (mut fits, mut refused) = (Vec::new(), Vec::new());
    for bench in benches {
        let name = Path::new(&bench).file_stem().map_or(bench.clone(), |s| s.to_string_lossy().into_owned());
        let place = Place { bench, like: None };
        match load_at(plan, &place, parameters, serial, calendar).map_err(|f| f.text).and_then(fit) {
            Ok(loaded) => fits.push(loaded),
            Err(why) => refused.push((name, why)),
        }
    }
    if fits.is_empty() { Err(none(&refused)) } else { Ok(fits) }
}

/// It has hardware that answers, and judges every step.
fn fit(loaded: Loaded) -> Result<Loaded, String> {
    if !loaded.is_hardware() {
        return Err("is virtual; name it to use it".into());
    }
    if let Some((step, why)) = loaded.lacking.first_key_value() {
        return Err(format!("cannot judge step `{step}`: {why}"));
    }
    let Some(socket) = &loaded.bench.fixture_socket else { return Err("nobody serves its lines: no `socket` in `[fixture]`".into()) };
    hil_socket::ask_state(Path::new(socket)).map_err(|e| e.to_string())?;
    Ok(loaded)
}

/// Why none fits. What is wrong with the plan is wrong on every bench, and said once.
fn none(refused: &[(String, String)]) -> Failure {
    let mut text = String::new();
    match refused.first() {
        Some((_, why)) if refused.iter().all(|(_, w)| w == why) && why.starts_with("error:") => text.push_str(why),
        _ => {
            text.push_str("error: --bench any: no bench fits the plan\n");
            for (name, why) in refused {
                text.push_str(&format!("  {name}: {}\n", short(why)));
            }
            text.push_str("hint: `hil check PLAN --bench NAME` says all that is wrong with one\n");
        }
    }
    Failure { text, code: 2 }
}

/// The first of its errors, and how many more there are.
fn short(why: &str) -> String {
    let first = why.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    match why.lines().filter(|line| line.starts_with("error: ")).count() {
        0 | 1 => first.to_owned(),
        n => format!("{first}, and {} more", n - 1),
    }
}

/// The first of them that is free, with its lock; waits for one if told so.
///
/// # Errors
/// When none is free, why not each: one that is in use (exit code 3) may become
/// free, one that is broken (6) not by itself.
pub fn first_free(
    fits: Vec<Loaded>,
    wait: bool,
    lock: impl Fn(&Loaded, bool) -> Result<Option<BenchLock>, Failure>,
) -> Result<(Loaded, Option<BenchLock>), Failure> {
    let only = fits.len() == 1;
    let mut told = false;
    loop {
        let mut refused = Vec::new();
        for (index, loaded) in fits.iter().enumerate() {
            // One alone is queued for where others queue, too.
            match lock(loaded, wait && only) {
                Ok(lock) => {
                    let chosen = fits.into_iter().nth(index);
                    return chosen.map(|loaded| (loaded, lock)).ok_or_else(|| Failure::tester("no bench", None));
                }
                Err(failure) => refused.push(failure),
            }
        }
        let busy = refused.iter().any(|f| f.code == 3);
        if only || !wait || !busy {
            let code = if busy { 3 } else { refused.iter().map(|f| f.code).max().unwrap_or(3) };
            return Err(Failure { text: refused.into_iter().map(|f| f.text).collect(), code });
        }
        if !std::mem::replace(&mut told, true) {
            complain("waiting: every bench that fits is in use\n");
        }
        pause()?;
    }
}

fn pause() -> Result<(), Failure> {
    let cannot = |e: &dyn std::fmt::Display| Failure::tester(format!("cannot wait: {e}"), None);
    let runtime = Runtime::scaled(1.0).map_err(|e| cannot(&e))?;
    let clock = runtime.clock();
    runtime.block_on(async { clock.sleep(LOOK_AGAIN).await }).map_err(|halt| cannot(&halt))
}
