//! `parameters.x`, `row.x` and `each.x` in the strings of a step become the
//! values they stand for; every value keeps the span of its place of use.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::nearest;
use crate::reader::report::{Report, one_of};

/// Values by name.
pub(super) type Bindings<'a> = BTreeMap<String, DeValue<'a>>;

/// What names stand for in one step.
pub(super) struct Scope<'a, 'p> {
    pub parameters: &'p Bindings<'a>,
    pub each: Each<'a>,
}

/// What the step's `for-each` gives.
#[derive(Clone)]
pub(super) enum Each<'a> {
    /// It has none.
    Nothing,
    /// The cells of a row, or one value: under this word.
    Of(&'static str, Bindings<'a>),
    /// Not known, because of an error that was reported.
    Unknown,
}

/// Replaces the names in all values of `table` but the keys in `except`.
pub(super) fn substitute<'a>(table: &mut DeTable<'a>, scope: &Scope<'a, '_>, report: &Report, place: &str, except: &[&str]) {
    for (key, value) in table.iter_mut() {
        if !except.contains(&key.get_ref().as_ref()) {
            visit(value, scope, report, place);
        }
    }
}

fn visit<'a>(value: &mut Spanned<DeValue<'a>>, scope: &Scope<'a, '_>, report: &Report, place: &str) {
    let span = report.span(value.span());
    match value.get_mut() {
        DeValue::String(text) => {
            let at = |body: String, hint| {
                report.error(place, span, body, hint);
                report.poison(place, span);
            };
            if let Some(new) = replaced(text, scope, &at, &|| report.poison(place, span)) {
                *value.get_mut() = new;
            }
        }
        DeValue::Array(items) => items.iter_mut().for_each(|item| visit(item, scope, report, place)),
        DeValue::Table(table) => substitute(table, scope, report, place, &[]),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {}
    }
}

type Complain<'c> = &'c dyn Fn(String, Option<String>);

/// The new value; `None` when the text names nothing.
fn replaced<'a>(text: &str, scope: &Scope<'a, '_>, complain: Complain<'_>, poison: &dyn Fn()) -> Option<DeValue<'a>> {
    let mut out = String::new();
    let mut rest = text;
    let mut changed = false;
    while let Some((before, word, name, after)) = next_name(text, rest) {
        let value = lookup(scope, word, name, complain, poison)?;
        if before.is_empty() && after.is_empty() && !changed {
            return Some(value.clone());
        }
        out.push_str(before);
        out.push_str(&text_of(value));
        rest = after;
        changed = true;
    }
    out.push_str(rest);
    changed.then_some(DeValue::String(Cow::Owned(out)))
}

fn lookup<'s, 'a>(scope: &'s Scope<'a, '_>, word: &str, name: &str, complain: Complain<'_>, poison: &dyn Fn()) -> Option<&'s DeValue<'a>> {
    let bindings = match (&scope.each, word) {
        (_, "parameters") => scope.parameters,
        (Each::Of(of, bindings), _) if *of == word => bindings,
        (Each::Unknown, _) => {
            poison();
            return None;
        }
        (Each::Of(of, _), _) => {
            complain(format!("`{word}.{name}` is not known here, expected `{of}.` and a name"), None);
            return None;
        }
        (Each::Nothing, _) => {
            complain(format!("`{word}.{name}` is used, but the step has no `for-each`"), None);
            return None;
        }
    };
    let found = bindings.get(name);
    if found.is_none() {
        let legal: Vec<String> = bindings.keys().map(|k| format!("{word}.{k}")).collect();
        let legal: Vec<&str> = legal.iter().map(String::as_str).collect();
        let written = format!("{word}.{name}");
        let hint = nearest(&written, legal.iter().copied()).map(|n| format!("did you mean `{n}`"));
        complain(format!("unknown name `{written}`, expected {}", one_of(&written, &legal)), hint);
    }
    found
}

/// The first name in `rest`, a tail of `text`: what stands before it, its two
/// parts, and what stands after it.
fn next_name<'t>(text: &'t str, rest: &'t str) -> Option<(&'t str, &'static str, &'t str, &'t str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let offset = text.len() - rest.len();
    let words = ["parameters", "row", "each"];
    let mut from = 0;
    while let Some(dot) = rest.get(from..)?.find('.').map(|i| from + i) {
        from = dot + 1;
        let Some(word) = words.into_iter().find(|w| rest[..dot].ends_with(w)) else { continue };
        let start = dot - word.len();
        if text[..offset + start].ends_with(|c: char| part(c) || c == '.') {
            continue;
        }
        let tail = &rest[from..];
        let end = tail.find(|c| !part(c)).unwrap_or(tail.len());
        let name = tail[..end].trim_end_matches('-');
        if !name.is_empty() {
            return Some((&rest[..start], word, name, &tail[name.len()..]));
        }
    }
    None
}

/// A value as it would stand in a string.
pub(super) fn text_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(s) => s.to_string(),
        DeValue::Integer(i) => i.to_string(),
        DeValue::Float(f) => f.to_string(),
        DeValue::Boolean(b) => b.to_string(),
        DeValue::Datetime(d) => d.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(text: &str) -> String {
        let string = |s: &'static str| DeValue::String(Cow::Borrowed(s));
        let parameters = Bindings::from([("v".to_owned(), string("12.8 V"))]);
        let row = Bindings::from([("pre-alarm".to_owned(), string("high"))]);
        let scope = Scope { parameters: &parameters, each: Each::Of("row", row) };
        let complaint = std::cell::RefCell::new(None);
        let complain = |body: String, _| *complaint.borrow_mut() = Some(body);
        let found = replaced(text, &scope, &complain, &|| {});
        complaint.into_inner().unwrap_or_else(|| found.map_or_else(|| text.to_owned(), |v| text_of(&v)))
    }

    #[test]
    fn names_are_whole_words() {
        assert_eq!(put("parameters.v"), "12.8 V");
        assert_eq!(put("> parameters.v - 0.3 V"), "> 12.8 V - 0.3 V");
        assert_eq!(put("row.pre-alarm- 1"), "high- 1");
        assert_eq!(put("row.pre-alarm and parameters.v"), "high and 12.8 V");
        assert_eq!(put("arrow.v limits.row.v x-row.v row. row.."), "arrow.v limits.row.v x-row.v row. row..");
        assert_eq!(put("µrow.pre-alarm"), "µhigh");
        assert_eq!(put("parameters.w"), "unknown name `parameters.w`, expected `parameters.v`");
        assert_eq!(put("each.v"), "`each.v` is not known here, expected `row.` and a name");
    }
}
