//! A lane of samples: dots on a line, the edge that was found on them where they
//! cross its threshold, and how well its time is known.

use maud::{Markup, html};

use super::View;
use super::lanes::crossing;
use super::svg::{line, px, rect, shortened, text};
use super::waveform::{LEFT, RIGHT, Window};
use crate::number::quantity;
use crate::run::{Attempt, Edge};

/// Height of such a lane.
pub(super) const HEIGHT: f64 = 96.0;
/// Fewer in the window are no waveform, nor are more in less than [`NARROW`].
const FEWEST: usize = 8;
const NARROW: f64 = 24.0;

/// Edges of a signal that have samples in the window, as many as can be told apart.
pub(super) fn sampled<'a>(attempt: &'a Attempt, signal: &str, window: Window) -> Vec<&'a Edge> {
    let shown = |edge: &&Edge| {
        let seen = inside(edge, window);
        let ends = seen.first().zip(seen.last());
        seen.len() >= FEWEST && ends.is_some_and(|(first, last)| last.0 - first.0 >= NARROW)
    };
    attempt.edges.iter().filter(|e| e.signal == signal).filter(shown).collect()
}

/// The samples in the window: pixels from the left, and the value.
fn inside(edge: &Edge, window: Window) -> Vec<(f64, f64)> {
    edge.samples.iter().filter_map(|(ns, value)| Some((window.inside(i128::from(*ns))?, *value))).collect()
}

pub(super) fn drawing(v: &View, window: Window, signal: &str, edges: &[&Edge], top: f64) -> Markup {
    let (high, low) = (top + 8.0, top + HEIGHT - 8.0);
    let all: Vec<(&Edge, Vec<(f64, f64)>)> = edges.iter().map(|e| (*e, inside(e, window))).collect();
    let values = || all.iter().flat_map(|(_, points)| points.iter().map(|p| p.1));
    let (least, most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    let height = |value: f64| low + (high - low) * if most > least { (value - least) / (most - least) } else { 0.5 };
    let unit = edges.first().map_or("", |e| &e.unit);
    html! {
        (text("", (LEFT - 10.0, f64::midpoint(high, low) + 4.0), "end", &shortened(signal, 26)))
        (text("soft", (LEFT - 10.0, high + 4.0), "end", &quantity(most, unit, v.lang)))
        (text("soft", (LEFT - 10.0, low + 4.0), "end", &quantity(least, unit, v.lang)))
        @for (edge, points) in &all {
            @let u = i128::from(edge.uncertainty_ns);
            @let at = i128::from(edge.at_ns);
            (rect("unsure", (window.x(at - u), window.x(at + u)), (high, low)))
            polyline.samples points=(points.iter().map(|(x, value)| format!("{},{}", px(*x), px(height(*value)))).collect::<Vec<_>>().join(" ")) {}
            @for (x, value) in points { circle.dot cx=(px(*x)) cy=(px(height(*value))) r="1.6" {} }
            @if let (Some(level), Some((threshold, _))) = (level(edge), crossing(&edge.trigger)) {
                (line("threshold", (LEFT, height(level)), (RIGHT, height(level))))
                circle.edge cx=(px(window.x(at))) cy=(px(height(level))) r="4.5" {}
                (text("soft", (RIGHT, height(level) - 4.0), "end", &v.lang.number(threshold)))
            }
        }
    }
}

/// What the signal was at the edge, by the samples on both sides of it.
fn level(edge: &Edge) -> Option<f64> {
    let after = edge.samples.partition_point(|(ns, _)| *ns < edge.at_ns);
    let ((t0, v0), (t1, v1)) = (edge.samples.get(after.checked_sub(1)?)?, edge.samples.get(after)?);
    let share = (edge.at_ns - t0) as f64 / (t1 - t0) as f64;
    Some(v0 + (v1 - v0) * share)
}
