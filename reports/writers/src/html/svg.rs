//! Drawing by hand: coordinates rounded, so that a file has no digits that
//! nobody sees, and the patterns that stand for colours.

use std::fmt;

use maud::{Markup, Render, html};

/// A coordinate, written to a tenth of a pixel.
#[derive(Clone, Copy)]
pub(super) struct Px(f64);

/// `x` as a coordinate.
pub(super) const fn px(x: f64) -> Px {
    Px(x)
}

/// Straight into the page and by whole numbers: a page has thousands, and printing
/// a decimal fraction exactly is slow.
impl Render for Px {
    fn render_to(&self, page: &mut String) {
        let tenths = (self.0 * 10.0).round() as i64;
        if tenths < 0 {
            page.push('-');
        }
        (tenths.unsigned_abs() / 10).render_to(page);
        if let tenth @ 1..=9 = (tenths.unsigned_abs() % 10) as u8 {
            page.push('.');
            page.push(char::from(b'0' + tenth));
        }
    }
}

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = String::new();
        self.render_to(&mut digits);
        f.write_str(&digits)
    }
}

/// A line.
pub(super) fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Markup {
    html! { line class=(class) x1=(px(from.0)) y1=(px(from.1)) x2=(px(to.0)) y2=(px(to.1)) {} }
}

/// A rectangle.
pub(super) fn rect(class: &str, x: (f64, f64), y: (f64, f64)) -> Markup {
    html! { rect class=(class) x=(px(x.0)) y=(px(y.0)) width=(px((x.1 - x.0).max(0.0))) height=(px((y.1 - y.0).max(0.0))) {} }
}

/// Text; `anchor` is `start`, `middle` or `end`.
pub(super) fn text(class: &str, at: (f64, f64), anchor: &str, words: &str) -> Markup {
    html! { text class=(class) x=(px(at.0)) y=(px(at.1)) text-anchor=(anchor) { (words) } }
}

/// Hatching for what is rejected; used by every drawing of the page.
pub(super) fn definitions() -> Markup {
    html! {
        svg.definitions width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" {
                    path d="M-1,1 l2,-2 M0,6 l6,-6 M5,7 l2,-2" {}
                }
            }
        }
    }
}

/// Steps of 1, 2 or 5 that divide `length` into at most `most` parts.
pub(super) fn tick(length: f64, most: f64) -> f64 {
    let raw = (length / most).max(1e-12);
    let base = 10f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|k| k * base).find(|t| *t >= raw).unwrap_or(10.0 * base)
}

/// At most `most` characters, the rest an ellipsis.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        for (length, expected) in [(35.0, 5.0), (0.039, 0.005), (274.0, 50.0), (1.0, 0.2)] {
            assert!((tick(length, 8.0) - expected).abs() < 1e-9, "{length}: {}", tick(length, 8.0));
        }
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!([1.0, 1.26, -0.04, -0.16, -21.0].map(|x| px(x).to_string()), ["1", "1.3", "0", "-0.2", "-21"]);
        assert_eq!(shortened("äöü-long", 4), "äöü…");
    }
}
