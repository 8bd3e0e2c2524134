//! Why a command could not do its work, with the exit code it ends with.

use hil_model::{Diagnostic, Sources};

/// A failure before a run, or around it.
#[derive(Debug)]
pub struct Failure {
    /// As shown to a person; whole lines.
    pub text: String,
    /// 2 for what the user can mend in files or usage, 3 for the tester's own.
    pub code: u8,
}

impl Failure {
    /// A wrong file or command line.
    pub fn invalid(message: impl AsRef<str>, hint: Option<&str>) -> Self {
        Self { text: shown(message.as_ref(), hint), code: 2 }
    }

    /// Something that the tester could not do.
    pub fn tester(message: impl AsRef<str>, hint: Option<&str>) -> Self {
        Self { text: shown(message.as_ref(), hint), code: 3 }
    }

    /// Errors in input files, all of them.
    pub fn diagnostics(sources: &Sources, all: &[Diagnostic]) -> Self {
        let mut text: String = all.iter().map(|d| sources.render(d) + "\n").collect();
        text.push_str(&format!("{} {}; nothing was switched on\n", all.len(), if all.len() == 1 { "error" } else { "errors" }));
        Self { text, code: 2 }
    }
}

fn shown(message: &str, hint: Option<&str>) -> String {
    let hint = hint.map_or(String::new(), |h| format!("hint: {h}\n"));
    format!("error: {message}\n{hint}")
}
