//! The waveform round a judged time: the signals that began and ended it, what
//! was set meanwhile, the samples where there are any, and the measured interval
//! beside its limit.

use maud::{Markup, html};

use super::View;
use super::clusters::{Interval, Moment, clusters};
use super::lanes::{Lane, Look, Point, lane, level};
use super::samples;
use super::svg::{line, px, rect, shortened, text, tick};
use crate::number::{Figures, quantity};
use crate::run::{Attempt, Edge, Step};

const WIDTH: f64 = 960.0;
pub(super) const LEFT: f64 = 204.0;
pub(super) const RIGHT: f64 = 945.0;
const NAMES: f64 = 34.0;
const LANE: f64 = 34.0;
const SPAN: f64 = 46.0;
const MOST_LANES: usize = 7;

/// From nanoseconds to pixels.
#[derive(Clone, Copy)]
pub(super) struct Window {
    from: i128,
    to: i128,
}

impl Window {
    /// Round all intervals, and round their limits where these are near.
    fn around(cluster: &[Interval]) -> Self {
        let first = cluster.iter().map(Interval::first).min().unwrap_or(0);
        let last = cluster.iter().map(Interval::last).max().unwrap_or(first);
        let length = (last - first).max(1_000);
        let limits = cluster.iter().flat_map(|i| [i.m.low, i.m.high].into_iter().flatten().map(|x| i.from.ns + (x * 1e9) as i128));
        let (low, high) =
            limits.filter(|at| *at >= first - length && *at <= last + 2 * length).fold((first, last), |(a, b), at| (a.min(at), b.max(at)));
        let edge = (high - low).max(1_000) / 9;
        Self { from: low - edge, to: high + edge }
    }

    pub(super) fn x(self, ns: i128) -> f64 {
        let share = (ns - self.from) as f64 / (self.to - self.from) as f64;
        LEFT + (RIGHT - LEFT) * share.clamp(0.0, 1.0)
    }

    /// Where it lies, if in the window.
    pub(super) fn inside(self, ns: i128) -> Option<f64> {
        (self.from..=self.to).contains(&ns).then(|| self.x(ns))
    }
}

/// One drawing a group of times; none for a step that judges no times.
pub(super) fn drawings(v: &View, step: &Step, attempt: &Attempt) -> Markup {
    html! {
        @for cluster in clusters(attempt) {
            figure {
                figcaption { (v.s.waveform) " " (step.id) ": " (cluster.iter().map(|i| i.m.name.as_str()).collect::<Vec<_>>().join(", ")) }
                (drawing(v, attempt, &cluster))
            }
        }
    }
}

fn drawing(v: &View, attempt: &Attempt, cluster: &[Interval]) -> Markup {
    let window = Window::around(cluster);
    let moments = moments(cluster);
    let lanes = lanes(v, attempt, window, &moments);
    let tops: Vec<f64> = lanes.iter().scan(NAMES, |top, lane| Some(std::mem::replace(top, *top + lane.height()))).collect();
    let below = NAMES + lanes.iter().map(Row::height).sum::<f64>();
    let bottom = below + SPAN * cluster.len() as f64;
    let zero = cluster.iter().map(|i| i.from.ns).min().unwrap_or(window.from);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(bottom + 36.0))) role="img" {
            (axis(v, window, zero, bottom, &moments))
            @for (lane, top) in lanes.iter().zip(tops) {
                @match lane {
                    Row::Lane(lane) => (lane_drawing(window, lane, top)),
                    Row::Samples(signal, edges) => (samples::drawing(v, window, signal, edges, top)),
                }
            }
            @for (row, moment) in moments.iter().enumerate() { (moment_drawing(window, moment, row, bottom)) }
            @for (i, interval) in cluster.iter().enumerate() { (span(v, window, interval, below + SPAN * i as f64)) }
        }
    }
}

/// Beginnings and ends, each once, in order of time.
fn moments(cluster: &[Interval]) -> Vec<Moment> {
    let mut all: Vec<Moment> = Vec::new();
    for moment in cluster.iter().flat_map(|i| [&i.from, &i.to]) {
        if !all.iter().any(|m| m.name == moment.name && m.ns == moment.ns) {
            all.push(moment.clone());
        }
    }
    all.sort_by_key(|m| m.ns);
    all
}

