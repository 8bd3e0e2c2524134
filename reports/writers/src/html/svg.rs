//! Drawing by hand: coordinates rounded, so that a file has no digits that
//! nobody sees, and the patterns that stand for colours.

use maud::{Markup, html};

/// A coordinate to a tenth of a pixel. By whole numbers: a page has thousands, and
/// printing a decimal fraction exactly is slow.
pub(super) fn px(x: f64) -> String {
    let tenths = (x * 10.0).round() as i64;
    let (sign, whole, tenth) = (if tenths < 0 { "-" } else { "" }, tenths.abs() / 10, tenths.abs() % 10);
    if tenth == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{tenth}") }
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
        assert_eq!([px(1.0), px(1.26), px(-0.04), px(-0.16), px(-21.0)], ["1", "1.3", "0", "-0.2", "-21"]);
        assert_eq!(shortened("äöü-long", 4), "äöü…");
    }
}
