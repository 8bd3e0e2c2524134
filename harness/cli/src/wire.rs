//! What passes on the wires, for people who look for a fault: the trace of the
//! links goes to `tracing`, and from there to standard error.

use std::io::IsTerminal as _;
use std::rc::Rc;

use hil_client::{Direction, Trace};
use tracing_subscriber::EnvFilter;

use crate::screen::Discreet;

/// -v nothing yet, -vv SCPI traffic; `HIL_LOG` overrides, in the syntax of
/// `tracing_subscriber::EnvFilter`. Warnings are no news where they are `expected`.
pub fn log_to_stderr(verbose: u8, expected: bool) {
    let default = match verbose {
        0 if expected => "error",
        0 | 1 => "warn",
        _ => "wire=debug,warn",
    };
    let filter = EnvFilter::try_from_env("HIL_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // Fails only if a subscriber is already set, as in a benchmark.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Discreet)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .without_time()
        .with_target(false)
        .try_init();
}

/// One line a message, with bench time.
pub fn trace() -> Trace {
    Rc::new(|instrument, direction, bytes, at| {
        let arrow = match direction {
            Direction::Sent => "->",
            Direction::Received => "<-",
        };
        tracing::debug!(target: "wire", "{at} {instrument} {arrow} {}", bytes.escape_ascii());
    })
}
