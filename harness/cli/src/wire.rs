//! What passes on the instruments' links, for people who look for a fault: as
//! `-vv` to `tracing` and from there to standard error, and where `--trace-scpi`
//! says, as lines or into the journal. PINs and keys are in none of them.

use std::cell::RefCell;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::str::FromStr;

use hil_client::{Direction, Trace};
use hil_engine::Wiretap;
use hil_record::Way;
use hil_timebase::Nanos;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::project::cause;
use crate::screen::{Discreet, complain, hidden};

/// So many bytes of a message are shown.
const MOST: usize = 200;

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

/// Where a trace goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraceTo {
    /// Standard error.
    Screen,
    /// The run's journal.
    Journal,
    /// A file of its own.
    File(PathBuf),
}

impl FromStr for TraceTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("nothing, expected a file, `journal`, or `-` for standard error".into()),
            "-" => Ok(Self::Screen),
            "journal" => Ok(Self::Journal),
            file => Ok(Self::File(file.into())),
        }
    }
}

/// What hears of every message of a bench.
pub struct Tap {
    trace: Trace,
    /// Where the run's journal is put once there is one.
    journal: Rc<RefCell<Option<Wiretap>>>,
}

impl Tap {
    /// For links that are to be opened.
    pub fn trace(&self) -> Trace {
        Rc::clone(&self.trace)
    }

    /// From now on there is a journal.
    pub fn into_journal(&self, journal: Wiretap) {
        *self.journal.borrow_mut() = Some(journal);
    }
}

/// A trace that goes where it is told to, and to `tracing` anyway.
///
/// # Errors
/// A file that cannot be written (exit code 2).
pub fn tap(to: Option<&TraceTo>) -> Result<Tap, Failure> {
    let journal: Rc<RefCell<Option<Wiretap>>> = Rc::default();
    let slot = Rc::clone(&journal);
    let trace: Trace = match to {
        None => trace(),
        Some(TraceTo::Screen) => Rc::new(|instrument, direction, bytes, at| {
            complain(&line(instrument, direction, bytes, at));
        }),
        Some(TraceTo::File(path)) => {
            let file = File::create(path)
                .map_err(|e| Failure::invalid(format!("--trace-scpi: cannot write `{}`: {}", path.display(), cause(&e)), None))?;
            let file = RefCell::new(file);
            Rc::new(move |instrument, direction, bytes, at| {
                let line = line(instrument, direction, bytes, at);
                // Whole lines at once: a program that dies leaves what it saw. A full disk
                // is no reason for a run to fail; the record is the journal.
                let _ = file.borrow_mut().write_all(hidden(&line).as_bytes());
                debug(instrument, direction, bytes, at);
            })
        }
        Some(TraceTo::Journal) => Rc::new(move |instrument, direction, bytes, at| {
            if let Some(journal) = &*slot.borrow() {
                journal.note(instrument, way(direction), shown(direction, bytes));
            }
            debug(instrument, direction, bytes, at);
        }),
    };
    Ok(Tap { trace, journal })
}

/// Where nobody has a journal.
///
/// # Errors
/// `journal` (exit code 2).
pub fn tap_without_journal(to: Option<&TraceTo>) -> Result<Tap, Failure> {
    match to {
        Some(TraceTo::Journal) => {
            Err(Failure::invalid("--trace-scpi: `journal`, but only `hil run` has one, expected a file or nothing", None))
        }
        to => tap(to),
    }
}

/// Only to `tracing`: one line a message, with bench time.
pub fn trace() -> Trace {
    Rc::new(debug)
}

fn debug(instrument: &str, direction: Direction, bytes: &[u8], at: Nanos) {
    tracing::debug!(target: "wire", "{at} {instrument} {} {}", way(direction).arrow(), shown(direction, bytes));
}

/// `      0.012345 s  battery             -> VOLT 12.500\n`
fn line(instrument: &str, direction: Direction, bytes: &[u8], at: Nanos) -> String {
    format!("{:>15.6} s  {instrument:<18} {} {}\n", at.0 as f64 / 1e9, way(direction).arrow(), shown(direction, bytes))
}

const fn way(direction: Direction) -> Way {
    match direction {
        Direction::Sent => Way::Sent,
        Direction::Received => Way::Received,
        Direction::Note => Way::Note,
    }
}

/// Text as it is, everything else escaped, long messages cut off.
fn shown(direction: Direction, bytes: &[u8]) -> String {
    if direction == Direction::Note {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut text = String::new();
    for byte in &bytes[..bytes.len().min(MOST)] {
        match byte {
            b'"' | b'\'' => text.push(char::from(*byte)),
            byte => text.extend(byte.escape_ascii().map(char::from)),
        }
    }
    if bytes.len() > MOST {
        text.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_who_and_what() {
        let at = Nanos(12_345_678_900);
        for (direction, bytes, expected) in [
            (Direction::Sent, &b"VOLT 12.5;DISP \"a\\b\"\n"[..], "      12.345679 s  battery            -> VOLT 12.5;DISP \"a\\\\b\"\\n\n"),
            (Direction::Received, b"#14\0\xff\r\x1b\n", "      12.345679 s  battery            <- #14\\x00\\xff\\r\\x1b\\n\n"),
            (Direction::Note, b"device clear", "      12.345679 s  battery            -- device clear\n"),
        ] {
            assert_eq!(line("battery", direction, bytes, at), expected);
        }
        let long = shown(Direction::Received, &[b'x'; 201]);
        assert!(long.ends_with("x… (201 bytes)") && long.len() < 230, "{long}");
    }

    #[test]
    fn a_trace_goes_where_it_is_told_to() {
        assert_eq!("-".parse(), Ok(TraceTo::Screen));
        assert_eq!("journal".parse(), Ok(TraceTo::Journal));
        assert_eq!("./journal".parse(), Ok(TraceTo::File("./journal".into())));
        assert!("".parse::<TraceTo>().is_err());
    }
}
