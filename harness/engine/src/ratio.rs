//! The test uncertainty ratio of each limit of a plan on a bench, known before
//! anything is switched on.
//!
//! Two bounds: tolerance span over the span of the expanded uncertainty,
//! (high − low) / 2U. One bound has no tolerance span; taken is |bound| / U, the
//! distance from the bound to zero, where most one-sided limits (a leak, a
//! delay, a consumption) have their ideal. A bound at zero has no ratio: it is
//! listed, and no minimum applies to it.
//!
//! U is that of the path that the channel would choose, at the bound where it is
//! largest. A value that is only read, not judged, is taken at what its signal
//! was last set to, or at the largest that its path reads. Checks that guard the
//! tester are left out, and so is what `expect` demands: that is a state.

use std::collections::BTreeMap;
use std::time::Duration;

use hil_channel::Abilities;
use hil_model::expression::Expression;
use hil_model::{
    Act, Action, Blame, Check, Diagnostic, Dimension, Limit, Plan, Quantity, Setpoint, SignalId, SignalKind, Span, Step, Value,
};
use hil_timebase::Nanos;

use crate::actions::RAMP_STEP;
use crate::evaluate::evaluate;
use crate::names::{Known, Moment, Names};
use crate::uncertainty::{Form, of_ramp, of_statistic, ramp_latency};

/// How well one limit can be tested.
#[derive(Clone, PartialEq, Debug)]
pub struct Ratio {
    /// The step's id.
    pub step: String,
    /// Name of the measurement.
    pub name: String,
    /// The limit's id, if it has one.
    pub limit: Option<String>,
    /// `9 A .. 11 A`.
    pub bounds: String,
    /// Expanded uncertainty (k = 2); `None` where it is not known beforehand.
    pub uncertainty: Option<Quantity>,
    /// The ratio; `None` without an uncertainty, or with a bound at zero.
    pub ratio: Option<f64>,
    /// Who measures it.
    pub by: String,
    /// What of this bench would measure it better.
    pub advice: Option<String>,
    /// Where its action stands in the plan.
    pub span: Span,
}

/// The ratios of all limits of `plan`, in its order. `bench` has the abilities
/// of every signal that is bound, `kinds` what the product says they are.
pub fn ratios(plan: &Plan, bench: &BTreeMap<SignalId, Abilities>, kinds: &BTreeMap<SignalId, SignalKind>) -> Vec<Ratio> {
    let mut set = BTreeMap::new();
    note_sets(&plan.setup, &mut set);
    plan.steps.iter().flat_map(|step| Walk::new(bench, kinds, step, &mut set).all()).collect()
}

/// Ratios below the plan's minimum, as errors.
pub fn too_small(plan: &Plan, ratios: &[Ratio]) -> Vec<Diagnostic> {
    let Some(minimum) = plan.judging.minimum_tur else { return Vec::new() };
    let error = |r: &Ratio| {
        let ratio = r.ratio.filter(|x| *x < minimum)?;
        let u = r.uncertainty.map_or_else(String::new, |u| format!(" (U = {} by {})", shown(u), r.by));
        let message = format!(
            "step `{}`: limit of `{}`, {}, is tested with a ratio of {ratio:.2}{u}, expected at least {minimum}",
            r.step, r.name, r.bounds
        );
        let hint = r.advice.clone().unwrap_or_else(|| "widen the limit, or measure it by something better: this bench has nothing".into());
        Some(Diagnostic { message, span: r.span, hint: Some(hint) })
    };
    ratios.iter().filter_map(error).collect()
}

/// Three digits say all of an uncertainty.
pub fn shown(u: Quantity) -> Quantity {
    if u.si == 0.0 || !u.si.is_finite() {
        return u;
    }
    let scale = 10_f64.powf(u.si.abs().log10().floor() - 2.0);
    Quantity::new((u.si / scale).round() * scale, u.dimension)
}

fn note_sets(acts: &[Act], set: &mut BTreeMap<SignalId, f64>) {
    for act in acts {
        note_set(act, set);
    }
}

