//! `hil run`: from files to an exit code.

use std::io::{IsTerminal, stdout};

use hil_bench::{BenchKind, Day};
use hil_engine::{Control, Engine, RunHeader, Selection, Sinks};
use hil_model::{SignalId, SignalKind};
use hil_record::Outcome;
use hil_timebase::Runtime;
use hil_writers::{Console, ConsoleOptions};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::RunArguments;
use crate::assemble::{self, Assembled};
use crate::control;
use crate::dry_run::dry_run;
use crate::failure::Failure;
use crate::folder::{RunFolder, check_writable};
use crate::identity::{check_run_id, check_serial, run_id};
use crate::load::{Calendar, Loaded, load_on};
use crate::operator::{Desk, answers, has_terminal};
use crate::screen::Screen;
use crate::selection::selection;
use crate::unit::VirtualUnit;

/// Runs a plan and returns the exit code.
///
/// # Errors
/// Invalid input (exit code 2), or what the tester could not do (3).
pub fn run(arguments: &RunArguments, verbose: u8) -> Result<u8, Failure> {
    let start = wall_clock(arguments.wall_clock.as_deref())?;
    let calendar = Calendar { today: day(start), tolerant: arguments.overdue_calibration };
    let loaded = load_on(&arguments.plan, &arguments.bench, &arguments.parameters, arguments.serial.as_deref(), Some(calendar))?;
    if let Some(serial) = &arguments.serial {
        check_serial(serial, &loaded.product)?;
    }
    let selection = selection(&arguments.debugging, &loaded.plan)?;
    let answers = answers(&arguments.answer, &loaded.plan)?;
    if arguments.debugging.dry_run {
        crate::say(dry_run(&loaded, &selection).trim_end());
        return Ok(0);
    }
    let pace = pace(arguments)?;
    let unit = match loaded.bench.kind {
        BenchKind::Virtual => VirtualUnit::choose(&loaded.project, &arguments.defect, arguments.defects.as_deref(), arguments.seed)?,
        BenchKind::Real => real_unit(arguments)?,
    };
    let id = match &arguments.run_id {
        Some(id) => check_run_id(id).map(|()| id.clone())?,
        None => run_id(start, arguments.serial.as_deref(), &loaded.plan.id),
    };

    let (runtime, assembled) = match loaded.bench.kind {
        BenchKind::Virtual => {
            let runtime = Runtime::virtual_time().map_err(|e| assemble::no_runtime(&e))?;
            let assembled = assemble::virtual_bench(&runtime, &loaded, &unit, arguments.seed, arguments.panic_on.as_deref())?;
            (runtime, assembled)
        }
        BenchKind::Real => assemble::real_bench(&loaded, arguments.panic_on.as_deref())?,
    };
    let control = control::listen(&runtime.clock()).map_err(|e| Failure::tester(format!("cannot take signals: {e}"), None))?;
    if let Some(junit) = &arguments.junit {
        check_writable(junit)?;
    }
    let (folder, id) = RunFolder::create(&arguments.out, &id, arguments.run_id.is_some())?;
    if let Some(factor) = pace {
        runtime.pace(factor);
    }
    let header = header(&loaded, arguments, id, start, unit.defects());
    let desk = Desk::new(answers, runtime.clock(), has_terminal());
    let outcome = drive(&runtime, &loaded, &assembled, header, &folder, (control, selection, desk), verbose)?;
    folder.write_reports(arguments.junit.as_deref(), arguments.lang.into())?;
    crate::say(&format!("record: {}", folder.path().display()));
    Ok(outcome.exit_code())
}

/// Runs the engine to its end, also through a panic or a deadlock.
fn drive(
    runtime: &Runtime,
    loaded: &Loaded,
    assembled: &Assembled,
    header: RunHeader,
    folder: &RunFolder,
    (control, selection, desk): (UnboundedReceiver<Control>, Selection, Desk),
    verbose: u8,
) -> Result<Outcome, Failure> {
    let colour = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let console = Console::new(Screen(stdout()), ConsoleOptions { colour, verbose: verbose > 0 });
    let sinks = Sinks { journal: Box::new(folder.journal()?), others: vec![Box::new(console)] };
    let mut engine = Engine::new(&loaded.plan, assembled.bench.as_ref(), runtime.clock(), sinks, header, control);
    engine.select(selection);
    engine.attend(Box::new(desk));
    let mut ended = runtime.block_on(engine.run());
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
    RunHeader {
        run,
        serial: arguments.serial.clone(),
        bench: loaded.bench.id.clone(),
        seed: arguments.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digests: loaded.digests.clone(),
        defects,
        clauses: loaded.product.requirements.iter().map(|(id, r)| (id.to_string(), r.clause.clone())).collect(),
        wall_start_ns: start.as_nanosecond(),
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
    let virtual_only =
        [("--defect", !arguments.defect.is_empty()), ("--defects", arguments.defects.is_some()), ("--speed", arguments.speed.is_some())];
    match virtual_only.iter().find(|(_, given)| *given) {
        None => Ok(VirtualUnit::default()),
        Some((option, _)) => Err(Failure::invalid(
            format!("{option}: bench `{}` is real, expected a virtual one", arguments.bench),
            Some("a served virtual bench takes it: `hil virtual serve --help`"),
        )),
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
