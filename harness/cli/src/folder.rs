//! The run folder: the journal while the run goes on, the reports after it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use hil_record::{Event, EventKind, EventSink, Journal, Record};
use hil_writers::Lang;

use crate::evidence::{self, Finding, JOURNAL, RECORD, SIGNATURE};
use crate::failure::Failure;
use crate::journal::{Durability, JournalFile, SyncedJournal, WrittenJournal};
use crate::report::{Format, replace};
use crate::station::Station;

/// `OUT/RUN-ID/`.
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder; nothing is ever overwritten. A second run of the same
    /// second gets `-2`, `-3`, …; an id that the user `chose` is refused when it
    /// is taken, for whoever looks there would find the older run. Returns the
    /// folder and its run id.
    ///
    /// # Errors
    /// When the folder cannot be made, or the chosen id is taken.
    pub fn create(out: &Path, id: &str, chosen: bool) -> Result<(Self, String), Failure> {
        fs::create_dir_all(out).map_err(|e| no_place(out, &e))?;
        if chosen && out.join(id).exists() {
            let hint = Some("choose another `--run-id` or `--out`; a record is never overwritten");
            return Err(Failure::invalid(format!("run id: `{id}` is taken in `{}`", out.display()), hint));
        }
        for n in 1..1000 {
            let id = if n == 1 { id.to_owned() } else { format!("{id}-{n}") };
            let path = out.join(&id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok((Self { path }, id)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(no_place(&path, &e)),
            }
        }
        Err(Failure::tester(format!("run folder: `{id}` exists a thousand times in `{}`", out.display()), None))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the journal. `every_detail`: whoever watches is shown every event.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn journal(&self, durability: Durability, every_detail: bool) -> Result<Box<dyn EventSink>, Failure> {
        let path = self.path.join(JOURNAL);
        let open = || -> std::io::Result<Box<dyn EventSink>> {
            let file = JournalFile::create(&path)?;
            Ok(match durability {
                Durability::Write => Box::new(WrittenJournal::new(file, path.clone())),
                Durability::Sync => {
                    // The file's name is in its folder, and the folder's in its.
                    let out = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
                    File::open(&self.path)?.sync_all()?;
                    File::open(out)?.sync_all()?;
                    Box::new(SyncedJournal::new(file, path.clone(), every_detail)?)
                }
            })
        };
        open().map_err(|e| cannot("make", &path, &e))
    }

    /// Makes the record of a run that ended and signs it, if this station can.
    /// Then every report, once the journal on the disk proved to be `events`, or
    /// from what of it can be read; one that cannot be written never stops the
    /// others.
    ///
    /// # Errors
    /// The journal could not be read, or a file not be written.
    pub fn conclude(
        &self,
        events: Vec<Event>,
        durability: Durability,
        station: Option<&Station>,
        extra_junit: Option<&Path>,
        lang: Lang,
    ) -> Result<(), Failure> {
        let path = self.path.join(JOURNAL);
        let lost = |e: &dyn std::fmt::Display| {
            let what = format!("RECORD LOST, the verdict above does not count: cannot read `{}`: {e}", path.display());
            Failure::tester(what, Some("test the unit again"))
        };
        let open = || File::open(&path).map_err(|e| lost(&e));
        let journal = match hil_record::as_written(open()?, events) {
            Some(journal) => journal,
            None => hil_record::read_journal(open()?).map_err(|e| lost(&e))?,
        };
        if !matches!(journal.events.last().map(|e| &e.kind), Some(EventKind::RunFinished { .. })) {
            return Err(lost(&"its end is not there"));
        }
        let (finding, sealed) = match self.seal(&journal, durability, station) {
            Ok(finding) => (finding, Ok(())),
            Err(e) => (Finding::Open, Err(e)),
        };
        let integrity = evidence::integrity(&finding, journal.events.len());
        let told = (journal.events.as_slice(), &integrity);
        let mut to: Vec<(Format, PathBuf)> = Format::ALL.iter().map(|f| (*f, self.path.join(f.file_name()))).collect();
        to.extend(extra_junit.map(|path| (Format::Junit, path.to_owned())));
        let reports = to.iter().filter_map(|(format, path)| format.write_file(told, lang, path).err());
        let failures: Vec<String> = sealed.err().into_iter().chain(reports).collect();
        let hint = "the journal is whole: `hil report RUN` makes reports again";
        if failures.is_empty() { Ok(()) } else { Err(Failure::tester(failures.join("; "), Some(hint))) }
    }

    /// Of a run without an end there is no record.
    fn seal(&self, journal: &Journal, durability: Durability, station: Option<&Station>) -> Result<Finding, String> {
        let who = station.map(|s| hil_record::Station { name: s.name.clone(), key: s.key.public().line() });
        let Some(record) = Record::of(journal, who) else { return Ok(evidence::judge(journal, None, None)) };
        let bytes = record.to_json();
        let signature = station.map(|s| s.key.sign(&bytes, &s.name, &format!("run {}", record.run)));
        let put = |name: &str, bytes: &[u8]| {
            let path = self.path.join(name);
            let kept = || match durability {
                Durability::Write => Ok(()),
                Durability::Sync => File::open(&path)?.sync_all().and_then(|()| File::open(&self.path)?.sync_all()),
            };
            replace(&path, bytes).and_then(|()| kept()).map_err(|e| format!("cannot write `{}`: {e}", path.display()))
        };
        // The signature first: a record without one would be a damaged record.
        if let Some(signature) = &signature {
            put(SIGNATURE, signature.as_bytes())?;
        }
        put(RECORD, &bytes)?;
        Ok(evidence::judge(journal, Some(&bytes), signature.as_deref().map(str::as_bytes)))
    }
}

/// Before all else a report that the run has not ended: whatever becomes of it, that
/// of the last run does not pass for its own. One that could not be written would be
/// missed only after the run.
///
/// # Errors
/// When `path` cannot be written.
pub fn begin_junit(path: &Path) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    hil_writers::write_unfinished_junit(&mut bytes)
        .and_then(|()| replace(path, &bytes))
        .map_err(|e| Failure::invalid(format!("--junit: cannot write `{}`: {e}", path.display()), Some("its folder must exist")))
}

/// Nothing was switched on yet: the command line is to be mended.
fn no_place(path: &Path, cause: &dyn std::fmt::Display) -> Failure {
    Failure::invalid(format!("cannot make folder `{}`: {cause}", path.display()), Some("the run folder's place is set with `--out`"))
}

fn cannot(what: &str, path: &Path, cause: &dyn std::fmt::Display) -> Failure {
    Failure::tester(format!("cannot {what} `{}`: {cause}", path.display()), Some("the run folder's place is set with `--out`"))
}
