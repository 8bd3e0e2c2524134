//! `hil bench safe`: brings a bench into its safe state and says what became of
//! each output.

use std::rc::Rc;

use hil_bench::{BenchKind, sources_off};
use hil_channel::{Bench as _, SafePart, SafeReport};
use hil_timebase::Runtime;

use crate::args::BenchSafe;
use crate::assemble::{bench_alone, no_runtime, on_the_network, to_switch_off};
use crate::bench_lock::{self, BenchLock, Holder};
use crate::control;
use crate::failure::Failure;
use crate::load::{LoadedBench, load_bench};
use crate::run::wall_clock;
use crate::say;
use crate::screen::complain;
use crate::wire::{self, Tap};

/// Prints one line for each output, and returns the exit code. What asks to end
/// meanwhile is not heard: nothing cancels the safe state.
///
/// # Errors
/// A file that is wrong (exit code 2), a bench that is in use (3) or already known to
/// be broken (6).
pub fn safe(arguments: &BenchSafe) -> Result<u8, Failure> {
    let loaded = load_bench(&arguments.bench)?;
    let tap = wire::tap_without_journal(arguments.tracing.trace_scpi.as_ref())?;
    let lock = lock(&loaded)?;
    if let Some(lock) = &lock {
        if let Some(by) = &lock.left_by {
            complain(&format!("the bench was left as it was by {by}\n"));
        }
        // Until its end is known, whoever comes next has to look again.
        lock.power()?;
    }
    let report = match loaded.bench.kind {
        BenchKind::Virtual => {
            let (runtime, bound) = bench_alone(&loaded, tap.trace())?;
            switched_off(&runtime, bound.safe_state())
        }
        BenchKind::Real => real(&loaded, &tap),
    };
    match report {
        Ok(report) => told(&report, lock),
        Err(why) => Err(broken(lock, &why)),
    }
}

/// With its fixture; without it as far as that goes.
fn real(loaded: &LoadedBench, tap: &Tap) -> Result<SafeReport, String> {
    match to_switch_off(loaded, &Rc::default(), tap.trace()) {
        Ok((runtime, bound)) => switched_off(&runtime, bound.safe_state()),
        Err(failure) => {
            complain(&failure.text);
            complain("note: without its fixture, only the sources are switched off\n");
            let runtime = Runtime::real_time().map_err(|e| no_runtime(&e).text)?;
            let clock = runtime.clock();
            let sources = sources_off(&loaded.bench, &loaded.dialects, on_the_network(&loaded.bench, clock.clone()), clock, tap.trace());
            let mut report = switched_off(&runtime, sources)?;
            let readback = "does not answer: its switches and lines stay as they are".to_owned();
            report.parts.push(SafePart { name: "fixture".into(), off: false, readback });
            Ok(report)
        }
    }
}

fn switched_off(runtime: &Runtime, work: impl Future<Output = SafeReport>) -> Result<SafeReport, String> {
    let _signals = control::listen(&runtime.clock()).map_err(|e| format!("cannot take signals: {e}"))?;
    runtime.block_on(work).map_err(|halt| format!("its safe state was cut short ({halt})"))
}

fn told(report: &SafeReport, lock: Option<BenchLock>) -> Result<u8, Failure> {
    for part in &report.parts {
        say(&format!("{}  {:<24}{}", if part.off { "  off " } else { "! LIVE" }, part.name, part.readback));
    }
    if report.confirmed() {
        say(&format!("\nsafe: {} outputs, each confirmed, in {} ms", report.parts.len(), report.took.as_millis()));
        lock.map_or(Ok(()), |lock| lock.end(Ok(())))?;
        return Ok(0);
    }
    let live: Vec<&str> = report.parts.iter().filter(|p| !p.off).map(|p| p.name.as_str()).collect();
    Err(broken(lock, &format!("its safe state was not confirmed ({})", live.join(", "))))
}

fn broken(lock: Option<BenchLock>, why: &str) -> Failure {
    match lock {
        Some(lock) => lock.broken(why),
        None => Failure { code: 6, ..Failure::tester(why, None) },
    }
}

/// Only benches with hardware are locked.
fn lock(loaded: &LoadedBench) -> Result<Option<BenchLock>, Failure> {
    if loaded.bench.kind == BenchKind::Virtual {
        return Ok(None);
    }
    let who = std::env::var("HIL_OPERATOR").unwrap_or_else(|_| bench_lock::this_user());
    let holder = Holder { who, pid: std::process::id(), since: wall_clock(None)?.to_string(), run: "bench-safe".to_owned() };
    BenchLock::take(&bench_lock::folder()?, &loaded.bench.id, holder, false).map(Some)
}
