//! The virtual unit of a run: drawn from the population by the seed, with the
//! defects it was given.

use std::path::Path;

use hil_twin::{Defect, Population};

use crate::failure::Failure;
use crate::project::{Project, read};

/// All defects this run may name: those of a file, or the shipped ones.
///
/// # Errors
/// A file that cannot be read, or is no defects file.
pub fn known_defects(project: &Project, file: Option<&Path>) -> Result<Vec<Defect>, Failure> {
    let files = file.map_or_else(|| project.defects(), |f| vec![f.to_owned()]);
    let mut all = Vec::new();
    for path in files {
        let text = read(&path, "defects")?;
        all.extend(hil_twin::read_defects(&text).map_err(|e| Failure::invalid(format!("defects `{}`: {e}", path.display()), None))?);
    }
    Ok(all)
}

/// The defects that the command line asks for: `--defect` picks, `--defects`
/// alone takes all of its file.
///
/// # Errors
/// An id that is not there, with the nearest.
pub fn chosen_defects(project: &Project, ids: &[String], file: Option<&Path>) -> Result<Vec<Defect>, Failure> {
    if ids.is_empty() && file.is_none() {
        return Ok(Vec::new());
    }
    let known = known_defects(project, file)?;
    if ids.is_empty() {
        return Ok(known);
    }
    ids.iter().map(|id| known.iter().find(|d| d.id == *id).cloned().ok_or_else(|| unknown(id, &known))).collect()
}

fn unknown(id: &str, known: &[Defect]) -> Failure {
    let nearest = hil_model::diagnostic::nearest(id, known.iter().map(|d| d.id.as_str()));
    let hint = nearest.map_or("`hil defects` lists them".to_owned(), |n| format!("did you mean `{n}`? `hil defects` lists all"));
    Failure::invalid(format!("--defect: unknown defect `{id}`"), Some(&hint))
}

/// How good units spread.
///
/// # Errors
/// A file that cannot be read, or is no population file.
pub fn population(project: &Project) -> Result<Population, Failure> {
    let path = project.population();
    let text = read(&path, "population")?;
    Population::read(&text).map_err(|e| Failure::invalid(format!("population `{}`: {e}", path.display()), None))
}
