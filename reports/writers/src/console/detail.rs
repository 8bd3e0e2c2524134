//! What happens inside a step, in words: for a console that tells everything.

use hil_record::EventKind;

use crate::text::{self, datum, duration};

/// One line of what a step does or sees; `None` of what is told elsewhere.
pub(super) fn words(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::ActionStarted { action, text, .. } => format!("action {action}: {text}"),
        EventKind::Stimulus { signal, value, unit, at_ns, uncertainty_ns, source, .. } => {
            format!("{signal} set to {}, {}", datum(value, unit), moment(*at_ns, *uncertainty_ns, source))
        }
        EventKind::Reading { name, signal, value, unit, .. } => format!("reading {name} ({signal}) = {}", datum(value, unit)),
        EventKind::Edge { name, signal, trigger, at_ns, uncertainty_ns, source, .. } => {
            format!("edge {name}: {signal} {trigger}, {}", moment(*at_ns, *uncertainty_ns, source))
        }
        EventKind::Wire { instrument, direction, text } => format!("{instrument} {} {text}", direction.arrow()),
        EventKind::Call { program, action, arguments, results, .. } => {
            format!("called {}", text::call(program, action, arguments, results))
        }
        _ => return None,
    })
}

/// `at 45.200000 s ± 10 us (line)`
fn moment(at_ns: u64, uncertainty_ns: u64, source: &str) -> String {
    format!("at {:.6} s ± {} ({source})", at_ns as f64 / 1e9, duration(uncertainty_ns))
}
