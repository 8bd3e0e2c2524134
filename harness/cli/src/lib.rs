//! The `hil` command: the only place where all parts are put together.
//!
//! A library only so that benchmarks can put the same parts together; nothing
//! here is an interface for others.

pub mod args;
pub mod assemble;
pub mod bench_check;
pub mod bench_choice;
pub mod bench_lock;
pub mod bench_safe;
pub mod bench_show;
pub mod bench_state;
pub mod claim;
pub mod control;
pub mod dry_run;
pub mod evidence;
pub mod failure;
pub mod folder;
pub mod guardian;
pub mod home;
pub mod identity;
pub mod instrument_check;
pub mod instrument_discover;
pub mod instrument_query;
pub mod journal;
pub mod likeness;
pub mod list_defects;
pub mod list_runs;
pub mod load;
pub mod operator;
pub mod project;
pub mod report;
pub mod run;
pub mod sabotage;
pub mod saboteur;
pub mod screen;
pub mod selection;
pub mod serve;
pub mod serve_links;
pub mod served_file;
pub mod start;
pub mod station;
pub mod torment;
pub mod tur;
pub mod unit;
pub mod verify;
pub mod wire;

use std::io::Write as _;

use args::{BenchCommand, CheckArguments, Command, InstrumentCommand, StationCommand, VirtualCommand};
use failure::Failure;

/// Carries out a command and returns the exit code.
///
/// # Errors
/// What could not be done, with the exit code it ends with.
pub fn carry_out(command: &Command, verbose: u8) -> Result<u8, Failure> {
    match command {
        Command::Run(arguments) => run::run(arguments, verbose),
        Command::Check(arguments) => check(arguments),
        Command::Report(arguments) => report::report(arguments),
        Command::Runs(arguments) => list_runs::list(arguments),
        Command::Verify(arguments) => verify::verify(arguments),
        Command::Station(StationCommand::Init(arguments)) => station::init(arguments),
        Command::Bench(BenchCommand::Clear(arguments)) => {
            let now = run::wall_clock(None)?.to_string();
            bench_lock::clear_bench(&bench_lock::folder()?, arguments, &now)
        }
        Command::Bench(BenchCommand::Show(arguments)) => bench_show::show(arguments),
        Command::Bench(BenchCommand::Check(arguments)) => bench_check::check(arguments),
        Command::Instrument(InstrumentCommand::Check(arguments)) => instrument_check::check(arguments),
        Command::Bench(BenchCommand::Safe(arguments)) => bench_safe::safe(arguments),
        Command::Instrument(InstrumentCommand::Discover(arguments)) => instrument_discover::discover(arguments),
        Command::Instrument(InstrumentCommand::Query(arguments)) => instrument_query::query(arguments),
        Command::Schema => {
            say(hil_model::PLAN_SCHEMA.trim_end());
            Ok(0)
        }
        Command::Defects(arguments) => list_defects::list(arguments),
        Command::Guardian => guardian::process::guard(),
        Command::Torment(arguments) => torment::torment(arguments),
        Command::Virtual(VirtualCommand::Serve(arguments)) => serve::serve(arguments),
        Command::Virtual(VirtualCommand::State(arguments)) => bench_state::state(arguments),
        Command::Virtual(VirtualCommand::Set(arguments)) => bench_state::set(arguments),
    }
}

fn check(arguments: &CheckArguments) -> Result<u8, Failure> {
    let mut text = String::new();
    let today = run::day(run::wall_clock(arguments.wall_clock.as_deref())?);
    let calendar = load::Calendar { today, tolerant: arguments.overdue_calibration };
    for path in &arguments.plans {
        match bench_choice::fitting(path, &arguments.place, &arguments.parameters, None, calendar) {
            Ok(fits) => fits.iter().for_each(|loaded| {
                say(&format!("ok: {}: {} steps on bench `{}`", path.display(), loaded.plan.steps.len(), loaded.place()));
                for (step, reason) in &loaded.lacking {
                    say(&format!("  {step}: {reason}"));
                }
                if arguments.tur {
                    say(tur::table(&loaded.ratios).trim_end());
                }
            }),
            Err(failure) => text.push_str(&failure.text),
        }
    }
    if text.is_empty() { Ok(0) } else { Err(Failure { text, code: 2 }) }
}

/// One line on standard output. A reader that has gone away (`hil … | head`) is
/// no reason to fail: the record is on disk.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
