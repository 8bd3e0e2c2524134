//! Steps: `for-each` is expanded, names are replaced, actions are read.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use toml::de::DeValue;

use crate::plan::{Act, Action, Blame, Step};
use crate::reader::branches;
use crate::reader::context::Context;
use crate::reader::course::{Reading, safety};
use crate::reader::limits::requirement;
use crate::reader::names::{Named, Names};
use crate::reader::node::Node;
use crate::reader::substitute::{Bindings, Each, Scope, substitute, text_of};
use crate::reader::table::Table;
use crate::reader::text::time;

/// What a step may take when it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Reads `[[step]]`; a `for-each` makes several. `None` when one is wrong.
pub(super) fn step<'a>(context: &Context<'_>, parameters: &Bindings<'a>, written: &Table<'a>) -> Option<Vec<Step>> {
    let id = written.required("id").and_then(|n| n.name());
    let mut steps = Vec::new();
    for (suffix, each) in instances(context, written) {
        let place = match &suffix {
            Some(row) => format!("step `{}[{row}]`", id.unwrap_or("?")),
            None => written.place.to_string(),
        };
        let mut raw = written.raw.clone();
        substitute(&mut raw, &Scope { parameters, each }, written.report, &place, &["id", "for-each"]);
        let table = Table::new(&raw, written.span, String::new(), place.into(), written.report);
        let title = written.peek_text("title");
        // A title that names the row already is left as it is.
        let generic = title.is_some() && title == table.peek_text("title");
        let step = instance(context, table, written.peek_text("when"));
        steps.push(step.map(|mut step| {
            let Some(row) = suffix else { return step };
            step.id = format!("{}[{row}]", step.id);
            step.title = match title {
                None => step.id.clone(),
                Some(title) if generic => format!("{title} [{row}]"),
                Some(_) => step.title,
            };
            step
        }));
    }
    id?;
    steps.into_iter().collect()
}

fn instance(context: &Context<'_>, table: Table<'_>, written_when: Option<&str>) -> Option<Step> {
    let id = table.optional("id").and_then(|n| n.text());
    let title = table.optional("title").map_or(id, |n| n.filled());
    let _ = table.optional("for-each");
    let requirements = table.optional("requirements").map_or_else(Vec::new, |n| requirements(context, &n));
    let timeout = table.optional("timeout");
    let limit = timeout.as_ref().map_or(Some(TIMEOUT), Node::positive_duration);
    let exports = Rc::clone(&context.exports.borrow());
    let (mut names, mut conditions) = (Names::after(&exports), Names::after(&exports));
    let exported: Vec<&str> =
        table.peek("export").and_then(|n| n.value.as_array()).into_iter().flatten().filter_map(|v| v.get_ref().as_str()).collect();
    exported.iter().for_each(|name| names.keep_for_later(name));
    let acts = acts(context, &mut names, &table);
    let reading = Reading {
        table: &table,
        written_when,
        acts: acts.as_deref(),
        safety: safety(context.given.product, &requirements),
        plan_goes_on: context.goes_on.get(),
    };
    let course = reading.read(&names, &mut conditions);
    // What could not be read is no reason to complain about who uses it.
    let named = |name: &&str| ((*name).to_owned(), names.named(name).cloned().unwrap_or(Named::Unknown));
    let exported: BTreeMap<String, Named> = exported.iter().map(named).collect();
    // They hold what was exported so far, which is copied if anybody does.
    drop((names, conditions, exports));
    let exports_nothing = exported.is_empty();
    export(context, id, exported);
    let (span, place, report) = (table.span, table.place.clone(), table.report);
    table.finish();
    let (acts, limit, course) = (acts?, limit?, course?);
    if !acts.iter().any(judges) && (!requirements.is_empty() || exports_nothing) {
        let what = if requirements.is_empty() { "judges" } else { "claims requirements, but judges" };
        let hint = "add a `measure`, `require` or `expect`; what only prepares belongs to `[setup]` or to the step that needs it";
        report.absence(&place, span, format!("{what} nothing about the unit"), Some(hint.to_owned()));
    }
    if let Some((act, longest)) = longest_wait(&acts).filter(|(_, longest)| limit < *longest) {
        let hint = Some(format!("write `timeout = \"{}\"` or more, or wait for less", time(longest)));
        let body = format!("waits up to {} for the unit, but the step's `timeout` is {}", time(longest), time(limit));
        report.error(&place, act.span, body, hint);
    }
    let fixed = fixed_times(&acts);
    if limit < fixed {
        let at = timeout.map_or(span, |n| n.span);
        let hint = Some(format!("write `timeout = \"{}\"` or more", time(fixed)));
        report.error(&place, at, format!("`timeout` is {}, but its fixed waits take {}", time(limit), time(fixed)), hint);
    }
    Some(Step { id: id?.to_owned(), title: title?.to_owned(), requirements, timeout: limit, acts, course, span })
}

