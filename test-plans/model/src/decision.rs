//! Decision rules: what a measured value and its uncertainty say about
//! conformity with a limit (ISO/IEC 17025 7.8.6, JCGM 106:2012, ILAC-G8:09/2019).
//!
//! | rule | accepted | rejected | between |
//! |---|---|---|---|
//! | `simple` | within the limits | beyond them | nothing |
//! | `guarded` | within the limits drawn in by U | everything else | nothing |
//! | `ilac-g8` | as `guarded` | beyond the limits by more than U | conditional pass within the limits, conditional fail beyond |
//!
//! U is expanded with k = 2. A value of unknown U is decided by `simple` only;
//! by the others it is undecided. So is a value within the limits where U is
//! more than half of the tolerance and `guarded` leaves nothing to accept: that
//! is the tester's weakness, not the unit's.
//!
//! Not here: which U a value has, and what a decision means for a run.

use std::fmt;

use crate::limit::{Judgement, Limit};
use crate::quantity::Quantity;

/// How a plan's limits are decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DecisionRule {
    /// Simple acceptance: the uncertainty is not considered. A value at a limit
    /// is wrong with up to 50 %.
    #[default]
    Simple,
    /// Guarded acceptance with w = U: less than 2.5 % false acceptance.
    Guarded,
    /// Non-binary with w = U on both sides.
    IlacG8,
}

impl DecisionRule {
    /// All, with the word of a plan, sorted.
    pub const WORDS: [(&'static str, Self); 3] = [("guarded", Self::Guarded), ("ilac-g8", Self::IlacG8), ("simple", Self::Simple)];

    /// The rule of this name.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, rule)| *rule)
    }
}

impl fmt::Display for DecisionRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS.iter().find(|(_, rule)| rule == self).map_or("", |(word, _)| word))
    }
}

/// How a plan wants to be judged: `[plan] decision-rule`, `minimum-tur`.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Judging {
    /// How limits are decided.
    pub rule: DecisionRule,
    /// The smallest test uncertainty ratio with which the plan may run.
    pub minimum_tur: Option<f64>,
}

/// What a rule says of one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Accepted.
    Pass,
    /// Within the limits, but not beyond doubt: accepted with a flag.
    ConditionalPass,
    /// Beyond the limits, but not beyond doubt: neither accepted nor rejected.
    ConditionalFail,
    /// Rejected.
    Fail,
    /// The uncertainty is not known, or leaves nothing to accept.
    Undecided,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::ConditionalPass => "conditional-pass",
            Self::ConditionalFail => "conditional-fail",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
        })
    }
}

/// A decision with what it stands on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Decided {
    /// What the rule says.
    pub decision: Decision,
    /// Lowest value that passes without a condition; `None` where the limit has
    /// no lower bound, or nothing passes.
    pub accept_low: Option<Quantity>,
    /// Highest value that passes without a condition.
    pub accept_high: Option<Quantity>,
    /// Probability that the true value lies within the limits, for a normal
    /// distribution of standard deviation U/2 round the measured one
    /// (JCGM 106, 7); `None` where U is not known.
    pub conformance: Option<f64>,
}

