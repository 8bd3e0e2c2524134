//! The command line of `hil instrument`.

use clap::{Args, Subcommand};
use hil_client::discover::Scope;
use hil_client::serial::Framing;

use super::Tracing;

/// `hil instrument`.
#[derive(Subcommand, Debug)]
pub enum InstrumentCommand {
    /// Whether a dialect file is right, what its model is good for, and whether an
    /// instrument does what the file says: the virtual one, and the one at an address.
    Check(crate::instrument_check::InstrumentCheck),
    /// Say something to an instrument, and print what it answers.
    #[command(after_help = QUERY_EXAMPLES)]
    Query(QueryArguments),
    /// Find instruments: those that announce themselves (mDNS), those whose portmapper
    /// answers a broadcast (VXI-11), USB instruments and serial ports of this computer.
    #[command(after_help = DISCOVER_EXAMPLES)]
    Discover(DiscoverArguments),
}

/// `hil instrument discover`.
#[derive(Args, Debug)]
pub struct DiscoverArguments {
    /// How long is searched.
    #[arg(long, value_name = "TIME", default_value = "2 s")]
    pub within: String,
    /// Only in the network in which this computer has this IPv4 address; 127.0.0.1 is
    /// this computer alone.
    #[arg(long, value_name = "ADDRESS")]
    pub interface: Option<std::net::Ipv4Addr>,
    /// Asks nobody for `*IDN?`. What is behind a serial port is never asked: it may be
    /// anything.
    #[arg(long)]
    pub no_idn: bool,
    /// A JSON array instead of lines.
    #[arg(long)]
    pub json: bool,
    /// The port of mDNS, for tests beside others that announce.
    #[arg(long, value_name = "PORT", default_value_t = hil_client::discover::mdns::PORT, hide = true)]
    pub mdns_port: u16,
}

impl DiscoverArguments {
    /// Where is searched.
    pub fn scope(&self) -> Scope {
        self.interface.map_or(Scope::All, Scope::Interface)
    }
}

const DISCOVER_EXAMPLES: &str = "\
Exit codes: 0 searched, whatever was found; 2 usage invalid, 3 a network could not be
searched.

Examples:
  hil instrument discover
  hil instrument discover --interface 192.168.0.10 --within '5 s' --json";

/// `hil instrument query`.
#[derive(Args, Debug)]
pub struct QueryArguments {
    /// A VISA resource, such as `TCPIP::10.0.0.5::5025::SOCKET`.
    pub address: String,
    /// What is said, in this order. What has a `?` outside of quotes is answered.
    #[arg(required = true, value_name = "COMMAND")]
    pub commands: Vec<String>,
    /// Speaks as this model wants it (instruments/dialects/NAME.toml), and takes its
    /// remote lock for commands without an answer.
    #[arg(long, value_name = "NAME")]
    pub dialect: Option<String>,
    /// Longest time for an answer; without it the dialect's, or 1 s.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Does not read the error queue before the first command and after each: for
    /// instruments that have none. What they refuse stays unknown.
    #[arg(long)]
    pub no_errors: bool,
    /// The gateway of a GPIB address: `PRLGX-TCPIP::10.0.0.9::1234::INTFC`.
    #[arg(long, value_name = "ADDRESS")]
    pub gateway: Option<String>,
    /// Bits a second of a serial port.
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(110..=4_000_000))]
    pub baud: u32,
    /// Data bits, parity and stop bits of a serial port.
    #[arg(long, default_value = "8N1")]
    pub framing: Framing,
    /// Writes the last answer's bytes to this file instead, such as a screenshot's.
    #[arg(long, value_name = "FILE")]
    pub out: Option<std::path::PathBuf>,
    /// What passes on the link.
    #[command(flatten)]
    pub tracing: Tracing,
}

const QUERY_EXAMPLES: &str = "\
Nobody looks whether a bench or its interlock forbids it: what is said is done.

Exit codes: 0 all was answered and nothing refused, 2 address or usage invalid,
3 no connection or no answer, one that is none, or the instrument refused.

Examples:
  hil instrument query TCPIP::10.0.0.5::5025::SOCKET 'MEAS:VOLT?'
  hil instrument query TCPIP::10.0.0.5::inst0::INSTR '*RST' 'VOLT 12.5' 'VOLT?'
  hil instrument query ASRL/dev/ttyUSB0::INSTR '*IDN?' --baud 115200
  hil instrument query GPIB0::5::INSTR '*IDN?' --gateway PRLGX-TCPIP::10.0.0.9::1234::INTFC
  hil instrument query TCPIP::10.0.0.7::hislip0::INSTR 'HCOP:DATA?' --out screen.png";
