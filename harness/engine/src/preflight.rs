//! Holds a plan against a bench before anything is switched on: every signal is
//! bound and can do what the plan asks, values lie within the bench's
//! electrical range, and times can be resolved.
//!
//! Does not know the product or its limits file: the reader has checked those.

use std::collections::BTreeMap;
use std::time::Duration;

use hil_channel::{Abilities, Bench};
use hil_model::{Act, Action, Call, Check, Diagnostic, Dimension, Limit, Plan, Quantity, Setpoint, SignalId, Value};

use crate::run::TEARDOWN_LIMIT;

/// Everything in `plan` that this bench cannot do, in the plan's order; empty
/// when it may run. `bench` has the abilities of every signal that is bound.
pub fn check(plan: &Plan, bench: &BTreeMap<SignalId, Abilities>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let places = [("setup".to_owned(), &plan.setup), ("recover".to_owned(), &plan.recover)]
        .into_iter()
        .chain(plan.steps.iter().map(|s| (format!("step `{}`", s.id), &s.acts)))
        .chain(std::iter::once(("teardown".to_owned(), &plan.teardown)));
    for (place, acts) in places {
        let mut checker = Checker { bench, place, act: None, watched: BTreeMap::new(), found: &mut found };
        for act in acts {
            checker.act(act);
        }
    }
    found.extend(teardown_too_long(plan));
    found
}

/// Calls of programs that the bench has not; it has those of these names.
pub fn programs<'n>(plan: &Plan, known: impl IntoIterator<Item = &'n str> + Clone) -> Vec<Diagnostic> {
    let has = |call: &Call| known.clone().into_iter().any(|name| name == call.program);
    let unknown = |(place, act, call): (&str, &Act, &Call)| {
        let near = hil_model::diagnostic::nearest(&call.program, known.clone());
        let hint = near.map_or_else(
            || format!("add an `[[extension]]` named `{}` to the bench file", call.program),
            |n| format!("did you mean `{n}`"),
        );
        let message = format!("{}: no program `{}` on this bench", placed(plan, place), call.program);
        Diagnostic { message, span: act.span, hint: Some(hint) }
    };
    plan.calls().into_iter().filter(|(_, _, call)| !has(call)).map(unknown).collect()
}

/// What the plan asks of the opened bench that this turned out not to offer:
/// programs say what they can only when they run.
pub fn check_opened(plan: &Plan, bench: &dyn Bench) -> Vec<String> {
    let abilities = plan.signals().into_iter().filter_map(|s| Some((s.clone(), bench.channel(s)?.abilities().clone()))).collect();
    let signals = check(plan, &abilities).into_iter().map(|d| d.message);
    let calls = plan.calls().into_iter().filter_map(|(place, _, call)| {
        let error = bench.offers(call).err()?;
        Some(format!("{}: {error}", placed(plan, place)))
    });
    let mut found: Vec<String> = signals.chain(calls).collect();
    found.dedup();
    found
}

/// ``step `lead` ``, or a phase.
fn placed(plan: &Plan, place: &str) -> String {
    if plan.steps.iter().any(|s| s.id == place) { format!("step `{place}`") } else { place.to_owned() }
}

/// A teardown whose waits alone outlast its limit would end every run in an error.
fn teardown_too_long(plan: &Plan) -> Option<Diagnostic> {
    let wait = |act: &Act| if let Action::Wait { duration } = &act.action { *duration } else { Duration::ZERO };
    let total: Duration = plan.teardown.iter().map(wait).sum();
    let longest = plan.teardown.iter().max_by_key(|act| wait(act)).filter(|_| total >= TEARDOWN_LIMIT)?;
    let message = format!("teardown: its waits take {} s, expected less than {} s", total.as_secs_f64(), TEARDOWN_LIMIT.as_secs());
    Some(Diagnostic { message, span: longest.span, hint: Some("move what may take its time into a step or into `[recover]`".into()) })
}

