//! `write`: what goes into the unit's memory.

use std::time::Duration;

use crate::plan::{Action, Entry};
use crate::product::Memory;
use crate::reader::action::{key_signal, setpoint};
use crate::reader::context::{Context, Use};
use crate::reader::names::{Named, Names};
use crate::reader::table::{self, Table};
use crate::reader::value::Sort;

/// What making it valid may take when the plan does not say.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn write(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let values = table.table("write")?;
    if values.entries().is_empty() {
        values.error("`write` is empty, expected signals with values", None);
    }
    let within = table.optional("within").map_or(Some(WITHIN), |n| n.positive_duration());
    let product = context.product();
    let memory = product.and_then(|p| p.memory.as_ref());
    if let (Some(product), None) = (product, memory) {
        table.error(format!("product `{}` has no `[memory]` to write to", product.id), None);
    }
    let mut entries = Vec::new();
    for written in values.entries() {
        entries.push(entry(context, names, written, memory));
    }
    let (memory, entries) = (memory?, entries.into_iter().collect::<Option<Vec<Entry>>>()?);
    Some(Action::Write { entries, commit: memory.commit.clone(), state: memory.state.clone(), within: within? })
}

fn entry(context: &Context<'_>, names: &mut Names, written: &table::Entry<'_>, memory: Option<&Memory>) -> Option<Entry> {
    let signal = key_signal(context, written, Use::Set);
    let sort = signal.map(|s| Sort::of(&s.kind));
    let setpoint = sort.as_ref().and_then(|sort| setpoint(names, &written.node, sort));
    // What is read back, like what is measured, goes by the signal's name.
    names.declare(&written.at_key(), written.key, sort.map_or(Named::Unknown, Named::Value));
    let (signal, holds) = (signal?, &memory?.holds);
    let Some(step) = holds.get(&signal.id) else {
        let hint = "what it holds is listed in `[memory.holds]` of the product".to_owned();
        written.at_key().error(format!("signal `{}` is not held in memory, expected one that is, or `set`", signal.id), Some(hint));
        return None;
    };
    Some(Entry { signal: signal.id.clone(), setpoint: setpoint?, step: *step })
}