/// Later steps may use what this one exports.
fn export(context: &Context<'_>, id: Option<&str>, exported: BTreeMap<String, Named>) {
    let Some(id) = id else { return };
    let mut exports = context.exports.borrow_mut();
    let exports = Rc::make_mut(&mut exports);
    exports.later.remove(id);
    exports.steps.insert(id.to_owned(), exported);
}

/// Reads `do` of a step or a phase.
pub(super) fn acts(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Vec<Act>> {
    let node = table.required("do")?;
    let items = node.items()?;
    if items.is_empty() {
        node.error("`do` is empty, expected actions", None);
        return None;
    }
    names.expect(branches::names_given(&items));
    let acts = branches::list(context, names, &items);
    if !names.unread {
        for (name, span) in names.unused_edges() {
            let hint = Some(format!("judge it with `require`, or remove `as = \"{name}\"`"));
            table.report.absence(&table.place, span, format!("edge `{name}` is named, but nothing requires it"), hint);
        }
    }
    acts.into_iter().collect()
}

fn requirements(context: &Context<'_>, node: &Node<'_>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for item in node.items().unwrap_or_default() {
        let Some(id) = requirement(&item, context.product()) else { continue };
        if !seen.insert(id.clone()) {
            item.error(format!("requirement `{id}` is there twice"), None);
        }
        found.push(id);
    }
    found
}

/// Whether an act can fail the unit. A check that blames the tester cannot.
fn judges(act: &Act) -> bool {
    match &act.action {
        Action::Measure { blame, .. } | Action::Require { blame, .. } => matches!(blame, Blame::Unit),
        Action::Expect { .. } | Action::Write { .. } => true,
        Action::Ramp { check, .. } => check.is_some(),
        Action::Set { .. }
        | Action::Profile { .. }
        | Action::Wait { .. }
        | Action::Settle { .. }
        | Action::Watch { .. }
        | Action::Read { .. }
        | Action::Call(_) => false,
        Action::Prompt { check, .. } => check.is_some(),
        Action::Together { branches } => branches.iter().flatten().any(judges),
    }
}

/// The act that waits longest for the unit, and how long: a unit that does not
/// answer must fail by it, not by the step's time-out.
fn longest_wait(acts: &[Act]) -> Option<(&Act, Duration)> {
    acts.iter()
        .filter_map(|act| match &act.action {
            Action::Require { within, .. } => Some((act, *within)),
            Action::Expect { within, hold, .. } => Some((act, within.saturating_add(*hold))),
            Action::Settle { timeout, .. } => Some((act, *timeout)),
            Action::Write { within, .. } => Some((act, *within)),
            Action::Together { branches } => branches.iter().filter_map(|b| longest_wait(b)).max_by_key(|(_, wait)| *wait),
            Action::Measure { .. }
            | Action::Ramp { .. }
            | Action::Set { .. }
            | Action::Profile { .. }
            | Action::Wait { .. }
            | Action::Watch { .. }
            | Action::Read { .. }
            | Action::Prompt { .. }
            | Action::Call(_) => None,
        })
        .max_by_key(|(_, wait)| *wait)
}

/// What acts take at least, one after the other.
fn fixed_times(acts: &[Act]) -> Duration {
    acts.iter().fold(Duration::ZERO, |sum, act| sum.saturating_add(fixed_time(&act.action)))
}

/// What an act takes at least, whatever the unit does.
fn fixed_time(action: &Action) -> Duration {
    match action {
        Action::Wait { duration } => *duration,
        Action::Measure { over, .. } | Action::Settle { over, .. } => *over,
        Action::Expect { hold, .. } => *hold,
        Action::Profile { points, .. } => points.last().map_or(Duration::ZERO, |p| p.0),
        Action::Ramp { from: Some(from), to, rate, until: None, .. } => {
            Duration::try_from_secs_f64((to.si - from.si).abs() / rate.si).unwrap_or(Duration::MAX)
        }
        Action::Together { branches } => branches.iter().map(|acts| fixed_times(acts)).max().unwrap_or_default(),
        Action::Ramp { .. }
        | Action::Set { .. }
        | Action::Write { .. }
        | Action::Watch { .. }
        | Action::Require { .. }
        | Action::Read { .. }
        | Action::Prompt { .. }
        | Action::Call(_) => Duration::ZERO,
    }
}

/// The instances of a step: the row's id and what its names stand for.
fn instances<'a>(context: &Context<'_>, table: &Table<'a>) -> Vec<(Option<String>, Each<'a>)> {
    let Some(node) = table.optional("for-each") else { return vec![(None, Each::Nothing)] };
    let read = node.table().and_then(|each| {
        let found = match (each.optional("rows"), each.optional("parameter"), each.optional("values")) {
            (Some(rows), None, None) => of_rows(context, &rows),
            (None, Some(parameter), Some(values)) => of_values(&parameter, &values),
            _ => {
                each.error("`for-each` is incomplete, expected `rows`, or `parameter` with `values`", None);
                None
            }
        };
        each.finish();
        found
    });
    // Without rows the step is read once, as far as that goes.
    read.unwrap_or_else(|| vec![(None, Each::Unknown)])
}

