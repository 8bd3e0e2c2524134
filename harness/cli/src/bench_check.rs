//! `hil bench check`: whether a bench is in order, with nothing switched on.

use std::cell::RefCell;

use hil_bench::check::{Finding, Grade};
use hil_bench::{BenchKind, BoundBench, Day};
use hil_channel::Bench as _;
use hil_timebase::Runtime;

use crate::args::BenchCheck;
use crate::assemble::bench_alone;
use crate::bench_lock::{self, BenchLock, Holder};
use crate::control;
use crate::failure::Failure;
use crate::load::{LoadedBench, load_bench};
use crate::run::{day, take_over, wall_clock};
use crate::say;
use crate::screen::complain;
use crate::wire;

/// Prints one line for each thing that was checked and a summary; returns the
/// exit code.
///
/// # Errors
/// A file that is wrong (exit code 2), a bench that is in use or does not answer
/// (3), one that is broken (6).
pub fn check(arguments: &BenchCheck) -> Result<u8, Failure> {
    let now = wall_clock(arguments.wall_clock.as_deref())?;
    let loaded = load_bench(&arguments.bench)?;
    let tap = wire::tap_without_journal(arguments.tracing.trace_scpi.as_ref())?;
    unguarded(&loaded)?;
    let bench = &loaded.bench;
    let all = Findings::default();
    all.tell(Finding::new(
        "file",
        Grade::Good,
        format!("`{}`: {} instruments, {} signals", bench.id, bench.instruments.len(), bench.bindings.len()),
    ));
    calibrations(&loaded, day(now), &all);
    let lock = lock(&loaded, now)?;
    let (runtime, bound) = bench_alone(&loaded, tap.trace())?;
    if let Some(lock) = &lock {
        take_over(lock, &runtime, &bound)?;
    }
    let powers = arguments.low_energy || arguments.self_test;
    if let Some(lock) = lock.as_ref().filter(|_| powers) {
        lock.power()?;
    }
    let ended = connected(&runtime, &bound, arguments, &all)?;
    let unsafe_now = match ended {
        Ended::Whole => all.worst() == Grade::Unsafe,
        Ended::Interrupted { safe } => !safe,
    };
    // What a dead user left on was switched off first; who switched nothing on leaves
    // nothing on.
    let safe = if powers && unsafe_now { Err("a check did not see its source go off") } else { Ok(()) };
    lock.map_or(Ok(()), |lock| lock.end(safe))?;
    Ok(match ended {
        Ended::Whole => all.conclude(),
        Ended::Interrupted { safe } => {
            if safe {
                4
            } else {
                6
            }
        }
    })
}

/// How a check came to its end.
enum Ended {
    Whole,
    /// By somebody; whether every output was confirmed off then.
    Interrupted {
        safe: bool,
    },
}

/// Sources that would stay on with a program that hangs.
fn unguarded(loaded: &LoadedBench) -> Result<(), Failure> {
    let LoadedBench { bench, dialects, .. } = loaded;
    let line = |(name, why): (String, &str)| {
        format!(
            "error: bench `{}`: source `{name}`: {why}, so nobody else can switch it off, expected it in `inhibit` of `[fixture]`\n",
            bench.id
        )
    };
    let text: String = bench.unguarded(dialects).into_iter().map(line).collect();
    if text.is_empty() {
        return Ok(());
    }
    let hint = "hint: let the fixture pull its hardware inhibit input, by itself too when nobody speaks to it (`watchdog`)\n";
    Err(Failure { text: text + hint, code: 2 })
}

fn calibrations(loaded: &LoadedBench, today: Day, all: &Findings) {
    for spec in &loaded.bench.instruments {
        let part = format!("instrument `{}`", spec.name);
        let late = loaded.bench.overdue(today).into_iter().find(|d| d.message.starts_with(&part));
        all.tell(match (&spec.calibration, late) {
            (_, Some(late)) => {
                let text = late.message.strip_prefix(&format!("{part}: ")).unwrap_or(&late.message).to_owned();
                Finding::new(part, Grade::Bad, text)
            }
            (Some(calibration), None) => Finding::new(part, Grade::Good, format!("calibrated {calibration}")),
            // Of a virtual one there is nothing to calibrate.
            (None, None) if loaded.bench.kind == BenchKind::Virtual => continue,
            (None, None) => Finding::new(part, Grade::Note, "the bench file says nothing of its calibration"),
        });
    }
}

/// Nobody else uses it meanwhile. Only benches with hardware are locked.
fn lock(loaded: &LoadedBench, now: jiff::Timestamp) -> Result<Option<BenchLock>, Failure> {
    if loaded.bench.kind == BenchKind::Virtual {
        return Ok(None);
    }
    let who = std::env::var("HIL_OPERATOR").unwrap_or_else(|_| bench_lock::this_user());
    let holder = Holder { who, pid: std::process::id(), since: now.to_string(), run: "bench-check".to_owned() };
    BenchLock::take(&bench_lock::folder()?, &loaded.bench.id, holder, false).map(Some)
}

/// What can only be known over the links.
fn connected(runtime: &Runtime, bound: &BoundBench, arguments: &BenchCheck, all: &Findings) -> Result<Ended, Failure> {
    let tell = |finding| all.tell(finding);
    let failed = |e: &dyn std::fmt::Display| Failure::tester(format!("bench check: {e}"), None);
    let (_ours, mut control) = control::listen(&runtime.clock()).map_err(|e| failed(&e))?;
    let work = async {
        bound.check(&tell).await;
        let in_order = || all.worst() < Grade::Bad;
        let not_done = |what| Finding::new(what, Grade::Note, "not checked: nothing is switched on while anything is bad");
        match (arguments.low_energy, in_order()) {
            (true, true) => bound.check_cables(&tell).await,
            (true, false) => tell(not_done("power cables")),
            (false, _) => {}
        }
        match (arguments.self_test, in_order()) {
            (true, true) => bound.self_test(&tell).await,
            (true, false) => tell(not_done("self-test")),
            (false, _) => {}
        }
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            Some(_) = control.recv() => {
                complain("interrupted: the bench is being made safe\n");
                Ended::Interrupted { safe: bound.safe_state().await.confirmed() }
            }
            () = work => Ended::Whole,
        }
    });
    ended.map_err(|halt| failed(&halt))
}

/// What was found so far; each is printed as it comes.
#[derive(Default)]
struct Findings(RefCell<Vec<Finding>>);

/// Of the part, in the line of a finding.
const COLUMN: usize = 33;

impl Findings {
    fn tell(&self, finding: Finding) {
        let mark = match finding.grade {
            Grade::Good => "  ok  ",
            Grade::Note => "  note",
            Grade::Bad => "! BAD ",
            Grade::Unsafe => "! LIVE",
        };
        say(&format!("{mark}  {:<COLUMN$}  {}", finding.part, finding.text.replace('\n', "; ")));
        self.0.borrow_mut().push(finding);
    }

    fn worst(&self) -> Grade {
        self.0.borrow().iter().map(|f| f.grade).max().unwrap_or(Grade::Good)
    }

    fn conclude(&self) -> u8 {
        let of = |grade| self.0.borrow().iter().filter(|f| f.grade == grade).count();
        let bad = of(Grade::Bad) + of(Grade::Unsafe);
        let all = self.0.borrow().len();
        say(&format!("\n{all} checked: {} good, {} noted, {bad} bad", of(Grade::Good), of(Grade::Note)));
        match self.worst() {
            Grade::Good | Grade::Note => 0,
            Grade::Bad => 3,
            Grade::Unsafe => 6,
        }
    }
}
