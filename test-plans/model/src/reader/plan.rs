//! The plan file: its head, setup, steps and teardown.

use std::collections::BTreeSet;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::decision::{DecisionRule, Judging};
use crate::plan::{Act, Plan, Step};
use crate::reader::context::Context;
use crate::reader::lanes;
use crate::reader::names::Names;
use crate::reader::node::Node;
use crate::reader::parameters;
use crate::reader::read_file;
use crate::reader::step::{acts, step};
use crate::reader::substitute::{Bindings, Each, Scope, substitute};
use crate::reader::table::Table;

pub(super) fn read(root: Table<'_>, context: &Context<'_>) -> Option<Plan> {
    let head = head(context, &root);
    let bindings = parameters::read(&root, context);
    let recover = phase(context, &root, "recover", &bindings);
    let setup = phase(context, &root, "setup", &bindings);
    let steps = steps(context, &root, &bindings, &mut BTreeSet::new());
    if let Some(steps) = &steps {
        lanes::check(context, steps, root.report);
    }
    let teardown = phase(context, &root, "teardown", &bindings);
    let parameters = bindings.iter().map(|(name, value)| (name.clone(), parameters::typed(value))).collect();
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
    // Read with the parameters that it names.
    let _ = table.optional(parameters::OF_THE_BENCH);
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

/// Setup, recover or teardown; empty when absent.
fn phase<'a>(context: &Context<'_>, root: &Table<'a>, key: &'static str, parameters: &Bindings<'a>) -> Option<Vec<Act>> {
    let Some(node) = root.optional(key) else { return Some(Vec::new()) };
    let table = node.table()?;
    let mut raw = table.raw.clone();
    if key == "setup" {
        use_recover(root, &table, key, &mut raw);
    }
    substitute(&mut raw, &Scope { parameters, each: Each::Nothing }, root.report, key, &[]);
    let table = Table::new(&raw, table.span, String::new(), key.into(), root.report);
    let acts = acts(context, &mut Names::default(), &table);
    table.finish();
    acts
}

/// `{ use = "recover" }` among the actions of `[setup]` or of a step stands for those
/// of `[recover]`.
fn use_recover<'a>(root: &Table<'a>, user: &Table<'a>, place: &str, raw: &mut DeTable<'a>) {
    let Some(DeValue::Array(acts)) = raw.get_mut("do").map(Spanned::get_mut) else { return };
    let Some(nodes) = user.peek("do").and_then(Node::items) else { return };
    let recover = root.peek("recover").and_then(|n| n.value.as_table()?.get("do")?.get_ref().as_array());
    let written: Vec<_> = acts.iter().cloned().collect();
    let expanded = written.into_iter().zip(nodes).flat_map(|(act, node)| {
        if !uses(&act) {
            return vec![act];
        }
        match (names_recover(&node, place), recover) {
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

fn uses(act: &Spanned<DeValue<'_>>) -> bool {
    act.get_ref().as_table().is_some_and(|t| t.contains_key("use"))
}

fn names_recover(node: &Node<'_>, place: &str) -> bool {
    let Some(table) = node.table().map(|t| t.at(place)) else { return false };
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
        if table.raw.get("do").and_then(|acts| acts.get_ref().as_array()).is_some_and(|acts| acts.iter().any(uses)) {
            let mut raw = table.raw.clone();
            use_recover(root, &table, &table.place, &mut raw);
            steps.push(step(context, parameters, &Table::new(&raw, table.span, table.what.clone(), Rc::clone(&table.place), table.report)));
        } else {
            steps.push(step(context, parameters, &table));
        }
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