type Instances<'a> = Option<Vec<(Option<String>, Each<'a>)>>;

fn of_rows<'a>(context: &Context<'_>, node: &Node<'a>) -> Instances<'a> {
    let text = node.filled()?;
    let Some(name) = text.strip_prefix("tables.") else {
        node.expected("`tables.` and the name of a table", None);
        return None;
    };
    let product = context.product()?;
    let Some(rows) = product.tables.get(name) else {
        node.unknown("table", name, product.tables.keys().map(String::as_str));
        return None;
    };
    if rows.is_empty() {
        node.error(format!("table `{name}` has no rows"), None);
    }
    let cell = |(name, text): (&String, &String)| (name.clone(), DeValue::String(Cow::Owned(text.clone())));
    let instance = |row: &BTreeMap<String, String>| (row.get("id").cloned(), Each::Of("row", row.iter().map(cell).collect()));
    Some(rows.iter().map(instance).collect())
}

fn of_values<'a>(parameter: &Node<'a>, values: &Node<'a>) -> Instances<'a> {
    let name = parameter.name()?;
    let items = values.items()?;
    if items.is_empty() {
        values.error("`values` is empty", None);
    }
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for item in items {
        let text = if item.is_number() { text_of(item.value) } else { item.filled()?.to_owned() };
        if !seen.insert(text.clone()) {
            item.error(format!("the value `{text}` is there twice"), None);
        }
        let binding = Bindings::from([(name.to_owned(), item.value.clone())]);
        found.push((Some(text), Each::Of("each", binding)));
    }
    Some(found)
}
