//! Policy `sync`: a thread writes, so that a disk that hangs can be noticed; the
//! run waits for it before an event is acted on or shown.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use hil_record::{Event, EventSink, JournalWriter, SinkError};

use super::Medium;

/// Real time that a disk may take. Some need seconds to spin up or to answer
/// beside a backup; a bench should not stay on longer than that unrecorded.
const LIMIT: Duration = Duration::from_secs(5);

/// Waits for the disk at every event that is acted on or shown. Observations
/// ([`hil_record::EventKind::is_observation`]) are on the disk with the next
/// event that is none.
pub struct SyncedJournal {
    writer: JournalWriter<Tube>,
    name: String,
    every_detail: bool,
}

impl SyncedJournal {
    /// Onto `medium`, which messages call `name`. With `every_detail` it waits
    /// for observations too: somebody is shown them.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn new(medium: impl Medium, name: PathBuf, every_detail: bool) -> io::Result<Self> {
        let name = name.display().to_string();
        Ok(Self { writer: JournalWriter::named(Tube::new(medium)?, name.clone()), name, every_detail })
    }
}

impl EventSink for SyncedJournal {
    fn name(&self) -> &str {
        &self.name
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.writer.handle(event)?;
        if event.kind.is_observation() && !self.every_detail {
            return Ok(());
        }
        self.writer.get_mut().sync().map_err(|cause| SinkError { sink: self.name.clone(), cause })
    }
}

enum Parcel {
    Line(Vec<u8>),
    Sync,
}

/// The way to the thread and back.
struct Tube {
    line: Vec<u8>,
    to: Sender<Parcel>,
    /// One answer a `Sync`; after an error there is nobody left to answer.
    from: Receiver<io::Result<()>>,
}

impl Tube {
    fn new(medium: impl Medium) -> io::Result<Self> {
        let (to, parcels) = channel();
        let (answers, from) = channel();
        std::thread::Builder::new().name("journal".into()).spawn(move || {
            if let Err(e) = carry(medium, &parcels, &answers) {
                let _ = answers.send(Err(e));
            }
        })?;
        Ok(Self { line: Vec::new(), to, from })
    }

    fn sync(&mut self) -> Result<(), String> {
        // Of a thread that has ended, the answer says why.
        let _ = self.to.send(Parcel::Sync);
        match self.from.recv_timeout(LIMIT) {
            Ok(answer) => answer.map_err(|e| e.to_string()),
            Err(RecvTimeoutError::Timeout) => Err(format!("not on the disk within {} s", LIMIT.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err("its thread has ended".to_owned()),
        }
    }
}

impl Write for Tube {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// An error shows at the next sync, before anybody acts on the line.
    fn flush(&mut self) -> io::Result<()> {
        let _ = self.to.send(Parcel::Line(std::mem::take(&mut self.line)));
        Ok(())
    }
}

/// Until the run ends or the medium fails.
fn carry(mut medium: impl Medium, parcels: &Receiver<Parcel>, answers: &Sender<io::Result<()>>) -> io::Result<()> {
    for parcel in parcels {
        match parcel {
            Parcel::Line(bytes) => medium.write_all(&bytes)?,
            Parcel::Sync => {
                medium.flush()?;
                medium.sync()?;
                medium.check_place()?;
                let _ = answers.send(Ok(()));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hil_record::{EventKind, Verdict};

    /// Fails, or hangs, at a sync.
    struct Bad {
        hangs: bool,
    }

    impl Write for Bad {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Medium for Bad {
        fn sync(&mut self) -> io::Result<()> {
            if self.hangs {
                std::thread::park_timeout(LIMIT * 4);
            }
            Err(io::Error::from(io::ErrorKind::ReadOnlyFilesystem))
        }
        fn check_place(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn outcome(hangs: bool) -> Vec<Result<(), String>> {
        let mut journal = SyncedJournal::new(Bad { hangs }, "runs/x/journal.jsonl".into(), false).unwrap();
        let kinds = [
            EventKind::Edge {
                step: "s".into(),
                name: "cut".into(),
                signal: "x".into(),
                trigger: "becomes low".into(),
                at_ns: 0,
                uncertainty_ns: 0,
                source: "line".into(),
            },
            EventKind::Problem { step: None, verdict: Verdict::Error, message: "x".into() },
        ];
        let event = |(seq, kind)| Event { seq, bench_ns: 0, wall: String::new(), kind };
        (0..).zip(kinds).map(event).map(|e| journal.handle(&e).map_err(|e| e.to_string())).collect()
    }

    #[test]
    fn what_is_acted_on_is_waited_for() {
        assert_eq!(outcome(false), [Ok(()), Err("cannot write runs/x/journal.jsonl: read-only filesystem or storage medium".into())]);
    }

    #[test]
    fn a_disk_that_hangs_is_noticed() {
        assert_eq!(outcome(true), [Ok(()), Err("cannot write runs/x/journal.jsonl: not on the disk within 5 s".into())]);
    }
}
