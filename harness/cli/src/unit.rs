//! The virtual unit of a run: drawn from the population by the seed, with the
//! defects it was given.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use hil_twin::{Defect, Keys, Memory, Population, Twin, TwinConfig};

use crate::failure::Failure;
use crate::project::{Project, read};

/// What is clamped into the virtual bench.
#[derive(Default)]
pub struct VirtualUnit {
    defects: Vec<Defect>,
    /// How good units spread, and which one this is.
    drawn: Option<(Population, u64)>,
    memory: Option<Memory>,
    /// The station's, by name.
    keys: Keys,
    /// Somebody at the twin's station presses start.
    started: bool,
}

/// When somebody does, ms.
const START_AT_MS: f64 = 2_000.0;

impl VirtualUnit {
    /// The unit of `seed`; with defects, the nominal unit and nothing but them,
    /// so that a spread never hides or helps a defect. `--defect` picks,
    /// `--defects` alone takes all of its file.
    ///
    /// # Errors
    /// Files that cannot be read; an id that is not there, with the nearest.
    pub fn choose(project: &Project, ids: &[String], file: Option<&Path>, seed: u64) -> Result<Self, Failure> {
        let defects = chosen_defects(project, ids, file)?;
        let drawn = if defects.is_empty() { Some((population(project)?, seed)) } else { None };
        Ok(Self { defects, drawn, memory: None, keys: Keys::default(), started: false })
    }

    /// With somebody who presses start after a moment.
    #[must_use]
    pub fn started(self, started: bool) -> Self {
        Self { started, ..self }
    }

    /// With what it remembers from an earlier run, if there was one.
    ///
    /// # Errors
    /// A file that cannot be read, or holds something else.
    pub fn remembering(mut self, file: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = file else { return Ok(self) };
        match fs::read_to_string(path) {
            Ok(text) => {
                let memory = Memory::read(&text).map_err(|e| Failure::invalid(format!("--memory: `{}`: {e}", path.display()), None))?;
                self.memory = Some(memory);
            }
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Failure::invalid(format!("--memory: cannot read `{}`: {e}", path.display()), None)),
        }
        Ok(self)
    }

    /// With these keys of the station, `NAME=FILE`.
    ///
    /// # Errors
    /// A file that cannot be read, or holds no key; its content is not shown.
    pub fn with_keys(mut self, keys: &[String]) -> Result<Self, Failure> {
        for key in keys {
            let (name, path) = key
                .split_once('=')
                .filter(|(name, _)| !name.is_empty())
                .ok_or_else(|| Failure::invalid(format!("--key: `{key}`, expected `NAME=FILE`"), None))?;
            let text = fs::read_to_string(path).map_err(|e| Failure::invalid(format!("--key: cannot read `{path}`: {e}"), None))?;
            self.keys.add(name, &text).map_err(|e| Failure::invalid(format!("--key: `{path}` holds no key: {e}"), None))?;
        }
        Ok(self)
    }

    /// Ids of its defects.
    pub fn defects(&self) -> Vec<String> {
        self.defects.iter().map(|d| d.id.clone()).collect()
    }

    /// Draws the unit and puts the defects into it.
    ///
    /// # Errors
    /// A parameter or rule that the twin has not.
    pub fn apply(&self, config: &mut TwinConfig) -> Result<(), Failure> {
        if let Some((population, seed)) = &self.drawn {
            population.apply(*seed, &mut config.unit).map_err(|e| Failure::invalid(format!("population: {e}"), None))?;
        }
        if self.started {
            config.unit.station.start_at_ms = START_AT_MS;
        }
        config.memory = self.memory;
        config.keys.extend(&self.keys);
        for defect in &self.defects {
            defect.apply(&mut config.unit).map_err(|e| {
                Failure::invalid(format!("defect `{}`: {e}", defect.id), Some("`hil defects --paths` lists what can be set"))
            })?;
        }
        Ok(())
    }
}

/// Keeps what the unit remembers for the next run. The file is complete or as
/// it was before.
///
/// # Errors
/// A file that cannot be written: the tester's fault.
pub fn write_memory(path: &Path, twin: &Twin) -> Result<(), Failure> {
    let part = path.with_extension("part");
    let written = fs::write(&part, twin.memory().to_string()).and_then(|()| fs::rename(&part, path));
    written.map_err(|e| Failure::tester(format!("--memory: cannot write `{}`: {e}", path.display()), None))
}

/// All defects of a file, or the shipped ones.
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
    all.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(all)
}

fn chosen_defects(project: &Project, ids: &[String], file: Option<&Path>) -> Result<Vec<Defect>, Failure> {
    if ids.is_empty() && file.is_none() {
        return Ok(Vec::new());
    }
    let known = known_defects(project, file)?;
    if let Some(file) = file.filter(|_| known.is_empty()) {
        return Err(Failure::invalid(format!("--defects: `{}` has no `[[defect]]`, expected at least one", file.display()), None));
    }
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

fn population(project: &Project) -> Result<Population, Failure> {
    let path = project.population();
    let text = read(&path, "population")?;
    Population::read(&text).map_err(|e| Failure::invalid(format!("population `{}`: {e}", path.display()), None))
}
