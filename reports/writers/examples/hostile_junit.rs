//! Writes the JUnit report of a run whose every text is hostile, for
//! `ci/check_junit.py`: `cargo run -p hil-writers --example hostile_junit -- OUT.xml`

use std::fs::File;
use std::process::ExitCode;

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/story/mod.rs"]
mod story;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: hostile_junit OUT.xml");
        return ExitCode::from(2);
    };
    let written = File::create(&path).and_then(|mut file| hil_writers::write_junit(&story::hostile_run(), &mut file));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: cannot write {}: {e}", path.display());
            ExitCode::FAILURE
        }
    }
}