fn note_set(act: &Act, set: &mut BTreeMap<SignalId, f64>) {
    match &act.action {
        Action::Set { assignments, .. } => {
            for (signal, value) in assignments {
                match value {
                    Setpoint::Fixed(Value::Quantity(q)) => set.insert(signal.clone(), q.si),
                    Setpoint::Fixed(_) => None,
                    // Known only in the run: what was set before it holds no longer.
                    Setpoint::Computed(_) => set.remove(signal),
                };
            }
        }
        Action::Ramp { signal, to, .. } => {
            set.insert(signal.clone(), to.si);
        }
        Action::Profile { signal, points, .. } => {
            if let Some((_, Value::Quantity(q))) = points.last() {
                set.insert(signal.clone(), q.si);
            }
        }
        Action::Together { branches } => branches.iter().for_each(|acts| note_sets(acts, set)),
        _ => {}
    }
}

/// One step, act by act.
struct Walk<'a> {
    bench: &'a BTreeMap<SignalId, Abilities>,
    kinds: &'a BTreeMap<SignalId, SignalKind>,
    step: &'a Step,
    set: &'a mut BTreeMap<SignalId, f64>,
    names: Names,
    /// Names whose uncertainty nobody knows beforehand.
    unknown: Vec<&'a str>,
    found: Vec<Ratio>,
}

impl<'a> Walk<'a> {
    fn new(
        bench: &'a BTreeMap<SignalId, Abilities>,
        kinds: &'a BTreeMap<SignalId, SignalKind>,
        step: &'a Step,
        set: &'a mut BTreeMap<SignalId, f64>,
    ) -> Self {
        Self { bench, kinds, step, set, names: Names::new(Nanos::ZERO), unknown: Vec::new(), found: Vec::new() }
    }

    fn all(mut self) -> Vec<Ratio> {
        for act in &self.step.acts {
            self.act(act);
            note_set(act, self.set);
        }
        self.found
    }

    fn act(&mut self, act: &'a Act) {
        match &act.action {
            Action::Set { assignments, name: Some(name), .. } => {
                let abilities = assignments.last().and_then(|(signal, _)| self.bench.get(signal));
                // A contact that tells its own time: microseconds, known with the edge.
                let known = abilities.map(|a| a.set_uncertainty.unwrap_or_default());
                self.edge(name, 1, known);
            }
            Action::Profile { signal, points, name: Some(name), .. } => {
                let known = self.bench.get(signal).map(|a| a.set_uncertainty.unwrap_or_default());
                self.edge(name, points.len(), known);
            }
            Action::Watch { signal, name, .. } => {
                let known = self.bench.get(signal).and_then(|a| a.edge_uncertainty);
                self.edge(name, 1, known);
            }
            Action::Read { signal, name } => {
                let abilities = self.bench.get(signal);
                let value = self.set.get(signal).copied().or_else(|| Some(abilities?.most?.si));
                self.keep(name, abilities, value.unwrap_or_default(), self.dimension(signal), 0.0);
            }
            Action::Measure { signal, name, statistic, check: Check::Limit(limit), blame, .. } => {
                let abilities = self.bench.get(signal);
                let at = worst_bound(limit);
                let u = abilities.and_then(|a| a.expanded(at)).map(|u| u * of_statistic(*statistic));
                if *blame == Blame::Unit {
                    self.judged(act, name, limit, u, abilities, true);
                }
                self.keep(name, abilities, at, limit_dimension(limit), 0.0);
            }
            Action::Ramp { signal, rate, until: Some((until, _)), capture: Some(capture), name, check, .. } => {
                let moved = if capture == signal { self.moved(*rate, until, capture) } else { None };
                let abilities = self.bench.get(capture);
                let name = name.as_ref().map_or(capture.as_str(), String::as_str);
                let at = match check {
                    Some(Check::Limit(limit)) => worst_bound(limit),
                    _ => self.set.get(capture).copied().unwrap_or_default(),
                };
                if let Some(Check::Limit(limit)) = check {
                    let u = abilities.and_then(|a| a.expanded(at)).zip(moved).map(|(u, moved)| u.hypot(moved));
                    self.judged(act, name, limit, u, abilities, true);
                }
                match moved {
                    Some(moved) => self.keep(name, abilities, at, self.dimension(capture), moved),
                    None => self.unknown.push(name),
                }
            }
            Action::Require { expression, name, check: Check::Limit(limit), blame, .. } => {
                let form = self.form(expression);
                if *blame == Blame::Unit {
                    self.judged(act, name, limit, form.as_ref().map(Form::expanded), None, false);
                }
                match form {
                    Some(form) => {
                        let value = Value::Quantity(Quantity::new(worst_bound(limit), limit_dimension(limit)));
                        self.names.add_value(name, Known { value, uncertainty: Some(form), at: Nanos::ZERO });
                    }
                    None => self.unknown.push(name),
                }
            }
            // Sets in a branch count for its own readings only after it.
            Action::Together { branches } => branches.iter().flatten().for_each(|act| self.act(act)),
            _ => {}
        }
    }

