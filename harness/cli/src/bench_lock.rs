//! One bench, one user: a lock on `$XDG_STATE_HOME/hil/benches/NAME/lock`, which
//! the operating system takes back however its holder ends. Beside it
//! - `powered.json`: something may be on. Written before, removed after a
//!   confirmed safe state; who finds it without a holder makes the bench safe
//!   first.
//! - `broken.json`: a safe state was not confirmed. Only `hil bench clear` takes
//!   it away, and notes that in `cleared.jsonl`.
//!
//! Only benches with hardware are locked; a virtual one belongs to its process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::BenchClear;
use crate::failure::Failure;
use crate::guardian::lives;
use crate::identity::is_plain;

/// Who uses a bench, or used it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Holder {
    /// The operator or the login.
    pub who: String,
    /// Process id.
    pub pid: u32,
    /// Wall clock, RFC 3339.
    pub since: String,
    /// Which run.
    pub run: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} since {} for run {} (process {})", self.who, self.since, self.run, self.pid)
    }
}

/// Why a bench is broken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Broken {
    /// Whose run left it so.
    pub holder: Holder,
    /// What was not confirmed.
    pub why: String,
}

/// A bench that nobody else can use until this is dropped.
#[derive(Debug)]
pub struct BenchLock {
    /// Holds the lock, as does whoever shares the descriptor.
    file: File,
    folder: PathBuf,
    bench: String,
    holder: Holder,
    /// Whoever had it when something may have been on, and did not end it.
    pub left_by: Option<Holder>,
}

impl BenchLock {
    /// Takes the bench, or waits for it if told so. `folder` is that of all
    /// benches.
    ///
    /// # Errors
    /// A bench that is broken (exit code 6) or in use (3).
    pub fn take(folder: &Path, bench: &str, holder: Holder, wait: bool) -> Result<Self, Failure> {
        let (folder, mut file) = open(folder, bench)?;
        check_broken(&folder, bench)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let by: Option<Holder> = serde_json::from_str(&text(&mut file)).ok();
                let message = match &by {
                    Some(by) if !lives(by.pid) => format!("the guardian of {by} makes bench `{bench}` safe"),
                    Some(by) => format!("bench `{bench}` is in use by {by}"),
                    None => format!("bench `{bench}` is in use by somebody"),
                };
                // A guardian gives up by itself.
                if !wait && by.is_none_or(|by| lives(by.pid)) {
                    return Err(Failure::tester(message, Some("`--wait` waits until it is free; nothing was switched on")));
                }
                crate::screen::complain(&format!("waiting: {message}\n"));
                file.lock().map_err(|e| cannot("lock", &folder, &e))?;
            }
            Err(TryLockError::Error(e)) => return Err(cannot("lock", &folder, &e)),
        }
        // Whoever had it may have left it broken.
        check_broken(&folder, bench)?;
        // A note that cannot be read is one all the same.
        let left_by = found(&folder.join(POWERED)).unwrap_or_else(|_| Some(Holder { who: "somebody".into(), ..holder.clone() }));
        let line = serde_json::to_vec(&holder).unwrap_or_default();
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&line)).map_err(|e| cannot("write", &folder, &e))?;
        Ok(Self { file, folder, bench: bench.to_owned(), holder, left_by })
    }

    /// The lock of whoever gave the descriptor; `folder` is that of all benches.
    pub fn inherited(file: File, folder: &Path, bench: &str, holder: Holder) -> Self {
        Self { file, folder: folder.join(bench), bench: bench.to_owned(), holder, left_by: None }
    }

    /// To share it.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Who holds it.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// From here something may be on.
    ///
    /// # Errors
    /// When that cannot be noted; then nothing may be switched on.
    pub fn power(&self) -> Result<(), Failure> {
        self.note(POWERED, &self.holder)
    }

    /// Its safe state was not confirmed: marks it, and says so.
    pub fn broken(&self, why: &str) -> Failure {
        let marked = self.note(BROKEN, &Broken { holder: self.holder.clone(), why: why.to_owned() });
        marked
            .and_then(|()| check_broken(&self.folder, &self.bench))
            .err()
            .unwrap_or_else(|| Failure { code: 6, ..Failure::tester(why, None) })
    }

    /// How it ended: safe, or why that is not known.
    ///
    /// # Errors
    /// When that cannot be noted; the next user then makes the bench safe first.
    pub fn end(self, safe: Result<(), &str>) -> Result<(), Failure> {
        match safe {
            Ok(()) => match fs::remove_file(self.folder.join(POWERED)) {
                Err(e) if e.kind() != ErrorKind::NotFound => Err(cannot("remove", &self.folder.join(POWERED), &e)),
                _ => Ok(()),
            },
            Err(why) => {
                crate::screen::complain(&self.broken(why).text);
                Ok(())
            }
        }
    }

    /// Whole or not at all, and on the disk.
    fn note(&self, name: &str, what: &impl Serialize) -> Result<(), Failure> {
        let path = self.folder.join(name);
        let part = self.folder.join(format!("{name}.part"));
        let write = || {
            let mut file = File::create(&part)?;
            file.write_all(&serde_json::to_vec(what)?)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| cannot("write", &path, &e))
    }
}

