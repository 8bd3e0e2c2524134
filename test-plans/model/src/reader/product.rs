//! The product file: signals, requirements, tables and codes.

use std::collections::{BTreeMap, BTreeSet};

use crate::product::{Product, Requirement};
use crate::quantity::{UNITS, Unit, find_unit};
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::secrets::{PUBLIC_WORD, SHORTEST};
use crate::signal::{Role, Signal, SignalId, SignalKind};

const KINDS: &[&str] = &["analog", "choice", "digital", "led", "text"];
const ROLES: &[&str] = &["both", "observation", "stimulus"];

pub(super) fn read(root: Table<'_>) -> Option<Product> {
    let head = root.table("product").map(|t| t.at("product"));
    let signals = signals(&root);
    let requirements = requirements(&root);
    let tables = root.optional_table("tables").map(|t| tables(&t)).unwrap_or_default();
    let codes = root.optional_table("codes").map(|t| codes(&t)).unwrap_or_default();
    root.finish();
    let head = head?;
    let id = head.required("id").and_then(|n| n.name());
    let title = head.string("title");
    let serial_max_length = head.required("serial-max-length").and_then(|n| n.count(1));
    // The manual's title and revision: for people, checked but not kept.
    head.optional("reference").and_then(|n| n.filled());
    head.finish();
    Some(Product {
        id: id?.to_owned(),
        title: title?.to_owned(),
        serial_max_length: serial_max_length?,
        signals,
        requirements,
        tables,
        codes,
    })
}

fn signals(root: &Table<'_>) -> BTreeMap<SignalId, Signal> {
    let mut found = BTreeMap::new();
    for table in root.tables("signal", "id") {
        let id = table.required("id").and_then(|n| signal_id(&n));
        let (span, place, report) = (table.span, table.place.clone(), table.report);
        let Some(signal) = signal(table, id) else { continue };
        let name = signal.id.clone();
        if found.insert(name.clone(), signal).is_some() {
            report.error(&place, span, format!("the id `{name}` is taken twice"), None);
        }
    }
    found
}

fn signal(table: Table<'_>, id: Option<SignalId>) -> Option<Signal> {
    let title = table.string("title");
    let role = table.required("role").and_then(|n| n.word(ROLES)).map(|word| match word {
        "stimulus" => Role::Stimulus,
        "observation" => Role::Observation,
        _ => Role::Both,
    });
    let kind = table.required("kind").and_then(|n| n.word(KINDS)).and_then(|word| kind(&table, word));
    if kind.is_none() {
        // Which keys are legal depends on the kind; say nothing about them.
        let _ = (table.optional("unit"), table.optional("words"));
    }
    let secret = table.optional("secret").is_some_and(|n| secret(&n, kind.as_ref()));
    table.finish();
    Some(Signal { id: id?, title: title?.to_owned(), kind: kind?, role: role?, secret })
}

/// What is short or no text cannot be hidden.
fn secret(node: &Node<'_>, kind: Option<&SignalKind>) -> bool {
    let Some(secret) = node.boolean() else { return false };
    let short = |word: &&String| word.len() < SHORTEST && *word != PUBLIC_WORD;
    match kind {
        Some(SignalKind::Choice { words }) => {
            if let Some(word) = words.iter().find(short) {
                node.error(format!("the word `{word}` is too short to be a secret, expected at least {SHORTEST} characters"), None);
            }
        }
        Some(SignalKind::Analog { .. } | SignalKind::Digital | SignalKind::Led) => {
            node.error("`secret` is only for the kinds `choice` and `text`", None);
        }
        Some(SignalKind::Text) | None => {}
    }
    secret
}

fn kind(table: &Table<'_>, word: &str) -> Option<SignalKind> {
    match word {
        "analog" => Some(SignalKind::Analog { unit: unit(&table.required("unit")?)? }),
        "choice" => Some(SignalKind::Choice { words: words(&table.required("words")?)? }),
        "digital" => Some(SignalKind::Digital),
        "led" => Some(SignalKind::Led),
        _ => Some(SignalKind::Text),
    }
}

/// The unit that a value names.
pub(super) fn unit(node: &Node<'_>) -> Option<&'static Unit> {
    let symbol = node.filled()?;
    let found = find_unit(symbol);
    if found.is_none() {
        node.none_of(symbol, UNITS.iter().map(|u| u.symbol));
    }
    found
}

fn words(node: &Node<'_>) -> Option<Vec<String>> {
    let items = node.items()?;
    if items.is_empty() {
        node.error("`words` is empty", None);
    }
    let mut found = BTreeSet::new();
    for item in items {
        let word = item.filled()?;
        if !found.insert(word.to_owned()) {
            item.error(format!("the word `{word}` is there twice"), None);
        }
    }
    Some(found.into_iter().collect())
}

/// Words of letters, digits, `-` and `_`, joined by dots.
fn signal_id(node: &Node<'_>) -> Option<SignalId> {
    let text = node.filled()?;
    let word = |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !text.split('.').all(word) {
        node.expected("names of letters, digits, `-` and `_`, joined by `.`", None);
        return None;
    }
    Some(SignalId::new(text))
}

fn requirements(root: &Table<'_>) -> BTreeMap<String, Requirement> {
    let mut found = BTreeMap::new();
    for table in root.tables("requirement", "id") {
        let id = table.required("id").and_then(|n| n.name());
        let (clause, text) = (table.string("clause"), table.string("text"));
        let safety = table.optional("safety").and_then(|n| n.filled()).map(str::to_owned);
        let (span, place, report) = (table.span, table.place.clone(), table.report);
        table.finish();
        let (Some(id), Some(clause), Some(text)) = (id, clause, text) else { continue };
        let requirement = Requirement { clause: clause.to_owned(), text: text.to_owned(), safety };
        if found.insert(id.to_owned(), requirement).is_some() {
            report.error(&place, span, format!("the id `{id}` is taken twice"), None);
        }
    }
    found
}

type Rows = Vec<BTreeMap<String, String>>;

fn tables(table: &Table<'_>) -> BTreeMap<String, Rows> {
    let all = table.entries().iter();
    all.filter_map(|e| Some((e.key.to_owned(), rows(e.key, e.node.items()?)))).collect()
}

fn rows(name: &str, items: Vec<Node<'_>>) -> Rows {
    let mut ids = BTreeSet::new();
    let mut rows = Vec::new();
    for item in items {
        let Some(table) = item.table().map(|t| t.at(format!("table `{name}`"))) else { continue };
        let id = table.required("id").and_then(|n| n.filled());
        if let Some(id) = id
            && !ids.insert(id)
        {
            table.error(format!("two rows have the id `{id}`"), None);
        }
        let cells = table.entries().iter();
        rows.push(cells.filter_map(|c| Some((c.key.to_owned(), c.node.text()?.to_owned()))).collect());
        table.finish();
    }
    rows
}

fn codes(table: &Table<'_>) -> BTreeMap<String, String> {
    let all = table.entries().iter();
    all.filter_map(|e| Some((e.key.to_owned(), e.node.filled()?.to_owned()))).collect()
}
