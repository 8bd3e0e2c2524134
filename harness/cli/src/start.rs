//! `hil run --wait-for-start`: nothing begins before somebody presses start.

use hil_channel::Bench;
use hil_engine::Control;
use hil_timebase::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::failure::Failure;
use crate::screen::complain;

/// Waits. Without power: whoever interrupts it ends the program with the exit
/// code that this returns.
///
/// # Errors
/// A bench without a start input (exit code 2), one that does not answer (3).
pub fn wait_for_start(runtime: &Runtime, bench: &dyn Bench, control: &mut UnboundedReceiver<Control>) -> Result<Option<u8>, Failure> {
    let Some(interlock) = bench.interlock() else {
        return Err(Failure::invalid(
            format!("--wait-for-start: bench `{}` has no start input", bench.name()),
            Some("`start` in `[interlock]` of the bench file names it"),
        ));
    };
    let tell = |what: &str| complain(&format!("waiting: {what}\n"));
    let tester = |e: &dyn std::fmt::Display| Failure::tester(format!("bench `{}`: {e}", bench.name()), None);
    let waited = runtime.block_on(async {
        tokio::select! {
            biased;
            Some(_) = control.recv() => Ok(Some(4)),
            started = interlock.wait_for_start(&tell) => started.map(|()| None),
        }
    });
    let ended = waited.map_err(|halt| tester(&halt))?.map_err(|e| tester(&e))?;
    complain(if ended.is_some() { "interrupted before the start; nothing was switched on\n" } else { "started\n" });
    Ok(ended)
}
