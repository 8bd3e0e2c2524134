//! The plan file: its head, its parameters, setup, steps and teardown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::decision::{DecisionRule, Judging};
use crate::diagnostic::nearest;
use crate::plan::{Act, Plan, Step};
use crate::quantity::{Dimension, Quantity};
use crate::reader::context::Context;
use crate::reader::lanes;
use crate::reader::names::Names;
use crate::reader::node::Node;
use crate::reader::read_file;
use crate::reader::report::one_of;
use crate::reader::step::{acts, step};
use crate::reader::substitute::{Bindings, Each, Scope, substitute, text_of};
use crate::reader::table::Table;
use crate::value::Value;

pub(super) fn read(root: Table<'_>, context: &Context<'_>) -> Option<Plan> {
    let head = head(context, &root);
    let bindings = parameters(&root, context.given.overrides);
    let recover = phase(context, &root, "recover", &bindings);
    let setup = phase(context, &root, "setup", &bindings);
    let steps = steps(context, &root, &bindings, &mut BTreeSet::new());
    if let Some(steps) = &steps {
        lanes::check(context, steps, root.report);
    }
    let teardown = phase(context, &root, "teardown", &bindings);
    let parameters = bindings.iter().map(|(name, value)| (name.clone(), typed(value))).collect();
    root.finish();
    let Head { id, title, product, judging } = head?;
    context.product()?;
    let plan = Plan { id, title, product, judging, parameters, setup: setup?, recover: recover?, steps: steps?, teardown: teardown? };
    (!context.is_incomplete()).then_some(plan)
}

struct Head {
    id: String,
    title: String,
    product: String,
    judging: Judging,
}

fn head(context: &Context<'_>, root: &Table<'_>) -> Option<Head> {
    let table = root.table("plan")?.at("plan");
    let id = table.required("id").and_then(|n| n.name());
    let title = table.string("title");
    let product = table.required("product").and_then(|n| Some((n.filled()?, n)));
    let judging = judging(&table);
    context.goes_on.set(table.optional("continue-on-fail").and_then(|n| n.boolean()));
    table.finish();
    let (product, node) = product?;
    if let Some(known) = context.given.product
        && known.id != product
    {
        node.none_of(product, [known.id.as_str()]);
    }
    Some(Head { id: id?.to_owned(), title: title?.to_owned(), product: product.to_owned(), judging: judging? })
}

/// `decision-rule` and `minimum-tur`; both may be absent.
fn judging(table: &Table<'_>) -> Option<Judging> {
    let words: Vec<&str> = DecisionRule::WORDS.iter().map(|(word, _)| *word).collect();
    let rule = table.optional("decision-rule").map(|n| n.word(&words).and_then(DecisionRule::parse));
    let minimum = table.optional("minimum-tur").map(|n| {
        let ratio = n.number()?;
        if ratio <= 0.0 {
            n.expected("a ratio above 0", Some("4 is usual".into()));
            return None;
        }
        Some(ratio)
    });
    Some(Judging { rule: rule.unwrap_or(Some(DecisionRule::Simple))?, minimum_tur: minimum.map_or(Some(None), |m| m.map(Some))? })
}

/// Parameters with the values that they have in this run.
fn parameters<'a>(root: &Table<'a>, overrides: &BTreeMap<String, String>) -> Bindings<'a> {
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
        let value = overrides.get(entry.key).map(|text| DeValue::String(Cow::Owned(text.clone())));
        let value = value.filter(|new| same_kind(entry.key, node, new));
        found.insert(entry.key.to_owned(), value.unwrap_or_else(|| node.value.clone()));
    }
    unknown_overrides(root, table.as_ref(), overrides);
    found
}