    /// What a signal is.
    fn dimension(&self, signal: &SignalId) -> Dimension {
        match self.kinds.get(signal) {
            Some(SignalKind::Analog { unit }) => unit.dimension,
            _ => Dimension::NONE,
        }
    }

    fn moved(&self, rate: Quantity, until: &SignalId, capture: &SignalId) -> Option<f64> {
        Some(of_ramp(rate, ramp_latency(RAMP_STEP, self.bench.get(until)?, self.bench.get(capture)?)))
    }

    fn edge(&mut self, name: &'a str, count: usize, known: Option<Duration>) {
        let Some(uncertainty) = known else {
            self.unknown.push(name);
            return;
        };
        for _ in 0..count {
            self.names.add_edge(name, Moment { at: Nanos::ZERO, uncertainty });
        }
    }

    /// Keeps a value's name with its uncertainty, and with what a ramp `moved`.
    fn keep(&mut self, name: &'a str, abilities: Option<&Abilities>, at: f64, dimension: Dimension, moved: f64) {
        match abilities.and_then(|a| Some((a, a.expanded(at)?))) {
            Some((a, u)) => {
                let value = Value::Quantity(Quantity::new(at, dimension));
                self.names.add_value(name, Known { value, uncertainty: Some(Form::single(&a.part, u.hypot(moved))), at: Nanos::ZERO });
            }
            None => self.unknown.push(name),
        }
    }

    /// What an expression's uncertainty consists of; `None` where it names
    /// something of which nothing is known beforehand.
    fn form(&self, expression: &Expression) -> Option<Form> {
        let edges = expression.edges();
        if edges.iter().any(|e| self.unknown.contains(&e.name.as_str())) {
            return None;
        }
        evaluate(expression, &self.names).ok()?.uncertainty.filter(|f| f.expanded().is_finite())
    }

    fn judged(&mut self, act: &Act, name: &str, limit: &Limit, u: Option<f64>, by: Option<&Abilities>, advise: bool) {
        let u = u.filter(|u| u.is_finite());
        let ratio = u.and_then(|u| ratio(limit, u));
        let advice = by.filter(|_| advise).and_then(|a| better(a, limit, u?));
        self.found.push(Ratio {
            step: self.step.id.clone(),
            name: name.to_owned(),
            limit: limit.id.clone(),
            bounds: limit.to_string(),
            uncertainty: u.map(|u| Quantity::new(u, limit_dimension(limit))),
            ratio,
            by: by.map_or_else(|| "the expression".into(), |a| by_path(a, worst_bound(limit))),
            advice,
            span: act.span,
        });
    }
}

/// The part, and the route that would be chosen.
fn by_path(abilities: &Abilities, at: f64) -> String {
    let chosen = abilities.expanded(at);
    let route = abilities.routes.iter().find(|r| r.expanded(at).is_some() && r.expanded(at) == chosen);
    route.map_or_else(|| abilities.part.clone(), |r| r.name.clone())
}

