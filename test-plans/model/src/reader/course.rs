//! The keys of a step that decide whether and how often it runs: `when`,
//! `export`, `repeat`, `retries`, `continue-on-fail`, `always`, `beside`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use toml::de::DeValue;

use crate::course::{Comparison, Course, FailureKind, When};
use crate::expression::Expression;
use crate::plan::Act;
use crate::product::Product;
use crate::reader::computed::parsed;
use crate::reader::names::{Named, Names};
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::reader::value::{Sort, value};

/// Reads all of them. `names` are those of the step after its acts were read,
/// `conditions` those that `when` may use.
pub(super) struct Reading<'r, 'a> {
    pub table: &'r Table<'a>,
    /// The text of `when` before names were replaced in it.
    pub written_when: Option<&'r str>,
    /// `None` when they could not be read.
    pub acts: Option<&'r [Act]>,
    /// What the step's requirements put at risk, with the requirement.
    pub safety: Option<(String, String)>,
    /// What the plan says of every step.
    pub plan_goes_on: Option<bool>,
}

impl Reading<'_, '_> {
    pub fn read(self, names: &Names, conditions: &mut Names) -> Option<Course> {
        let table = self.table;
        let when = table.optional("when").map(|n| when(conditions, &n, self.written_when));
        let exports = table.optional("export").map_or(Some(Vec::new()), |n| exports(names, table, &n));
        let repeat = table.optional("repeat").map_or(Some(1), |n| n.count(1).and_then(|n| u32::try_from(n).ok()));
        let retry_on = table.optional("retries").map_or(Some(BTreeSet::new()), |n| self.retries(&n));
        let continue_on_fail = match table.optional("continue-on-fail") {
            Some(node) => node.boolean(),
            // An explicit word for this one step counts; one for the whole plan
            // does not make a dangerous failure harmless.
            None => Some(self.safety.is_none() && self.plan_goes_on.unwrap_or(true)),
        };
        let always = table.optional("always").map_or(Some(false), |n| n.boolean());
        let beside = table.optional("beside").map(|n| n.filled().map(str::to_owned));
        if let (Some(true), Some(node)) = (always, table.peek("beside")) {
            node.error("`beside` with `always`: what must be known first runs alone", None);
            return None;
        }
        let mut imports = names.imports();
        imports.extend(conditions.imports());
        Some(Course {
            when: match when {
                None => None,
                Some(read) => Some(read?),
            },
            exports: exports?,
            imports,
            repeat: repeat?,
            retry_on: retry_on?,
            continue_on_fail: continue_on_fail?,
            always: always?,
            beside: match beside {
                None => None,
                Some(read) => Some(read?),
            },
        })
    }

    fn retries(&self, node: &Node<'_>) -> Option<BTreeSet<FailureKind>> {
        let table = node.table()?;
        let on = table.required("on").and_then(|n| Some((kinds(&n)?, n)));
        let max = table.optional("max").map_or(Some(1), |n| {
            let found = n.count(1)?;
            if found != 1 {
                n.error(format!("`max` is {found}, expected 1: more tries would only look for the result one wants"), None);
            }
            (found == 1).then_some(found)
        });
        table.finish();
        if let Some((requirement, risk)) = &self.safety {
            let body = format!("`retries` in a step that judges `{requirement}` ({risk}), which is never tried again");
            node.error(body, Some("a failure there is the unit's, whatever a second try would say".to_owned()));
            return None;
        }
        if self.table.peek("repeat").is_some() {
            node.error("`retries` with `repeat`: every repetition must pass, expected one of them", None);
            return None;
        }
        let (on, node) = on?;
        let open = FailureKind::OpenContact;
        if on.contains(&open) && self.acts.is_some_and(|acts| !acts.iter().any(|a| a.fails_as == Some(open))) {
            let hint = Some("add `fails-as = \"open-contact\"` to the check that an open contact fails".to_owned());
            node.error("retries on `open-contact`, but no action of the step fails as that", hint);
            return None;
        }
        max.map(|_| on)
    }
}

