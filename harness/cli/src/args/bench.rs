//! The command line of `hil bench`.

use clap::{Args, Subcommand};

use super::Tracing;

/// `hil bench`.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// Whether a bench is in order: who its parts are, outputs off, protection,
    /// calibrations, and what would switch off without this program. Switches
    /// nothing on unless told to.
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
    /// is switched on with at most 0.4 V and the least current that it knows. Watched by
    /// a guardian, as all that switches something on.
    #[arg(long)]
    pub low_energy: bool,
    /// Also whether sources and meters agree: each source alone at 0.1 V to 0.4 V, its
    /// own readings against set values and meters, within the uncertainties of both.
    #[arg(long)]
    pub self_test: bool,
    /// The self-test with power: each source also drives the sink that the bench file's
    /// `[self-test]` names, through a known-good unit or a link, with at most the current
    /// that stands there. Watched by a guardian.
    #[arg(long, requires = "self_test")]
    pub power: bool,
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

const BENCH_CHECK_CODES: &str = "\
Exit codes: 0 in order, 2 the bench file is wrong, 3 something is not as it should
be, in use or does not answer, 4 interrupted, 6 an output may be on.";

const BENCH_SAFE_CODES: &str = "\
Exit codes: 0 every output is off, confirmed; 2 the bench file is wrong, 3 in use, 6 an
output may be on: the bench is marked as broken.";