/// The path of this bench that would know the value best, if it is better.
fn better(abilities: &Abilities, limit: &Limit, u: f64) -> Option<String> {
    let at = worst_bound(limit);
    let others = abilities.routes.iter().chain(&abilities.alternatives);
    let known = others.filter_map(|p| Some((p, p.expanded(at)?)));
    let (path, least) = known.min_by(|a, b| a.1.total_cmp(&b.1))?;
    // One that is hardly better is no advice.
    (least < u * 0.9).then(|| {
        let ratio = ratio(limit, least).map_or_else(String::new, |r| format!(", a ratio of {r:.2}"));
        format!("{} would have U = {}{ratio}", path.name, shown(Quantity::new(least, limit_dimension(limit))))
    })
}

fn ratio(limit: &Limit, u: f64) -> Option<f64> {
    let span = match (limit.low, limit.high) {
        (Some(low), Some(high)) => (high.si - low.si) / 2.0,
        (Some(one), None) | (None, Some(one)) => one.si.abs(),
        (None, None) => return None,
    };
    (span > 0.0 && u > 0.0).then(|| span / u)
}

/// The bound with the largest magnitude.
pub(crate) fn worst_bound(limit: &Limit) -> f64 {
    limit.low.iter().chain(&limit.high).map(|q| q.si).max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default()
}

fn limit_dimension(limit: &Limit) -> Dimension {
    limit.low.or(limit.high).map_or(Dimension::NONE, |q| q.dimension)
}

#[cfg(test)]
mod tests {
    use hil_channel::{Budget, Contribution, Path};
    use hil_model::expression::Operator;
    use hil_model::{Condition, Judging, Statistic};

    use super::*;
    use crate::testdata::*;

    fn abilities(part: &str, unit: &str, u: f64) -> Abilities {
        // Of a rectangle, U = 2a/√3.
        let budget = Budget { parts: vec![Contribution::new("accuracy", u * 3_f64.sqrt() / 2.0, 0.0)] };
        Abilities {
            read: true,
            set: true,
            watch: true,
            part: part.into(),
            poll: Some(ms(30)),
            reading_time: ms(20),
            uncertainty: Some(budget),
            most: Some(q(unit)),
            edge_uncertainty: Some(ms(46)),
            set_uncertainty: Some(ms(3)),
            ..Abilities::default()
        }
    }

    fn bench() -> BTreeMap<SignalId, Abilities> {
        let fine =
            Path { name: "route `fine`".into(), max: 0.1, budget: Some(Budget { parts: vec![Contribution::new("accuracy", 10e-6, 0.0)] }) };
        let meter = Path { name: "meter `dmm` in its 10 V range".into(), max: 12.0, budget: abilities("", "1 V", 1e-3).uncertainty };
        [
            ("volts", Abilities { alternatives: vec![meter], ..abilities("supply `battery`", "60 V", 30e-3) }),
            ("amps", Abilities { routes: vec![fine], ..abilities("supply `battery`", "120 A", 139e-3) }),
            ("line", Abilities { uncertainty: None, edge_uncertainty: None, ..abilities("line", "1 V", 1.0) }),
        ]
        .map(|(n, a)| (id(n), a))
        .into()
    }

    fn kinds() -> BTreeMap<SignalId, SignalKind> {
        let unit = |symbol| SignalKind::Analog { unit: hil_model::quantity::find_unit(symbol).unwrap() };
        [("volts", "V"), ("amps", "A")].map(|(name, symbol)| (id(name), unit(symbol))).into()
    }

    fn of(list: Vec<Act>) -> Vec<Ratio> {
        ratios(&acts(list), &bench(), &kinds())
    }

