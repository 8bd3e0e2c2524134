//! From a value to a judged measurement. What cannot be compared is an error of
//! the tester, never a pass.

use hil_channel::Reading;
use hil_model::{Blame, Check, Condition, Decision, DecisionRule, Judgement, Limit, LimitSource, Quantity, SignalId, SignalKind, Value};
use hil_record::{Datum, EventKind, Measurement, Verdict};
use hil_timebase::Nanos;

use crate::scene::{Scene, Stop};

/// A value that waits for its verdict.
#[derive(Clone)]
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
    pub(crate) async fn judge(&self, taken: &Taken<'_>, check: &Check, blame: Blame) -> Result<(), Stop> {
        let m = match check {
            Check::Limit(limit) => self.judge_limit(taken, limit, blame).await?,
            Check::Computed { low, high } => {
                let (limit, uncertainty) = self.bounds(taken, low.as_ref(), high.as_ref())?;
                self.judge_limit(&Taken { uncertainty, ..taken.clone() }, &limit, blame).await?
            }
            Check::Equals(expected) => {
                let verdict = self.stands(verdict_of(holds(&Condition::Is(expected.clone()), &taken.value)), blame).await?;
                Measurement { expected: Some(expected.to_string()), ..self.measurement(taken, verdict) }
            }
        };
        let verdict = m.verdict;
        self.emit(EventKind::Measurement(m))?;
        self.keep_value(taken.name, &taken.of, &taken.value, taken.uncertainty, taken.at);
        // Without a decision the step goes on: a fail may still come.
        if matches!(verdict, Verdict::Pass | Verdict::Inconclusive) { Ok(()) } else { Err(Stop::Judged) }
    }

    /// Decides by the plan's rule. What guards the tester itself makes no
    /// statement on the unit's conformity: it is decided by simple acceptance.
    async fn judge_limit(&self, taken: &Taken<'_>, limit: &Limit, blame: Blame) -> Result<Measurement, Stop> {
        let of_unit = blame == Blame::Unit && !self.tester_only;
        let rule = if of_unit { self.stage.rule } else { DecisionRule::Simple };
        let decided = taken.value.quantity().and_then(|q| rule.decide(limit, q, taken.uncertainty));
        let verdict = match decided.map(|d| d.decision) {
            Some(Decision::Pass | Decision::ConditionalPass) => Verdict::Pass,
            Some(Decision::ConditionalFail | Decision::Undecided) => Verdict::Inconclusive,
            Some(Decision::Fail) => Verdict::Fail,
            None => Verdict::Error,
        };
        let verdict = self.stands(verdict, blame).await?;
        let mut m = self.measurement(taken, verdict);
        self.add_limit(&mut m, limit, taken.kind);
        if let Some(decided) = decided {
            m.conformance = decided.conformance;
            if rule != DecisionRule::Simple {
                m.decision = Some(decided.decision.into());
                m.accept_low = decided.accept_low.and_then(|q| in_unit(q, taken.kind));
                m.accept_high = decided.accept_high.and_then(|q| in_unit(q, taken.kind));
            }
        }
        Ok(m)
    }

    /// Journals a reading that was expected to satisfy a condition.
    pub(crate) async fn judge_condition(&self, signal: &SignalId, condition: &Condition, reading: &Reading) -> Result<Verdict, Stop> {
        let verdict = self.stands(verdict_of(holds(condition, &reading.value)), Blame::Unit).await?;
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
            accept_low: None,
            accept_high: None,
            decision: None,
            conformance: None,
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

/// Of what is good, bad, or cannot be compared.
const fn verdict_of(good: Option<bool>) -> Verdict {
    match good {
        Some(true) => Verdict::Pass,
        Some(false) => Verdict::Fail,
        None => Verdict::Error,
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
        // Of a quantity, and judged where its bounds are known.
        Check::Computed { .. } => None,
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
    use hil_record::{Disposition, Outcome, Status};

    use super::*;
    use crate::testbench::val;
    use crate::testdata::{Ran, acts, id, limit, measure, ms, run, set};

    /// A reading of U = 1 mV against 1 V .. 2 V by a rule, and a second
    /// measurement that is good without doubt.
    fn judged(rule: DecisionRule, value: &'static str) -> Ran {
        let mut plan = acts(vec![measure("mv", limit("1 V", "2 V")), measure("v", limit("0 V", ""))]);
        plan.judging.rule = rule;
        run(&plan, |b| b.signal("mv", value).signal("v", "1 V"))
    }

    fn first(rule: DecisionRule, value: &'static str) -> (Verdict, Option<hil_record::Decision>, usize) {
        let ran = judged(rule, value);
        let all = ran.measurements();
        assert_eq!(ran.verdict(), all[0].verdict);
        (all[0].verdict, all[0].decision, all.len())
    }

    #[test]
    fn the_plans_rule_decides() {
        use hil_record::Decision as D;
        for (value, guarded, ilac) in [
            ("1.5 V", (Verdict::Pass, Some(D::Pass), 2), (Verdict::Pass, Some(D::Pass), 2)),
            ("1.0005 V", (Verdict::Fail, Some(D::Fail), 1), (Verdict::Pass, Some(D::ConditionalPass), 2)),
            // The step goes on after a conditional fail: a fail may still come.
            ("0.9995 V", (Verdict::Fail, Some(D::Fail), 1), (Verdict::Inconclusive, Some(D::ConditionalFail), 2)),
            ("0.99 V", (Verdict::Fail, Some(D::Fail), 1), (Verdict::Fail, Some(D::Fail), 1)),
        ] {
            assert_eq!(first(DecisionRule::Guarded, value), guarded, "{value}");
            assert_eq!(first(DecisionRule::IlacG8, value), ilac, "{value}");
        }
        assert_eq!(first(DecisionRule::Simple, "1.0005 V"), (Verdict::Pass, None, 2));
    }

    #[test]
    fn acceptance_limits_are_in_the_signals_unit() {
        let m = &judged(DecisionRule::IlacG8, "1.0005 V").measurements()[0];
        assert_eq!((m.low, m.high), (Some(1000.0), Some(2000.0)));
        assert!((m.accept_low.unwrap() - 1001.0).abs() < 1e-9 && (m.accept_high.unwrap() - 1999.0).abs() < 1e-9);
        // One standard deviation within the limit.
        assert!((m.conformance.unwrap() - 0.841_345).abs() < 1e-5, "{:?}", m.conformance);
        let m = &judged(DecisionRule::Simple, "1.0005 V").measurements()[0];
        assert_eq!((m.accept_low, m.accept_high, m.conformance.is_some()), (None, None, true));
    }

    #[test]
    fn a_run_with_an_undecided_value_is_inconclusive() {
        let ran = judged(DecisionRule::IlacG8, "0.9995 V");
        assert_eq!(ran.outcome, Outcome { disposition: Disposition::Inconclusive, status: Status::Completed, safe: true });
        assert_eq!(ran.outcome.exit_code(), 5);
    }

    #[test]
    fn what_guards_the_tester_is_decided_simply() {
        let guard = |blame| hil_model::Action::Measure {
            signal: id("v"),
            name: "source".into(),
            statistic: hil_model::Statistic::Mean,
            over: ms(0),
            check: limit("1 V", ""),
            blame,
        };
        for (blame, expected) in [(Blame::Tester, Verdict::Pass), (Blame::Unit, Verdict::Fail)] {
            let mut plan = acts(vec![crate::testdata::act("measure", guard(blame))]);
            plan.judging.rule = DecisionRule::Guarded;
            assert_eq!(run(&plan, |b| b.signal("v", "1.0005 V")).verdict(), expected);
        }
    }

    #[test]
    fn without_an_uncertainty_nothing_is_decided_but_simply() {
        // A ratio by a value of no uncertainty.
        use hil_model::expression::Expression;
        let require = |check| {
            let expression = Expression::Value("x".into());
            hil_model::Action::Require { expression, name: "ratio".into(), check, within: ms(0), blame: Blame::Unit }
        };
        let plan = |rule| {
            let read = hil_model::Action::Ramp {
                signal: id("w"),
                from: Some(val("0 V").quantity().unwrap()),
                to: val("1 V").quantity().unwrap(),
                rate: val("10 V/s").quantity().unwrap(),
                until: Some((id("w"), Condition::Above(Quantity::volts(0.4)))),
                // Of another signal than is ramped: nobody knows how it follows.
                capture: Some(id("v")),
                name: Some("x".into()),
                check: None,
            };
            let mut plan =
                acts(vec![set("w", "0 V"), crate::testdata::act("ramp", read), crate::testdata::act("require", require(limit("1 V", "")))]);
            plan.judging.rule = rule;
            plan
        };
        for (rule, verdict) in [(DecisionRule::Simple, Verdict::Pass), (DecisionRule::IlacG8, Verdict::Inconclusive)] {
            let ran = run(&plan(rule), |b| b.signal("v", "1.5 V").signal("w", "0 V"));
            assert_eq!((ran.only().verdict, ran.only().uncertainty), (verdict, None));
        }
    }

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
