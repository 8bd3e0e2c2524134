//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// List the defects a virtual unit can be given, and what they are made of.
    #[command(after_help = DEFECTS_EXAMPLES)]
    Defects(DefectsArguments),
}

/// `hil run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The plan, a TOML file.
    pub plan: PathBuf,
    /// A bench's name (fixtures/benches/NAME.toml) or file.
    #[arg(long, default_value = "virtual")]
    pub bench: String,
    /// The unit's serial number, as scanned.
    #[arg(long)]
    pub serial: Option<String>,
    /// Replaces a parameter of the plan.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Gives the virtual unit, otherwise nominal, a defect; may be repeated.
    #[arg(long, value_name = "ID")]
    pub defect: Vec<String>,
    /// Takes defects from this file; without --defect all of them.
    #[arg(long, value_name = "FILE")]
    pub defects: Option<PathBuf>,
    /// Seeds noise and the spread of the virtual unit's parameters.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where run folders go.
    #[arg(long, default_value = "runs")]
    pub out: PathBuf,
    /// Writes a second copy of the JUnit report here.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Paces the virtual bench: 1 is real time; without it, as fast as it goes.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// The run's id; made from wall clock, serial and plan when absent.
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
    /// The run's wall clock at its start; the computer's when absent.
    #[arg(long, value_name = "RFC3339")]
    pub wall_clock: Option<String>,
    /// Run although an instrument's calibration is overdue; its uncertainty
    /// then counts as unknown.
    #[arg(long)]
    pub overdue_calibration: bool,
    /// Panics where told, to prove that the bench is left safe: `SIGNAL` (when
    /// a step uses that signal).
    #[arg(long, value_name = "SIGNAL", hide = true)]
    pub panic_on: Option<String>,
}

/// `hil check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Plans, TOML files.
    #[arg(required = true)]
    pub plans: Vec<PathBuf>,
    /// A bench's name (fixtures/benches/NAME.toml) or file.
    #[arg(long, default_value = "virtual")]
    pub bench: String,
    /// Replaces a parameter of the plans.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Prints the test uncertainty ratio of each limit.
    #[arg(long)]
    pub tur: bool,
    /// Take overdue calibrations for no error, but the uncertainty for unknown.
    #[arg(long)]
    pub overdue_calibration: bool,
    /// The day on which calibrations must be valid; the computer's when absent.
    #[arg(long, value_name = "RFC3339")]
    pub wall_clock: Option<String>,
}

/// `hil defects`.
#[derive(Args, Debug)]
pub struct DefectsArguments {
    /// List every parameter, pin, wire and sensor that a defect can set.
    #[arg(long)]
    pub paths: bool,
    /// List every rule of the firmware and what can replace it.
    #[arg(long)]
    pub rules: bool,
    /// Only lines that contain this.
    pub filter: Option<String>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 pass, 1 the unit failed, 2 plan, bench or usage invalid, 3 tester
error, 4 aborted, 5 inconclusive, 6 safe state not confirmed.";

const RUN_EXAMPLES: &str = "\
Examples:
  hil run test-plans/eol.toml --serial HQ2247ABCDE
  hil run test-plans/eol.toml --serial HQ2247ABCDE --defect D46
  hil run test-plans/eol.toml --speed 1              watch it in real time
  hil run test-plans/eol.toml --set load='8 A'       other parameters";

const CHECK_EXAMPLES: &str = "\
Examples:
  hil check test-plans/eol.toml
  hil check test-plans/*.toml --bench virtual
  hil check test-plans/eol.toml --tur                how well each limit can be tested";

const DEFECTS_EXAMPLES: &str = "\
Examples:
  hil defects
  hil defects --paths pin.
  hil defects --rules";
