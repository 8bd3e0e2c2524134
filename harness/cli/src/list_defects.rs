//! `hil defects`: what a virtual unit can be given, and what it is made of.

use std::path::Path;

use crate::args::DefectsArguments;
use crate::failure::Failure;
use crate::project::Project;
use crate::unit;

/// Prints the list and returns the exit code.
///
/// # Errors
/// When the files of shipped defects cannot be read.
pub fn list(arguments: &DefectsArguments) -> Result<u8, Failure> {
    let wanted = |line: &String| arguments.filter.as_ref().is_none_or(|f| line.contains(f.as_str()));
    let lines = match (arguments.paths, arguments.rules) {
        (true, _) => paths(),
        (false, true) => rules(),
        (false, false) => defects()?,
    };
    for line in lines.iter().filter(|l| wanted(l)) {
        crate::say(line);
    }
    Ok(0)
}

fn defects() -> Result<Vec<String>, Failure> {
    let project = Project::around(Path::new("."))?;
    let all = unit::known_defects(&project, None)?;
    Ok(all.iter().map(|d| format!("{:<5} {}  [{}]", d.id, d.title, d.caught_by.join(" "))).collect())
}

fn paths() -> Vec<String> {
    hil_twin::list_paths().iter().map(|p| format!("{:<44} {:<28} {}", p.path, p.legal, p.doc)).collect()
}

fn rules() -> Vec<String> {
    hil_twin::list_rules().iter().map(|r| format!("{:<28} by {:<32} {}", r.rule, r.by, r.doc)).collect()
}
