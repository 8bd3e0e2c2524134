//! Bench files.

use std::collections::BTreeSet;

use hil_bench::{BenchFile, Day};
use hil_client::Kind;
use hil_model::Sources;

use crate::files;

/// A bench is what is written or is refused with a reason; what it can switch on
/// it can switch off.
pub fn check(bytes: &[u8]) {
    let Some(text) = files::texts(bytes).next() else { return };
    let mut sources = Sources::default();
    let id = sources.add("bench.toml", text);
    let dialects = files::dialects();
    let read = BenchFile::read(&sources, id, dialects);
    assert_eq!(read, BenchFile::read(&sources, id, dialects), "read twice");
    let bench = match read {
        Ok(bench) => bench,
        Err(list) => {
            assert!(!list.is_empty(), "refused without a reason");
            return files::owes(&sources, &list);
        }
    };
    let order: BTreeSet<&str> = bench.safe_order.iter().map(String::as_str).collect();
    assert_eq!(order.len(), bench.safe_order.len(), "switched off twice");
    let sources_on = bench.instruments.iter().filter(|i| dialects[&i.dialect].kind == Kind::Source);
    sources_on.for_each(|i| assert!(order.contains(i.name.as_str()), "`{}` is never switched off", i.name));
    assert!(bench.clock_accuracy.is_finite() && bench.clock_accuracy >= 0.0);
    let limits = bench.instruments.iter().flat_map(|i| [i.over_voltage, i.over_current, Some(i.nplc)]).flatten();
    limits.for_each(|limit| assert!(limit.is_finite() && limit > 0.0, "{limit}"));
    bench.lacks.values().for_each(|lack| files::within(&sources, lack.span));
    bench.parameters.values().for_each(|value| files::within(&sources, value.span));
    for day in [Day(0), Day(20_000), Day(40_000)] {
        files::owes(&sources, &bench.overdue(day));
    }
    for abilities in bench.abilities(dialects).values() {
        assert!(abilities.range.is_none_or(|(low, high)| low.si.is_finite() && high.si.is_finite()), "{abilities:?}");
    }
}
