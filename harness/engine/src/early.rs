//! What a step's acts make of a watch's edge: before which moment it is bad in
//! any case. Known only where every use of the edge is a `require` of its
//! distance from another edge, with a lower bound.

use std::collections::BTreeMap;
use std::time::Duration;

use hil_channel::Earliest;
use hil_model::expression::{EdgeRef, Expression, Operator};
use hil_model::{Act, Action, Check, Dimension, Limit, Setpoint, Step};
use hil_timebase::Nanos;

use crate::names::Names;

/// Least distances of an edge from others.
type Bounds = Vec<(EdgeRef, Duration)>;

/// The bounds of one step's watches, by name.
#[derive(Default)]
pub(crate) struct Early(BTreeMap<String, Bounds>);

impl Early {
    pub(crate) fn of(step: &Step) -> Self {
        let acts = flat(&step.acts);
        let watched = acts.iter().filter_map(|act| if let Action::Watch { name, .. } = &act.action { Some(name) } else { None });
        // What later steps make of it, nobody knows here.
        let own = watched.filter(|name| !step.course.exports.contains(name));
        Self(own.filter_map(|name| Some((name.clone(), bounds(&acts, name)?))).collect())
    }

    /// Brings `earliest` of the watch `name` to what is known by now.
    pub(crate) fn tell(&self, name: &str, names: &Names, earliest: &Earliest) {
        let (mut at, mut after): (Option<Nanos>, Option<Duration>) = (None, None);
        for (edge, low) in self.0.get(name).into_iter().flatten() {
            match names.edge(edge) {
                Some(moment) => {
                    let good = moment.at + low.saturating_sub(moment.uncertainty);
                    at = Some(at.map_or(good, |other| other.min(good)));
                }
                None => after = Some(after.map_or(*low, |other| other.min(*low))),
            }
        }
        earliest.set(at, after);
    }
}

/// The least distances of `name` from other edges; `None` as soon as something
/// else is made of it.
fn bounds(acts: &[&Act], name: &str) -> Option<Bounds> {
    let mut bounds = Bounds::new();
    for act in acts {
        match &act.action {
            Action::Require { expression, check, .. } if names_it(expression, name) => bounds.push(bound(expression, check, name)?),
            action if expressions(action).into_iter().any(|e| names_it(e, name)) => return None,
            _ => {}
        }
    }
    (!bounds.is_empty()).then_some(bounds)
}

/// Of `name - other` with a lower bound that is a time.
fn bound(expression: &Expression, check: &Check, name: &str) -> Option<(EdgeRef, Duration)> {
    let Expression::Binary(edge, Operator::Subtract, other) = expression else { return None };
    let (Expression::Edge(edge), Expression::Edge(other)) = (&**edge, &**other) else { return None };
    let Check::Limit(Limit { low: Some(low), .. }) = check else { return None };
    let first = edge.name == name && edge.index.unwrap_or(0) == 0 && other.name != name;
    let time = low.dimension == Dimension::TIME;
    Some((other.clone(), Duration::try_from_secs_f64(low.si).ok().filter(|_| first && time)?))
}

fn names_it(expression: &Expression, name: &str) -> bool {
    expression.edges().iter().any(|edge| edge.name == name)
}

/// Every expression of an act.
fn expressions(action: &Action) -> Vec<&Expression> {
    match action {
        Action::Set { assignments, .. } => assignments.iter().filter_map(|(_, s)| computed(s)).collect(),
        Action::Write { entries, .. } => entries.iter().filter_map(|e| computed(&e.setpoint)).collect(),
        Action::Call(call) => call.arguments.iter().filter_map(|(_, s)| computed(s)).collect(),
        Action::Require { expression, check, .. } => std::iter::once(expression).chain(of_check(check)).collect(),
        Action::Measure { check, .. } => of_check(check).collect(),
        Action::Ramp { check, .. } | Action::Prompt { check, .. } => check.iter().flat_map(of_check).collect(),
        Action::Profile { .. }
        | Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Watch { .. }
        | Action::Expect { .. }
        | Action::Read { .. }
        | Action::Together { .. } => Vec::new(),
    }
}

fn computed(setpoint: &Setpoint) -> Option<&Expression> {
    if let Setpoint::Computed(expression) = setpoint { Some(expression) } else { None }
}

fn of_check(check: &Check) -> impl Iterator<Item = &Expression> {
    let (low, high) = if let Check::Computed { low, high } = check { (low.as_ref(), high.as_ref()) } else { (None, None) };
    low.into_iter().chain(high)
}

fn flat(acts: &[Act]) -> Vec<&Act> {
    let mut all = Vec::new();
    for act in acts {
        all.push(act);
        if let Action::Together { branches } = &act.action {
            all.extend(branches.iter().flat_map(|acts| flat(acts)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::Moment;
    use crate::testdata::*;

    const USUAL: Duration = Duration::from_millis(8);

    /// Between two looks at an edge `cut` of these acts, at 100 s, before and
    /// after an edge `warn` at that time.
    fn intervals(acts: Vec<Act>, exports: &[&str]) -> [Duration; 2] {
        let mut step = step("one", acts);
        step.course.exports = exports.iter().map(|e| (*e).to_owned()).collect();
        let (early, earliest, mut names) = (Early::of(&step), Earliest::default(), Names::new(Nanos::ZERO));
        let now = Nanos::ZERO + Duration::from_secs(100);
        let mut interval = || {
            early.tell("cut", &names, &earliest);
            let interval = earliest.interval(now, USUAL);
            names.add_edge("warn", Moment { at: now, uncertainty: ms(100) });
            interval
        };
        [interval(), interval()]
    }

    fn watched(mut more: Vec<Act>) -> Vec<Act> {
        more.insert(0, watch("ld", "floating", "cut"));
        more
    }

    #[test]
    fn a_lower_bound_gives_time() {
        let acts = |low| watched(vec![require("cut", "warn", limit(low, "31 s"), 0)]);
        assert_eq!(intervals(acts("30 s"), &[]), [ms(50), ms(50)]);
        // Of 3 s, 2 s may be over before it is known that they began.
        assert_eq!(intervals(acts("3 s"), &[]), [ms(20), ms(50)]);
        assert_eq!(intervals(acts("1 s"), &[]), [USUAL, ms(18)]);
        assert_eq!(intervals(acts("10 ms"), &[]), [USUAL; 2]);
    }

    #[test]
    fn the_smallest_bound_counts() {
        let both = vec![require("cut", "warn", limit("1 s", ""), 0), require("cut", "lost", limit("30 s", ""), 0)];
        assert_eq!(intervals(watched(both), &[]), [USUAL, ms(18)]);
    }

    #[test]
    fn any_other_use_of_the_edge_takes_it_back() {
        let bounded = || require("cut", "warn", limit("30 s", ""), 0);
        for other in [
            require("cut", "warn", limit("", "31 s"), 0),
            require("warn", "cut", limit("30 s", ""), 0),
            require("cut", "warn", limit("-1 s", ""), 0),
            require("cut[1]", "warn", limit("30 s", ""), 0),
        ] {
            assert_eq!(intervals(watched(vec![bounded(), other]), &[]), [USUAL; 2]);
        }
        let branches = vec![vec![require("cut", "warn", limit("", "1 s"), 0)], vec![wait(1)]];
        assert_eq!(intervals(watched(vec![bounded(), act("together", Action::Together { branches })]), &[]), [USUAL; 2]);
        assert_eq!(intervals(watched(vec![bounded()]), &["cut"]), [USUAL; 2]);
        assert_eq!(intervals(watched(vec![]), &[]), [USUAL; 2]);
    }
}
