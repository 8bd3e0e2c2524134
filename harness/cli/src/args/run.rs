//! The command line of `hil run` and `hil check`.

use std::path::PathBuf;

use clap::Args;

use super::{Language, UnitChoice};
use crate::journal::Durability;
use crate::sabotage::Sabotage;
use crate::wire::TraceTo;

/// `hil run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The plan, a TOML file.
    pub plan: PathBuf,
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// The unit's serial number, as scanned.
    #[arg(long)]
    pub serial: Option<String>,
    /// Replaces a parameter of the plan.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// The unit of a virtual bench.
    #[command(flatten)]
    pub unit: UnitChoice,
    /// Where run folders go.
    #[arg(long, default_value = "runs")]
    pub out: PathBuf,
    /// What the journal is proof against: `write`, the end of this program;
    /// `sync`, a power cut. Without it `write` on a virtual bench, `sync` on a
    /// real one.
    #[arg(long, value_enum, value_name = "POLICY")]
    pub durability: Option<Durability>,
    /// Who runs it, for the record; HIL_OPERATOR when absent.
    #[arg(long, value_name = "WHO")]
    pub operator: Option<String>,
    /// Waits until the bench is free if somebody else uses it.
    #[arg(long)]
    pub wait: bool,
    /// Waits until the lid is closed and somebody presses start, and begins then.
    #[arg(long)]
    pub wait_for_start: bool,
    /// Writes a second copy of the JUnit report here.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Language of report.html and summary.md.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Language,
    /// Paces a virtual bench: 1 is real time; without it, as fast as it goes.
    #[arg(long, value_name = "FACTOR")]
    pub speed: Option<f64>,
    /// The run's id; made from wall clock, serial and plan when absent.
    #[arg(long, value_name = "ID")]
    pub run_id: Option<String>,
    /// The run's wall clock at its start; the computer's when absent.
    #[arg(long, value_name = "RFC3339")]
    pub wall_clock: Option<String>,
    /// Answers a question of the plan: `STEP.NAME`, or `NAME` for all of that
    /// name.
    #[arg(long, value_name = "ID=VALUE")]
    pub answer: Vec<String>,
    /// The unit's key of that name, from a file of 32 hexadecimal digits; the
    /// virtual station makes up `unit-key`. No key is in any record.
    #[arg(long = "key", value_name = "NAME=FILE")]
    pub keys: Vec<String>,
    /// What the virtual unit remembers without power: read from this file if it
    /// is there, written to it at the end of the run.
    #[arg(long, value_name = "FILE")]
    pub memory: Option<PathBuf>,
    /// For the search for a fault.
    #[command(flatten)]
    pub debugging: Debugging,
    /// What passes on the instruments' links.
    #[command(flatten)]
    pub tracing: Tracing,
    /// Run although an instrument's calibration is overdue; its uncertainty
    /// then counts as unknown.
    #[arg(long)]
    pub overdue_calibration: bool,
    /// Panics where told, to prove that the bench is left safe: `SIGNAL` (when
    /// a step uses that signal).
    #[arg(long, value_name = "SIGNAL", hide = true)]
    pub panic_on: Option<String>,
    /// Interrupts at the event of this number (may be repeated), to prove that
    /// no unit passes then and that the next run finds its way.
    #[arg(long, value_name = "SEQ", hide = true)]
    pub interrupt_at: Vec<u64>,
    /// Does harm at the event of this number, once it is journalled and shown,
    /// to prove that the bench is left safe.
    #[arg(long, value_name = "HARM@SEQ", hide = true)]
    pub sabotage: Option<Sabotage>,
}

/// On which bench.
#[derive(Args, Debug)]
pub struct Place {
    /// A bench's name (fixtures/benches/NAME.toml) or file; `any`: the first free
    /// one with hardware that offers all that the plan asks.
    #[arg(long, default_value = "virtual")]
    pub bench: String,
    /// The virtual bench with the instruments of this real one: their ranges,
    /// latencies, accuracy, shunts, and what it lacks. Needs no hardware.
    #[arg(long, value_name = "BENCH", conflicts_with = "bench")]
    pub like: Option<String>,
}

impl Place {
    /// The bench file's name or path.
    pub fn file(&self) -> &str {
        self.like.as_deref().unwrap_or(&self.bench)
    }
}

/// What passes on the instruments' links.
#[derive(Args, Debug)]
pub struct Tracing {
    /// Tells every message to and from instruments, time-outs and clears, with the
    /// time: on standard error, or in a file; `journal`: in the run's journal.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub trace_scpi: Option<TraceTo>,
}

/// For the search for a fault.
#[derive(Args, Debug)]
#[command(next_help_heading = "Debugging")]
pub struct Debugging {
    /// Runs this step only (may be repeated); such a run passes no unit.
    #[arg(long, value_name = "ID")]
    pub step: Vec<String>,
    /// Leaves out the steps before this one; such a run passes no unit.
    #[arg(long, value_name = "ID", conflicts_with = "step")]
    pub from: Option<String>,
    /// Runs the steps so often, one round after the other.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Runs the steps until one fails, at most `--repeat` times (1000).
    #[arg(long)]
    pub until_fail: bool,
    /// Waits for Enter after a step that failed, with the bench as it is.
    #[arg(long)]
    pub pause_on_fail: bool,
    /// Runs one step after the other, also those that the plan runs side by side.
    #[arg(long)]
    pub one_by_one: bool,
    /// Prints what would be commanded; opens nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `hil check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Plans, TOML files.
    #[arg(required = true)]
    pub plans: Vec<PathBuf>,
    /// Where.
    #[command(flatten)]
    pub place: Place,
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

pub(super) const RUN_EXAMPLES: &str = "\
Examples:
  hil run test-plans/eol.toml --serial HQ2247ABCDE
  hil run test-plans/eol.toml --serial HQ2247ABCDE --defect D46
  hil run test-plans/eol.toml --like small-current   as that bench would judge
  hil run test-plans/eol.toml --speed 1              watch it in real time
  hil run test-plans/eol.toml --step alternator-start --until-fail
  hil run test-plans/eol.toml --set load='8 A'       other parameters";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  hil check test-plans/eol.toml
  hil check test-plans/*.toml --bench virtual
  hil check test-plans/eol.toml --bench full-200-a
  hil check test-plans/eol.toml --tur                how well each limit can be tested";
