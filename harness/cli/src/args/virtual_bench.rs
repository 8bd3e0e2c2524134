//! The command line of virtual benches and units: `hil virtual`, `hil torment` and `hil
//! defects`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

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

/// Which unit a virtual bench has.
#[derive(Args, Debug)]
pub struct UnitChoice {
    /// Gives the virtual unit, otherwise nominal, a defect; may be repeated.
    #[arg(long, value_name = "ID")]
    pub defect: Vec<String>,
    /// Takes defects from this file; without --defect all of them.
    #[arg(long, value_name = "FILE")]
    pub defects: Option<PathBuf>,
    /// Seeds noise and the spread of the virtual unit's parameters.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
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
    /// The unit at its studs.
    #[command(flatten)]
    pub unit: UnitChoice,
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

pub(super) const DEFECTS_EXAMPLES: &str = "\
Examples:
  hil defects
  hil defects --paths pin.
  hil defects --rules";

pub(super) const TORMENT_EXAMPLES: &str = "\
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
