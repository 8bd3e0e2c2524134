//! `hil virtual state`: what stands at the studs of a served bench, as it is and
//! not as its instruments read back; `hil virtual set`: somebody at its station.

use hil_socket::GreetingError;

use crate::args::{SetArguments, StateArguments};
use crate::failure::Failure;
use crate::say;

/// Prints it.
///
/// # Errors
/// When nobody serves that socket (exit code 3).
pub fn state(arguments: &StateArguments) -> Result<u8, Failure> {
    let state = hil_socket::ask_state(&arguments.socket)
        .map_err(|e| Failure::tester(e.to_string(), Some("`hil virtual serve` prints the socket's path")))?;
    if arguments.json {
        say(&serde_json::to_string(&state).map_err(|e| Failure::tester(e.to_string(), None))?);
        return Ok(0);
    }
    for stud in &state.studs {
        say(&format!("{}: {}, {:.3} V", stud.name, if stud.on { "on" } else { "off" }, stud.volts));
    }
    for (part, how) in &state.station {
        say(&format!("{part}: {how}"));
    }
    say(&format!("clients: {}", state.clients));
    say(&format!("watchdog: switched off {} times", state.watchdog_trips));
    Ok(0)
}

/// Does it.
///
/// # Errors
/// When nobody serves that socket (exit code 3), or it cannot be done (2).
pub fn set(arguments: &SetArguments) -> Result<u8, Failure> {
    let SetArguments { socket, part, to } = arguments;
    match hil_socket::operate(socket, part, to) {
        Ok(()) => Ok(0),
        Err(error @ GreetingError::Refused(_)) => Err(Failure::invalid(error.to_string(), None)),
        Err(error) => Err(Failure::tester(error.to_string(), Some("`hil virtual serve` prints the socket's path"))),
    }
}
