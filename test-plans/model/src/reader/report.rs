//! Where the errors of one file gather while it is read.
//!
//! Two rules keep follow-up noise away: what was reported once is not reported
//! again, and after a syntax error nothing is said about what is missing.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::diagnostic::{Diagnostic, FileId, Span, nearest};

/// Lists longer than this are cut down to the names nearest to the one found.
const LISTED: usize = 16;
/// How many names are left of such a list.
const NEAREST: usize = 6;

/// Gathers the errors of one file.
#[derive(Debug, Default)]
pub struct Report {
    file: FileId,
    /// Lines with a syntax error, as byte ranges.
    broken: Vec<Range<usize>>,
    inner: RefCell<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    list: Vec<Diagnostic>,
    seen: BTreeSet<(Span, String)>,
    poisoned: BTreeSet<(String, Span)>,
}

impl Report {
    /// For `file`, whose text has these syntax errors.
    pub fn new(file: FileId, text: &str, syntax: &[toml::de::Error]) -> Self {
        let mut report = Self { file, ..Self::default() };
        for error in syntax {
            let range = error.span().unwrap_or(0..0);
            report.error("", report.span(range.clone()), format!("this is not TOML: {}", error.message()), None);
            report.broken.push(line_of(text, &range));
        }
        report
    }

    /// A byte range of this file.
    pub const fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, start: range.start, end: range.end }
    }

    /// Reports `body`, found at `place` (`step `lead``, or empty). Dropped if the
    /// same was said of the same span, the span is poisoned, or its line has a
    /// syntax error.
    pub fn error(&self, place: &str, span: Span, body: impl Into<String>, hint: Option<String>) {
        let body = body.into();
        if self.broken.iter().any(|line| line.contains(&span.start)) {
            return;
        }
        let mut inner = self.inner.borrow_mut();
        if inner.poisoned.contains(&(place.to_owned(), span)) || !inner.seen.insert((span, body.clone())) {
            return;
        }
        let message = if place.is_empty() { body } else { format!("{place}: {body}") };
        inner.list.push(Diagnostic { message, span, hint });
    }

    /// Reports that something is missing or unused. Dropped after a syntax
    /// error, since what could not be read may well contain it.
    pub fn absence(&self, place: &str, span: Span, body: impl Into<String>, hint: Option<String>) {
        if self.broken.is_empty() {
            self.error(place, span, body, hint);
        }
    }

    /// Reports a name that is none of `legal`, with the nearest one.
    pub fn unknown<'n>(&self, place: &str, span: Span, what: &str, found: &str, legal: impl IntoIterator<Item = &'n str>) {
        let legal: Vec<&str> = legal.into_iter().collect();
        let hint = nearest(found, legal.iter().copied()).map(|name| format!("did you mean `{name}`"));
        self.error(place, span, format!("unknown {what} `{found}`, expected {}", one_of(found, &legal)), hint);
    }

    /// Nothing more is to be said about this span at this place.
    pub fn poison(&self, place: &str, span: Span) {
        self.inner.borrow_mut().poisoned.insert((place.to_owned(), span));
    }

    /// True when the file had syntax errors.
    pub fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// All errors in the order of the file.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut list = self.inner.into_inner().list;
        list.sort_by_key(|d| d.span);
        list
    }
}

/// `one of `a`, `b``, sorted; of a long list only the names nearest to `found`.
pub fn one_of(found: &str, legal: &[&str]) -> String {
    let mut names: Vec<&str> = legal.to_vec();
    names.sort_unstable();
    names.dedup();
    let all = names.len();
    if all > LISTED {
        names.sort_by_key(|name| strsim::damerau_levenshtein(found, name));
        names.truncate(NEAREST);
        names.sort_unstable();
    }
    let quoted: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match (all, quoted.len()) {
        (0, _) => "nothing: there are none".to_owned(),
        (1, _) => quoted.concat(),
        (a, q) if a == q => format!("one of {}", quoted.join(", ")),
        (a, _) => format!("one of {a} names, such as {}", quoted.join(", ")),
    }
}

/// The byte range of the lines that `range` touches.
fn line_of(text: &str, range: &Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let (start, end) = (range.start.min(bytes.len()), range.end.min(bytes.len()));
    let from = bytes[..start].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let to = bytes[end..].iter().position(|b| *b == b'\n').map_or(bytes.len() + 1, |i| end + i + 1);
    from..to
}
