//! A value as the journal holds it.

use std::fmt;

use hil_model::{SignalKind, Value};
use serde::{Deserialize, Serialize, Serializer};

/// A finite number in the unit beside it, or text. What is not finite is kept
/// as the text `NaN`, `inf` or `-inf`, so that it can never be read as a number.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Datum {
    /// Finite.
    Number(f64),
    /// Levels, LED states, text, and what is not finite.
    Text(String),
}

impl Datum {
    /// A number; text if it is not finite.
    pub fn number(x: f64) -> Self {
        if x.is_finite() { Self::Number(x) } else { Self::Text(x.to_string()) }
    }

    /// A signal's value in its display unit, and that unit's symbol (empty for
    /// what has none).
    pub fn of(value: &Value, kind: Option<&SignalKind>) -> (Self, String) {
        match (value, kind) {
            (Value::Quantity(q), Some(SignalKind::Analog { unit })) if unit.dimension == q.dimension => {
                (Self::number(q.in_unit(unit)), unit.symbol.to_owned())
            }
            (Value::Quantity(q), _) => {
                // A ratio has none, although degrees and decibels have no dimension either.
                let base = |u: &&hil_model::quantity::Unit| u.dimension == q.dimension && u.factor == 1.0 && u.offset == 0.0;
                let unit = hil_model::quantity::UNITS.iter().find(base).filter(|_| q.dimension != hil_model::Dimension::NONE);
                (Self::number(q.si), unit.map_or(String::new(), |u| u.symbol.to_owned()))
            }
            (Value::Level(_) | Value::Led(_) | Value::Text(_), _) => (Self::Text(value.to_string()), String::new()),
        }
    }
}

/// By hand, because JSON has no number for what is not finite: `null` would be
/// no datum when read again.
impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(x) if x.is_finite() => serializer.serialize_f64(*x),
            Self::Number(x) => serializer.collect_str(x),
            Self::Text(t) => serializer.serialize_str(t),
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(x) => write!(f, "{x}"),
            Self::Text(t) => f.write_str(t),
        }
    }
}