/// One step's check.
struct Checker<'a> {
    bench: &'a BTreeMap<SignalId, Abilities>,
    /// ``step `lead` ``.
    place: String,
    act: Option<&'a Act>,
    /// Signals by the names of their watches.
    watched: BTreeMap<&'a str, &'a SignalId>,
    found: &'a mut Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn act(&mut self, act: &'a Act) {
        self.act = Some(act);
        match &act.action {
            Action::Set { assignments, .. } => {
                for (signal, setpoint) in assignments {
                    match setpoint {
                        Setpoint::Fixed(value) => self.driven(signal, std::slice::from_ref(value)),
                        // Held against the range when it is known.
                        Setpoint::Computed(_) => self.driven(signal, &[]),
                    }
                }
            }
            Action::Write { entries, commit, state, .. } => {
                for entry in entries {
                    let fixed: Vec<Value> = if let Setpoint::Fixed(v) = &entry.setpoint { vec![v.clone()] } else { vec![] };
                    self.driven(&entry.signal, &fixed);
                    self.read(&entry.signal);
                }
                self.needs(commit, "set", |a| a.set);
                self.read(state);
            }
            Action::Ramp { signal, from, to, until, capture, .. } => {
                let ends: Vec<Value> = from.iter().chain([to]).map(|q| Value::Quantity(*q)).collect();
                self.driven(signal, &ends);
                // It starts at the present value.
                if from.is_none() {
                    self.read(signal);
                }
                let observed = until.iter().map(|(s, _)| s).chain(capture);
                observed.for_each(|s| self.read(s));
            }
            Action::Profile { signal, points, .. } => {
                let values: Vec<Value> = points.iter().map(|(_, v)| v.clone()).collect();
                self.driven(signal, &values);
            }
            Action::Settle { signal, .. } | Action::Read { signal, .. } => self.read(signal),
            Action::Measure { signal, over, .. } => self.measure(signal, *over),
            Action::Expect { conditions, .. } => conditions.iter().for_each(|(s, _)| self.read(s)),
            Action::Watch { signal, name, .. } => {
                self.watched.insert(name, signal);
                self.needs(signal, "watch", |a| a.watch);
            }
            Action::Require { expression, name, check: Check::Limit(limit), .. } => {
                let edges = expression.edges().into_iter().map(|e| e.name.as_str()).collect();
                self.resolves(name, edges, limit);
            }
            Action::Together { branches } => {
                for inner in branches.iter().flatten() {
                    self.act(inner);
                }
            }
            // [`programs`] knows what is called, and the opened bench what it offers.
            Action::Require { .. } | Action::Wait { .. } | Action::Prompt { .. } | Action::Call(_) => {}
        }
    }

    fn read(&mut self, signal: &SignalId) {
        self.needs(signal, "read", |a| a.read);
    }

    /// The signal is bound and has an ability.
    fn needs(&mut self, signal: &SignalId, what: &str, has: impl Fn(&Abilities) -> bool) -> Option<&'a Abilities> {
        let Some(abilities) = self.bench.get(signal) else {
            let legal: Vec<&str> = self.bench.keys().map(SignalId::as_str).collect();
            let near = hil_model::diagnostic::nearest(signal.as_str(), legal);
            let hint =
                near.map_or_else(|| format!("add a `[[signal]]` named `{signal}` to the bench file"), |n| format!("the bench binds `{n}`"));
            self.say(format!("signal `{signal}` is not bound on this bench"), Some(hint));
            return None;
        };
        if has(abilities) {
            return Some(abilities);
        }
        let can: Vec<&str> = [("read", abilities.read), ("set", abilities.set), ("watch", abilities.watch)]
            .into_iter()
            .filter(|(_, can)| *can)
            .map(|(w, _)| w)
            .collect();
        let can = if can.is_empty() { "nothing".to_owned() } else { can.join(", ") };
        self.say(format!("cannot {what} `{signal}` on this bench: {} can {can}", abilities.part), None);
        None
    }

    /// The signal can be set, and to these values.
    fn driven(&mut self, signal: &SignalId, values: &[Value]) {
        let Some(abilities) = self.needs(signal, "set", |a| a.set) else { return };
        let Some((low, high)) = abilities.range else { return };
        for value in values {
            let inside = match value {
                Value::Quantity(q) => q.dimension == low.dimension && q.si >= low.si && q.si <= high.si,
                Value::Level(_) | Value::Led(_) | Value::Text(_) => false,
            };
            if !inside {
                self.say(format!("`{signal}` = {value} is out of range of {}, expected {low} .. {high}", abilities.part), None);
            }
        }
    }

    /// There is time for at least one reading.
    fn measure(&mut self, signal: &SignalId, over: Duration) {
        let Some(abilities) = self.needs(signal, "read", |a| a.read) else { return };
        if !over.is_zero() && over < abilities.reading_time {
            let (over, least) = (seconds(over), seconds(abilities.reading_time));
            self.say(
                format!("measure `{signal}` over {over} is shorter than one reading of {}, expected at least {least}", abilities.part),
                Some(format!("write `over = \"{least}\"`, or leave it out for one reading")),
            );
        }
    }

    /// The edges' times are known well enough for a limit on them.
    fn resolves(&mut self, name: &str, edges: Vec<&str>, limit: &Limit) {
        let Some(tightest) = tightest(limit) else { return };
        let polled = |name: &str| {
            let signal = *self.watched.get(name)?;
            let abilities = self.bench.get(signal)?;
            Some((abilities.poll?, signal, abilities))
        };
        let Some((poll, signal, abilities)) = edges.into_iter().filter_map(polled).max_by_key(|(poll, ..)| *poll) else { return };
        if tightest.si < poll.as_secs_f64() {
            let poll = seconds(poll);
            let message = format!(
                "limit of `{name}`, {limit}, cannot be resolved: {} polls `{signal}` every {poll}, expected a margin of at least {poll}",
                abilities.part
            );
            self.say(message, Some(format!("widen the limit, or bind `{signal}` to a line, a digitizer or a data log")));
        }
    }

    fn say(&mut self, message: String, hint: Option<String>) {
        let span = self.act.map_or_else(Default::default, |a| a.span);
        self.found.push(Diagnostic { message: format!("{}: {message}", self.place), span, hint });
    }
}

