//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::journal::Durability;
use crate::sabotage::Sabotage;
use crate::wire::TraceTo;

mod instrument;

pub use instrument::{DiscoverArguments, InstrumentCommand, QueryArguments};

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

/// `hil torment`.
#[derive(Args, Debug)]
pub struct TormentArguments {
    /// The plan, a TOML file.
    pub plan: PathBuf,
    /// A virtual bench's name (fixtures/benches/NAME.toml) or file.
    #[arg(long, default_value = "virtual")]
    pub bench: String,
    /// Replaces a parameter of the plan.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// How many runs.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub n: u64,
    /// Draws the units and the faults of all runs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only the run of this number, from 0, and says what it did.
    #[arg(long, value_name = "K")]
    pub only: Option<u64>,
    /// Runs this case (may be repeated) instead: a unit and its faults, as kept
    /// of an earlier run.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "n", "seed"])]
    pub case: Vec<PathBuf>,
    /// Runs side by side.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=64))]
    pub jobs: u64,
    /// Where the cases and journals of runs go that broke a promise.
    #[arg(long, value_name = "DIR", default_value = "torment")]
    pub out: PathBuf,
}

/// `hil virtual`.
#[derive(Subcommand, Debug)]
pub enum VirtualCommand {
    /// Serve a virtual bench: each instrument on a TCP port, the fixture on a
    /// local socket. Ends with Ctrl-C, outputs off.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArguments),
    /// Tell which outputs of a served bench are on, the voltages at the studs,
    /// and how lid, emergency stop and start button stand.
    State(StateArguments),
    /// Open the lid of a served bench, press its emergency stop or its start
    /// button, as somebody who stands there.
    #[command(after_help = SET_EXAMPLES)]
    Set(SetArguments),
}

/// `hil virtual serve`.
#[derive(Args, Debug)]
pub struct ServeArguments {
    /// A virtual bench's name (fixtures/benches/NAME.toml) or file.
    pub bench: String,
    /// Where instruments listen; nothing beyond this computer unless told.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub listen: std::net::IpAddr,
    /// The first instrument's port, the others follow; without it, free ones.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub base_port: Option<u16>,
    /// The protocol by which instruments are reached.
    #[arg(long, value_enum, value_name = "PROTOCOL", default_value = "socket")]
    pub link: ServedLink,
    /// Gives each instrument an address of its own on this computer, and a portmapper
    /// that tells its port (`--link vxi11`). Port 111 is root's.
    #[arg(long)]
    pub portmapper: bool,
    /// Announces the instruments by mDNS, so that `hil instrument discover` finds them.
    #[arg(long)]
    pub announce: bool,
    /// The port of mDNS, for tests beside others that announce.
    #[arg(long, value_name = "PORT", default_value_t = hil_client::discover::mdns::PORT, hide = true)]
    pub mdns_port: u16,
    /// The fixture's socket; without it, one in `$XDG_RUNTIME_DIR`, or in the folder
    /// for temporary files.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Bench time as a multiple of real time.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub speed: f64,
    /// Gives the virtual unit, otherwise nominal, a defect; may be repeated.
    #[arg(long, value_name = "ID")]
    pub defect: Vec<String>,
    /// Takes defects from this file; without --defect all of them.
    #[arg(long, value_name = "FILE")]
    pub defects: Option<PathBuf>,
    /// Seeds noise and the spread of the virtual unit's parameters.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the bench file for `hil run --bench` goes; without it, beside the
    /// socket.
    #[arg(long, value_name = "FILE")]
    pub bench_file: Option<PathBuf>,
    /// What a second client of an instrument meets while a first is connected;
    /// without it, what the instrument's dialect says.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub second_client: Option<SecondClient>,
    /// Switches all outputs off when nobody has spoken to the fixture for so
    /// long in real time, while any is on.
    #[arg(long, value_name = "TIME", default_value = "2 s")]
    pub watchdog: String,
}

