//! Benches of this station besides those of the repository: `benches.toml` in the
//! station's folder, `benches = ["/srv/hil/hall-3.toml"]`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    benches: Vec<PathBuf>,
}

/// Their files, in the order of the list; none without one. Relative paths count
/// from the list's own folder.
///
/// # Errors
/// A list that cannot be read, or names what is no file.
pub fn listed() -> Result<Vec<PathBuf>, Failure> {
    let Ok(folder) = super::folder() else { return Ok(Vec::new()) };
    let path = folder.join("benches.toml");
    let invalid = |e: &dyn std::fmt::Display| Failure::invalid(format!("station: `{}`: {e}", path.display()), None);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(invalid(&e)),
    };
    let listed: Listed = toml::from_str(&text).map_err(|e| invalid(&e.message()))?;
    let all: Vec<PathBuf> = listed.benches.into_iter().map(|bench| folder.join(bench)).collect();
    match all.iter().find(|bench| !bench.is_file()) {
        None => Ok(all),
        Some(missing) => Err(invalid(&format!("no file `{}`", missing.display()))),
    }
}
