//! A measurement's limits, value and uncertainty as a small bar.

use hil_record::{Datum, Measurement};
use maud::{Markup, html};

use super::pieces::class;
use super::svg::{line, px, rect};

const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 22.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 18.0;
const MIDDLE: f64 = 11.0;

/// `None` for text and for what has no limit.
pub(super) fn bar(m: &Measurement) -> Option<Markup> {
    let Datum::Number(value) = m.value else { return None };
    let u = m.uncertainty.unwrap_or(0.0);
    let view = Scale::of(value, u, m.low, m.high)?;
    let (low, high) = (m.low.map(|x| view.x(x)), m.high.map(|x| view.x(x)));
    let accepted = (low.unwrap_or(0.0), high.unwrap_or(WIDTH));
    let verdict = class(Some(m.verdict));
    Some(html! {
        svg.bar viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) role="img" aria-hidden="true" {
            (rect("rejected", (0.0, WIDTH), (TOP, BOTTOM)))
            (rect("accepted", accepted, (TOP, BOTTOM)))
            @for x in [low, high].into_iter().flatten() { (line("limit", (x, 1.0), (x, HEIGHT - 1.0))) }
            @for x in [m.accept_low, m.accept_high].into_iter().flatten() { (line("guard", (view.x(x), TOP), (view.x(x), BOTTOM))) }
            g class={ "value " (verdict) } {
                @match view.side(value) {
                    Side::Left => path d=(format!("M2,{MIDDLE} l9,-6 v12 z")) {},
                    Side::Right => path d=(format!("M{},{MIDDLE} l-9,-6 v12 z", WIDTH - 2.0)) {},
                    Side::Inside => {
                        @if u > 0.0 { (whisker(view.clamped(value - u), view.clamped(value + u))) }
                        (marker(view.x(value)))
                    }
                }
            }
        }
    })
}

fn whisker(from: f64, to: f64) -> Markup {
    html! {
        (line("whisker", (from, MIDDLE), (to, MIDDLE)))
        (line("whisker", (from, MIDDLE - 4.0), (from, MIDDLE + 4.0)))
        (line("whisker", (to, MIDDLE - 4.0), (to, MIDDLE + 4.0)))
    }
}

/// A diamond, as broad as can be told from a limit's line.
fn marker(x: f64) -> Markup {
    html! { path d=(format!("M{},{} l4,5 l-4,5 l-4,-5 z", px(x), px(MIDDLE - 5.0))) {} }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Left,
    Inside,
    Right,
}

/// From values to pixels.
#[derive(Clone, Copy, Debug)]
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn of(value: f64, u: f64, low: Option<f64>, high: Option<f64>) -> Option<Self> {
        let (from, to) = match (low, high) {
            (Some(low), Some(high)) if high > low => {
                // A value far away becomes an arrow: the range must stay visible.
                let (edge, most) = (0.25 * (high - low), 1.5 * (high - low));
                ((low - edge).min((value - edge).max(low - most)), (high + edge).max((value + edge).min(high + most)))
            }
            (Some(one), Some(_)) => around(one, value, u),
            (Some(low), None) => one_sided(low, value, u, 1.0),
            (None, Some(high)) => one_sided(high, value, u, -1.0),
            (None, None) => return None,
        };
        (from.is_finite() && to.is_finite() && to > from).then_some(Self { from, to })
    }

    fn x(self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from) * WIDTH).clamp(-1e4, 1e4)
    }

    fn clamped(self, value: f64) -> f64 {
        self.x(value).clamp(1.0, WIDTH - 1.0)
    }

    fn side(self, value: f64) -> Side {
        match self.x(value) {
            x if x < 5.0 => Side::Left,
            x if x > WIDTH - 5.0 => Side::Right,
            _ => Side::Inside,
        }
    }
}

/// One limit: a little of the rejected side, and the accepted one up to beyond
/// the value; `up` is 1 where larger values are accepted, else -1.
fn one_sided(limit: f64, value: f64, u: f64, up: f64) -> (f64, f64) {
    let inside = up * (value - limit);
    let reach = inside.abs().max(1.5 * u).max(0.02 * limit.abs());
    let (good, bad) = if inside >= 0.0 { (1.3 * reach, 0.35 * reach) } else { (0.5 * reach, 1.3 * reach) };
    if up > 0.0 { (limit - bad, limit + good) } else { (limit - good, limit + bad) }
}

/// Both limits in one place.
fn around(limit: f64, value: f64, u: f64) -> (f64, f64) {
    let reach = 1.3 * (value - limit).abs().max(1.5 * u).max(1e-9);
    (limit - reach, limit + reach)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_and_its_limit_are_always_in_the_drawing_or_an_arrow() {
        let limits = [(Some(8.0), Some(10.0)), (Some(30.0), None), (None, Some(0.1)), (Some(5.0), Some(5.0)), (Some(0.0), None)];
        for (low, high) in limits {
            for value in [-1e6, -0.4, 0.0, 0.05, 5.0, 8.0, 9.0, 10.0, 25.0, 30.0, 35.0, 1e9] {
                for u in [0.0, 1e-9, 0.4] {
                    let Some(view) = Scale::of(value, u, low, high) else { continue };
                    for limit in [low, high].into_iter().flatten() {
                        assert!((0.0..=WIDTH).contains(&view.x(limit)), "{value} {low:?} {high:?}");
                    }
                    let (low, high) = (low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX));
                    match view.side(value) {
                        Side::Left => assert!(value < low, "{value} {low}"),
                        Side::Right => assert!(value > high, "{value} {high}"),
                        Side::Inside => assert!((0.0..=WIDTH).contains(&view.x(value))),
                    }
                }
            }
        }
    }
}