impl DecisionRule {
    /// Decides. `expanded` is U (k = 2) in SI units. `None` when the value
    /// cannot be compared: of another dimension or not finite.
    pub fn decide(self, limit: &Limit, value: Quantity, expanded: Option<f64>) -> Option<Decided> {
        let judgement = limit.judge(value);
        if judgement == Judgement::Incomparable {
            return None;
        }
        let inside = judgement == Judgement::Inside;
        let expanded = expanded.filter(|u| u.is_finite() && *u >= 0.0);
        let conformance = expanded.map(|u| conformance(limit, value.si, u / 2.0));
        let guard = if self == Self::Simple { Some(0.0) } else { expanded };
        let Some(guard) = guard else {
            return Some(Decided { decision: Decision::Undecided, accept_low: None, accept_high: None, conformance });
        };
        let drawn_in = drawn_in(limit, guard);
        let accepted = drawn_in.as_ref().is_some_and(|a| a.judge(value) == Judgement::Inside);
        let decision = match self {
            _ if accepted => Decision::Pass,
            Self::Simple => Decision::Fail,
            Self::Guarded if inside && drawn_in.is_none() => Decision::Undecided,
            Self::Guarded => Decision::Fail,
            Self::IlacG8 if inside => Decision::ConditionalPass,
            Self::IlacG8 if widened(limit, guard).judge(value) == Judgement::Inside => Decision::ConditionalFail,
            Self::IlacG8 => Decision::Fail,
        };
        let (accept_low, accept_high) = drawn_in.map_or((None, None), |a| (a.low, a.high));
        Some(Decided { decision, accept_low, accept_high, conformance })
    }
}

/// The limit with its bounds moved outwards.
fn widened(limit: &Limit, by: f64) -> Limit {
    let moved = |q: Option<Quantity>, by: f64| q.map(|q| Quantity::new(q.si + by, q.dimension));
    Limit { low: moved(limit.low, -by), high: moved(limit.high, by), ..limit.clone() }
}

/// The acceptance limits; `None` when the guard bands meet.
fn drawn_in(limit: &Limit, by: f64) -> Option<Limit> {
    let limit = widened(limit, -by);
    let empty = limit.low.zip(limit.high).is_some_and(|(low, high)| low.si > high.si);
    (!empty).then_some(limit)
}

/// The share of a normal distribution round `value` that lies within `limit`.
fn conformance(limit: &Limit, value: f64, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        let inside = limit.low.is_none_or(|b| value >= b.si) && limit.high.is_none_or(|b| value <= b.si);
        return if inside { 1.0 } else { 0.0 };
    }
    let below = |bound: Quantity| normal_cdf((bound.si - value) / sigma);
    let share = limit.high.map_or(1.0, below) - limit.low.map_or(0.0, below);
    share.clamp(0.0, 1.0)
}

/// The standard normal distribution function; relative error below 1.2e-7.
pub fn normal_cdf(z: f64) -> f64 {
    erfc(-z / std::f64::consts::SQRT_2) / 2.0
}