/// What a time limit wants to be resolved: its width, or the size of its only
/// bound; `None` for a limit that is on no time.
fn tightest(limit: &Limit) -> Option<Quantity> {
    let times = limit.low.iter().chain(limit.high.iter()).all(|q| q.dimension == Dimension::TIME);
    let si = match (limit.low, limit.high) {
        (Some(low), Some(high)) => high.si - low.si,
        (Some(one), None) | (None, Some(one)) => one.si.abs(),
        (None, None) => return None,
    };
    times.then(|| Quantity::seconds(si))
}

fn seconds(d: Duration) -> Quantity {
    Quantity::seconds(d.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testdata::*;

    fn abilities(part: &str) -> Abilities {
        Abilities { read: true, part: part.into(), reading_time: ms(20), ..Abilities::default() }
    }

    fn bench() -> BTreeMap<SignalId, Abilities> {
        let supply = Abilities { set: true, range: Some((q("0 V"), q("17 V"))), ..abilities("supply `alternator`") };
        let shunt = Abilities { watch: true, poll: Some(ms(30)), ..abilities("meter `dmm-shunt`") };
        let line = Abilities { watch: true, ..abilities("fixture") };
        [
            ("alternator.voltage", supply),
            ("alternator.current", shunt),
            ("load-disconnect", line.clone()),
            ("pre-alarm", line),
            ("power", Abilities { set: true, ..abilities("fixture") }),
        ]
        .map(|(n, a)| (id(n), a))
        .into()
    }

    fn messages(list: Vec<Act>) -> Vec<(String, Option<String>)> {
        check(&acts(list), &bench()).into_iter().map(|d| (d.message, d.hint)).collect()
    }

    fn one(act: Act) -> String {
        let mut all = messages(vec![act]);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0).0
    }

    #[test]
    fn a_plan_that_fits_has_nothing_to_say() {
        let plan = vec![
            watch("load-disconnect", "floating", "cut"),
            watch("pre-alarm", "high", "warn"),
            watch("alternator.current", "1 A", "current"),
            set("alternator.voltage", "17 V"),
            require("cut", "warn", limit("30 s", "30.001 s"), 40_000),
            require("current", "warn", limit("1 s", "1.03 s"), 40_000),
            measure("alternator.current", limit("0 A", "1 mA")),
            expect(&[("load-disconnect", is("high"))], 0, 0),
        ];
        assert_eq!(messages(plan), []);
    }

    #[test]
    fn names_what_is_not_bound() {
        let found = messages(vec![measure("alternator.curent", limit("0 A", "")), set("rain", "1 V")]);
        assert_eq!(
            found[0],
            (
                "step `one`: signal `alternator.curent` is not bound on this bench".into(),
                Some("the bench binds `alternator.current`".into())
            )
        );
        assert_eq!(found[1].1.as_deref(), Some("add a `[[signal]]` named `rain` to the bench file"));
    }

    #[test]
    fn names_what_a_channel_cannot_do() {
        assert_eq!(
            one(set("alternator.current", "1 A")),
            "step `one`: cannot set `alternator.current` on this bench: meter `dmm-shunt` can read, watch"
        );
        assert_eq!(one(watch("power", "on", "x")), "step `one`: cannot watch `power` on this bench: fixture can read, set");
    }

    #[test]
    fn values_lie_within_the_range() {
        assert_eq!(
            one(set("alternator.voltage", "43 V")),
            "step `one`: `alternator.voltage` = 43 V is out of range of supply `alternator`, expected 0 V .. 17 V"
        );
        assert_eq!(messages(vec![set("alternator.voltage", "NaN"), set("alternator.voltage", "word")]).len(), 2);
        let points = vec![(ms(0), crate::testbench::val("-1 V")), (ms(5), crate::testbench::val("18 V"))];
        let profile = Action::Profile { signal: id("alternator.voltage"), points, linear: false, name: None };
        assert_eq!(messages(vec![act("profile", profile)]).len(), 2);
        let ramp = Action::Ramp {
            signal: id("alternator.voltage"),
            from: None,
            to: q("20 V"),
            rate: q("1 V/s"),
            until: Some((id("rain"), is("on"))),
            capture: None,
            name: None,
            check: None,
        };
        assert_eq!(messages(vec![act("ramp", ramp)]).len(), 2);
    }

    #[test]
    fn refuses_a_time_that_polling_cannot_resolve() {
        let of = |check| {
            messages(vec![
                watch("load-disconnect", "floating", "cut"),
                watch("alternator.current", "1 A", "current"),
                require("current", "cut", check, 1000),
            ])
        };
        let refused = "limit of `span`, <= 5 ms, cannot be resolved: meter `dmm-shunt` polls `alternator.current` every 30 ms, expected a margin of at least 30 ms";
        assert_eq!(of(limit("", "5 ms"))[0].0, format!("step `one`: {refused}"));
        assert_eq!(of(limit("10 s", "10.005 s")).len(), 1);
        assert_eq!(of(limit("", "30 ms")).len(), 0);
        assert_eq!(of(limit("10 s", "")).len(), 0);
    }

    #[test]
    fn a_measurement_has_time_for_a_reading() {
        let act = measure_over("alternator.current", limit("0 A", ""), hil_model::Statistic::Mean, 10);
        assert_eq!(
            one(act),
            "step `one`: measure `alternator.current` over 10 ms is shorter than one reading of meter `dmm-shunt`, expected at least 20 ms"
        );
    }

    #[test]
    fn setup_and_teardown_are_checked_too() {
        let mut plan = acts(vec![]);
        plan.setup = vec![set("rain", "1 V")];
        plan.teardown = vec![set("snow", "1 V")];
        let found: Vec<String> = check(&plan, &bench()).into_iter().map(|d| d.message).collect();
        assert_eq!(found, ["setup: signal `rain` is not bound on this bench", "teardown: signal `snow` is not bound on this bench"]);
    }
}
