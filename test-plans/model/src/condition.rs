//! Conditions on one signal's value, and triggers on its changes.

use std::fmt;

use crate::quantity::Quantity;
use crate::value::Value;

/// Holds or does not hold for one value. A NaN never satisfies one.
#[derive(Clone, PartialEq, Debug)]
pub enum Condition {
    /// Equals; for levels, LEDs and text. Never used for quantities.
    Is(Value),
    /// Strictly above.
    Above(Quantity),
    /// Strictly below.
    Below(Quantity),
    /// Within both bounds, ends included.
    Within(Quantity, Quantity),
}

impl Condition {
    /// Whether `value` satisfies it. A value of another kind or dimension, and
    /// a NaN, never does.
    pub fn holds(&self, value: &Value) -> bool {
        let same = |a: &Quantity, b: &Quantity| a.dimension == b.dimension;
        match (self, value) {
            (Self::Is(expected), v) => expected == v,
            (Self::Above(limit), Value::Quantity(q)) => same(limit, q) && q.si > limit.si,
            (Self::Below(limit), Value::Quantity(q)) => same(limit, q) && q.si < limit.si,
            (Self::Within(low, high), Value::Quantity(q)) => same(low, q) && q.si >= low.si && q.si <= high.si,
            (Self::Above(_) | Self::Below(_) | Self::Within(..), _) => false,
        }
    }
}

/// The change that a `watch` waits for.
#[derive(Clone, PartialEq, Debug)]
pub enum Trigger {
    /// Takes this value, having had another.
    Becomes(Value),
    /// Goes from at or below to above.
    RisesThrough(Quantity),
    /// Goes from at or above to below.
    FallsThrough(Quantity),
}

impl Trigger {
    /// What holds once the change has happened.
    pub fn afterwards(&self) -> Condition {
        match self {
            Self::Becomes(v) => Condition::Is(v.clone()),
            Self::RisesThrough(q) => Condition::Above(*q),
            Self::FallsThrough(q) => Condition::Below(*q),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(v) => write!(f, "{v}"),
            Self::Above(q) => write!(f, "> {q}"),
            Self::Below(q) => write!(f, "< {q}"),
            Self::Within(a, b) => write!(f, "{a} .. {b}"),
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Becomes(v) => write!(f, "becomes {v}"),
            Self::RisesThrough(q) => write!(f, "rises through {q}"),
            Self::FallsThrough(q) => write!(f, "falls through {q}"),
        }
    }
}
