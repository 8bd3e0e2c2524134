//! The product file: signals, requirements, tables and codes.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::Condition;
use crate::independence::Influence;
use crate::product::{Memory, Product, Requirement};
use crate::quantity::{Quantity, UNITS, Unit, find_unit};
use crate::reader::node::Node;
use crate::reader::table::{Entry, Table};
use crate::reader::value::{Sort, condition};
use crate::secrets::{PUBLIC_WORD, SHORTEST};
use crate::signal::{Role, Signal, SignalId, SignalKind};

const KINDS: &[&str] = &["analog", "choice", "digital", "led", "text"];
const ROLES: &[&str] = &["both", "observation", "stimulus"];

pub(super) fn read(root: Table<'_>) -> Option<Product> {
    let head = root.table("product").map(|t| t.at("product"));
    let signals = signals(&root);
    let influences = influences(&root, &signals);
    let requirements = requirements(&root);
    let tables = root.optional_table("tables").map(|t| tables(&t)).unwrap_or_default();
    let codes = root.optional_table("codes").map(|t| codes(&t)).unwrap_or_default();
    let memory = root.optional_table("memory").map(|t| memory(t.at("memory"), &signals));
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
        influences,
        codes,
        memory: memory.flatten(),
    })
}

fn memory(table: Table<'_>, signals: &BTreeMap<SignalId, Signal>) -> Option<Memory> {
    let commit = choice(&table, "commit", signals, &[Memory::DISCARD, Memory::WRITE]);
    let state = choice(&table, "state", signals, &[Memory::CLEAN]);
    let holds = table.table("holds");
    table.finish();
    let mut found = BTreeMap::new();
    for entry in holds?.entries() {
        let Some(signal) = signals.get(&SignalId::new(entry.key)) else {
            entry.node.unknown("signal", entry.key, signals.keys().map(SignalId::as_str));
            continue;
        };
        if let Some(step) = step(&entry.node, signal) {
            found.insert(signal.id.clone(), step);
        }
    }
    Some(Memory { commit: commit?, state: state?, holds: found })
}

/// A signal of the product that takes these words.
fn choice(table: &Table<'_>, key: &'static str, signals: &BTreeMap<SignalId, Signal>, needs: &[&str]) -> Option<SignalId> {
    let node = table.required(key)?;
    let name = node.filled()?;
    let Some(signal) = signals.get(&SignalId::new(name)) else {
        node.unknown("signal", name, signals.keys().map(SignalId::as_str));
        return None;
    };
    let has = |word: &&str| matches!(&signal.kind, SignalKind::Choice { words } if words.iter().any(|w| w == word));
    if !needs.iter().all(has) {
        node.error(format!("{} is `{name}`, expected a choice with the words `{}`", node.what, needs.join("`, `")), None);
        return None;
    }
    Some(signal.id.clone())
}

/// In what steps a signal is kept: `0.1 mV`, or `exact` for words.
fn step(node: &Node<'_>, signal: &Signal) -> Option<Option<Quantity>> {
    if signal.role != Role::Both {
        node.error(format!("signal `{}` is held in memory, expected the role `both`", signal.id), None);
        return None;
    }
    let SignalKind::Analog { unit } = signal.kind else { return node.word(&["exact"]).map(|_| None) };
    let step = node.difference(Some(unit.dimension))?;
    if step.si <= 0.0 {
        node.expected("a step above 0", None);
        return None;
    }
    Some(Some(step))
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

/// Stimuli, at which values, and what they move.
fn influences(root: &Table<'_>, signals: &BTreeMap<SignalId, Signal>) -> Vec<Influence> {
    let mut found = Vec::new();
    let written = root.peek("signal").and_then(|n| n.value.as_array()).map_or(0, |all| all.len());
    // Of a signal that could not be read nothing more is said.
    let complete = written == signals.len();
    for table in root.tables("influence", "title") {
        let _ = table.string("title");
        let of = table.table("of");
        let on = table.required("on").and_then(|n| n.items());
        table.finish();
        let (Some(of), Some(on)) = (of, on) else { continue };
        let stimuli = of.entries().iter().filter_map(|entry| stimulus(entry, signals, complete)).collect();
        let on = on.iter().filter_map(|item| moved(item, signals, complete)).collect();
        found.push(Influence { of: stimuli, on });
    }
    found
}

fn stimulus(entry: &Entry<'_>, signals: &BTreeMap<SignalId, Signal>, complete: bool) -> Option<(SignalId, Option<Condition>)> {
    let stimuli = || signals.values().filter(|s| s.role != Role::Observation);
    let Some(signal) = stimuli().find(|s| s.id.as_str() == entry.key) else {
        if complete {
            entry.at_key().unknown("stimulus", entry.key, stimuli().map(|s| s.id.as_str()));
        }
        return None;
    };
    let text = entry.node.filled()?;
    let condition = if text == "any" { None } else { Some(condition(&entry.node, text, &Sort::of(&signal.kind))?) };
    Some((signal.id.clone(), condition))
}

/// A signal's name, or the beginning of some with a `*`.
fn moved(node: &Node<'_>, signals: &BTreeMap<SignalId, Signal>, complete: bool) -> Option<String> {
    let text = node.filled()?;
    let observations = || signals.values().filter(|s| s.role != Role::Stimulus).map(|s| s.id.as_str());
    let known =
        text.strip_suffix('*').map_or_else(|| observations().any(|s| s == text), |start| observations().any(|s| s.starts_with(start)));
    if !known && complete {
        node.unknown("observation", text, observations());
    }
    known.then(|| text.to_owned())
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
