//! A TOML table that knows which keys are legal: those that were asked for.
//!
//! ```text
//! let table = root.tables("instrument");        // for each of them:
//! let name = table.string("name");              // compulsory
//! let limit = table.optional("over-voltage").and_then(|n| n.quantity(Some(Dimension::VOLTAGE)));
//! table.finish();                               // reports every key nobody asked for
//! ```
//!
//! A table that is dropped without [`Table::finish`] still says what is missing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Span, nearest};
use crate::quantity::{Dimension, Quantity};
use crate::reader::node::Node;
use crate::reader::report::{Report, one_of};

/// A table being read. Reading methods return `None` after having reported why.
#[derive(Debug)]
pub struct Table<'a> {
    pub(crate) raw: &'a DeTable<'a>,
    entries: Vec<Entry<'a>>,
    legal: RefCell<Vec<&'static str>>,
    /// What is missing; reported last, and only if no key is unknown.
    missing: RefCell<Vec<(String, Option<String>)>>,
    /// Any key is legal.
    open: Cell<bool>,
    /// Where its header or brace stands.
    pub span: Span,
    /// ``set``, or empty for a table that has a place of its own.
    pub what: String,
    /// `step `lead``; messages begin with it.
    pub place: Rc<str>,
    /// Where its errors go.
    pub report: &'a Report,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// As written, without quotes.
    pub key: &'a str,
    /// Where the key stands.
    pub span: Span,
    /// The value.
    pub node: Node<'a>,
}

impl<'a> Entry<'a> {
    /// The value, but with errors pointing at the key.
    pub fn at_key(&self) -> Node<'a> {
        Node { span: self.span, ..self.node.clone() }
    }
}

impl<'a> Table<'a> {
    /// A whole file.
    pub fn root(table: &'a Spanned<DeTable<'a>>, report: &'a Report) -> Self {
        Self::new(table.get_ref(), report.span(0..0), String::new(), "".into(), report)
    }

    pub(crate) fn new(table: &'a DeTable<'a>, span: Span, what: String, place: Rc<str>, report: &'a Report) -> Self {
        let entry = |(key, value): (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)| Entry {
            key: key.get_ref().as_ref(),
            span: report.span(key.span()),
            node: Node::new(value, format!("`{}`", key.get_ref()), place.clone(), report),
        };
        let mut entries: Vec<Entry<'a>> = table.iter().map(entry).collect();
        // The parser sorts keys by name; people and `set` mean the order written.
        entries.sort_by_key(|e| e.span);
        Self {
            raw: table,
            entries,
            legal: RefCell::default(),
            missing: RefCell::default(),
            open: Cell::new(false),
            span,
            what,
            place,
            report,
        }
    }

    /// The same table under a better name for messages: `step `lead``.
    pub fn at(mut self, place: impl Into<Rc<str>>) -> Self {
        self.place = place.into();
        self.what = String::new();
        for entry in &mut self.entries {
            entry.node.place = self.place.clone();
        }
        self
    }

    /// The value of a key without asking for it; for names of places.
    pub fn peek(&self, key: &str) -> Option<&Node<'a>> {
        self.entries.iter().find(|e| e.key == key).map(|e| &e.node)
    }

    /// A string value without asking for it.
    pub fn peek_text(&self, key: &str) -> Option<&'a str> {
        self.peek(key).and_then(|n| n.value.as_str())
    }

    /// The value of a key, if it is there; makes the key legal.
    pub fn optional(&self, key: &'static str) -> Option<Node<'a>> {
        self.legal.borrow_mut().push(key);
        self.peek(key).cloned()
    }

    /// The value of a key that must be there.
    pub fn required(&self, key: &'static str) -> Option<Node<'a>> {
        let found = self.optional(key);
        if found.is_none() {
            let owner = if self.what.is_empty() { String::new() } else { format!(" in {}", self.what) };
            self.absence(format!("missing key `{key}`{owner}"), None);
        }
        found
    }

    /// A compulsory string that is not blank.
    pub fn string(&self, key: &'static str) -> Option<&'a str> {
        self.required(key)?.filled()
    }

    /// A compulsory quantity of this dimension.
    pub fn quantity(&self, key: &'static str, dimension: Dimension) -> Option<Quantity> {
        self.required(key)?.quantity(Some(dimension))
    }

    /// A compulsory table.
    pub fn table(&self, key: &'static str) -> Option<Table<'a>> {
        self.required(key)?.table()
    }

    /// A table that may be absent.
    pub fn optional_table(&self, key: &'static str) -> Option<Table<'a>> {
        self.optional(key)?.table()
    }

    /// An array of tables `[[key]]`; empty when absent. Each is placed at
    /// `key `id``, or `key 3` when it has no string under `id`.
    pub fn tables(&self, key: &'static str, id: &str) -> Vec<Table<'a>> {
        let items = self.optional(key).and_then(|n| n.items()).unwrap_or_default();
        let place = |(i, node): (usize, &Node<'a>)| {
            let table = node.table()?;
            let name = table.peek_text(id).map_or_else(|| format!("{key} {}", i + 1), |name| format!("{key} `{name}`"));
            Some(table.at(name))
        };
        items.iter().enumerate().filter_map(place).collect()
    }

    /// All keys with their values, in the order written; makes them all legal.
    pub fn entries(&self) -> &[Entry<'a>] {
        self.open.set(true);
        &self.entries
    }

    /// The keys that were written.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|e| e.key)
    }

    /// Reports something about the whole table.
    pub fn error(&self, body: impl Into<String>, hint: Option<String>) {
        self.report.error(&self.place, self.span, body, hint);
    }

    /// Says, when the table has been read, that something is missing, unless a
    /// key is unknown: that may be what was meant.
    pub fn absence(&self, body: impl Into<String>, hint: Option<String>) {
        self.missing.borrow_mut().push((body.into(), hint));
    }

    /// Reports every key that nobody asked for, with the nearest legal one; if
    /// there is none, what is missing.
    pub fn finish(self) {
        let legal = self.legal.borrow();
        let known = |key: &str| self.open.get() || legal.contains(&key);
        let unused: Vec<&str> = legal.iter().copied().filter(|l| self.peek(l).is_none()).collect();
        let owner = if self.what.is_empty() { String::new() } else { format!(" in {}", self.what) };
        for entry in self.entries.iter().filter(|e| !known(e.key)) {
            let hint = nearest(entry.key, unused.iter().copied()).map(|name| format!("did you mean `{name}`"));
            let body = format!("unknown key `{}`{owner}, expected {}", entry.key, one_of(entry.key, &legal));
            self.report.error(&self.place, entry.span, body, hint);
            self.missing.borrow_mut().clear();
        }
    }
}

impl Drop for Table<'_> {
    /// What is missing is said also of a table whose reading ended early.
    fn drop(&mut self) {
        for (body, hint) in self.missing.take() {
            self.report.absence(&self.place, self.span, body, hint);
        }
    }
}
