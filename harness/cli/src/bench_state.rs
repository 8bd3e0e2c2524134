//! `hil virtual state`: what stands at the studs of a served bench, as it is and
//! not as its instruments read back.

use crate::args::StateArguments;
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
    say(&format!("clients: {}", state.clients));
    say(&format!("watchdog: switched off {} times", state.watchdog_trips));
    Ok(0)
}