const POWERED: &str = "powered.json";
const BROKEN: &str = "broken.json";

/// The folder of all benches.
///
/// # Errors
/// When there is no home.
pub fn folder() -> Result<PathBuf, Failure> {
    crate::home::state().map(|state| state.join("benches"))
}

/// `hil bench clear`: somebody has looked and answers for it. The next run still
/// begins with a safe state.
///
/// # Errors
/// A bench that is not broken (exit code 2) or in use (3).
pub fn clear_bench(folder: &Path, arguments: &BenchClear, now: &str) -> Result<u8, Failure> {
    let BenchClear { name, by, why } = arguments;
    for (flag, text) in [("--by", by), ("--why", why)] {
        if text.trim().is_empty() {
            return Err(Failure::invalid(
                format!("{flag}: nothing, expected {}", if flag == "--by" { "a name" } else { "a reason" }),
                None,
            ));
        }
    }
    if !is_plain(name) || !folder.join(name).join(BROKEN).exists() {
        return Err(Failure::invalid(format!("bench `{}` is not marked as broken", name.escape_default()), None));
    }
    let (folder, file) = open(folder, name)?;
    file.try_lock().map_err(|_| Failure::tester(format!("bench `{name}` is in use"), None))?;
    let broken: Option<serde_json::Value> = found(&folder.join(BROKEN)).unwrap_or_default();
    let line = serde_json::json!({ "at": now, "by": by, "why": why, "broken": broken });
    let path = folder.join("cleared.jsonl");
    let note = || {
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()?;
        fs::remove_file(folder.join(BROKEN))
    };
    note().map_err(|e| cannot("write", &path, &e))?;
    crate::say(&format!("bench `{name}` is cleared, noted in {}", path.display()));
    Ok(0)
}

fn open(folder: &Path, bench: &str) -> Result<(PathBuf, File), Failure> {
    if bench.is_empty() || !is_plain(bench) {
        return Err(Failure::invalid(format!("bench: name `{}`, expected letters, digits, `-` or `_`", bench.escape_default()), None));
    }
    let folder = folder.join(bench);
    fs::create_dir_all(&folder).map_err(|e| cannot("make", &folder, &e))?;
    let path = folder.join("lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    Ok((folder, file.map_err(|e| cannot("open", &path, &e))?))
}

fn check_broken(folder: &Path, bench: &str) -> Result<(), Failure> {
    let path = folder.join(BROKEN);
    if !path.exists() {
        return Ok(());
    }
    let said = match found::<Broken>(&path) {
        Ok(Some(Broken { holder, why })) => format!("{why}; left by {holder}"),
        _ => format!("`{}` cannot be read", path.display()),
    };
    let hint = format!("switch the bench off by hand, see that it is, then {}", clear(bench));
    Err(Failure { code: 6, ..Failure::tester(format!("bench `{bench}` is broken: {said}"), Some(&hint)) })
}

fn clear(bench: &str) -> String {
    format!("`hil bench clear {bench} --by WHO --why TEXT`")
}

/// `None` where there is no such file.
fn found<T: for<'a> Deserialize<'a>>(path: &Path) -> std::io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn text(file: &mut File) -> String {
    let mut text = String::new();
    // It is only shown.
    let _ = file.read_to_string(&mut text);
    text
}

fn cannot(what: &str, path: &Path, cause: &dyn std::fmt::Display) -> Failure {
    Failure::tester(format!("cannot {what} `{}`: {cause}", path.display()), Some("locks of benches lie in `$XDG_STATE_HOME/hil/benches`"))
}

/// What stands beside a bench's lock, for an onlooker: he takes nothing, so that
/// nobody is refused because of him.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Look {
    /// Who uses it.
    pub used_by: Option<Holder>,
    /// Who left it when something may have been on.
    pub left_by: Option<Holder>,
    /// Why nobody may use it.
    pub broken: Option<String>,
}

/// Looks. `folder` is that of all benches.
pub fn look(folder: &Path, bench: &str) -> Look {
    let folder = folder.join(bench);
    let somebody = || Holder { who: "somebody".into(), pid: 0, since: "?".into(), run: "?".into() };
    let holder = || fs::read(folder.join("lock")).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_else(somebody);
    let used_by = is_locked(&folder.join("lock")).then(holder);
    let left_by = found(&folder.join(POWERED)).unwrap_or_else(|_| Some(somebody()));
    // Of a run that goes on, the note is its own.
    let left_by = left_by.filter(|_| used_by.is_none());
    let broken = check_broken(&folder, bench).err().map(|f| f.text);
    Look { used_by, left_by, broken }
}

/// Who is logged in, or whose process this is.
pub fn this_user() -> String {
    std::env::var("USER").unwrap_or_else(|_| format!("user {}", rustix::process::getuid().as_raw()))
}

/// Whether anybody has a lock on this file, as the system lists them.
fn is_locked(path: &Path) -> bool {
    let Ok(inode) = fs::metadata(path).map(|m| m.ino()) else { return false };
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let suffix = format!(":{inode}");
    locks.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1) == Some(&"FLOCK") && words.get(5).is_some_and(|place| place.ends_with(&suffix))
    })
}
