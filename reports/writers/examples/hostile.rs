//! Writes the reports of a run whose every text is hostile, for
//! `ci/check_junit.py` and `ci/check_report.py`:
//! `cargo run -p hil-writers --example hostile -- FOLDER`

use std::fs::File;
use std::path::Path;
use std::process::ExitCode;

use hil_writers::{Integrity, Lang, write_csv, write_html, write_junit, write_markdown};

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../tests/story/mod.rs"]
mod story;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: hostile FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: cannot write into {}: {e}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> std::io::Result<()> {
    let events = story::hostile_run();
    std::fs::create_dir_all(folder)?;
    let integrity = Integrity::Broken { what: story::hostile_text() };
    let file = |name: &str| File::create(folder.join(name));
    write_junit(&events, &integrity, &mut file("junit.xml")?)?;
    write_csv(&events, &mut file("measurements.csv")?)?;
    write_markdown(&events, &integrity, Lang::En, &mut file("summary.md")?)?;
    write_html(&events, &integrity, Lang::En, &mut file("report.html")?)
}
