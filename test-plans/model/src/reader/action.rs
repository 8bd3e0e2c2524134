//! Actions: which one a table is, and those that drive the unit.

use std::time::Duration;

use crate::diagnostic::nearest;
use crate::plan::{Act, Action, Setpoint};
use crate::quantity::{Dimension, Quantity};
use crate::reader::branches;
use crate::reader::call;
use crate::reader::check::{Written, check};
use crate::reader::computed;
use crate::reader::context::{Context, Use};
use crate::reader::course;
use crate::reader::memory;
use crate::reader::names::{Named, Names};
use crate::reader::node::Node;
use crate::reader::observe;
use crate::reader::report::one_of;
use crate::reader::table::{Entry, Table};
use crate::reader::text::describe;
use crate::reader::value::{Sort, condition, value};
use crate::signal::Signal;
use crate::value::Value;

const ACTIONS: &[&str] =
    &["call", "expect", "measure", "profile", "prompt", "ramp", "read", "require", "set", "settle", "together", "wait", "watch", "write"];

/// Reads one action; `None` when it is wrong.
pub(super) fn action(context: &Context<'_>, names: &mut Names, table: Table<'_>) -> Option<Act> {
    let written: Vec<&str> = ACTIONS.iter().copied().filter(|a| table.peek(a).is_some()).collect();
    let &[which] = written.as_slice() else {
        no_action(names, &table, &written);
        return None;
    };
    let span = table.span;
    let read = match which {
        "call" => call::call(names, &table),
        "expect" => observe::expect(context, &table),
        "measure" => observe::measure(context, names, &table),
        "profile" => profile(context, names, &table),
        "prompt" => branches::prompt(context, names, &table),
        "ramp" => ramp(context, names, &table),
        "read" => observe::read(context, names, &table),
        "require" => observe::require(context, names, &table),
        "set" => set(context, names, &table),
        "settle" => settle(context, &table),
        "together" => branches::together(context, names, &table),
        "wait" => table.required("wait").and_then(|n| n.positive_duration()).map(|duration| Action::Wait { duration }),
        "write" => memory::write(context, names, &table),
        _ => observe::watch(context, names, &table),
    };
    let fails_as = match table.optional("fails-as") {
        Some(node) if matches!(which, "expect" | "measure" | "prompt" | "ramp" | "require" | "settle" | "write") => {
            course::kind(&node).map(Some)
        }
        Some(node) => {
            node.error(format!("`{which}` judges nothing that could fail as `{}`", node.value.as_str().unwrap_or("?")), None);
            None
        }
        None => Some(None),
    };
    table.finish();
    let action = read?;
    let text = describe(&action);
    Some(Act { action, span, text, fails_as: fails_as? })
}

fn no_action(names: &mut Names, table: &Table<'_>, written: &[&str]) {
    names.unread = true;
    names.declare_as(table, Named::Unknown);
    if let [first, second, ..] = written {
        table.error(format!("both `{first}` and `{second}` in one table, expected one action a table"), None);
        return;
    }
    if table.peek("use").is_some() {
        table.error("`use` stands for actions of `[setup]` or of a step, neither in a branch nor in another file", None);
        return;
    }
    let guess = table.keys().find_map(|key| nearest(key, ACTIONS.iter().copied()));
    let hint = guess.map(|name| format!("did you mean `{name}`"));
    table.report.absence(&table.place, table.span, format!("no action in this table, expected {}", one_of("", ACTIONS)), hint);
}

/// The signal that the action's own key names.
pub(super) fn signal<'c>(context: &Context<'c>, table: &Table<'_>, key: &'static str, purpose: Use) -> Option<&'c Signal> {
    context.signal(&table.required(key)?, purpose)
}

/// The dimension of an analog signal; reports any other.
pub(super) fn analog(table: &Table<'_>, signal: &Signal, what: &str) -> Option<Dimension> {
    let found = Sort::of(&signal.kind).dimension();
    if found.is_none() {
        table.error(format!("{what} `{}`, which is no quantity", signal.id), None);
    }
    found
}

