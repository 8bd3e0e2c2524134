//! What is wrong with a file, where, and what would be legal.

use std::fmt::Write as _;

/// Index of a file in [`Sources`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub usize);

/// A byte range in one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// Which file.
    pub file: FileId,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A file as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// As the user named it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// All files of one check.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sources(pub Vec<SourceFile>);

/// One error in an input file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// `step `lead`: limit `x` has unit `V`, expected a time`. Lower case, no
    /// full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// `write `min = "30 s"``, or the nearest legal name.
    pub hint: Option<String>,
}

impl Sources {
    /// Adds a file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.0.push(SourceFile { name: name.into(), text: text.into() });
        FileId(self.0.len() - 1)
    }

    /// The file's text; empty for an unknown id.
    pub fn text(&self, id: FileId) -> &str {
        self.0.get(id.0).map_or("", |f| &f.text)
    }

    /// `file:line:column`, both counted from 1, the column in characters.
    pub fn position(&self, span: Span) -> String {
        let Some(file) = self.0.get(span.file.0) else { return "?".into() };
        let mut start = span.start.min(file.text.len());
        while !file.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &file.text[..start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        format!("{}:{line}:{column}", file.name)
    }

    /// The message as a person sees it, with the line it is about.
    pub fn render(&self, d: &Diagnostic) -> String {
        let mut out = format!("error: {}\n  --> {}\n", d.message, self.position(d.span));
        if let Some((line, caret)) = self.excerpt(d.span) {
            let _ = writeln!(out, "   | {line}\n   | {caret}");
        }
        if let Some(hint) = &d.hint {
            let _ = writeln!(out, "hint: {hint}");
        }
        out
    }

    /// The line of a span and a row of carets under it.
    fn excerpt(&self, span: Span) -> Option<(String, String)> {
        let text = &self.0.get(span.file.0)?.text;
        let mut start = span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let from = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let to = text[start..].find('\n').map_or(text.len(), |i| start + i);
        let line: String = text[from..to].trim_end().replace('\t', " ");
        let lead = text[from..start].chars().count();
        let mut end = span.end.clamp(start, to);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let width = text[start..end].chars().count().max(1);
        Some((line, format!("{}{}", " ".repeat(lead), "^".repeat(width))))
    }
}

/// The nearest legal name, close enough to be a slip of the pen.
pub fn nearest<'a>(found: &str, legal: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    legal
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(found.len()) / 3 + 1)
        .min()
        .map(|(_, name)| name)
}
