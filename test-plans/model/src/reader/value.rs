//! Values of signals, conditions on them, and triggers on their changes.

use crate::condition::{Condition, Trigger};
use crate::quantity::Dimension;
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::signal::SignalKind;
use crate::value::{LedState, Level, Value};

/// What a value is, as far as judging it needs to know.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Sort {
    /// A quantity of this dimension.
    Quantity(Dimension),
    /// A level, an LED's state, a word or a text; never an analog kind.
    Word(SignalKind),
}

impl Sort {
    pub fn of(kind: &SignalKind) -> Self {
        match kind {
            SignalKind::Analog { unit } => Self::Quantity(unit.dimension),
            SignalKind::Digital | SignalKind::Led | SignalKind::Choice { .. } | SignalKind::Text => Self::Word(kind.clone()),
        }
    }

    pub const fn dimension(&self) -> Option<Dimension> {
        match self {
            Self::Quantity(d) => Some(*d),
            Self::Word(_) => None,
        }
    }
}

/// A value of this sort.
pub(super) fn value(node: &Node<'_>, sort: &Sort) -> Option<Value> {
    match sort {
        Sort::Quantity(dimension) => node.quantity(Some(*dimension)).map(Value::Quantity),
        Sort::Word(kind) => word(node, node.filled()?, kind),
    }
}

fn word(node: &Node<'_>, text: &str, kind: &SignalKind) -> Option<Value> {
    let (found, legal): (Option<Value>, Vec<&str>) = match kind {
        SignalKind::Digital => (Level::parse(text).map(Value::Level), Level::WORDS.iter().map(|w| w.0).collect()),
        SignalKind::Led => (LedState::parse(text).map(Value::Led), LedState::WORDS.iter().map(|w| w.0).collect()),
        SignalKind::Choice { words } => {
            let known = words.iter().any(|w| w == text);
            (known.then(|| Value::Text(text.to_owned())), words.iter().map(String::as_str).collect())
        }
        SignalKind::Text | SignalKind::Analog { .. } => (Some(Value::Text(text.to_owned())), Vec::new()),
    };
    if found.is_none() {
        node.none_of(text, legal);
    }
    found
}

/// `> 0.5 A`, `< 50 mA`, `12.7 V .. 12.9 V`, or a word.
pub(super) fn condition(node: &Node<'_>, text: &str, sort: &Sort) -> Option<Condition> {
    let text = text.trim();
    let dimension = match sort {
        Sort::Quantity(d) => Some(*d),
        Sort::Word(kind) => return word(node, text, kind).map(Condition::Is),
    };
    if let Some((low, high)) = text.split_once("..") {
        let (low, high) = (node.quantity_in(low, dimension), node.quantity_in(high, dimension));
        let (low, high) = (low?, high?);
        if low.si > high.si {
            let hint = format!("write `{high} .. {low}`");
            node.error(format!("{} is `{text}`: the bounds are swapped, expected the lower one first", node.what), Some(hint));
            return None;
        }
        return Some(Condition::Within(low, high));
    }
    match text.split_at_checked(1) {
        Some((">", bound)) if !bound.starts_with('=') => node.quantity_in(bound, dimension).map(Condition::Above),
        Some(("<", bound)) if !bound.starts_with('=') => node.quantity_in(bound, dimension).map(Condition::Below),
        _ => {
            let hint = "a reading never equals a quantity: write `> 12.7 V`, `< 50 mA` or `12.7 V .. 12.9 V`".to_owned();
            node.error(format!("{} is `{text}`, expected `>`, `<` or a range", node.what), Some(hint));
            None
        }
    }
}

const TRIGGERS: &str = "one of `becomes`, `falls-through`, `rises-through`";

/// Exactly one of `becomes`, `rises-through`, `falls-through`.
pub(super) fn trigger(table: &Table<'_>, sort: Option<&Sort>) -> Option<Trigger> {
    let (becomes, rises, falls) = (table.optional("becomes"), table.optional("rises-through"), table.optional("falls-through"));
    match (becomes, rises, falls) {
        (Some(node), None, None) => match sort? {
            Sort::Quantity(_) => {
                node.error("`becomes` is for levels, LEDs and words, expected `falls-through` or `rises-through`", None);
                None
            }
            Sort::Word(kind) => word(&node, node.filled()?, kind).map(Trigger::Becomes),
        },
        (None, Some(node), None) => node.quantity(crossing(&node, sort)?).map(Trigger::RisesThrough),
        (None, None, Some(node)) => node.quantity(crossing(&node, sort)?).map(Trigger::FallsThrough),
        (None, None, None) => {
            table.absence(format!("`watch` without a change, expected {TRIGGERS}"), None);
            None
        }
        _ => {
            table.error(format!("`watch` waits for two changes, expected {TRIGGERS}"), None);
            None
        }
    }
}

/// The dimension of a crossing; the inner `None` when the signal is not known.
fn crossing(node: &Node<'_>, sort: Option<&Sort>) -> Option<Option<Dimension>> {
    match sort {
        Some(Sort::Word(_)) => {
            node.error(format!("{} is for quantities, expected `becomes`", node.what), None);
            None
        }
        Some(Sort::Quantity(d)) => Some(Some(*d)),
        None => Some(None),
    }
}
