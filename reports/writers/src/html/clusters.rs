//! Which times of a step go into one drawing: judged intervals between two
//! moments, sorted so that none is too short to be seen beside the others.

use hil_record::{Datum, Measurement};

use crate::run::Attempt;

/// A judged time between two moments.
#[derive(Clone, Debug)]
pub(super) struct Interval<'a> {
    pub(super) m: &'a Measurement,
    /// Bench nanoseconds; `to` may lie before `from`.
    pub(super) from: Moment,
    pub(super) to: Moment,
}

/// One end of an interval.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Moment {
    /// As the plan calls it.
    pub(super) name: String,
    pub(super) ns: i128,
    /// The signal whose edge or setting it is, where the journal tells.
    pub(super) signal: Option<String>,
}

impl Interval<'_> {
    pub(super) fn length(&self) -> i128 {
        (self.to.ns - self.from.ns).abs()
    }

    pub(super) fn first(&self) -> i128 {
        self.from.ns.min(self.to.ns)
    }

    pub(super) fn last(&self) -> i128 {
        self.from.ns.max(self.to.ns)
    }
}

/// All intervals of an attempt, in groups of like length; each group in order
/// of time.
pub(super) fn clusters(attempt: &Attempt) -> Vec<Vec<Interval<'_>>> {
    let mut clusters: Vec<Vec<Interval>> = Vec::new();
    for interval in attempt.measurements.iter().filter_map(|m| interval(m, attempt)) {
        let fits = |c: &&mut Vec<Interval>| c.iter().all(|other| alike(other, &interval));
        match clusters.iter_mut().find(fits) {
            Some(cluster) => cluster.push(interval),
            None => clusters.push(vec![interval]),
        }
    }
    clusters.sort_by_key(|c| c.iter().map(Interval::first).min());
    clusters
}

fn alike(a: &Interval, b: &Interval) -> bool {
    let (short, long) = (a.length().min(b.length()), a.length().max(b.length()));
    let apart = a.first().max(b.first()) - a.last().min(b.last());
    long <= short.saturating_mul(8) && apart <= long
}

/// A measurement `later - earlier` of times, of which at least one is an edge;
/// the other may be a setting, which the journal does not name.
fn interval<'a>(m: &'a Measurement, attempt: &Attempt) -> Option<Interval<'a>> {
    let Datum::Number(seconds) = m.value else { return None };
    if m.unit != "s" {
        return None;
    }
    let (later, earlier) = m.of.split_once(" - ")?;
    let length = (seconds * 1e9).round() as i128;
    let edge = |name: &str| attempt.edges.iter().rev().find(|e| e.name == name.trim());
    let (to, from) = match (edge(later), edge(earlier)) {
        (Some(to), Some(from)) => (i128::from(to.at_ns), i128::from(from.at_ns)),
        (Some(to), None) => (i128::from(to.at_ns), i128::from(to.at_ns) - length),
        (None, Some(from)) => (i128::from(from.at_ns) + length, i128::from(from.at_ns)),
        (None, None) => return None,
    };
    let moment = |name: &str, ns| Moment {
        name: name.trim().into(),
        ns,
        signal: edge(name).map_or_else(|| setting(attempt, ns), |e| Some(e.signal.clone())),
    };
    Some(Interval { m, from: moment(earlier, from), to: moment(later, to) })
}

/// What was set at that moment, to the microsecond.
fn setting(attempt: &Attempt, ns: i128) -> Option<String> {
    attempt.stimuli.iter().find(|s| (i128::from(s.at_ns) - ns).abs() <= 1_000).map(|s| s.signal.clone())
}
