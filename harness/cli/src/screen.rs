//! Standard output and standard error, as long as somebody reads them.

use std::io::{self, Write};

/// Takes every byte. A reader that has gone away or a full disk behind a
/// redirection never changes what a run comes to: the record is the journal.
pub struct Screen<W>(pub W);

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(self.0.write(bytes).unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// Text on standard error.
pub fn complain(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
