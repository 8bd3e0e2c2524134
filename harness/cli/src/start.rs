//! `hil run --wait-for-start`: nothing begins before somebody presses start.

use std::time::Duration;

use hil_channel::{Bench, ChannelError, Fault};
use hil_engine::Control;
use hil_timebase::Runtime;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::failure::Failure;
use crate::screen::complain;

/// Nobody waits longer, and virtual time needs an end to run to.
const FOR_LONG: Duration = Duration::from_secs(86_400);

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
    let (clock, limit_ms) = (runtime.clock(), FOR_LONG.as_secs() * 1000);
    let waited = runtime.block_on(async {
        tokio::select! {
            biased;
            Some(_) = control.recv() => Ok(Some(4)),
            started = clock.timeout(FOR_LONG, interlock.wait_for_start(&tell)) => match started {
                Ok(started) => started.map(|()| None),
                Err(_) => Err(ChannelError::new("start", Fault::NoAnswer { command: "press start".into(), limit_ms })),
            },
        }
    });
    let ended = waited.map_err(|halt| tester(&halt))?.map_err(|e| tester(&e))?;
    complain(if ended.is_some() { "interrupted before the start; nothing was switched on\n" } else { "started\n" });
    Ok(ended)
}