fn kinds(node: &Node<'_>) -> Option<BTreeSet<FailureKind>> {
    let items = node.items()?;
    if items.is_empty() {
        node.error(format!("{} is empty, expected kinds of failure", node.what), None);
        return None;
    }
    items.iter().map(kind).collect()
}

/// One kind of failure.
pub(super) fn kind(node: &Node<'_>) -> Option<FailureKind> {
    node.word(&FailureKind::WORDS.map(|w| w.0)).and_then(FailureKind::parse)
}

/// Names of the step that later ones may use.
fn exports(names: &Names, table: &Table<'_>, node: &Node<'_>) -> Option<Vec<String>> {
    if table.peek("for-each").is_some() {
        node.error("`export` of a step with `for-each`: which of its rows would be meant, expected a step that runs once", None);
        return None;
    }
    let mut found = Vec::new();
    for item in node.items()? {
        let name = item.filled()?;
        match names.named(name) {
            Some(Named::Points(_)) => {
                item.error(format!("`{name}` are the edges of a profile, expected a value or one edge"), None);
                return None;
            }
            Some(_) => found.push(name.to_owned()),
            None if names.unread => return None,
            None => {
                item.unknown("name", name, names.all());
                return None;
            }
        }
    }
    Some(found)
}

/// `identity.vbat > 12 V`, `identity.firmware = 1.04`, `parameters.fuse = 60A`.
fn when(names: &mut Names, node: &Node<'_>, written: Option<&str>) -> Option<When> {
    let text = node.filled()?;
    let Some(at) = text.find(['<', '>', '=']) else {
        node.expected("a comparison with `<`, `=` or `>`", Some("as in `identity.vbat > 12 V`".to_owned()));
        return None;
    };
    let (left, right) = (text[..at].trim(), text[at + 1..].trim());
    let comparison = if text[at..].starts_with('=') {
        let known = written.is_some_and(|w| ["parameters.", "row.", "each."].iter().any(|word| w.trim_start().starts_with(word)));
        if known { Comparison::Known(left == right) } else { is(names, node, left, right)? }
    } else {
        let (a, b) = (operand(names, node, left), operand(names, node, right));
        let ((a, of_a), (b, of_b)) = (a?, b?);
        if of_a.as_ref().zip(of_b.as_ref()).is_some_and(|(a, b)| a != b) {
            node.error(format!("{} compares unlike things", node.what), None);
            return None;
        }
        if text[at..].starts_with('>') { Comparison::Above(a, b) } else { Comparison::Below(a, b) }
    };
    Some(When { text: text.to_owned(), comparison })
}

fn is(names: &mut Names, node: &Node<'_>, left: &str, right: &str) -> Option<Comparison> {
    let (expression, sort) = operand_of_any_sort(names, node, left)?;
    let Expression::Value(name) = expression else {
        node.error(format!("{} compares `{left}` with a word, expected a name of an earlier step", node.what), None);
        return None;
    };
    match sort {
        Some(Sort::Quantity(_)) => {
            node.error("a reading never equals a quantity, expected `<` or `>`", None);
            None
        }
        Some(sort) => {
            let right = DeValue::String(Cow::Borrowed(right));
            value(&node.part(&right), &sort).map(|value| Comparison::Is(name, value))
        }
        None => None,
    }
}

fn operand(names: &mut Names, node: &Node<'_>, text: &str) -> Option<(Expression, Option<Sort>)> {
    let (expression, sort) = operand_of_any_sort(names, node, text)?;
    if matches!(sort, Some(Sort::Word(_))) {
        node.error(format!("`{text}` is no quantity, expected `{text} = ` and a word"), None);
        return None;
    }
    Some((expression, sort))
}

fn operand_of_any_sort(names: &mut Names, node: &Node<'_>, text: &str) -> Option<(Expression, Option<Sort>)> {
    let typed = names.resolve(node, parsed(node, text)?)?;
    Some((typed.expression, typed.sort))
}

/// What a step's requirements put at risk.
pub(super) fn safety(product: Option<&Product>, requirements: &[String]) -> Option<(String, String)> {
    let risk = |id: &String| Some((id.clone(), product?.requirements.get(id)?.safety.clone()?));
    requirements.iter().find_map(risk)
}
