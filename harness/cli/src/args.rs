//! The command line.

use clap::{Parser, Subcommand};

mod bench;
mod instrument;
mod records;
mod run;
mod virtual_bench;

pub use bench::{BenchCheck, BenchClear, BenchCommand, BenchSafe, BenchShow};
pub use instrument::{DiscoverArguments, InstrumentCommand, QueryArguments};
pub use records::{Language, ReportArguments, RunsArguments, StationCommand, StationInit, VerifyArguments};
use records::{REPORT_EXAMPLES, VERIFY_EXAMPLES};
use run::{CHECK_EXAMPLES, RUN_EXAMPLES};
pub use run::{CheckArguments, Debugging, Place, RunArguments, Tracing};
use virtual_bench::{DEFECTS_EXAMPLES, TORMENT_EXAMPLES};
pub use virtual_bench::{
    DefectsArguments, SecondClient, ServeArguments, ServedLink, SetArguments, StateArguments, TormentArguments, UnitChoice, VirtualCommand,
};

/// Hardware-in-the-loop test harness and end-of-line tester.
#[derive(Parser, Debug)]
#[command(name = "hil", version, about, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// More on standard error: -v actions and edges, -vv SCPI traffic.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
}

/// What `hil` can do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run a plan on a bench.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArguments>),
    /// Check plans, product, limits and bench without switching anything on.
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArguments),
    /// Write a run's reports again from its journal.
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArguments),
    /// List the runs in a folder: when, plan, serial, bench, result.
    Runs(RunsArguments),
    /// Check that records are what their runs wrote, and who signed them.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArguments),
    /// The station's own key.
    #[command(subcommand)]
    Station(StationCommand),
    /// What becomes of a bench between runs.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Instruments by themselves, without a bench.
    #[command(subcommand)]
    Instrument(InstrumentCommand),
    /// Print the JSON Schema of plans, for editors.
    Schema,
    /// List the defects a virtual unit can be given, and what they are made of.
    #[command(after_help = DEFECTS_EXAMPLES)]
    Defects(DefectsArguments),
    /// Run a plan under random faults, and hold each run against what it promises.
    #[command(after_help = TORMENT_EXAMPLES)]
    Torment(TormentArguments),
    /// A virtual bench as a process of its own.
    #[command(subcommand)]
    Virtual(VirtualCommand),
    /// Watches a run; `hil run` starts it.
    #[command(hide = true)]
    Guardian,
}

impl Command {
    /// Whether it makes happen what is warned of.
    pub const fn expects_warnings(&self) -> bool {
        matches!(self, Self::Torment(_))
    }
}

const EXIT_CODES: &str = "\
Exit codes: 0 pass, 1 the unit failed, 2 plan, bench or usage invalid, 3 tester
error, 4 aborted, 5 inconclusive, 6 safe state not confirmed.";
