//! `[quirks.…]` of a dialect file.

use hil_model::reader::node::Node;
use hil_model::reader::table::Table;

use crate::quirks::{Apertures, IdleClose, Language, NoError, OffLatency, OneClient, Quirk, Quirks, RemoteLock, SecondClient, Unregulated};
use crate::template::Template;

/// Reads one quirk's table, which it ends.
type ReadOne<T> = fn(&Table<'_>) -> Option<T>;

/// All quirks; `None` when one is wrong.
pub(crate) fn read(root: &Table<'_>) -> Option<Quirks> {
    let Some(table) = root.optional("quirks") else { return Some(Quirks::default()) };
    let table = table.table()?.at("quirks");
    let remote_lock = one(&table, "remote-lock", remote_lock);
    let unit_suffix = one(&table, "unit-suffix", plain);
    let idle_close = one(&table, "idle-close", idle_close);
    let language = one(&table, "language", language);
    let one_voltage_both_ways = one(&table, "one-voltage-both-ways", plain);
    let one_limit_both_ways = one(&table, "one-limit-both-ways", plain);
    let sink_is_positive = one(&table, "sink-is-positive", plain);
    let protection_always_on = one(&table, "protection-always-on", plain);
    let apertures_per_reading = one(&table, "apertures-per-reading", apertures);
    let one_client = one(&table, "one-client", one_client);
    let off_latency = one(&table, "off-latency", |t| Some(OffLatency { after: t.required("after")?.duration()?, source: source(t)? }));
    let exponent = one(&table, "exponent", plain);
    let unregulated = one(&table, "unregulated", unregulated);
    let no_error = one(&table, "no-error", |t| Some(NoError { reply: t.string("reply")?.to_owned(), source: source(t)? }));
    let complete_means_parsed = one(&table, "complete-means-parsed", plain);
    table.finish();
    Some(Quirks {
        remote_lock: remote_lock?,
        unit_suffix: unit_suffix?,
        idle_close: idle_close?,
        language: language?,
        one_voltage_both_ways: one_voltage_both_ways?,
        one_limit_both_ways: one_limit_both_ways?,
        sink_is_positive: sink_is_positive?,
        protection_always_on: protection_always_on?,
        apertures_per_reading: apertures_per_reading?,
        one_client: one_client?,
        off_latency: off_latency?,
        exponent: exponent?,
        unregulated: unregulated?,
        no_error: no_error?,
        complete_means_parsed: complete_means_parsed?,
    })
}

/// A quirk that may be absent; the outer `None` when it is wrong.
fn one<T>(quirks: &Table<'_>, key: &'static str, read: ReadOne<T>) -> Option<Option<T>> {
    let Some(node) = quirks.optional(key) else { return Some(None) };
    let table = node.table()?.at(format!("quirk `{key}`"));
    let found = read(&table);
    table.finish();
    found.map(Some)
}

fn source(table: &Table<'_>) -> Option<String> {
    table.string("source").map(str::to_owned)
}

fn plain(table: &Table<'_>) -> Option<Quirk> {
    Some(Quirk { source: source(table)? })
}

/// A command without a value.
fn command(table: &Table<'_>, key: &'static str) -> Option<Template> {
    let node = table.required(key)?;
    let found = template(&node)?;
    if !found.fields().is_empty() {
        node.expected("a command without a field", None);
        return None;
    }
    Some(found)
}

/// A command's template.
pub(crate) fn template(node: &Node<'_>) -> Option<Template> {
    let text = node.filled()?;
    Template::parse(text).map_err(|e| node.error(format!("{}: {e}", node.what), None)).ok()
}

fn remote_lock(table: &Table<'_>) -> Option<RemoteLock> {
    let (take, query, release) = (command(table, "take"), command(table, "query"), command(table, "release"));
    let (ours, source) = (table.string("ours"), source(table));
    Some(RemoteLock { take: take?, query: query?, ours: ours?.to_owned(), release: release?, source: source? })
}

fn idle_close(table: &Table<'_>) -> Option<IdleClose> {
    let after = table.required("after").and_then(|n| n.positive_duration());
    let (disable, source) = (command(table, "disable"), source(table));
    Some(IdleClose { after: after?, disable: disable?, source: source? })
}

fn language(table: &Table<'_>) -> Option<Language> {
    let (query, expected, source) = (command(table, "query"), table.string("expected"), source(table));
    Some(Language { query: query?, expected: expected?.to_owned(), source: source? })
}

fn apertures(table: &Table<'_>) -> Option<Apertures> {
    let count = table.required("count").and_then(|n| {
        let found = n.count(1)?;
        u32::try_from(found).map_err(|_| n.expected("a small whole number", None)).ok()
    });
    let source = source(table);
    Some(Apertures { count: count?, source: source? })
}

fn one_client(table: &Table<'_>) -> Option<OneClient> {
    let second = table.required("second").and_then(|n| n.word(&["queued", "refused"]));
    let source = source(table);
    let second = if second? == "queued" { SecondClient::Queued } else { SecondClient::Refused };
    Some(OneClient { second, source: source? })
}

fn unregulated(table: &Table<'_>) -> Option<Unregulated> {
    let bits = table.required("bits").and_then(|n| {
        let found = n.count(1)?;
        u16::try_from(found).map_err(|_| n.expected("a whole number up to 65535", None)).ok()
    });
    let (query, source) = (command(table, "query"), source(table));
    Some(Unregulated { query: query?, bits: bits?, source: source? })
}
