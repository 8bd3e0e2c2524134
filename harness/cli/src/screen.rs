//! Standard output and standard error, as long as somebody reads them.

use std::io::{self, Write};
use std::sync::OnceLock;

use hil_model::Secrets;

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
    let _ = Discreet.write(text.as_bytes());
}

/// From now on panics are told without secrets, too.
pub fn panics_discreetly() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = std::backtrace::Backtrace::capture();
        let trace = if trace.status() == std::backtrace::BacktraceStatus::Captured { format!("{trace}\n") } else { String::new() };
        complain(&format!("{panic}\n{trace}"));
    }));
}

/// What this process may not say; known once a plan is loaded.
static SECRETS: OnceLock<Secrets> = OnceLock::new();

/// From now on neither logs nor messages say these. One process runs one plan:
/// only the first call counts.
pub fn hide(secrets: Secrets) -> &'static Secrets {
    SECRETS.get_or_init(|| secrets)
}

/// A text without them.
pub fn hidden(text: &str) -> String {
    SECRETS.get().and_then(|secrets| secrets.hide(text)).unwrap_or_else(|| text.to_owned())
}

/// Standard error without secrets, a whole message at a time.
pub struct Discreet;

impl Write for Discreet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let hidden = SECRETS.get().and_then(|secrets| secrets.hide(&String::from_utf8_lossy(bytes)));
        let _ = io::stderr().write_all(hidden.as_deref().map_or(bytes, str::as_bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
