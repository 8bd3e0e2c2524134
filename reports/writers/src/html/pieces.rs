//! Small things that many parts of the page need.

use hil_record::{Datum, Measurement, Verdict};
use maud::{Markup, html};

use super::View;
use crate::number::Figures;
use crate::strings::symbol;
use crate::text::duration;

impl View<'_> {
    /// Symbol and word; colour only beside them.
    pub(super) fn verdict(&self, verdict: Option<Verdict>, began: bool) -> Markup {
        html! { span class={ "v " (class(verdict)) } { span.sym aria-hidden="true" { (symbol(verdict)) } " " (self.s.verdict_word(verdict, began)) } }
    }

    pub(super) fn duration(&self, ns: u64) -> String {
        self.lang.number(&duration(ns))
    }

    /// A measurement's value as it is read; only numbers are typeset.
    pub(super) fn value(&self, m: &Measurement) -> String {
        let text = Figures::of(m, self.lang).value_and_uncertainty();
        match m.value {
            // The line may break before the uncertainty, nowhere else.
            Datum::Number(_) => self.typeset(&text).replace("\u{a0}±", " ±"),
            Datum::Text(_) => text,
        }
    }

    /// A probability; never a hundred per cent by rounding.
    pub(super) fn per_cent(&self, share: f64) -> String {
        let text = match share {
            p if p > 0.9999 && p < 1.0 => "> 99.99 %".to_owned(),
            p if p < 0.0001 && p > 0.0 => "< 0.01 %".to_owned(),
            p => format!("{:.2} %", 100.0 * p),
        };
        self.lang.number(&text).replace(' ', "\u{a0}")
    }

    /// Minus signs and spaces as printers set them; numbers are never broken.
    pub(super) fn typeset(&self, figures: &str) -> String {
        figures.replace(">= ", "≥ ").replace("<= ", "≤ ").replace(" .. ", " … ").replace('-', "−").replace(' ', "\u{a0}")
    }
}

pub(super) const fn class(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Fail) => "fail",
        Some(Verdict::Error) => "error",
        Some(Verdict::Aborted) => "aborted",
        Some(Verdict::Inconclusive) => "inconclusive",
        Some(Verdict::Skipped) | None => "none",
    }
}

/// An anchor that is safe whatever the step's id is.
pub(super) fn anchor(index: usize) -> String {
    format!("step-{}", index + 1)
}

/// Numbers stay on one line; words may be long.
pub(super) const fn is_number(m: &Measurement) -> bool {
    matches!(m.value, Datum::Number(_))
}
