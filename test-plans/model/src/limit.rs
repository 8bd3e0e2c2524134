//! Limits: the acceptance range of one measurement, with source and owner.

use std::fmt;

use crate::quantity::Quantity;

/// Where a limit comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LimitSource {
    /// The product's manual, with the clause: `manual §2.2`.
    Manual(String),
    /// Our own proposal; every report marks it as provisional.
    Proposal,
    /// Measured on golden units.
    GoldenUnit,
    /// Written in the plan itself; provisional too.
    Plan,
}

impl LimitSource {
    /// True where nobody but us answers for the numbers.
    pub const fn is_provisional(&self) -> bool {
        match self {
            Self::Manual(_) | Self::GoldenUnit => false,
            Self::Proposal | Self::Plan => true,
        }
    }
}

impl fmt::Display for LimitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual(clause) => write!(f, "manual {clause}"),
            Self::Proposal => f.write_str("proposal"),
            Self::GoldenUnit => f.write_str("golden-unit"),
            Self::Plan => f.write_str("plan"),
        }
    }
}

/// An acceptance range; at least one bound is present, both have one
/// dimension, and `low <= high`. The bounds themselves are accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Limit {
    /// Its id in the limits file; `None` for a limit written in a plan.
    pub id: Option<String>,
    /// Lowest accepted value.
    pub low: Option<Quantity>,
    /// Highest accepted value.
    pub high: Option<Quantity>,
    /// Where it comes from.
    pub source: LimitSource,
    /// Who answers for it.
    pub owner: String,
    /// The requirement it belongs to.
    pub requirement: Option<String>,
}

/// How a value lies to a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// Within the bounds.
    Inside,
    /// Below the lower bound.
    Below,
    /// Above the upper bound.
    Above,
    /// Not comparable: NaN, infinite, or of another dimension.
    Incomparable,
}

impl Limit {
    /// How `value` lies to the bounds.
    pub fn judge(&self, value: Quantity) -> Judgement {
        let alien = |b: &Option<Quantity>| b.is_some_and(|b| b.dimension != value.dimension);
        if !value.si.is_finite() || alien(&self.low) || alien(&self.high) {
            return Judgement::Incomparable;
        }
        if self.low.is_some_and(|b| value.si < b.si) {
            return Judgement::Below;
        }
        if self.high.is_some_and(|b| value.si > b.si) {
            return Judgement::Above;
        }
        Judgement::Inside
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some(l), Some(h)) => write!(f, "{l} .. {h}"),
            (Some(l), None) => write!(f, ">= {l}"),
            (None, Some(h)) => write!(f, "<= {h}"),
            (None, None) => f.write_str("no bounds"),
        }
    }
}
