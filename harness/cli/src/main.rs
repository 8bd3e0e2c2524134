//! `hil`: parses the command line, carries it out, sets the exit code.

use std::process::ExitCode;

use clap::Parser;
use hil_cli::args::Arguments;
use mimalloc::MiMalloc;

/// A run is many small messages: a sixth less CPU time than with the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    hil_cli::screen::panics_discreetly();
    hil_cli::wire::log_to_stderr(arguments.verbose, arguments.command.expects_warnings());
    match hil_cli::carry_out(&arguments.command, arguments.verbose) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            hil_cli::screen::complain(&failure.text);
            ExitCode::from(failure.code)
        }
    }
}