/// Complementary error function: the Chebyshev fit of Numerical Recipes, 6.2.
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let t = 1.0 / (1.0 + x.abs() / 2.0);
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum * t + c);
    let tail = t * (polynomial - x * x).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limit::LimitSource;

    fn limit(low: Option<f64>, high: Option<f64>) -> Limit {
        let (low, high) = (low.map(Quantity::volts), high.map(Quantity::volts));
        Limit { id: None, low, high, source: LimitSource::Plan, owner: String::new(), requirement: None }
    }

    fn decided(rule: DecisionRule, value: f64, u: Option<f64>) -> Decision {
        rule.decide(&limit(Some(12.0), Some(13.0)), Quantity::volts(value), u).expect("comparable").decision
    }

    #[test]
    fn each_zone_has_its_decision() {
        use Decision::{ConditionalFail, ConditionalPass, Fail, Pass};
        for (value, simple, guarded, ilac) in [
            (12.5, Pass, Pass, Pass),
            (12.15, Pass, Pass, Pass),
            (12.05, Pass, Fail, ConditionalPass),
            (12.0, Pass, Fail, ConditionalPass),
            (11.95, Fail, Fail, ConditionalFail),
            (11.85, Fail, Fail, Fail),
            (12.95, Pass, Fail, ConditionalPass),
            (13.05, Fail, Fail, ConditionalFail),
            (13.2, Fail, Fail, Fail),
        ] {
            let found = [DecisionRule::Simple, DecisionRule::Guarded, DecisionRule::IlacG8].map(|rule| decided(rule, value, Some(0.1)));
            assert_eq!(found, [simple, guarded, ilac], "{value}");
        }
    }

    #[test]
    fn an_unknown_uncertainty_is_undecided_but_for_simple() {
        for u in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            assert_eq!(decided(DecisionRule::Simple, 12.5, u), Decision::Pass);
            assert_eq!(decided(DecisionRule::Guarded, 12.5, u), Decision::Undecided);
            assert_eq!(decided(DecisionRule::IlacG8, 14.0, u), Decision::Undecided);
        }
    }

    #[test]
    fn where_the_guard_bands_meet_nothing_is_accepted_and_nobody_is_blamed() {
        assert_eq!(decided(DecisionRule::Guarded, 12.5, Some(0.6)), Decision::Undecided);
        assert_eq!(decided(DecisionRule::Guarded, 13.1, Some(0.6)), Decision::Fail);
        assert_eq!(decided(DecisionRule::IlacG8, 12.5, Some(0.6)), Decision::ConditionalPass);
        let none = DecisionRule::IlacG8.decide(&limit(Some(12.0), Some(13.0)), Quantity::volts(12.5), Some(0.6)).expect("comparable");
        assert_eq!((none.accept_low, none.accept_high), (None, None));
    }

    #[test]
    fn what_cannot_be_compared_has_no_decision() {
        let limit = limit(Some(12.0), None);
        for value in [Quantity::volts(f64::NAN), Quantity::amperes(12.0), Quantity::volts(f64::INFINITY)] {
            assert_eq!(DecisionRule::IlacG8.decide(&limit, value, Some(0.1)), None);
        }
    }

    #[test]
    fn one_side_is_guarded_on_that_side_only() {
        let found = DecisionRule::Guarded.decide(&limit(None, Some(13.0)), Quantity::volts(-5.0), Some(0.1)).expect("comparable");
        assert_eq!((found.decision, found.accept_low, found.accept_high), (Decision::Pass, None, Some(Quantity::volts(12.9))));
    }

    #[test]
    fn conformance_is_the_share_within_the_limits() {
        // Tables of the normal distribution.
        for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.959_963_985, 0.025), (3.0, 0.998_650_102), (-6.0, 9.865_876e-10)] {
            assert!((normal_cdf(z) - p).abs() <= 2e-7 * p, "{z}: {}", normal_cdf(z));
        }
        let at = |value, u| {
            let decided = DecisionRule::Simple.decide(&limit(Some(12.0), Some(13.0)), Quantity::volts(value), Some(u));
            decided.and_then(|d| d.conformance).expect("known")
        };
        assert!((at(13.0, 0.1) - 0.5).abs() < 1e-6);
        assert!((at(12.9, 0.1) - 0.977_249_868).abs() < 1e-6);
        assert_eq!((at(12.5, 0.0), at(13.5, 0.0)), (1.0, 0.0));
    }

    proptest! {
        /// What is accepted with doubt considered is accepted without, and what
        /// passes conforms with at least 97.7 % on each side.
        #[test]
        fn rules_are_ordered(value in 11.0_f64..14.0, u in 0.0_f64..0.45) {
            let limit = limit(Some(12.0), Some(13.0));
            let of = |rule: DecisionRule| rule.decide(&limit, Quantity::volts(value), Some(u)).expect("comparable");
            let (simple, guarded, ilac) = (of(DecisionRule::Simple), of(DecisionRule::Guarded), of(DecisionRule::IlacG8));
            prop_assert_eq!(guarded.decision == Decision::Pass, ilac.decision == Decision::Pass);
            prop_assert!(guarded.decision != Decision::Pass || simple.decision == Decision::Pass);
            let inside = matches!(ilac.decision, Decision::Pass | Decision::ConditionalPass);
            prop_assert_eq!(simple.decision == Decision::Pass, inside);
            if guarded.decision == Decision::Pass {
                prop_assert!(guarded.conformance.expect("known") > 0.954);
            }
        }
    }
}
