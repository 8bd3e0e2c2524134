//! The `[digitizer]` of a dialect file.

use hil_model::reader::table::Table;

use crate::digitizer::DigitizerFacts;

pub(crate) fn read(table: Table<'_>) -> Option<DigitizerFacts> {
    let shortest_interval = table.required("shortest-interval").and_then(|n| n.positive_duration());
    let longest_interval = table.required("longest-interval").and_then(|n| n.positive_duration());
    let record = table.required("record").and_then(|n| n.count(1));
    let (prepare, leave) = (commands(&table, "prepare"), commands(&table, "leave"));
    let text = |key| table.string(key).map(str::to_owned);
    let (start, stop, count, fetch) = (text("start"), text("stop"), text("count"), text("fetch"));
    let percent_of_range = table.required("percent-of-range").and_then(|n| n.number());
    let source = text("source");
    let assumption = table.optional("assumption").map_or(Some(false), |n| n.boolean());
    let facts = (|| {
        Some(DigitizerFacts {
            shortest_interval: shortest_interval?,
            longest_interval: longest_interval?,
            record: record?,
            prepare: prepare?,
            start: start?,
            stop: stop?,
            count: count?,
            fetch: fetch?,
            leave: leave?,
            percent_of_range: percent_of_range?,
            source: source?,
            assumption: assumption?,
        })
    })();
    let problem = facts.as_ref().and_then(DigitizerFacts::problem);
    if let Some(problem) = problem {
        table.error(problem, None);
    }
    table.finish();
    facts.filter(|_| problem.is_none())
}

/// One line each.
fn commands(table: &Table<'_>, key: &'static str) -> Option<Vec<String>> {
    table.required(key)?.items()?.iter().map(|n| n.text().map(str::to_owned)).collect()
}
