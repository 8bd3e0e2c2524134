//! The station's key: made once by `hil station init`, signs every record.
//!
//! It lies outside of every repository, in `$XDG_DATA_HOME/hil/station/`
//! (`~/.local/share/hil/station/`): `secret.key`, readable by its owner only,
//! and `station.pub`, for whoever checks records elsewhere.

pub mod benches;
pub mod signature;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use self::signature::{PublicKey, SecretKey};
use crate::args::StationInit;
use crate::failure::Failure;
use crate::identity::is_plain;

/// A station that can sign.
pub struct Station {
    /// Its name.
    pub name: String,
    /// Signs.
    pub key: SecretKey,
}

/// Makes the key and returns the exit code. Never overwrites one: records that
/// it signed could no longer be told from forged ones.
///
/// # Errors
/// A name that is none, a key that is there already (exit code 2), a file that
/// cannot be written (3).
pub fn init(arguments: &StationInit) -> Result<u8, Failure> {
    let name = &arguments.name;
    if name.is_empty() || name.len() > 60 || !is_plain(name) {
        let found = name.escape_default();
        return Err(Failure::invalid(format!("station: name `{found}`, expected 1 to 60 letters, digits, `-` or `_`"), None));
    }
    let folder = folder()?;
    let (secret, public) = (folder.join("secret.key"), folder.join("station.pub"));
    let cannot = |path: &Path, e: &dyn std::fmt::Display| Failure::tester(format!("cannot make `{}`: {e}", path.display()), None);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(|e| cannot(&folder, &e))?;
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|e| Failure::tester(format!("station: no random numbers: {e}"), None))?;
    let key = SecretKey::from_seed(&seed);
    let text =
        Zeroizing::new(format!("secret key of hil station {name}: whoever has it can sign as this station\n{}\n", STANDARD.encode(*seed)));
    write_new(&secret, 0o600, text.as_bytes()).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Failure::invalid(
            format!("station: there is a key already, `{}`; it is never overwritten", secret.display()),
            Some("move the folder away if the station is to have a new identity"),
        ),
        _ => cannot(&secret, &e),
    })?;
    write_new(&public, 0o644, key.public().file(name).as_bytes()).map_err(|e| cannot(&public, &e))?;
    crate::say(&format!("station `{name}`: key {}\nto check its records elsewhere: {}", key.public().id(), public.display()));
    Ok(0)
}

/// This station, if it has a key.
///
/// # Errors
/// A key that others can read, or that is none (exit code 2).
pub fn this() -> Result<Option<Station>, Failure> {
    // Without a home there is no key either.
    let Ok(folder) = folder() else { return Ok(None) };
    let path = folder.join("secret.key");
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Failure::invalid(format!("cannot read the station's key `{}`: {e}", path.display()), None)),
    };
    let mode = fs::metadata(&path).map_or(0, |m| m.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let message = format!("station: the key `{}` has mode {mode:o}, expected 600: others could have read it", path.display());
        return Err(Failure::invalid(message, Some("make a new key, unless you are sure that nobody has")));
    }
    let station = parse(&text).ok_or_else(|| Failure::invalid(format!("station: `{}` is no key of a station", path.display()), None))?;
    Ok(Some(station))
}

/// This station's public key, if it has one.
pub fn public() -> Option<PublicKey> {
    let text = fs::read_to_string(folder().ok()?.join("station.pub")).ok()?;
    PublicKey::read(&text).ok()
}

fn parse(text: &str) -> Option<Station> {
    let (comment, seed) = text.trim_end().split_once('\n')?;
    let name = comment.strip_prefix("secret key of hil station ")?.split(':').next()?.to_owned();
    let seed = Zeroizing::new(STANDARD.decode(seed).ok()?);
    let seed = <&[u8; 32]>::try_from(seed.as_slice()).ok()?;
    Some(Station { name, key: SecretKey::from_seed(seed) })
}

fn folder() -> Result<PathBuf, Failure> {
    crate::home::data().map(|data| data.join("station"))
}

fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
