//! The `[data-log]` of a dialect file.

use hil_model::reader::table::Table;

use crate::data_log_facts::DataLogFacts;
use crate::quirks_reader;
use crate::template::Template;

/// Fields of the commands that have one.
const FIELDS: [(&str, &str); 2] = [("set-period", "seconds"), ("fetch", "count")];

/// `say_channel`: the instrument has several, and each command says which.
pub(crate) fn read(table: Table<'_>, say_channel: bool) -> Option<DataLogFacts> {
    let shortest_period = table.required("shortest-period").and_then(|n| n.positive_duration());
    let longest_period = table.required("longest-period").and_then(|n| n.positive_duration());
    let resolution = table.required("resolution").and_then(|n| n.positive_duration());
    let buffer = table.required("buffer").and_then(|n| n.positive_duration());
    let command = |key| command(&table, key);
    let (voltage_on, voltage_off) = (command("voltage-on"), command("voltage-off"));
    let (current_on, current_off) = (command("current-on"), command("current-off"));
    let prepare = table.required("prepare").and_then(|n| {
        let read: Vec<_> = n.items()?.iter().map(quirks_reader::template).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    let (set_period, query_period) = (command("set-period"), command("query-period"));
    let (start, fetch, stop) = (command("start"), command("fetch"), command("stop"));
    let source = table.string("source").map(str::to_owned);
    let assumption = table.optional("assumption").map_or(Some(false), |n| n.boolean());
    let facts = (|| {
        Some(DataLogFacts {
            shortest_period: shortest_period?,
            longest_period: longest_period?,
            resolution: resolution?,
            buffer: buffer?,
            voltage_on: voltage_on?,
            voltage_off: voltage_off?,
            current_on: current_on?,
            current_off: current_off?,
            prepare: prepare?,
            set_period: set_period?,
            query_period: query_period?,
            start: start?,
            fetch: fetch?,
            stop: stop?,
            source: source?,
            assumption: assumption?,
        })
    })();
    let mut good = true;
    if let Some(facts) = &facts {
        if let Some(problem) = facts.problem() {
            table.error(problem, None);
            good = false;
        }
        for (key, _) in facts.of_a_channel().into_iter().filter(|(_, command)| say_channel && !command.fields().contains(&"channel")) {
            table.error(format!("`{key}` does not say which channel it is for"), Some("write `{channel}` in it".into()));
            good = false;
        }
    }
    table.finish();
    facts.filter(|_| good)
}

/// A command with the field that it must have, and no other than the channel beside it.
fn command(table: &Table<'_>, key: &'static str) -> Option<Template> {
    let node = table.required(key)?;
    let found = quirks_reader::template(&node)?;
    let must = FIELDS.iter().find(|(k, _)| *k == key).map(|(_, field)| *field);
    let fields = found.fields();
    let strange = fields.iter().any(|field| *field != "channel" && Some(*field) != must);
    if strange || must.is_some_and(|field| !fields.contains(&field)) {
        let legal = must.map_or_else(|| "no field".to_owned(), |field| format!("the field `{{{field}}}`"));
        node.error(format!("{} is `{}`, expected {legal}", node.what, node.text()?), Some("`{channel}` may be in each".into()));
        return None;
    }
    Some(found)
}
