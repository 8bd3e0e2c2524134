//! `hil run`: from files to an exit code.

use std::io::{IsTerminal, stdout};
use std::path::Path;

use hil_bench::{BenchKind, Day};
use hil_channel::Bench;
use hil_engine::{Control, Engine, RunHeader, Selection, Sinks};
use hil_model::{Secrets, SignalId, SignalKind};
use hil_record::{EventSink, Kept, Outcome};
use hil_timebase::Runtime;
use hil_writers::{Console, ConsoleOptions};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::RunArguments;
use crate::assemble::{self, Assembled};
use crate::bench_choice::{first_free, fitting};
use crate::bench_lock::{self, BenchLock, Holder};
use crate::claim::Claim;
use crate::control::{self, AtEvents};
use crate::dry_run::dry_run;
use crate::failure::Failure;
use crate::folder::{RunFolder, begin_junit};
use crate::guardian::{Brief, Heart, Ports};
use crate::identity::{check_run_id, check_serial, run_id};
use crate::journal::Durability;
use crate::load::{Calendar, Loaded};
use crate::operator::{Desk, answers, has_terminal};
use crate::screen::Screen;
use crate::selection::selection;
use crate::start::wait_for_start;
use crate::station;
use crate::unit::{VirtualUnit, write_memory};
use crate::wire::{self, Tap};

/// Runs a plan and returns the exit code.
///
/// # Errors
/// Invalid input (exit code 2), or what the tester could not do (3).
pub fn run(arguments: &RunArguments, verbose: u8) -> Result<u8, Failure> {
    if let Some(junit) = &arguments.junit {
        begin_junit(junit)?;
    }
    let start = wall_clock(arguments.wall_clock.as_deref())?;
    let calendar = Calendar { today: day(start), tolerant: arguments.overdue_calibration };
    let fits = fitting(&arguments.plan, &arguments.place, &arguments.parameters, arguments.serial.as_deref(), calendar)?;
    // Of several benches the first stands for all: it is the same plan.
    let Some(loaded) = fits.first() else { return Err(Failure::invalid("--bench: no bench", None)) };
    let secrets = crate::screen::hide(Secrets::of(&loaded.product, &loaded.plan));
    match &arguments.serial {
        Some(serial) => check_serial(serial, &loaded.product)?,
        // What the plan says by itself is an example, and no unit's number.
        None if loaded.is_hardware() && loaded.names_the_unit => {
            return Err(Failure::invalid("--serial: the plan needs the unit's serial number", Some("scan its label")));
        }
        None => {}
    }
    let selection = selection(&arguments.debugging, &loaded.plan)?;
    let answers = answers(&arguments.answer, &loaded.plan)?;
    if arguments.debugging.dry_run {
        let text = dry_run(loaded, &selection);
        crate::say(secrets.hide(&text).unwrap_or(text).trim_end());
        return Ok(0);
    }
    let pace = pace(arguments)?;
    let tap = wire::tap(arguments.tracing.trace_scpi.as_ref())?;
    let unit = if loaded.is_hardware() {
        real_unit(arguments)?
    } else {
        VirtualUnit::choose(&loaded.project, &arguments.unit.defect, arguments.unit.defects.as_deref(), arguments.unit.seed)?
            .started(arguments.wait_for_start)
            .remembering(arguments.memory.as_deref())?
            .with_keys(&arguments.keys)?
    };
    let id = match &arguments.run_id {
        Some(id) => check_run_id(id).map(|()| id.clone())?,
        None => run_id(start, arguments.serial.as_deref(), &loaded.plan.id),
    };

    // What can be wrong with the station's key or the bench, before anything is on.
    let station = station::this()?;
    let (loaded, lock) = first_free(fits, arguments.wait, |loaded, wait| lock(loaded, arguments, &id, start, wait))?;
    let (runtime, assembled) = if loaded.is_hardware() {
        assemble::real_bench(&loaded, arguments.panic_on.as_deref(), tap.trace())?
    } else {
        let runtime = Runtime::virtual_time().map_err(|e| assemble::no_runtime(&e))?;
        let assembled = assemble::virtual_bench(&runtime, &loaded, &unit, arguments.unit.seed, arguments.panic_on.as_deref(), tap.trace())?;
        (runtime, assembled)
    };
    let (interrupts, mut control) =
        control::listen(&runtime.clock()).map_err(|e| Failure::tester(format!("cannot take signals: {e}"), None))?;
    let interrupter = AtEvents { numbers: arguments.interrupt_at.clone(), control: interrupts.clone() };
    if let Some(lock) = &lock {
        take_over(lock, &runtime, assembled.bench.as_ref())?;
    }
    if arguments.wait_for_start
        && let Some(code) = wait_for_start(&runtime, assembled.bench.as_ref(), &mut control)?
    {
        return Ok(code);
    }
    // Of the run, not of the wait for it.
    let start = if arguments.wait_for_start { wall_clock(arguments.wall_clock.as_deref())? } else { start };
    let (folder, id) = RunFolder::create(&arguments.out, &id, arguments.run_id.is_some())?;
    if let Some(factor) = pace {
        runtime.pace(factor);
    }
    let header = header(&loaded, arguments, id, start, unit.defects());
    let desk = Desk::new(answers, runtime.clock(), has_terminal());
    let durability = arguments.durability.unwrap_or_else(|| Durability::of(loaded.is_hardware()));
    let journal = folder.journal(durability, verbose > 0)?;
    let Assembled { bench, twin, .. } = assembled;
    let claim = match lock {
        Some(lock) => {
            let brief = brief(&loaded, arguments, &lock, &folder)?;
            Some(Claim::stake(lock, brief, &Ports::of(&loaded.bench))?)
        }
        None => None,
    };
    let kept = Kept::default();
    let mut listeners: Vec<Box<dyn EventSink>> = vec![Box::new(kept.clone()), Box::new(interrupter)];
    let heart = claim.as_ref().map(|claim| {
        let (progress, heart) = claim.keeper().heart(&loaded.plan, &runtime.clock(), interrupts);
        listeners.push(Box::new(progress));
        heart
    });
    if let Some(sabotage) = &arguments.sabotage {
        listeners.push(Box::new(sabotage.at_its_event(claim.as_ref().map(|c| c.keeper().pid()))));
    }
    let sinks = sinks(journal, listeners, verbose);
    let driven = drive(&runtime, &loaded, bench.as_ref(), header, sinks, (control, selection, desk), (heart, &tap));
    // Its links are closed before anybody else has the bench.
    drop((bench, runtime, tap));
    if let Some(claim) = claim {
        claim.end(driven.as_ref().is_ok_and(|outcome| outcome.safe))?;
    }
    let outcome = driven?;
    let concluded = folder.conclude(kept.take(), durability, station.as_ref(), arguments.junit.as_deref(), arguments.lang.into());
    // A bench that is not safe is worse news.
    concluded.map_err(|failure| Failure { code: if outcome.safe { failure.code } else { outcome.exit_code() }, ..failure })?;
    if let Some((memory, twin)) = arguments.memory.as_ref().zip(twin.as_ref()) {
        write_memory(memory, twin)?;
    }
    crate::say(&format!("record: {}", folder.path().display()));
    Ok(outcome.exit_code())
}

