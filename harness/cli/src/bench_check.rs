//! `hil bench check`: whether a bench is in order, with nothing switched on unless told
//! to; then a guardian watches, as it does for a run.

use std::cell::RefCell;
use std::time::Duration;

use hil_bench::check::{Finding, Grade};
use hil_bench::{BenchKind, BoundBench, Day};
use hil_channel::Bench as _;
use hil_timebase::Runtime;

use crate::args::BenchCheck;
use crate::assemble::bench_alone;
use crate::bench_lock::{self, BenchLock, Holder};
use crate::claim::Claim;
use crate::control;
use crate::failure::Failure;
use crate::guardian::{Brief, Keeper, Ports, Progress};
use crate::load::{LoadedBench, digest, load_bench};
use crate::run::{day, take_over, wall_clock};
use crate::say;
use crate::screen::complain;
use crate::wire;

/// From finding to finding, at most.
const PROGRESS_WITHIN: Duration = Duration::from_secs(60);

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
    let hold = Hold::on(lock, &loaded, arguments.low_energy || arguments.self_test, &all)?;
    let ended = connected(&runtime, &bound, arguments, hold.keeper(), &all);
    // Its links are closed before anybody else has the bench.
    drop((bound, runtime, tap));
    let safe = match &ended {
        Ok(Ended::Whole) => all.worst() < Grade::Unsafe,
        Ok(Ended::Interrupted { safe }) => *safe,
        Err(_) => false,
    };
    hold.end(safe)?;
    Ok(match ended? {
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

/// The bench, for as long as it is checked.
enum Hold {
    /// In memory, nobody else's.
    Free,
    /// Nothing is switched on.
    Locked(BenchLock),
    /// Something may be on; a guardian watches.
    Powered(Claim),
}

impl Hold {
    fn on(lock: Option<BenchLock>, loaded: &LoadedBench, powers: bool, all: &Findings) -> Result<Self, Failure> {
        let Some(lock) = lock else { return Ok(Self::Free) };
        if !powers {
            return Ok(Self::Locked(lock));
        }
        let file = std::path::absolute(&loaded.file).unwrap_or_else(|_| loaded.file.clone());
        let locks = bench_lock::folder()?;
        let brief = Brief {
            plan: file.clone(),
            bench: file,
            bench_digest: digest(&loaded.text),
            holder: lock.holder().clone(),
            run_folder: locks.join(&loaded.bench.id),
            locks,
            ports: Vec::new(),
        };
        let claim = Claim::stake(lock, brief, &Ports::of(&loaded.bench))?;
        all.tell(Finding::new("guardian", Grade::Good, "watches; the bench is noted as powered"));
        Ok(Self::Powered(claim))
    }

    const fn keeper(&self) -> Option<&Keeper> {
        match self {
            Self::Powered(claim) => Some(claim.keeper()),
            Self::Free | Self::Locked(_) => None,
        }
    }

    /// Who switched nothing on leaves nothing on, but what a dead user left on was
    /// switched off first.
    fn end(self, safe: bool) -> Result<(), Failure> {
        match self {
            Self::Free => Ok(()),
            Self::Locked(lock) => lock.end(Ok(())),
            Self::Powered(claim) => claim.end(safe),
        }
    }
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
fn connected(
    runtime: &Runtime,
    bound: &BoundBench,
    arguments: &BenchCheck,
    keeper: Option<&Keeper>,
    all: &Findings,
) -> Result<Ended, Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::tester(format!("bench check: {e}"), None);
    let clock = runtime.clock();
    let (ours, mut control) = control::listen(&clock).map_err(|e| failed(&e))?;
    let (progress, heart) = keeper.map(|k| k.heart_without_plan(PROGRESS_WITHIN, &clock, ours.clone())).unzip();
    let tell = |finding| {
        progress.iter().for_each(Progress::made);
        all.tell(finding);
    };
    let work = checked(bound, arguments, all, &tell);
    let ended = runtime.block_on(async {
        if let Some(heart) = heart {
            tokio::task::spawn_local(heart.beat());
        }
        tokio::select! {
            biased;
            Some(_) = control.recv() => {
                complain("interrupted: the bench is being made safe\n");
                let safe = bound.safe_state().await.confirmed();
                // Somebody wants to look into it, if that may be.
                bound.release_lid().await;
                Ended::Interrupted { safe }
            }
            () = work => Ended::Whole,
        }
    });
    // A panic in the world or a deadlock unwound the work, not the bench.
    ended.or_else(|halt| {
        complain(&format!("error: bench check: {halt}\nthe bench is being made safe\n"));
        match runtime.block_on(bound.safe_state()) {
            Ok(report) if report.confirmed() => Err(failed(&halt)),
            _ => Ok(Ended::Interrupted { safe: false }),
        }
    })
}

async fn checked(bound: &BoundBench, arguments: &BenchCheck, all: &Findings, tell: &dyn Fn(Finding)) {
    bound.check(tell).await;
    let in_order = || all.worst() < Grade::Bad;
    let not_done = |what| Finding::new(what, Grade::Note, "not checked: nothing is switched on while anything is bad");
    match (arguments.low_energy, in_order()) {
        (true, true) => bound.check_cables(tell).await,
        (true, false) => tell(not_done("power cables")),
        (false, _) => {}
    }
    match (arguments.self_test, in_order()) {
        (true, true) => bound.self_test(tell).await,
        (true, false) => tell(not_done("self-test")),
        (false, _) => {}
    }
    match (arguments.power, in_order()) {
        (true, true) => bound.drive_test(tell).await,
        (true, false) => tell(not_done("self-test with power")),
        (false, _) => {}
    }
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
