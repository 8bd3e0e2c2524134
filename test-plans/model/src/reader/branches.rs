//! `together`: branches side by side, and `prompt`: what only a person can say.

use std::collections::BTreeSet;

use crate::independence::{Clash, Disturbs, clash};
use crate::plan::{Act, Action, Asked, Check};
use crate::quantity::find_unit;
use crate::reader::action::action;
use crate::reader::check::{Written, check};
use crate::reader::context::Context;
use crate::reader::names::{Named, Names};
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::reader::value::Sort;
use crate::signal::SignalKind;
use crate::value::Value;

/// Reads the actions of one list, in order.
pub(super) fn list(context: &Context<'_>, names: &mut Names, items: &[Node<'_>]) -> Vec<Option<Act>> {
    let mut acts = Vec::new();
    for item in items {
        let table = item.table();
        names.unread |= table.is_none();
        let table = table.map(|mut t| {
            t.what = String::new();
            t
        });
        acts.push(table.and_then(|t| action(context, names, t)));
    }
    acts
}

/// All names that actions give, also those in branches.
pub(super) fn names_given(items: &[Node<'_>]) -> Vec<String> {
    let mut found = Vec::new();
    for table in items.iter().filter_map(|item| item.value.as_table()) {
        let text = |key| table.get(key).and_then(|v| v.get_ref().as_str());
        let results = table.get("results").and_then(|v| v.get_ref().as_table());
        let prefix = text("as").map(|name| format!("{name}."));
        match results {
            Some(results) => found.extend(results.keys().map(|key| format!("{}{}", prefix.as_deref().unwrap_or(""), key.get_ref()))),
            None => found.extend(text("as").map(str::to_owned)),
        }
        let branches = table.get("together").and_then(|v| v.get_ref().as_array());
        for (branch, item) in branches.into_iter().flatten().zip(items) {
            let acts = branch.get_ref().as_array().into_iter().flatten();
            let acts: Vec<Node<'_>> = acts.map(|v| Node::new(v, String::new(), item.place.clone(), item.report)).collect();
            found.extend(names_given(&acts));
        }
    }
    found
}

pub(super) fn together(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let node = table.required("together")?;
    let items = node.items()?;
    if items.len() < 2 {
        node.error(format!("{} has {} branches, expected at least 2", node.what, items.len()), None);
    }
    let mut branches = Vec::new();
    let mut before: Vec<Act> = Vec::new();
    // A name of one branch may come after the others have ended.
    let mut apart = BTreeSet::new();
    for item in &items {
        let known: BTreeSet<String> = names.all().map(str::to_owned).collect();
        names.hide(apart.clone());
        let acts = item.items().map(|acts| list(context, names, &acts));
        names.hide(BTreeSet::new());
        apart.extend(names.all().filter(|n| !known.contains(*n)).map(str::to_owned));
        if acts.as_ref().is_some_and(Vec::is_empty) {
            item.error(format!("{} is empty, expected actions", item.what), None);
        }
        let own: Vec<&Act> = acts.iter().flatten().flatten().collect();
        if let Some(clash) = clash(context.given.product, before.iter(), own.iter().copied()) {
            let (span, body) = (clash.span, clashing(&clash, "another branch of `together`"));
            table.report.error(&table.place, span, body, None);
        }
        before.extend(own.into_iter().cloned());
        branches.push(acts.and_then(|acts| acts.into_iter().collect::<Option<Vec<Act>>>()));
    }
    let branches: Option<Vec<Vec<Act>>> = branches.into_iter().collect();
    Some(Action::Together { branches: branches? })
}

/// What a clash is, in words; `other` is what runs beside.
pub(super) fn clashing(clash: &Clash, other: &str) -> String {
    let sets = &clash.sets;
    match &clash.disturbs {
        Disturbs::Sets => format!("`{sets}` is set here and in {other}, and nobody knows which comes last"),
        Disturbs::Observes(signal) if signal == sets => format!("`{sets}` is set here, and {other} observes it"),
        Disturbs::Observes(signal) => format!("`{sets}` is set here and moves `{signal}`, which {other} observes"),
    }
}

pub(super) fn prompt(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let text = table.string("prompt");
    let asked = match (table.optional("answers"), table.optional("input")) {
        (Some(answers), None) => words(&answers).map(Asked::Words),
        (None, Some(input)) => input_of(&input),
        (Some(_), Some(input)) => {
            input.error("`input` beside `answers`, expected one of them", None);
            None
        }
        (None, None) => {
            table.absence("a prompt without an answer, expected `answers` or `input`", None);
            None
        }
    };
    let sort = asked.as_ref().map(|asked| match asked {
        Asked::Words(words) => Sort::Word(SignalKind::Choice { words: words.clone() }),
        Asked::Quantity(unit) => Sort::Quantity(unit.dimension),
        Asked::Text => Sort::Word(SignalKind::Text),
    });
    table.required("as");
    let name = names.declare_as(table, sort.clone().map_or(Named::Unknown, Named::Value));
    let check = match check(context, names, table, sort.as_ref()) {
        Written::Right(check) => Some(Some(check)),
        Written::Wrong => None,
        Written::Absent => Some(asked.as_ref().and_then(plain_verdict)),
    };
    Some(Action::Prompt { text: text?.to_owned(), asked: asked?, name: name?, check: check? })
}

/// `pass` and `fail` judge by themselves.
fn plain_verdict(asked: &Asked) -> Option<Check> {
    let Asked::Words(words) = asked else { return None };
    let verdicts = words.iter().any(|w| w == "pass") && words.iter().all(|w| w == "pass" || w == "fail");
    verdicts.then(|| Check::Equals(Value::Text("pass".to_owned())))
}

fn words(node: &Node<'_>) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for item in node.items()? {
        let word = item.name()?;
        if found.iter().any(|w| w == word) {
            item.error(format!("the answer `{word}` is there twice"), None);
            return None;
        }
        found.push(word.to_owned());
    }
    if found.len() < 2 {
        node.error(format!("{} leaves no choice, expected at least two answers", node.what), None);
        return None;
    }
    Some(found)
}

pub(super) fn input_of(node: &Node<'_>) -> Option<Asked> {
    let text = node.filled()?;
    if text == "text" {
        return Some(Asked::Text);
    }
    let unit = find_unit(text);
    if unit.is_none() {
        node.expected("`text` or a unit", Some("write `\"text\"`, or a unit such as `\"V\"`".to_owned()));
    }
    unit.map(Asked::Quantity)
}
