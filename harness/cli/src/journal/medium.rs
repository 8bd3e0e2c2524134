//! What a journal is written onto.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Takes a journal's bytes, in order.
pub trait Medium: Write + Send + 'static {
    /// Returns when all that was written would outlive a power cut.
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&mut self) -> io::Result<()>;

    /// Whether it still stands where readers will look for it.
    ///
    /// # Errors
    /// Says what became of it.
    fn check_place(&self) -> io::Result<()>;
}

/// `journal.jsonl` of a run folder.
pub struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    /// Makes it; never opens one that exists.
    ///
    /// # Errors
    /// The operating system's.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::create_new(path)?, path: path.to_owned() })
    }
}

impl Write for JournalFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Medium for JournalFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn check_place(&self) -> io::Result<()> {
        let identity = |m: fs::Metadata| (m.dev(), m.ino());
        let here = fs::metadata(&self.path).map(identity);
        match here {
            Ok(here) if here == identity(self.file.metadata()?) => Ok(()),
            Ok(_) => Err(io::Error::other("another file has taken its place during the run")),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::other("it was removed or renamed during the run, or its folder was"))
            }
            Err(e) => Err(e),
        }
    }
}