    fn one(act: Act) -> Ratio {
        let mut all = of(vec![act]);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    fn near(found: Option<f64>, expected: f64) {
        assert!(found.is_some_and(|x| (x / expected - 1.0).abs() < 1e-3), "{found:?}, expected {expected}");
    }

    #[test]
    fn the_span_of_the_tolerance_over_that_of_the_uncertainty() {
        let r = one(measure("volts", limit("12.9 V", "13.1 V")));
        near(r.ratio, 0.1 / 0.03);
        assert_eq!(r.by, "supply `battery`");
        near(one(measure_over("volts", limit("12.9 V", "13.1 V"), Statistic::PeakToPeak, 100)).ratio, 0.1 / 0.03 / 2_f64.sqrt());
    }

    #[test]
    fn a_limit_on_one_side_counts_from_zero() {
        near(one(measure("volts", limit("0.3 V", ""))).ratio, 10.0);
        near(one(measure("volts", limit("-0.3 V", ""))).ratio, 10.0);
        let zero = one(measure("volts", limit("0 V", "")));
        assert_eq!((zero.ratio, zero.uncertainty.is_some()), (None, true));
    }

    #[test]
    fn the_channels_route_counts_where_it_may_see_the_value() {
        let small = one(measure("amps", limit("", "20 mA")));
        assert_eq!(small.by, "route `fine`");
        assert!(small.ratio.is_some_and(|r| r > 1000.0));
        near(one(measure("amps", limit("", "139 A"))).ratio, 1000.0);
    }

    #[test]
    fn expressions_and_edges_combine() {
        let read = |name: &str| act("read", Action::Read { signal: id("volts"), name: name.into() });
        let value = |name: &str| Box::new(Expression::Value(name.into()));
        let difference = Expression::Binary(value("a"), Operator::Subtract, value("b"));
        let check = limit("-0.1 V", "0.1 V");
        let require_it = Action::Require { expression: difference, name: "rest".into(), check, within: ms(0), blame: Blame::Unit };
        near(of(vec![read("a"), read("b"), act("require", require_it)])[0].ratio, 0.1 / 0.03 / 2_f64.sqrt());
        let timed =
            of(vec![watch("volts", "1 V", "cut"), set_as("volts", "1 V", Some("begun")), require("cut", "begun", limit("", "1 s"), 9)]);
        near(timed[0].ratio, 1.0 / 0.046_f64.hypot(0.003));
        // A line's edge tells its own uncertainty, but only when it comes.
        let unknown =
            of(vec![watch("line", "high", "cut"), set_as("volts", "1 V", Some("begun")), require("cut", "begun", limit("", "1 s"), 9)]);
        assert_eq!((unknown[0].ratio, unknown[0].uncertainty), (None, None));
    }

    #[test]
    fn a_ramp_moves_what_it_captures() {
        let ramp = |capture: &str| {
            act(
                "ramp",
                Action::Ramp {
                    signal: id("volts"),
                    from: None,
                    to: q("14 V"),
                    rate: q("1 V/s"),
                    until: Some((id("amps"), Condition::Above(q("1 A")))),
                    capture: Some(id(capture)),
                    name: Some("start".into()),
                    check: Some(limit("12 V", "14 V")),
                },
            )
        };
        let moved = 0.12 * 2.0 / 3_f64.sqrt();
        near(one(ramp("volts")).ratio, 1.0 / 0.03_f64.hypot(moved));
        assert_eq!(one(ramp("line")).ratio, None);
    }

    #[test]
    fn one_below_the_minimum_is_refused_with_what_would_be_better() {
        let mut plan = acts(vec![measure("volts", limit("9.9 V", "10.1 V")), measure("volts", limit("0 V", "10 V"))]);
        let found = ratios(&plan, &bench(), &kinds());
        assert_eq!(too_small(&plan, &found), []);
        plan.judging = Judging { minimum_tur: Some(4.0), ..Judging::default() };
        let told = too_small(&plan, &found);
        assert_eq!(told.len(), 1);
        assert_eq!(
            told[0].message,
            "step `one`: limit of `volts`, 9.9 V .. 10.1 V, is tested with a ratio of 3.33 (U = 30 mV by supply `battery`), expected at least 4"
        );
        assert_eq!(told[0].hint.as_deref(), Some("meter `dmm` in its 10 V range would have U = 1 mV, a ratio of 100.00"));
    }

    #[test]
    fn what_guards_the_tester_is_left_out() {
        let guard = Action::Measure {
            signal: id("volts"),
            name: "source".into(),
            statistic: Statistic::Mean,
            over: ms(0),
            check: limit("1 V", ""),
            blame: Blame::Tester,
        };
        assert_eq!(of(vec![act("measure", guard)]), []);
    }
}
