//! From a value to a judged measurement. What cannot be compared is an error of
//! the tester, never a pass.

use hil_channel::Reading;
use hil_model::{Blame, Check, Condition, Judgement, Limit, LimitSource, Quantity, SignalId, SignalKind, Value};
use hil_record::{Datum, EventKind, Measurement, Verdict};
use hil_timebase::Nanos;

use crate::scene::{Scene, Stop};

/// A value that waits for its verdict.
pub(crate) struct Taken<'a> {
    /// Name in the plan.
    pub(crate) name: &'a str,
    /// Signal or expression.
    pub(crate) of: String,
    pub(crate) value: Value,
    /// Expanded (k = 2), in SI units.
    pub(crate) uncertainty: Option<f64>,
    pub(crate) at: Nanos,
    /// For the unit of the event.
    pub(crate) kind: Option<&'a SignalKind>,
}

impl Scene<'_> {
    /// Judges a value, journals it and gives it its name.
    ///
    /// # Errors
    /// When it is not good: the step ends here.
    pub(crate) fn judge(&self, taken: &Taken<'_>, check: &Check, blame: Blame) -> Result<(), Stop> {
        let verdict = match check_value(check, &taken.value) {
            Some(true) => Verdict::Pass,
            Some(false) => self.bad(blame),
            None => Verdict::Error,
        };
        let mut m = self.measurement(taken, verdict);
        match check {
            Check::Limit(limit) => self.add_limit(&mut m, limit, taken.kind),
            Check::Equals(expected) => m.expected = Some(expected.to_string()),
        }
        self.emit(EventKind::Measurement(m))?;
        self.keep_value(taken.name, &taken.value, taken.uncertainty, taken.at);
        if verdict == Verdict::Pass { Ok(()) } else { Err(Stop::Judged) }
    }

    /// Journals a reading that was expected to satisfy a condition.
    pub(crate) fn judge_condition(&self, signal: &SignalId, condition: &Condition, reading: &Reading) -> Result<Verdict, Stop> {
        let verdict = match holds(condition, &reading.value) {
            Some(true) => Verdict::Pass,
            Some(false) => self.bad(Blame::Unit),
            None => Verdict::Error,
        };
        let kind = self.kind(signal);
        let taken = Taken {
            name: signal.as_str(),
            of: signal.to_string(),
            value: reading.value.clone(),
            uncertainty: reading.uncertainty,
            at: reading.at,
            kind,
        };
        let mut m = self.measurement(&taken, verdict);
        m.expected = Some(condition.to_string());
        let number = |q: &Quantity| in_unit(*q, kind);
        (m.low, m.high) = match condition {
            Condition::Is(_) => (None, None),
            Condition::Above(q) => (number(q), None),
            Condition::Below(q) => (None, number(q)),
            Condition::Within(low, high) => (number(low), number(high)),
        };
        // A word is the unit's behaviour; a number needs somebody to answer for it.
        m.provisional = !matches!(condition, Condition::Is(_));
        self.emit(EventKind::Measurement(m))?;
        Ok(verdict)
    }

    fn measurement(&self, taken: &Taken<'_>, verdict: Verdict) -> Measurement {
        let (value, unit) = Datum::of(&taken.value, taken.kind);
        let uncertainty = taken.uncertainty.map(|u| taken.value.quantity().map_or(u, |q| u / factor(q, taken.kind)));
        Measurement {
            step: self.step.to_owned(),
            attempt: self.attempt,
            name: taken.name.to_owned(),
            of: taken.of.clone(),
            value,
            unit,
            uncertainty: uncertainty.filter(|u| u.is_finite()),
            low: None,
            high: None,
            expected: None,
            verdict,
            provisional: false,
            limit: None,
            source: LimitSource::Plan.to_string(),
            owner: String::new(),
            requirements: self.requirements.to_vec(),
            at_ns: self.ns(taken.at),
        }
    }

    fn add_limit(&self, m: &mut Measurement, limit: &Limit, kind: Option<&SignalKind>) {
        m.low = limit.low.and_then(|q| in_unit(q, kind));
        m.high = limit.high.and_then(|q| in_unit(q, kind));
        m.provisional = limit.source.is_provisional();
        m.limit.clone_from(&limit.id);
        m.source = limit.source.to_string();
        m.owner.clone_from(&limit.owner);
        // A limit that names one of the step's requirements judges that one.
        if let Some(requirement) = limit.requirement.as_ref().filter(|r| self.requirements.contains(r)) {
            m.requirements = vec![requirement.clone()];
        }
    }
}

/// Whether `value` is good; `None` when it cannot be compared.
pub(crate) fn check_value(check: &Check, value: &Value) -> Option<bool> {
    match check {
        Check::Limit(limit) => match limit.judge(value.quantity()?) {
            Judgement::Inside => Some(true),
            Judgement::Below | Judgement::Above => Some(false),
            Judgement::Incomparable => None,
        },
        Check::Equals(expected) => holds(&Condition::Is(expected.clone()), value),
    }
}

/// Whether `value` satisfies `condition`; `None` when it cannot be compared: of
/// another kind or dimension, or not finite.
pub(crate) fn holds(condition: &Condition, value: &Value) -> Option<bool> {
    let comparable = match condition {
        Condition::Is(expected) => match (expected, value) {
            (Value::Quantity(a), Value::Quantity(b)) => a.dimension == b.dimension && b.si.is_finite(),
            (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
        },
        Condition::Above(q) | Condition::Below(q) | Condition::Within(q, _) => {
            value.quantity().is_some_and(|v| v.dimension == q.dimension && v.si.is_finite())
        }
    };
    comparable.then(|| condition.holds(value))
}

/// In the unit that [`Datum::of`] chooses for a value of this kind.
fn in_unit(q: Quantity, kind: Option<&SignalKind>) -> Option<f64> {
    match Datum::of(&Value::Quantity(q), kind).0 {
        Datum::Number(x) => Some(x),
        Datum::Text(_) => None,
    }
}

/// SI units in one unit that [`Datum::of`] chooses, without an offset.
fn factor(q: Quantity, kind: Option<&SignalKind>) -> f64 {
    match kind {
        Some(SignalKind::Analog { unit }) if unit.dimension == q.dimension => unit.factor,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use hil_model::Level;

    use super::*;

    #[test]
    fn what_cannot_be_compared_neither_holds_nor_fails() {
        let volts = |v| Value::Quantity(Quantity::volts(v));
        let above = Condition::Above(Quantity::volts(1.0));
        assert_eq!(holds(&above, &volts(1.5)), Some(true));
        assert_eq!(holds(&above, &volts(1.0)), Some(false));
        for bad in [volts(f64::NAN), volts(f64::INFINITY), Value::Quantity(Quantity::amperes(2.0)), Value::Text("2 V".into())] {
            assert_eq!(holds(&above, &bad), None);
        }
        let high = Condition::Is(Value::Level(Level::High));
        assert_eq!(holds(&high, &Value::Level(Level::Low)), Some(false));
        assert_eq!(holds(&high, &Value::Text("high".into())), None);
    }
}