fn set(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let name = names.declare_as(table, Named::Edge);
    let values = table.table("set")?;
    if values.entries().is_empty() {
        values.error("`set` is empty, expected signals with values", None);
    }
    let refusable = table.optional("allow-refusal").map_or(Some(false), |n| n.boolean())?;
    let mut assignments = Vec::new();
    for entry in values.entries() {
        let Some(signal) = key_signal(context, entry, Use::Set) else { continue };
        if let Some(setpoint) = setpoint(names, &entry.node, &Sort::of(&signal.kind)) {
            assignments.push((signal.id.clone(), setpoint));
        }
    }
    (assignments.len() == values.entries().len()).then_some(Action::Set { assignments, refusable, name })
}

/// A constant, or for a quantity an expression over earlier values.
pub(super) fn setpoint(names: &mut Names, node: &Node<'_>, sort: &Sort) -> Option<Setpoint> {
    match (computed::named(names, node), sort.dimension()) {
        (Some(expression), Some(dimension)) => computed::quantity(names, node, expression, Some(dimension)).map(Setpoint::Computed),
        _ => value(node, sort).map(Setpoint::Fixed),
    }
}

/// The signal that a key names; `btv.atd` without quotes is a table in TOML.
pub(super) fn key_signal<'c>(context: &Context<'c>, entry: &Entry<'_>, purpose: Use) -> Option<&'c Signal> {
    let (node, key) = (entry.at_key(), entry.key);
    if let Some(inner) = node.value.as_table() {
        let example = inner.keys().next().map_or_else(|| key.to_owned(), |k| format!("{key}.{}", k.get_ref()));
        let hint = Some(format!("a signal's name goes in quotes: `\"{example}\" = …`"));
        node.error(format!("`{key}` is a table, expected a value"), hint);
        return None;
    }
    context.signal_named(&node, key, purpose)
}

fn ramp(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "ramp", Use::Set);
    let dimension = match signal {
        Some(signal) => Some(analog(table, signal, "`ramp` slides")?),
        None => None,
    };
    let from = table.optional("from").map(|n| n.quantity(dimension));
    let to = table.required("to").and_then(|n| n.quantity(dimension));
    let rate = table.required("rate").and_then(|n| rate(&n, dimension));
    let until = table.optional("until").map(|n| until(context, &n));
    let capture = table.optional("capture").map(|n| (context.signal(&n, Use::Observe), n));
    let sort = capture.as_ref().and_then(|(s, _)| *s).map(|s| Sort::of(&s.kind));
    let name = names.declare_as(table, sort.clone().map_or(Named::Unknown, Named::Value));
    let check = match (&capture, check(context, names, table, sort.as_ref())) {
        (_, Written::Absent) => None,
        (None, _) => {
            table.error("`ramp` judges a value that it does not take, expected `capture`", None);
            return None;
        }
        (Some(_), Written::Wrong) => return None,
        (Some(_), Written::Right(check)) => Some(check),
    };
    match &capture {
        Some((_, node)) if until.is_none() => node.error("`capture` without `until`: it is taken when `until` holds", None),
        Some((_, node)) if name.is_none() && check.is_none() => {
            node.error("`capture` is neither judged nor named, expected a limit or `as`", None);
        }
        None if name.is_some() => {
            table.error("`as` names the captured value, expected `capture`", None);
            return None;
        }
        _ => {}
    }
    Some(Action::Ramp {
        signal: signal?.id.clone(),
        from: take(from)?,
        to: to?,
        rate: rate?,
        until: take(until)?,
        capture: take(capture.map(|(s, _)| s))?.map(|s| s.id.clone()),
        name,
        check,
    })
}

/// `None` when something was written and is wrong.
fn take<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    read.map_or(Some(None), |found| found.map(Some))
}

