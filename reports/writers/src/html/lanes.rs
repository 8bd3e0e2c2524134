//! What a signal was when, as far as the journal knows: set, seen to change, or
//! judged. Between two of them it is taken to hold; before the first it is
//! unknown, and drawn so.

use hil_record::Datum;

use crate::lang::Lang;
use crate::number::in_words;
use crate::run::{Attempt, Edge, Run};

/// One signal over time.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) signal: String,
    /// In order of time.
    pub(super) points: Vec<Point>,
    pub(super) look: Look,
}

/// From then on the signal is this.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Point {
    pub(super) ns: i128,
    pub(super) words: String,
    pub(super) number: Option<f64>,
    /// Seen at this moment, not carried over.
    pub(super) seen: bool,
}

/// How a lane is drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Look {
    /// High, low, and floating between them.
    Level,
    /// Numbers, between the least and the largest.
    Number { least: f64, largest: f64 },
    /// Words in a band.
    Words,
}

/// Height in a level lane: 0 bottom, 1 top; floating is between.
pub(super) fn level(words: &str) -> Option<f64> {
    match words {
        "high" | "on" | "closed" | "healthy" | "detected" => Some(1.0),
        "low" | "off" | "open" | "absent" => Some(0.0),
        "floating" => Some(0.5),
        above if above.starts_with("> ") => Some(1.0),
        below if below.starts_with("< ") => Some(0.0),
        _ => None,
    }
}

/// The lane of a signal in an attempt, with what earlier steps set it to.
pub(super) fn lane(run: &Run, attempt: &Attempt, signal: &str, lang: Lang) -> Lane {
    let mut points = vec![];
    let point = |ns: u64, value: &Datum, unit: &str| {
        let number = if let Datum::Number(x) = value { Some(*x) } else { None };
        Point { ns: i128::from(ns), words: in_words(value, unit, lang), number, seen: true }
    };
    if let Some(earlier) = earlier_setting(run, attempt, signal) {
        points.push(Point { seen: false, ..point(earlier.at_ns, &earlier.value, &earlier.unit) });
    }
    points.extend(attempt.stimuli.iter().filter(|s| s.signal == signal).map(|s| point(s.at_ns, &s.value, &s.unit)));
    let edges: Vec<&Edge> = attempt.edges.iter().filter(|e| e.signal == signal).collect();
    // A reading beside a threshold would tell the same in other words.
    if edges.iter().all(|e| crossing(&e.trigger).is_none()) {
        let judged = attempt.measurements.iter().filter(|m| m.of == signal && matches!(m.value, Datum::Text(_)));
        points.extend(judged.map(|m| point(m.at_ns, &m.value, &m.unit)));
    }
    for edge in edges {
        let (before, after) = sides(&edge.trigger, lang);
        let at = i128::from(edge.at_ns);
        if let Some(before) = before {
            points.push(Point { ns: i128::from(attempt.began_ns), words: before, number: None, seen: false });
        }
        points.push(Point { ns: at, words: after, number: None, seen: true });
    }
    points.sort_by_key(|p| p.ns);
    let look = look(&points);
    Lane { signal: signal.to_owned(), points, look }
}

fn earlier_setting<'a>(run: &'a Run, attempt: &Attempt, signal: &str) -> Option<&'a crate::run::Stimulus> {
    let works = run.phases.iter().map(|p| &p.work).chain(run.steps.iter().flat_map(|s| &s.attempts));
    works.flat_map(|w| &w.stimuli).filter(|s| s.signal == signal && s.at_ns < attempt.began_ns).max_by_key(|s| s.at_ns)
}

/// `rises through 500 mA`: the threshold and whether it was crossed upwards.
pub(super) fn crossing(trigger: &str) -> Option<(&str, bool)> {
    trigger.strip_prefix("rises through ").map(|t| (t, true)).or_else(|| trigger.strip_prefix("falls through ").map(|t| (t, false)))
}

/// What a signal is before and after such an edge.
fn sides(trigger: &str, lang: Lang) -> (Option<String>, String) {
    match crossing(trigger) {
        Some((threshold, up)) => {
            let (above, below) = (format!("> {}", lang.number(threshold)), format!("< {}", lang.number(threshold)));
            if up { (Some(below), above) } else { (Some(above), below) }
        }
        None => (None, trigger.strip_prefix("becomes ").unwrap_or(trigger).to_owned()),
    }
}

fn look(points: &[Point]) -> Look {
    if points.iter().all(|p| level(&p.words).is_some()) {
        return Look::Level;
    }
    let numbers: Option<Vec<f64>> = points.iter().map(|p| p.number).collect();
    match numbers {
        Some(numbers) => {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let largest = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            Look::Number { least, largest }
        }
        None => Look::Words,
    }
}
