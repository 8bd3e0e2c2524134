//! Whether two lists of actions may run side by side: neither may set what the
//! other sets, nor anything that moves what the other observes.
//!
//! What moves what is the product's to say ([`Influence`]); of a product that
//! says nothing, only what both name is known.

use crate::condition::Condition;
use crate::diagnostic::Span;
use crate::plan::{Act, Action, Setpoint};
use crate::product::Product;
use crate::quantity::Quantity;
use crate::signal::SignalId;
use crate::value::Value;

/// Stimuli and the observations that they move.
#[derive(Clone, PartialEq, Debug)]
pub struct Influence {
    /// Each of these, at values for which the condition holds; at any without.
    pub of: Vec<(SignalId, Option<Condition>)>,
    /// What they move: names of signals, of which the last character may be a
    /// `*` for all that begin so.
    pub on: Vec<String>,
}

impl Influence {
    /// Whether `signal` is among what is moved.
    pub fn moves(&self, signal: &SignalId) -> bool {
        self.on.iter().any(|name| match name.strip_suffix('*') {
            Some(beginning) => signal.as_str().starts_with(beginning),
            None => name == signal.as_str(),
        })
    }
}

/// What two lists of actions have in common.
#[derive(Clone, PartialEq, Debug)]
pub struct Clash {
    /// The action that sets something.
    pub span: Span,
    /// It is one of the first list.
    pub of_first: bool,
    /// What it sets.
    pub sets: SignalId,
    /// What of the other list it disturbs.
    pub disturbs: Disturbs,
}

/// How an action disturbs what runs beside it.
#[derive(Clone, PartialEq, Debug)]
pub enum Disturbs {
    /// The other list sets the same signal.
    Sets,
    /// The other list observes this signal, which is the same or moved by it.
    Observes(SignalId),
}

/// The first thing because of which the two are not independent.
pub fn clash<'a>(
    product: Option<&Product>,
    first: impl Iterator<Item = &'a Act> + Clone,
    second: impl Iterator<Item = &'a Act> + Clone,
) -> Option<Clash> {
    let found = one_sided(product, second.clone(), first.clone());
    found.or_else(|| one_sided(product, first, second).map(|clash| Clash { of_first: true, ..clash }))
}

/// What `active` does to `passive`.
fn one_sided<'a>(
    product: Option<&Product>,
    active: impl Iterator<Item = &'a Act>,
    passive: impl Iterator<Item = &'a Act>,
) -> Option<Clash> {
    let (mut set, mut observed) = (Vec::new(), Vec::new());
    for act in passive {
        drives(act, &mut |signal, _, _| set.push(signal.clone()));
        observes(act, &mut |signal| observed.push(signal.clone()));
    }
    let mut found = None;
    for act in active {
        drives(act, &mut |signal, range, span| {
            let disturbs = if set.contains(signal) {
                Some(Disturbs::Sets)
            } else {
                observed.iter().find(|o| *o == signal || moved(product, signal, &range, o)).map(|o| Disturbs::Observes(o.clone()))
            };
            if let Some(disturbs) = disturbs.filter(|_| found.is_none()) {
                found = Some(Clash { span, of_first: false, sets: signal.clone(), disturbs });
            }
        });
    }
    found
}

fn moved(product: Option<&Product>, stimulus: &SignalId, range: &Range, observed: &SignalId) -> bool {
    let influences = product.map_or(&[][..], |p| &p.influences);
    influences
        .iter()
        .filter(|i| i.moves(observed))
        .flat_map(|i| &i.of)
        .any(|(signal, condition)| signal == stimulus && condition.as_ref().is_none_or(|condition| range.meets(condition)))
}

/// Values that a signal may be set to.
enum Range {
    /// Known only when it runs.
    Any,
    One(Value),
    /// Everything between the two.
    Between(Quantity, Quantity),
}

impl Range {
    /// Whether the condition may hold for one of them.
    fn meets(&self, condition: &Condition) -> bool {
        match (self, condition) {
            (Self::Any, _) | (Self::Between(..), Condition::Is(_)) => true,
            (Self::One(value), condition) => condition.holds(value),
            (Self::Between(_, high), Condition::Above(limit)) => high.si > limit.si,
            (Self::Between(low, _), Condition::Below(limit)) => low.si < limit.si,
            (Self::Between(low, high), Condition::Within(from, to)) => high.si >= from.si && low.si <= to.si,
        }
    }

    fn of(setpoint: &Setpoint) -> Self {
        match setpoint {
            Setpoint::Fixed(value) => Self::One(value.clone()),
            Setpoint::Computed(_) => Self::Any,
        }
    }

    fn between(a: Quantity, b: Quantity) -> Self {
        if a.si <= b.si { Self::Between(a, b) } else { Self::Between(b, a) }
    }
}

/// The signals that an action sets, to what, and where.
fn drives(act: &Act, found: &mut impl FnMut(&SignalId, Range, Span)) {
    match &act.action {
        Action::Set { assignments, .. } => {
            for (signal, setpoint) in assignments {
                found(signal, Range::of(setpoint), act.span);
            }
        }
        Action::Write { entries, commit, .. } => {
            for entry in entries {
                found(&entry.signal, Range::of(&entry.setpoint), act.span);
            }
            found(commit, Range::Any, act.span);
        }
        Action::Ramp { signal, from, to, .. } => {
            let range = from.map_or(Range::Any, |from| Range::between(from, *to));
            found(signal, range, act.span);
        }
        Action::Profile { signal, points, .. } => {
            let quantities: Option<Vec<Quantity>> = points.iter().map(|(_, v)| v.quantity()).collect();
            let ends = quantities.as_ref().and_then(|all| {
                let least = all.iter().copied().min_by(|a, b| a.si.total_cmp(&b.si))?;
                Some((least, all.iter().copied().max_by(|a, b| a.si.total_cmp(&b.si))?))
            });
            found(signal, ends.map_or(Range::Any, |(low, high)| Range::Between(low, high)), act.span);
        }
        Action::Together { branches } => branches.iter().flatten().for_each(|act| drives(act, found)),
        Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Measure { .. }
        | Action::Watch { .. }
        | Action::Require { .. }
        | Action::Expect { .. }
        | Action::Read { .. }
        | Action::Prompt { .. }
        | Action::Call(_) => {}
    }
}

/// The signals that an action observes.
fn observes(act: &Act, found: &mut impl FnMut(&SignalId)) {
    match &act.action {
        Action::Ramp { until, capture, .. } => until.iter().map(|(signal, _)| signal).chain(capture).for_each(found),
        Action::Settle { signal, .. } | Action::Measure { signal, .. } | Action::Watch { signal, .. } | Action::Read { signal, .. } => {
            found(signal);
        }
        Action::Expect { conditions, .. } => conditions.iter().for_each(|(signal, _)| found(signal)),
        Action::Write { entries, state, .. } => entries.iter().map(|entry| &entry.signal).chain([state]).for_each(found),
        Action::Together { branches } => branches.iter().flatten().for_each(|act| observes(act, found)),
        Action::Set { .. }
        | Action::Profile { .. }
        | Action::Wait { .. }
        | Action::Require { .. }
        | Action::Prompt { .. }
        | Action::Call(_) => {}
    }
}