/// What is drawn of one signal.
enum Row<'a> {
    Lane(Lane),
    Samples(&'a str, Vec<&'a Edge>),
}

impl Row<'_> {
    const fn height(&self) -> f64 {
        match self {
            Self::Lane(_) => LANE,
            Self::Samples(..) => samples::HEIGHT,
        }
    }
}

/// The signals of the moments first, then what else changed in the window.
fn lanes<'a>(v: &View, attempt: &'a Attempt, window: Window, moments: &'a [Moment]) -> Vec<Row<'a>> {
    let seen = |at: u64| (window.from..=window.to).contains(&i128::from(at));
    let set = attempt.stimuli.iter().filter(|s| seen(s.at_ns)).map(|s| &s.signal);
    let edges = attempt.edges.iter().filter(|e| seen(e.at_ns)).map(|e| &e.signal);
    let mut signals: Vec<&'a String> = Vec::new();
    for signal in moments.iter().filter_map(|m| m.signal.as_ref()).chain(set).chain(edges) {
        if !signals.contains(&signal) && signals.len() < MOST_LANES {
            signals.push(signal);
        }
    }
    let row = |signal: &'a String| match samples::sampled(attempt, signal, window) {
        edges if edges.is_empty() => Row::Lane(lane(v.run, attempt, signal, v.lang)),
        edges => Row::Samples(signal, edges),
    };
    signals.into_iter().map(row).collect()
}

fn axis(v: &View, window: Window, zero: i128, bottom: f64, moments: &[Moment]) -> Markup {
    let length = (window.to - window.from) as f64 / 1e9;
    let step = tick(length, 9.0);
    let first = ((window.from - zero) as f64 / 1e9 / step).ceil() as i64;
    let ticks = (first..).map(|k| (k, zero + (k as f64 * step * 1e9) as i128)).take_while(|(_, ns)| *ns <= window.to);
    let t0 = moments.iter().find(|m| m.ns == zero).map_or("t0", |m| &m.name);
    html! {
        @for (k, ns) in ticks {
            (line("grid", (window.x(ns), NAMES - 4.0), (window.x(ns), bottom)))
            (text("soft", (window.x(ns), bottom + 15.0), "middle", &minus(&quantity(k as f64 * step, "s", v.lang))))
        }
        (line("axis", (LEFT, bottom), (RIGHT, bottom)))
        (text("soft", (LEFT - 10.0, bottom + 15.0), "end", &format!("{} {t0} (t0)", v.s.time_from)))
    }
}

fn minus(digits: &str) -> String {
    digits.replace('-', "−")
}

/// Its name on top, in two rows so that neighbours do not cover each other.
fn moment_drawing(window: Window, moment: &Moment, row: usize, bottom: f64) -> Markup {
    let x = window.x(moment.ns);
    let y = if row.is_multiple_of(2) { 12.0 } else { 26.0 };
    html! {
        (line("moment", (x, y + 3.0), (x, bottom)))
        (text("strong", (x + 4.0, y), "start", &shortened(&moment.name, 28)))
    }
}

fn lane_drawing(window: Window, lane: &Lane, top: f64) -> Markup {
    let known_from = lane.points.first().map_or(window.to, |p| p.ns);
    let (high, low) = (top + 6.0, top + LANE - 8.0);
    let height = |at: f64| low + (high - low) * at;
    html! {
        (text("", (LEFT - 10.0, top + 21.0), "end", &shortened(&lane.signal, 26)))
        @if known_from > window.from { (line("unknown", (LEFT, height(0.5)), (window.x(known_from), height(0.5)))) }
        @for piece in pieces(window, lane) {
            @let (x0, x1) = (window.x(piece.point.ns), window.x(piece.until));
            @let at = place(lane, piece.point).map(height);
            @match at {
                Some(y) => {
                    @if let Some(from) = piece.before.and_then(|p| place(lane, p)).map(height) { (line("trace", (x0, from), (x0, y))) }
                    (line(if piece.point.words == "floating" { "float" } else { "trace" }, (x0, y), (x1, y)))
                }
                None => (rect("band", (x0, x1), (high, low))),
            }
            @if piece.point.seen && piece.point.ns >= window.from { circle.dot cx=(px(x0)) cy=(px(at.unwrap_or(height(0.5)))) r="2.6" {} }
            @if piece.is_news() && x1 - x0 > 6.5 * piece.point.words.chars().count() as f64 + 9.0 {
                (text("soft", (x0 + 7.0, label(at, height(0.5), high)), "start", &minus(&piece.point.words)))
            }
        }
    }
}