/// Nobody else may use a bench with hardware meanwhile.
fn lock(loaded: &Loaded, arguments: &RunArguments, run: &str, start: jiff::Timestamp, wait: bool) -> Result<Option<BenchLock>, Failure> {
    if !loaded.is_hardware() {
        return Ok(None);
    }
    let who = operator(arguments).unwrap_or_else(bench_lock::this_user);
    let holder = Holder { who, pid: std::process::id(), since: start.to_string(), run: run.to_owned() };
    BenchLock::take(&bench_lock::folder()?, &loaded.bench.id, holder, wait).map(Some)
}

/// A bench whose last user did not end: safe first.
pub(crate) fn take_over(lock: &BenchLock, runtime: &Runtime, bench: &dyn Bench) -> Result<(), Failure> {
    let Some(by) = &lock.left_by else { return Ok(()) };
    crate::screen::complain(&format!("the bench was left as it was by {by}: safe state first\n"));
    match runtime.block_on(bench.safe_state()) {
        Ok(report) if report.confirmed() => Ok(()),
        Ok(report) => {
            let parts: Vec<_> = report.parts.iter().filter(|p| !p.off).map(|p| format!("{}: {}", p.name, p.readback)).collect();
            Err(lock.broken(&format!("its safe state was not confirmed ({})", parts.join("; "))))
        }
        Err(halt) => Err(lock.broken(&format!("its safe state was cut short ({halt})"))),
    }
}

/// Given, or from the environment.
fn operator(arguments: &RunArguments) -> Option<String> {
    let from_environment = || std::env::var("HIL_OPERATOR").ok();
    arguments.operator.clone().or_else(from_environment).filter(|who| !who.is_empty())
}

/// The journal, what people see, and who else listens.
fn sinks(journal: Box<dyn EventSink>, listeners: Vec<Box<dyn EventSink>>, verbose: u8) -> Sinks {
    let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let console = Console::new(Screen(stdout()), ConsoleOptions { colour, verbose: verbose > 0 });
    Sinks { journal, others: std::iter::once(Box::new(console) as Box<dyn EventSink>).chain(listeners).collect() }
}

