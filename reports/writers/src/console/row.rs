//! One line a step: begun when the step begins, ended with its verdict, so that
//! no cursor has to move.

use hil_record::{Measurement, Verdict};

use crate::margin::{margin, margin_text};
use crate::text::{duration, mark, plain};

/// Columns of a terminal that need not be wide.
pub(super) const WIDTH: usize = 100;
/// Columns of a step's id with its dots.
const NAME: usize = 45;
/// Where lines under a row begin.
pub(super) const INDENT: usize = 9;

/// A step or a phase that goes on.
#[derive(Default)]
pub(super) struct Row {
    /// Id of the step or phase.
    pub(super) of: String,
    /// `[ 3/44]`; empty for a phase.
    label: String,
    pub(super) name: String,
    pub(super) title: String,
    pub(super) began_ns: u64,
    /// The smallest margin and of what.
    worst: Option<(f64, String)>,
    /// What is not good, to be told under the row.
    pub(super) lines: Vec<(Verdict, String)>,
    /// Its beginning stands on the present line.
    pub(super) on_line: bool,
}

impl Row {
    pub(super) fn new(of: &str, label: String, name: &str, title: &str, began_ns: u64) -> Self {
        Self { of: of.to_owned(), label, name: plain(name), title: plain(title), began_ns, ..Self::default() }
    }

    pub(super) fn measured(&mut self, m: &Measurement) {
        let Some(x) = margin(m) else { return };
        if self.worst.as_ref().is_none_or(|(least, _)| x < *least) {
            self.worst = Some((x, plain(&m.name)));
        }
    }

    /// `[ 3/44]  remote-modes[l-4.5V] ........`
    pub(super) fn beginning(&self) -> String {
        // A long plan's label takes from the name.
        let room = NAME - self.label.chars().count().saturating_sub(8);
        let name = shortened(&self.name, room - 3);
        let dots = room - name.chars().count() - 1;
        format!("{:<8} {name} {}", self.label, ".".repeat(dots))
    }

    /// `  ok     25 %   561 ms  system.current`, the mark apart for its colour.
    pub(super) fn ending(&self, verdict: Verdict, now: u64) -> (&'static str, String) {
        let (margin, of) = self.worst.as_ref().map_or((String::new(), ""), |(x, of)| (margin_text(*x), of));
        let took = duration(now.saturating_sub(self.began_ns));
        let line = format!(" {margin:>8} {took:>9}  {}", shortened(of, 18));
        (mark(verdict), line.trim_end().to_owned())
    }
}

/// Broken between words so that it fits, the rest indented; lines after the
/// first are indented.
pub(super) fn wrapped(text: &str) -> String {
    text.split('\n').map(wrapped_line).collect::<Vec<_>>().join(&format!("\n{}", " ".repeat(INDENT)))
}

fn wrapped_line(text: &str) -> String {
    let mut out = String::new();
    let mut column = INDENT;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > INDENT && column + 1 + length > WIDTH {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.push_str(&" ".repeat(INDENT + 2));
            column = INDENT + 2;
        } else if column > INDENT {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// At most `most` characters, the rest an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most.saturating_sub(1)).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_wider_than_a_terminal() {
        let mut row = Row::new("long", "[100/144]".into(), &"long-".repeat(30), "", 0);
        row.worst = Some((12.0, "another-long-name-of-a-measurement".into()));
        let (mark, rest) = row.ending(Verdict::Pass, 100_000_000_000);
        assert!(row.beginning().chars().count() + 1 + mark.len() + rest.chars().count() <= WIDTH);
        assert!(format!("{}{}", " ".repeat(INDENT), wrapped(&"word ".repeat(100))).lines().all(|l| l.chars().count() <= WIDTH));
    }
}