fn rate(node: &Node<'_>, dimension: Option<Dimension>) -> Option<Quantity> {
    let found = node.quantity(dimension.map(|d| d.per(Dimension::TIME)))?;
    if found.si <= 0.0 {
        let hint = Some("the direction follows from `to`".to_owned());
        node.expected("a rate above 0", hint);
        return None;
    }
    Some(found)
}

/// `alternator.current > 0.5 A`, `pre-alarm = high`.
fn until(context: &Context<'_>, node: &Node<'_>) -> Option<(crate::SignalId, crate::Condition)> {
    let text = node.filled()?;
    let end = text.find(['>', '<', '=']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if rest.is_empty() {
        let hint = Some("write `alternator.current > 0.5 A` or `pre-alarm = high`".to_owned());
        node.expected("a signal, then `<`, `=` or `>`, then a value", hint);
        return None;
    }
    let signal = context.signal_named(node, name.trim(), Use::Observe)?;
    let condition = condition(node, rest.strip_prefix('=').unwrap_or(rest), &Sort::of(&signal.kind))?;
    Some((signal.id.clone(), condition))
}

fn profile(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "profile", Use::Set);
    let items = table.required("points").and_then(|n| Some((n.items()?, n)));
    let count = items.as_ref().map_or(Named::Unknown, |(items, _)| Named::Points(items.len()));
    let name = names.declare_as(table, count);
    let linear = match table.optional("shape") {
        None => Some(false),
        Some(node) => node.word(&["linear", "stepped"]).map(|word| word == "linear"),
    };
    if let (Some(signal), Some(true)) = (signal, linear) {
        analog(table, signal, "`shape` is `linear` for")?;
    }
    let (items, node) = items?;
    if items.is_empty() {
        node.error("`points` is empty", None);
    }
    let points: Vec<(Duration, Value)> = items.iter().map_while(|n| point(n, signal)).collect();
    if points.len() < items.len() || !rising(&items, &points) {
        return None;
    }
    Some(Action::Profile { signal: signal?.id.clone(), points, linear: linear?, name })
}

fn point(node: &Node<'_>, signal: Option<&Signal>) -> Option<(Duration, Value)> {
    let pair = node.items()?;
    let [at, to] = pair.as_slice() else {
        node.error(format!("{} has {} parts, expected a time and a value", node.what, pair.len()), None);
        return None;
    };
    let at = at.duration();
    let to = signal.and_then(|s| value(to, &Sort::of(&s.kind)));
    Some((at?, to?))
}

fn rising(items: &[Node<'_>], points: &[(Duration, Value)]) -> bool {
    if points.first().is_some_and(|p| !p.0.is_zero()) {
        items[0].error("the first point is not at 0 s", None);
        return false;
    }
    let falls = points.windows(2).position(|w| w[0].0 >= w[1].0);
    if let Some(i) = falls {
        items[i + 1].error("the point is not later than the one before it, expected rising times", None);
    }
    falls.is_none()
}

fn settle(context: &Context<'_>, table: &Table<'_>) -> Option<Action> {
    let signal = signal(context, table, "settle", Use::Observe);
    let dimension = match signal {
        Some(signal) => Some(analog(table, signal, "`settle` watches")?),
        None => None,
    };
    let within = table.required("within").and_then(|n| band(&n, dimension));
    let over = table.required("over").and_then(|n| n.positive_duration());
    let timeout = table.required("timeout").and_then(|n| n.positive_duration());
    if let (Some(over), Some(timeout)) = (over, timeout)
        && timeout < over
    {
        table.error("`timeout` is shorter than `over`: it can never settle", None);
    }
    Some(Action::Settle { signal: signal?.id.clone(), within: within?, over: over?, timeout: timeout? })
}

fn band(node: &Node<'_>, dimension: Option<Dimension>) -> Option<Quantity> {
    let found = node.difference(dimension)?;
    if found.si <= 0.0 {
        node.expected("a band above 0", None);
        return None;
    }
    Some(found)
}
