//! `write`: what goes into the unit's memory.

use std::time::Duration;

use crate::plan::{Action, Entry};
use crate::reader::action::{key_signal, setpoint};
use crate::reader::context::{Context, Use};
use crate::reader::names::Names;
use crate::reader::table::Table;
use crate::reader::value::Sort;

/// What making it valid may take when the plan does not say.
const WITHIN: Duration = Duration::from_secs(5);

pub(super) fn write(context: &Context<'_>, names: &mut Names, table: &Table<'_>) -> Option<Action> {
    let values = table.table("write")?;
    if values.entries().is_empty() {
        values.error("`write` is empty, expected signals with values", None);
    }
    let within = table.optional("within").map_or(Some(WITHIN), |n| n.positive_duration());
    let product = context.product()?;
    let Some(memory) = &product.memory else {
        table.error(format!("product `{}` has no `[memory]` to write to", product.id), None);
        return None;
    };
    let mut entries = Vec::new();
    for entry in values.entries() {
        let Some(signal) = key_signal(context, entry, Use::Set) else { continue };
        let Some(step) = memory.holds.get(&signal.id) else {
            let hint = "what it holds is listed in `[memory.holds]` of the product".to_owned();
            entry.node.error(format!("signal `{}` is not held in memory, expected one that is, or `set`", signal.id), Some(hint));
            continue;
        };
        if let Some(setpoint) = setpoint(names, &entry.node, &Sort::of(&signal.kind)) {
            entries.push(Entry { signal: signal.id.clone(), setpoint, step: *step });
        }
    }
    let complete = entries.len() == values.entries().len();
    Some(Action::Write {
        entries: complete.then_some(entries)?,
        commit: memory.commit.clone(),
        state: memory.state.clone(),
        within: within?,
    })
}
