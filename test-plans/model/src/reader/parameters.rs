//! `[parameters]`: their values in a run, from the plan, the bench and `--set`.
//!
//! A bench may set only what the plan says depends on it: another serial number
//! or firmware, set by the place where a unit is tested, would be another test.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeValue;

use crate::diagnostic::{Diagnostic, nearest};
use crate::quantity::{Dimension, Quantity};
use crate::reader::BenchValue;
use crate::reader::context::Context;
use crate::reader::node::Node;
use crate::reader::report::one_of;
use crate::reader::substitute::{Bindings, text_of};
use crate::reader::table::Table;
use crate::value::Value;

/// The key of `[plan]` that lists what depends on the bench.
pub(super) const OF_THE_BENCH: &str = "bench-parameters";

/// Parameters with the values that they have in this run.
pub(super) fn read<'a>(root: &Table<'a>, context: &Context<'_>) -> Bindings<'a> {
    let table = root.optional_table("parameters").map(|t| t.at("parameters"));
    let mut found = Bindings::new();
    for entry in table.iter().flat_map(Table::entries) {
        let node = &entry.node;
        if entry.key.is_empty() || !entry.key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            let body = format!("`{}` is no name, expected letters, digits, `-` and `_`", entry.key);
            node.report.error(&node.place, entry.span, body, None);
        }
        match node.value {
            DeValue::String(_) => {}
            DeValue::Integer(_) | DeValue::Float(_) if node.number().is_some() => {}
            DeValue::Integer(_) | DeValue::Float(_) => continue,
            _ => {
                node.expected("a quantity, a text or a number", None);
                continue;
            }
        }
        let value = replacement(context, entry.key, node);
        found.insert(entry.key.to_owned(), value.unwrap_or_else(|| node.value.clone()));
    }
    unknown_overrides(root, table.as_ref(), context.given.overrides);
    of_the_bench(root, context, &found);
    found
}

/// What takes the place of the plan's own value: `--set`, else the bench's.
fn replacement<'a>(context: &Context<'_>, name: &str, node: &Node<'a>) -> Option<DeValue<'a>> {
    let text = |text: &str| DeValue::String(Cow::Owned(text.to_owned()));
    let bench = context.given.bench.get(name).map(|value| (value, text(&value.text))).filter(|(value, new)| {
        let Err((found, expected)) = same_kind(node, new) else { return true };
        let message = format!("parameters: `{name}` is `{}`, {found}, expected {expected}", value.text);
        let hint = Some(format!("it replaces the plan's `{}`", text_of(node.value)));
        context.elsewhere.borrow_mut().push(Diagnostic { message, span: value.span, hint });
        false
    });
    let set = context.given.overrides.get(name).map(|value| text(value)).filter(|new| {
        let Err((found, expected)) = same_kind(node, new) else { return true };
        let hint = Some(format!("it replaces `{}`", text_of(node.value)));
        node.error(format!("`--set {name}={}` is {found}, expected {expected}", text_of(new)), hint);
        false
    });
    set.or(bench.map(|(_, new)| new))
}

/// A new value must be of the kind of the one it replaces; else what it is, and
/// what was expected.
fn same_kind(node: &Node<'_>, new: &DeValue<'_>) -> Result<(), (String, String)> {
    let expected = if node.is_number() { Some(Dimension::NONE) } else { quantity(node.value).map(|q| q.dimension) };
    let Some(expected) = expected else { return Ok(()) };
    let found = Quantity::parse(&text_of(new));
    if found.as_ref().is_ok_and(|q| q.dimension == expected) {
        return Ok(());
    }
    Err((found.map_or_else(|e| e.to_string(), |q| q.dimension.noun()), expected.noun()))
}

fn unknown_overrides(root: &Table<'_>, table: Option<&Table<'_>>, overrides: &BTreeMap<String, String>) {
    let names: Vec<&str> = table.iter().flat_map(|t| t.entries()).map(|e| e.key).collect();
    let span = table.map_or(root.span, |t| t.span);
    for (name, value) in overrides.iter().filter(|(name, _)| !names.contains(&name.as_str())) {
        let hint = nearest(name, names.iter().copied()).map(|n| format!("did you mean `{n}`"));
        let body = format!("`--set {name}={value}` names no parameter of this plan, expected {}", one_of(name, &names));
        root.report.absence("", span, body, hint);
    }
}

/// Reads `bench-parameters`, and refuses what the bench sets beyond them. What
/// this plan has no parameter for is for other plans.
fn of_the_bench(root: &Table<'_>, context: &Context<'_>, parameters: &Bindings<'_>) {
    let plan = root.peek("plan").and_then(Node::table).map(|t| t.at("plan"));
    let Some(plan) = plan else { return };
    let Some(legal) = plan.peek(OF_THE_BENCH).map_or_else(|| Some(BTreeSet::new()), |list| listed(list, parameters)) else { return };
    let names: Vec<&str> = legal.iter().copied().collect();
    let set = context.given.bench.iter().filter(|(name, _)| parameters.contains_key(*name) && !legal.contains(name.as_str()));
    let refused = set.map(|(name, BenchValue { span, .. })| Diagnostic {
        message: format!("parameters: the plan lets no bench set `{name}`, expected {}", one_of(name, &names)),
        span: *span,
        hint: Some(format!("what depends on the bench, a plan lists in `[plan] {OF_THE_BENCH}`")),
    });
    context.elsewhere.borrow_mut().extend(refused);
}

/// The names of `bench-parameters`; `None` when one is wrong.
fn listed<'a>(list: &Node<'a>, parameters: &Bindings<'_>) -> Option<BTreeSet<&'a str>> {
    let (mut found, mut good) = (BTreeSet::new(), true);
    for item in list.items()? {
        let Some(name) = item.filled() else {
            good = false;
            continue;
        };
        if !parameters.contains_key(name) {
            item.unknown("parameter", name, parameters.keys().map(String::as_str));
            good = false;
        } else if !found.insert(name) {
            item.error(format!("parameter `{name}` is listed twice"), None);
            good = false;
        }
    }
    good.then_some(found)
}

/// The quantity of a value: a number, or a text with a unit. A text that is a
/// bare number stays text: `0001` may be a serial.
fn quantity(value: &DeValue<'_>) -> Option<Quantity> {
    let text = text_of(value);
    let with_unit = !text.trim().ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_text = value.as_str().is_some();
    Quantity::parse(&text).ok().filter(|_| with_unit || !is_text)
}

pub(super) fn typed(value: &DeValue<'_>) -> Value {
    quantity(value).map_or_else(|| Value::Text(text_of(value)), Value::Quantity)
}