/// What a guardian must know.
fn brief(loaded: &Loaded, arguments: &RunArguments, lock: &BenchLock, folder: &RunFolder) -> Result<Brief, Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(Brief {
        plan: absolute(&arguments.plan),
        bench: absolute(&loaded.bench_file),
        bench_digest: loaded.digests.get("bench").cloned().unwrap_or_default(),
        holder: lock.holder().clone(),
        locks: bench_lock::folder()?,
        run_folder: absolute(folder.path()),
        ports: Vec::new(),
    })
}

/// Runs the engine to its end, also through a panic or a deadlock.
fn drive(
    runtime: &Runtime,
    loaded: &Loaded,
    bench: &dyn Bench,
    header: RunHeader,
    sinks: Sinks,
    (control, selection, desk): (UnboundedReceiver<Control>, Selection, Desk),
    (heart, tap): (Option<Heart>, &Tap),
) -> Result<Outcome, Failure> {
    let mut engine = Engine::new(&loaded.plan, bench, runtime.clock(), sinks, header, control);
    tap.into_journal(engine.wiretap());
    engine.select(selection);
    engine.leave_out(loaded.lacking.clone());
    engine.attend(Box::new(desk));
    let mut ended = runtime.block_on(async {
        if let Some(heart) = heart {
            tokio::task::spawn_local(heart.beat());
        }
        engine.run().await
    });
    // A panic in the world or a deadlock unwound the runtime, not the engine.
    for _ in 0..3 {
        match ended {
            Ok(outcome) => {
                for failure in engine.sink_failures() {
                    crate::screen::complain(&format!("error: {failure}\n"));
                }
                return Ok(outcome);
            }
            Err(halt) => ended = runtime.block_on(engine.recover(&halt.to_string())),
        }
    }
    Err(Failure { text: "error: the safe state could not be reached\nhint: switch the bench off by hand\n".into(), code: 6 })
}

fn header(loaded: &Loaded, arguments: &RunArguments, run: String, start: jiff::Timestamp, defects: Vec<String>) -> RunHeader {
    let kinds: std::collections::BTreeMap<SignalId, SignalKind> =
        loaded.product.signals.iter().map(|(id, signal)| (id.clone(), signal.kind.clone())).collect();
    let mut digests = loaded.digests.clone();
    if loaded.bench.kind == BenchKind::Virtual {
        // A virtual unit runs what was built with this program.
        digests.insert("firmware".into(), env!("FIRMWARE_DIGEST").into());
    }
    RunHeader {
        run,
        serial: arguments.serial.clone(),
        bench: loaded.place(),
        seed: arguments.unit.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digests,
        calibration: loaded.bench.calibration_state(day(start)),
        operator: operator(arguments),
        defects,
        clauses: loaded.product.requirements.iter().map(|(id, r)| (id.to_string(), r.clause.clone())).collect(),
        wall_start_ns: start.as_nanosecond(),
        secrets: Secrets::of(&loaded.product, &loaded.plan),
        kinds,
    }
}

/// The day in UTC.
pub fn day(at: jiff::Timestamp) -> Day {
    Day(at.as_second().div_euclid(86_400))
}

/// Given, or the computer's: the one place that asks it.
///
/// # Errors
/// A text that is no time.
pub fn wall_clock(given: Option<&str>) -> Result<jiff::Timestamp, Failure> {
    match given {
        None => Ok(jiff::Timestamp::now()),
        Some(text) => text.parse().map_err(|_| {
            Failure::invalid(format!("--wall-clock: `{text}`, expected a time as in RFC 3339"), Some("write 2026-11-22T10:15:00Z"))
        }),
    }
}

/// What is clamped into a real bench is not chosen on the command line.
fn real_unit(arguments: &RunArguments) -> Result<VirtualUnit, Failure> {
    let serve = Some("a served virtual bench takes it: `hil virtual serve --help`");
    let virtual_only = [
        ("--defect", !arguments.unit.defect.is_empty(), serve),
        ("--defects", arguments.unit.defects.is_some(), serve),
        ("--key", !arguments.keys.is_empty(), None),
        ("--memory", arguments.memory.is_some(), None),
        ("--speed", arguments.speed.is_some(), serve),
    ];
    match virtual_only.into_iter().find(|(_, given, _)| *given) {
        None => Ok(VirtualUnit::default()),
        Some((option, _, hint)) => {
            Err(Failure::invalid(format!("{option}: bench `{}` is real, expected a virtual one", arguments.place.bench), hint))
        }
    }
}

fn pace(arguments: &RunArguments) -> Result<Option<f64>, Failure> {
    match arguments.speed {
        Some(factor) if !(0.1..=10_000.0).contains(&factor) => Err(Failure::invalid(
            format!("--speed: `{factor}`, expected a number from 0.1 to 10000"),
            Some("1 is real time, 10 ten times as fast"),
        )),
        other => Ok(other),
    }
}