/// What `--set` or the bench gives must be of the kind of the value it replaces.
fn same_kind(name: &str, node: &Node<'_>, new: &DeValue<'_>) -> bool {
    let expected = if node.is_number() { Some(Dimension::NONE) } else { quantity(node.value).map(|q| q.dimension) };
    let Some(expected) = expected else { return true };
    let text = text_of(new);
    let found = Quantity::parse(&text);
    if found.as_ref().is_ok_and(|q| q.dimension == expected) {
        return true;
    }
    let found = found.map_or_else(|e| e.to_string(), |q| q.dimension.noun());
    let hint = Some(format!("it replaces `{}`", text_of(node.value)));
    node.error(format!("`{name}={text}`, given by `--set` or by the bench, is {found}, expected {}", expected.noun()), hint);
    false
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

/// The quantity of a value: a number, or a text with a unit. A text that is a
/// bare number stays text: `0001` may be a serial.
fn quantity(value: &DeValue<'_>) -> Option<Quantity> {
    let text = text_of(value);
    let with_unit = !text.trim().ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_text = value.as_str().is_some();
    Quantity::parse(&text).ok().filter(|_| with_unit || !is_text)
}

fn typed(value: &DeValue<'_>) -> Value {
    quantity(value).map_or_else(|| Value::Text(text_of(value)), Value::Quantity)
}

/// Setup, recover or teardown; empty when absent.
fn phase<'a>(context: &Context<'_>, root: &Table<'a>, key: &'static str, parameters: &Bindings<'a>) -> Option<Vec<Act>> {
    let Some(node) = root.optional(key) else { return Some(Vec::new()) };
    let table = node.table()?;
    let mut raw = table.raw.clone();
    if key == "setup" {
        use_recover(root, &table, &mut raw);
    }
    substitute(&mut raw, &Scope { parameters, each: Each::Nothing }, root.report, key, &[]);
    let table = Table::new(&raw, table.span, String::new(), key.into(), root.report);
    let acts = acts(context, &mut Names::default(), &table);
    table.finish();
    acts
}

/// `{ use = "recover" }` among the actions of `[setup]` stands for those of
/// `[recover]`.
fn use_recover<'a>(root: &Table<'a>, setup: &Table<'a>, raw: &mut DeTable<'a>) {
    let Some(DeValue::Array(acts)) = raw.get_mut("do").map(Spanned::get_mut) else { return };
    let Some(nodes) = setup.peek("do").and_then(Node::items) else { return };
    let recover = root.peek("recover").and_then(|n| n.value.as_table()?.get("do")?.get_ref().as_array());
    let written: Vec<_> = acts.iter().cloned().collect();
    let expanded = written.into_iter().zip(nodes).flat_map(|(act, node)| {
        if !act.get_ref().as_table().is_some_and(|t| t.contains_key("use")) {
            return vec![act];
        }
        match (names_recover(&node), recover) {
            (true, Some(recover)) => recover.iter().cloned().collect(),
            (true, None) => {
                node.error("nothing to use here, expected a plan with `[recover]` and its `do`", None);
                Vec::new()
            }
            (false, _) => Vec::new(),
        }
    });
    *acts = expanded.collect();
}

fn names_recover(node: &Node<'_>) -> bool {
    let Some(table) = node.table().map(|t| t.at("setup")) else { return false };
    let found = table.required("use").and_then(|n| n.word(&["recover"]));
    table.finish();
    found.is_some()
}

/// The steps of a plan or of a file that it includes. `ids` are those of all
/// steps so far.
fn steps<'a>(context: &Context<'_>, root: &Table<'a>, parameters: &Bindings<'a>, ids: &mut BTreeSet<String>) -> Option<Vec<Step>> {
    let written = root.tables("step", "id");
    if written.is_empty() {
        root.report.absence("", root.span, "the plan has no steps, expected `[[step]]`", None);
    }
    let later = written.iter().filter_map(|t| t.peek_text("id")).map(str::to_owned);
    Rc::make_mut(&mut context.exports.borrow_mut()).later.extend(later);
    let mut steps = Vec::new();
    for table in written {
        if table.peek("include").is_some() {
            steps.push(included(context, table, parameters, ids));
            continue;
        }
        if let Some(id) = table.peek_text("id")
            && !ids.insert(id.to_owned())
        {
            table.error(format!("the id `{id}` is taken twice"), None);
        }
        steps.push(step(context, parameters, &table));
    }
    let read: Option<Vec<Vec<Step>>> = steps.into_iter().collect();
    read.map(|steps| steps.concat())
}

/// The steps of another file. Its errors are told with its name.
fn included<'a>(context: &Context<'_>, table: Table<'a>, parameters: &Bindings<'a>, ids: &mut BTreeSet<String>) -> Option<Vec<Step>> {
    let table = table.at("include");
    let node = table.required("include")?;
    table.finish();
    let path = node.filled()?;
    match context.includes.at(node.span) {
        Some(Ok(file)) => {
            let read = read_file(context.sources, *file, |root| {
                let found = steps(context, &root, parameters, ids);
                root.finish();
                found
            });
            read.map_err(|errors| context.elsewhere.borrow_mut().extend(errors)).ok()
        }
        Some(Err(why)) => {
            node.error(format!("cannot include `{path}`: {why}"), None);
            None
        }
        None => {
            node.error(format!("cannot include `{path}`: nothing is included here"), None);
            None
        }
    }
}
