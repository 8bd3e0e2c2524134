//! Actions that observe and judge: `measure`, `read`, `watch`, `require`, `expect`.

use std::time::Duration;

use crate::expression::Expression;
use crate::limit::Limit;
use crate::plan::{Action, Blame, Check, Statistic};
use crate::quantity::{Dimension, Quantity};
use crate::reader::action::{analog, key_signal, signal};
use crate::reader::check::{Written, check};
use crate::reader::context::{Context, Use};
use crate::reader::expression;
use crate::reader::names::{Named, Names, Typed};
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::reader::value::{Sort, condition, trigger};
use crate::signal::Signal;

const STATISTICS: &[&str] = &["max", "mean", "min", "peak-to-peak"];

pub(super) fn measure(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "measure", Use::Observe);
    let sort = signal.map(|s| Sort::of(&s.kind));
    let name = match names.declare_as(table, named(sort.as_ref())) {
        None if table.peek("as").is_none() => default_name(names, table, signal),
        written => written,
    };
    let blame = blame(table);
    let (statistic, over) = averaging(table, signal);
    let check = compulsory(table, check(context, names, table, sort.as_ref()), "use `read` to record without judging");
    Some(Action::Measure { signal: signal?.id.clone(), name: name?, statistic: statistic?, over: over?, check: check?, blame: blame? })
}

fn named(sort: Option<&Sort>) -> Named {
    sort.map_or(Named::Unknown, |s| Named::Value(s.clone()))
}

fn default_name(names: &mut Names, table: &Table<'_>, signal: Option<&Signal>) -> Option<String> {
    let signal = signal?;
    names.declare(table.peek("measure")?, signal.id.as_str(), Named::Value(Sort::of(&signal.kind)));
    Some(signal.id.to_string())
}

fn averaging(table: &Table<'_>, signal: Option<&Signal>) -> (Option<Statistic>, Option<Duration>) {
    let over = table.optional("over");
    let written = table.optional("statistic");
    if (over.is_some() || written.is_some())
        && let Some(signal) = signal
        && analog(table, signal, "`measure` takes a statistic of").is_none()
    {
        return (None, None);
    }
    let statistic = match &written {
        None => Some(Statistic::Mean),
        Some(node) => node.word(STATISTICS).map(|word| match word {
            "min" => Statistic::Min,
            "max" => Statistic::Max,
            "peak-to-peak" => Statistic::PeakToPeak,
            _ => Statistic::Mean,
        }),
    };
    if let (Some(node), None) = (&written, &over) {
        // The peak-to-peak of one reading is 0: it would always pass.
        node.error("`statistic` of one reading, expected `over`", Some("write `over = \"1 s\"`".to_owned()));
    }
    (statistic, over.map_or(Some(Duration::ZERO), |n| n.positive_duration()))
}

fn blame(table: &Table<'_>) -> Option<Blame> {
    let Some(node) = table.optional("blame") else { return Some(Blame::Unit) };
    node.word(&["tester", "unit"]).map(|word| if word == "tester" { Blame::Tester } else { Blame::Unit })
}

fn compulsory(table: &Table<'_>, check: Written<Check>, hint: &str) -> Option<Check> {
    match check {
        Written::Right(check) => Some(check),
        Written::Wrong => None,
        Written::Absent => {
            let body = "nothing to judge by, expected one of `equals`, `limit`, `min`/`max`, `nominal` with `tolerance`";
            table.absence(body, Some(hint.to_owned()));
            None
        }
    }
}

pub(super) fn read(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "read", Use::Observe);
    table.required("as");
    let name = names.declare_as(table, named(signal.map(|s| Sort::of(&s.kind)).as_ref()));
    Some(Action::Read { signal: signal?.id.clone(), name: name? })
}

pub(super) fn watch(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "watch", Use::Observe);
    table.required("as");
    let name = names.declare_as(table, Named::Edge);
    let trigger = trigger(table, signal.map(|s| Sort::of(&s.kind)).as_ref());
    Some(Action::Watch { signal: signal?.id.clone(), trigger: trigger?, name: name? })
}

