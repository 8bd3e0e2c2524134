//! Where this program keeps what belongs to the machine and to no repository,
//! by the XDG base directories: keys in `$XDG_DATA_HOME/hil`, locks in
//! `$XDG_STATE_HOME/hil`. Several users of one station set the second to one
//! folder for all.

use std::path::PathBuf;

use crate::failure::Failure;

/// `$XDG_DATA_HOME/hil`, by default `~/.local/share/hil`.
///
/// # Errors
/// When neither is set.
pub fn data() -> Result<PathBuf, Failure> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// `$XDG_STATE_HOME/hil`, by default `~/.local/state/hil`.
///
/// # Errors
/// When neither is set.
pub fn state() -> Result<PathBuf, Failure> {
    folder("XDG_STATE_HOME", ".local/state")
}

fn folder(variable: &str, below_home: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .map(|base| base.join("hil"))
        .ok_or_else(|| Failure::invalid(format!("neither {variable} nor HOME names a folder"), None))
}