/// How a served instrument is reached.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServedLink {
    /// SCPI on a raw TCP socket.
    Socket,
    /// HiSLIP, as LAN instruments of today have it.
    Hislip,
    /// SCPI on a pseudo-terminal, as on a serial port.
    Serial,
    /// VXI-11, as those before HiSLIP; addresses carry the port unless there is a
    /// portmapper.
    Vxi11,
    /// GPIB behind one LAN gateway that speaks VXI-11.
    Vxi11Gateway,
    /// GPIB behind one gateway that speaks Prologix' language.
    Prologix,
}

/// What becomes of a second client.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecondClient {
    /// It is served, too.
    Served,
    /// It is connected, and waits until the first has gone.
    Queued,
    /// Its connection is closed at once.
    Refused,
}

/// `hil virtual state`.
#[derive(Args, Debug)]
pub struct StateArguments {
    /// The fixture's socket, as `hil virtual serve` prints it.
    pub socket: PathBuf,
    /// One JSON object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// `hil virtual set`.
#[derive(Args, Debug)]
pub struct SetArguments {
    /// The fixture's socket, as `hil virtual serve` prints it.
    pub socket: PathBuf,
    /// Which part: emergency-stop, lid, start or unit.
    pub part: String,
    /// What becomes of it, such as `open` or `pressed`.
    pub to: String,
}

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

/// `hil runs`.
#[derive(Args, Debug)]
pub struct RunsArguments {
    /// Where run folders are.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub out: PathBuf,
}

/// `hil verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// Run folders.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// A station's public key, `station.pub` (may be repeated); without it this
    /// station's own.
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
}

/// `hil station`.
#[derive(Subcommand, Debug)]
pub enum StationCommand {
    /// Make the key with which this station signs its records, once.
    Init(StationInit),
}

/// `hil station init`.
#[derive(Args, Debug)]
pub struct StationInit {
    /// What the station is called in its records.
    #[arg(long, default_value = "station")]
    pub name: String,
}

/// `hil bench`.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// Whether a bench is in order: who its parts are, outputs off, protection,
    /// calibrations, and what would switch off without this program. Switches
    /// nothing on.
    #[command(after_help = BENCH_CHECK_CODES)]
    Check(BenchCheck),
    /// What a bench has, who uses it, how its interlock stands.
    Show(BenchShow),
    /// Bring a bench into its safe state, confirmed by readback: also one that
    /// somebody left as it was.
    #[command(after_help = BENCH_SAFE_CODES)]
    Safe(BenchSafe),
    /// Take back that a bench is broken: somebody has switched it off by hand
    /// and seen that it is off.
    Clear(BenchClear),
}

/// `hil bench check`.
#[derive(Args, Debug)]
pub struct BenchCheck {
    /// A bench's name (fixtures/benches/NAME.toml) or file.
    pub bench: String,
    /// Also whether each source's power cable leads to its own stud: each alone
    /// is switched on with at most 0.4 V and the least current that it knows.
    #[arg(long)]
    pub low_energy: bool,
    /// Also whether sources and meters agree: each source alone at 0.1 V to 0.4 V, its
    /// own readings against set values and meters, within the uncertainties of both.
    #[arg(long)]
    pub self_test: bool,
    /// What passes on the instruments' links.
    #[command(flatten)]
    pub tracing: Tracing,
    /// The day on which calibrations must be valid; the computer's when absent.
    #[arg(long, value_name = "RFC3339")]
    pub wall_clock: Option<String>,
}

/// `hil bench safe`.
#[derive(Args, Debug)]
pub struct BenchSafe {
    /// A bench's name (fixtures/benches/NAME.toml) or file.
    pub bench: String,
    /// What passes on the instruments' links.
    #[command(flatten)]
    pub tracing: Tracing,
}

