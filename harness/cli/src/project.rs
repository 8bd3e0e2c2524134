//! Where the files of a project are, found from the plan.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A folder with `test-plans/`, `fixtures/` and `instruments/`.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// The nearest folder above `plan` that has `test-plans/products`; for a
    /// plan from elsewhere, the nearest above the present folder.
    ///
    /// # Errors
    /// When there is none.
    pub fn around(plan: &Path) -> Result<Self, Failure> {
        let from_plan = fs::canonicalize(plan).ok();
        let here = std::env::current_dir().ok();
        [from_plan, here]
            .iter()
            .flatten()
            .flat_map(|start| start.ancestors())
            .find(|folder| folder.join("test-plans/products").is_dir())
            .map(|root| Self { root: root.to_owned() })
            .ok_or_else(|| {
                Failure::invalid(
                    "no project: neither the plan's folder nor this one lies in a folder with `test-plans/products`",
                    Some("run `hil` in a clone of the repository"),
                )
            })
    }

    /// `test-plans/products/ID.toml`.
    pub fn product(&self, id: &str) -> PathBuf {
        self.root.join("test-plans/products").join(format!("{id}.toml"))
    }

    /// `test-plans/limits/ID.toml`.
    pub fn limits(&self, id: &str) -> PathBuf {
        self.root.join("test-plans/limits").join(format!("{id}.toml"))
    }

    /// Ids of all products, sorted.
    pub fn products(&self) -> Vec<String> {
        stems(&self.root.join("test-plans/products"))
    }

    /// All dialect files, sorted.
    pub fn dialects(&self) -> Vec<PathBuf> {
        toml_files(&self.root.join("instruments/dialects"))
    }

    /// All files of shipped defects, sorted.
    pub fn defects(&self) -> Vec<PathBuf> {
        toml_files(&self.root.join("fixtures/twin/defects"))
    }

    /// How good units spread.
    pub fn population(&self) -> PathBuf {
        self.root.join("fixtures/twin/population.toml")
    }

    /// Files of all benches, sorted.
    pub fn benches(&self) -> Vec<PathBuf> {
        toml_files(&self.root.join("fixtures/benches"))
    }

    /// `NAME` or a file.
    ///
    /// # Errors
    /// Names the benches that exist.
    pub fn bench(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.root.join("fixtures/benches");
        let given = Path::new(name);
        if given.extension().is_some_and(|e| e == "toml") && given.is_file() {
            return Ok(given.to_owned());
        }
        let known = stems(&folder);
        if known.iter().any(|k| k == name) {
            return Ok(folder.join(format!("{name}.toml")));
        }
        let listed = known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        Err(Failure::invalid(format!("bench: `{name}`, expected one of {listed} or a TOML file"), nearest(name, &known).as_deref()))
    }
}

/// Reads a text file.
///
/// # Errors
/// Names the file, and the nearest one in its folder where it does not exist.
pub fn read(path: &Path, what: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| {
        let wanted = path.file_name().map_or(String::new(), |n| n.to_string_lossy().into_owned());
        let siblings: Vec<String> = toml_files(path.parent().unwrap_or(Path::new(".")))
            .iter()
            .filter_map(|p| p.file_name())
            .map(|n| n.to_string_lossy().into_owned())
            .collect();
        let hint = if e.kind() == std::io::ErrorKind::NotFound { nearest(&wanted, &siblings) } else { None };
        Failure::invalid(format!("cannot read {what} `{}`: {}", path.display(), cause(&e)), hint.as_deref())
    })
}

/// The system's words without its number.
pub fn cause(e: &std::io::Error) -> String {
    let text = e.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.to_lowercase()
}

fn nearest(found: &str, known: &[String]) -> Option<String> {
    hil_model::diagnostic::nearest(found, known.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`?"))
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

fn stems(folder: &Path) -> Vec<String> {
    toml_files(folder).iter().filter_map(|p| p.file_stem()).map(|s| s.to_string_lossy().into_owned()).collect()
}
