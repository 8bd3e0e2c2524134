//! `hil bench show`: what a bench has, who uses it, how it stands. Asks nobody but
//! the fixture, as an onlooker, and takes nothing.

use std::path::Path;

use hil_bench::{BenchFile, BenchKind, Day, InstrumentSpec};
use hil_model::Quantity;

use crate::args::BenchShow;
use crate::bench_lock::{self, Look};
use crate::failure::Failure;
use crate::load::load_bench;
use crate::run::{day, wall_clock};
use crate::say;

/// Prints it.
///
/// # Errors
/// A file that is wrong (exit code 2).
pub fn show(arguments: &BenchShow) -> Result<u8, Failure> {
    let today = day(wall_clock(arguments.wall_clock.as_deref())?);
    let bench = load_bench(&arguments.bench)?.bench;
    let look = bench_lock::folder().map(|folder| bench_lock::look(&folder, &bench.id)).unwrap_or_default();
    for line in lines(&bench, &look, today) {
        say(&line);
    }
    Ok(0)
}

fn lines(bench: &BenchFile, look: &Look, today: Day) -> Vec<String> {
    let kind = if bench.kind == BenchKind::Virtual { "virtual" } else { "real" };
    let mut lines = vec![format!("{}: {} ({kind})", bench.id, bench.title)];
    let mut line = |name: &str, text: String| lines.push(format!("  {name:<12}{text}"));
    match (&look.used_by, &look.left_by) {
        _ if bench.kind == BenchKind::Virtual => line("user", "as many as there are: each has one of his own".into()),
        (Some(by), _) => line("user", by.to_string()),
        (None, Some(by)) => line("user", format!("nobody; left as it was by {by}")),
        (None, None) => line("user", "nobody".into()),
    }
    if let Some(broken) = &look.broken {
        line("BROKEN", broken.trim_start_matches("error: ").trim_end().replace('\n', "; "));
    }
    line("fixture", fixture(bench));
    for (what, there) in bench.safeguards() {
        line("", format!("{what}: {there}"));
    }
    line("", station(bench));
    line("signals", signals(bench));
    let named = |spec: &InstrumentSpec| format!("{:<22}{}", spec.name, instrument(bench, spec, today));
    bench.instruments.iter().for_each(|spec| line("instrument", named(spec)));
    bench.extensions.iter().for_each(|program| line("program", program.name.clone()));
    lines
}

fn fixture(bench: &BenchFile) -> String {
    let socket = bench.fixture_socket.as_ref().map_or_else(String::new, |socket| format!(", socket {socket}"));
    format!("serial {}{socket}", bench.fixture_serial)
}

/// How lid, emergency stop and the like stand, and whether anything is on.
fn station(bench: &BenchFile) -> String {
    let Some(socket) = &bench.fixture_socket else { return "nobody to ask how it stands".into() };
    match hil_socket::ask_state(Path::new(socket)) {
        Err(error) => format!("does not answer: {error}"),
        Ok(state) => {
            let on: Vec<&str> = state.studs.iter().filter(|s| s.on).map(|s| s.name.as_str()).collect();
            let on = if on.is_empty() { "nothing is on".to_owned() } else { format!("ON: {}", on.join(", ")) };
            let parts = state.station.iter().map(|(part, how)| format!("{part} {how}"));
            std::iter::once(on).chain(parts).collect::<Vec<_>>().join(", ")
        }
    }
}

fn signals(bench: &BenchFile) -> String {
    let lacks: Vec<&str> = bench.lacks.keys().map(|s| s.as_str()).collect();
    let lacks = if lacks.is_empty() { String::new() } else { format!("; lacks {}", lacks.join(", ")) };
    format!("{}{lacks}", bench.bindings.len())
}

fn instrument(bench: &BenchFile, spec: &InstrumentSpec, today: Day) -> String {
    let volts = spec.over_voltage.map(|v| format!(", at most {}", Quantity::volts(v)));
    let amps = spec.over_current.map(|a| format!(" and {}", Quantity::amperes(a)));
    let calibration = bench.calibration_state(today).remove(&spec.name).unwrap_or_default();
    format!(
        "{}, {}, serial {}{}{}; calibration {calibration}",
        spec.dialect,
        spec.address,
        spec.serial,
        volts.unwrap_or_default(),
        amps.unwrap_or_default()
    )
}
