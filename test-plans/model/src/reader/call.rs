//! `call`: has a program of the bench do something. Which programs there are and
//! what they offer is known on the bench only; here names and units are read.

use crate::expression::Expression;
use crate::plan::{Action, Asked, Call, Setpoint, Wanted};
use crate::reader::branches::input_of;
use crate::reader::computed;
use crate::reader::expression;
use crate::reader::names::{Named, Names, as_name};
use crate::reader::node::Node;
use crate::reader::substitute::text_of;
use crate::reader::table::{Entry, Table};
use crate::reader::value::Sort;
use crate::signal::SignalKind;
use crate::value::Value;

pub(super) fn call(names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let target = table.required("call").and_then(|n| target(&n));
    // Before the results are declared: they are not known yet.
    let arguments = table.optional_table("with").map_or(Some(Vec::new()), |t| arguments(names, &t));
    let results = results(names, table);
    let (program, action) = target?;
    Some(Action::Call(Call { program, action, arguments: arguments?, results: results? }))
}

/// `chamber.defrost`: a program has no dot in its name, an action may.
fn target(node: &Node<'_>) -> Option<(String, String)> {
    let found = node.filled()?.split_once('.').filter(|(program, action)| !program.is_empty() && !action.is_empty());
    if found.is_none() {
        node.expected("a program and its action, as in `chamber.defrost`", None);
    }
    found.map(|(program, action)| (program.to_owned(), action.to_owned()))
}

fn arguments(names: &mut Names, table: &Table<'_>) -> Option<Vec<(String, Setpoint)>> {
    let one = |entry: &Entry<'_>| Some((entry.key.to_owned(), argument(names, &entry.node)?));
    // All of them, so that the errors of all are reported.
    table.entries().iter().map(one).collect::<Vec<_>>().into_iter().collect()
}

/// A text as it is written, unless it names earlier values.
fn argument(names: &mut Names, node: &Node<'_>) -> Option<Setpoint> {
    if node.is_number() {
        return Some(Setpoint::Fixed(Value::Text(text_of(node.value))));
    }
    let text = node.filled()?;
    let parsed = expression::parse(text).ok().filter(|found| names_of(found).iter().any(|name| names.knows(name)));
    match parsed {
        Some(found) => computed::quantity(names, node, found, None).map(Setpoint::Computed),
        None => Some(Setpoint::Fixed(Value::Text(text.trim().to_owned()))),
    }
}

fn names_of(expression: &Expression) -> Vec<&str> {
    expression.values().into_iter().chain(expression.edges().into_iter().map(|e| e.name.as_str())).collect()
}

/// `results = { tank = "%" }`; with `as = "first"` they are `first.tank`, …
fn results(names: &mut Names, table: &Table<'_>) -> Option<Vec<Wanted>> {
    let prefix = table.optional("as").map(|n| (as_name(&n), n));
    let Some(given) = table.optional_table("results") else {
        if let Some((_, node)) = prefix {
            node.error("`as` names results, expected `results`", Some("as in `results = { tank = \"%\" }`".to_owned()));
            return None;
        }
        return Some(Vec::new());
    };
    if given.entries().is_empty() {
        given.error("`results` is empty, expected results with a unit or `text`", None);
    }
    let prefix = match prefix {
        Some((name, _)) => format!("{}.", name?),
        None => String::new(),
    };
    let one = |entry: &Entry<'_>| wanted(names, entry, format!("{prefix}{}", entry.key));
    given.entries().iter().map(one).collect::<Vec<_>>().into_iter().collect()
}

fn wanted(names: &mut Names, entry: &Entry<'_>, name: String) -> Option<Wanted> {
    let key = entry.at_key();
    if expression::parse(&name) != Ok(Expression::Value(name.clone())) {
        key.error(
            format!("result {} cannot be named in expressions, expected letters, digits, `-` and `.`, a letter first", key.what),
            None,
        );
        return None;
    }
    let unit = match input_of(&entry.node) {
        Some(Asked::Quantity(unit)) => Some(Some(unit)),
        Some(_) => Some(None),
        None => None,
    };
    let sort = unit.map(|unit| unit.map_or(Sort::Word(SignalKind::Text), |u| Sort::Quantity(u.dimension)));
    names.declare(&key, &name, sort.map_or(Named::Unknown, Named::Value));
    Some(Wanted { result: entry.key.to_owned(), name, unit: unit? })
}