/// `hil bench show`.
#[derive(Args, Debug)]
pub struct BenchShow {
    /// A bench's name (fixtures/benches/NAME.toml) or file.
    pub bench: String,
    /// The day on which calibrations must be valid; the computer's when absent.
    #[arg(long, value_name = "RFC3339")]
    pub wall_clock: Option<String>,
}

/// `hil bench clear`.
#[derive(Args, Debug)]
pub struct BenchClear {
    /// The bench.
    pub name: String,
    /// Who has looked.
    #[arg(long, value_name = "WHO")]
    pub by: String,
    /// What was found and done.
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// `hil report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// Run folders or journal files, also of runs that were killed.
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// The report for people, report.html; without any of these four, all.
    #[arg(long)]
    pub html: bool,
    /// The measurements, measurements.csv.
    #[arg(long)]
    pub csv: bool,
    /// For CI systems, junit.xml.
    #[arg(long)]
    pub junit: bool,
    /// A short summary for a job's page, summary.md.
    #[arg(long)]
    pub markdown: bool,
    /// Language of report.html and summary.md.
    #[arg(long, value_enum, default_value_t)]
    pub lang: Language,
    /// Writes the one report here instead of into the run's folder; `-` is
    /// standard output.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// A report's language.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
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
  hil run test-plans/eol.toml --like small-current   as that bench would judge
  hil run test-plans/eol.toml --speed 1              watch it in real time
  hil run test-plans/eol.toml --step alternator-start --until-fail
  hil run test-plans/eol.toml --set load='8 A'       other parameters";

const CHECK_EXAMPLES: &str = "\
Examples:
  hil check test-plans/eol.toml
  hil check test-plans/*.toml --bench virtual
  hil check test-plans/eol.toml --bench full-200-a
  hil check test-plans/eol.toml --tur                how well each limit can be tested";

const REPORT_EXAMPLES: &str = "\
Examples:
  hil report runs/20261122T101500Z-HQ2247ABCDE-eol
  hil report runs/20261122T101500Z-HQ2247ABCDE-eol --html --lang de
  hil report runs/* --csv --out all.csv              one table of many runs
  hil report journal.jsonl --markdown --out -";

const VERIFY_EXAMPLES: &str = "\
Exit codes: 0 every run is whole and signed by a known key, 2 no such run or key,
3 a record is damaged, 5 nothing is wrong, but not all is proved (not signed, an
unknown key, or cut short).

Examples:
  hil verify runs/*
  hil verify runs/20261122T101500Z-HQ2247ABCDE-eol --key hall-3.pub";

const BENCH_CHECK_CODES: &str = "\
Exit codes: 0 in order, 2 the bench file is wrong, 3 something is not as it should
be, in use or does not answer, 6 an output may be on.";

const BENCH_SAFE_CODES: &str = "\
Exit codes: 0 every output is off, confirmed; 2 the bench file is wrong, 3 in use, 6 an
output may be on: the bench is marked as broken.";

const DEFECTS_EXAMPLES: &str = "\
Examples:
  hil defects
  hil defects --paths pin.
  hil defects --rules";

const TORMENT_EXAMPLES: &str = "\
Exit codes: 0 every run kept every promise, 1 one did not, 2 plan, bench or case
invalid.

Examples:
  hil torment test-plans/eol.toml --n 500 --seed 7
  hil torment test-plans/eol.toml --seed 7 --only 123
  hil torment test-plans/eol.toml --case torment/7-123/case.toml";
const SET_EXAMPLES: &str = "\
Examples:
  hil virtual set bench.sock lid open                 refused while it is locked
  hil virtual set bench.sock lid forced               breaks the lock
  hil virtual set bench.sock emergency-stop pressed   then released, then reset
  hil virtual set bench.sock start pressed";

const SERVE_EXAMPLES: &str = "\
Examples:
  hil virtual serve virtual --speed 10 --socket bench.sock
  hil run test-plans/eol.toml --bench bench.toml     in another terminal
  hil virtual state bench.sock";