/// A point, what was before it, and how long it holds.
struct Piece<'a> {
    point: &'a Point,
    before: Option<&'a Point>,
    until: i128,
}

impl Piece<'_> {
    /// Says something that the piece before it did not.
    fn is_news(&self) -> bool {
        self.before.is_none_or(|before| before.words != self.point.words)
    }
}

/// Those that can be seen in the window; what holds from before it has nothing
/// before it.
fn pieces(window: Window, lane: &Lane) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (i, point) in lane.points.iter().enumerate() {
        let until = lane.points.get(i + 1).map_or(window.to, |next| next.ns);
        if until > point.ns && until >= window.from && point.ns <= window.to {
            pieces.push(Piece { point, before: pieces.last().map(|p| p.point), until });
        }
    }
    pieces
}

/// Where a point lies in its lane, 0 to 1; `None` is a band.
fn place(lane: &Lane, point: &Point) -> Option<f64> {
    match (lane.look, point.number) {
        (Look::Level, _) => level(&point.words),
        (Look::Number { least, largest }, Some(x)) if largest > least => Some((x - least) / (largest - least)),
        (Look::Number { .. }, _) => Some(0.5),
        (Look::Words, _) => None,
    }
}

/// Under a line in the upper half, over one in the lower, inside a band.
fn label(at: Option<f64>, middle: f64, high: f64) -> f64 {
    match at {
        None => middle + 4.0,
        Some(y) if y - high < 8.0 => y + 14.0,
        Some(y) => y - 4.0,
    }
}

/// The measured interval over the accepted one, both from its beginning.
fn span(v: &View, window: Window, interval: &Interval, top: f64) -> Markup {
    let m = interval.m;
    let figures = Figures::of(m, v.lang);
    let at = |seconds: f64| interval.from.ns + (seconds * 1e9) as i128;
    let [low, high] = [m.low, m.high].map(|x| x.map(at));
    let (x0, x1) = (window.x(interval.from.ns), window.x(interval.to.ns));
    let (y, strip) = (top + 14.0, (top + 22.0, top + 36.0));
    let value = v.typeset(&figures.value_and_uncertainty());
    let limits = figures.limits().map_or(String::new(), |l| format!("{} {}", v.s.accepted, v.typeset(&l)));
    let arrow = if x1 >= x0 { -1.0 } else { 1.0 };
    html! {
        (text("strong", (LEFT - 10.0, y + 4.0), "end", &shortened(&m.name, 27)))
        (text("soft", (LEFT - 10.0, strip.1 - 2.0), "end", &shortened(&limits, 30)))
        (line("span", (x0, y), (x1, y)))
        (line("span", (x0, y - 5.0), (x0, y + 5.0)))
        path.dot d=(format!("M{},{} l{},-4 v8 z", px(x1), px(y), px(8.0 * arrow))) {}
        (text("strong", (x0.min(x1) + 8.0, y - 4.0), "start", &format!("{value} {}", v.s.verdict_word(Some(m.verdict), true))))
        @if low.is_some() || high.is_some() {
            (rect("rejected", (LEFT, RIGHT), strip))
            (rect("accepted", (low.map_or(window.x(interval.from.ns), |ns| window.x(ns)), high.map_or(RIGHT, |ns| window.x(ns))), strip))
            (line("limit", (x1, strip.0 - 3.0), (x1, strip.1 + 3.0)))
        }
    }
}