pub(super) fn require(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let node = table.required("require");
    let typed = node.as_ref().and_then(|n| expression(names, n));
    names.unread |= typed.is_none();
    let sort = typed.as_ref().and_then(|t| t.sort.clone());
    let name = match names.declare_as(table, named(sort.as_ref())) {
        None if table.peek("as").is_none() => default_require_name(names, node.as_ref(), typed.as_ref(), sort.as_ref()),
        written => written,
    };
    let blame = blame(table);
    let check = compulsory(table, check(context, names, table, sort.as_ref()), "a `require` without a limit judges nothing");
    let within = table.optional("within");
    let (typed, check) = (typed?, check?);
    let edges = !typed.expression.edges().is_empty();
    if let Some(node) = node.as_ref().filter(|_| typed.expression.is_constant()) {
        node.error("`require` of a constant judges nothing, expected a name in the expression", None);
        return None;
    }
    let check = if edges { not_before(check) } else { check };
    let within = match (within, edges) {
        (Some(node), false) => {
            node.error("`within` waits for edges, and the expression has none", None);
            None
        }
        (None, false) => Some(Duration::ZERO),
        (Some(node), true) => node.duration(),
        (None, true) => derived_wait(table, &check),
    };
    Some(Action::Require { expression: typed.expression, name: name?, check, within: within?, blame: blame? })
}

fn expression(names: &mut Names, node: &Node<'_>) -> Option<Typed> {
    let text = node.filled()?;
    match expression::parse(text) {
        Ok(parsed) => names.resolve(node, parsed),
        Err(why) => {
            node.error(format!("{} is `{text}`, {why}, expected an expression", node.what), Some("as in `cut - warn`".to_owned()));
            None
        }
    }
}

/// The expression's text; a lone value keeps the name it has.
fn default_require_name(names: &mut Names, node: Option<&Node<'_>>, typed: Option<&Typed>, sort: Option<&Sort>) -> Option<String> {
    let (node, typed) = (node?, typed?);
    let name = typed.expression.to_string();
    if !matches!(typed.expression, Expression::Value(_)) {
        names.declare(node, &name, named(sort));
    }
    Some(name)
}

/// A reaction that came before its stimulus is none: without a `min` a time
/// between edges is at least 0 s. A negative `max` asks for the other order.
fn not_before(check: Check) -> Check {
    match check {
        Check::Limit(limit) if limit.low.is_none() && limit.high.is_some_and(|h| h.dimension == Dimension::TIME && h.si >= 0.0) => {
            Check::Limit(Limit { low: Some(Quantity::seconds(0.0)), ..limit })
        }
        Check::Computed { low: None, high } => Check::Computed { low: Some(Expression::Literal(Quantity::seconds(0.0))), high },
        other => other,
    }
}

/// A missing edge is waited for a second longer than the limit allows.
fn derived_wait(table: &Table<'_>, check: &Check) -> Option<Duration> {
    let high = match check {
        Check::Limit(limit) => limit.high,
        // The reader does not know it yet.
        Check::Computed { .. } | Check::Equals(_) => None,
    };
    match high.filter(|h| h.dimension == Dimension::TIME) {
        Some(high) => Duration::try_from_secs_f64(high.si.max(0.0) + 1.0).ok(),
        None => {
            let hint = Some("write `max = \"31 s\"` or `within = \"60 s\"`".to_owned());
            table.absence("the edges may never come, expected `max` or `within`", hint);
            None
        }
    }
}

pub(super) fn expect(context: &Context<'_>, table: &Table<'_>) -> Option<Action> {
    let states = table.table("expect");
    let within = table.optional("within").map_or(Some(Duration::ZERO), |n| n.duration());
    let hold = table.optional("for").map_or(Some(Duration::ZERO), |n| n.positive_duration());
    let states = states?;
    if states.entries().is_empty() {
        states.error("`expect` is empty, expected signals with states", None);
    }
    let mut conditions = Vec::new();
    for entry in states.entries() {
        let Some(signal) = key_signal(context, entry, Use::Observe) else { continue };
        let text = entry.node.filled();
        if let Some(condition) = text.and_then(|text| condition(&entry.node, text, &Sort::of(&signal.kind))) {
            conditions.push((signal.id.clone(), condition));
        }
    }
    let complete = conditions.len() == states.entries().len();
    Some(Action::Expect { conditions: complete.then_some(conditions)?, within: within?, hold: hold? })
}
