//! Futures that may panic or be interrupted.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt as _;
use hil_record::{EventKind, Verdict};
use hil_timebase::panic_text;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::dispatcher::Log;
use crate::header::Control;

/// `future`; its panic as text.
pub(crate) async fn guarded<F: Future>(future: F) -> Result<F::Output, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| format!("panic: {}", panic_text(payload.as_ref())))
}

/// Runs `future` and notes whoever asks to stop meanwhile. Drops it and says
/// who it was as soon as `patience` were heard since the run began.
pub(crate) async fn until_interrupt<F: Future>(
    log: &Log,
    control: &mut UnboundedReceiver<Control>,
    patience: u32,
    future: F,
) -> Result<F::Output, String> {
    let mut future = pin!(future);
    loop {
        tokio::select! {
            biased;
            Some(order) = control.recv() => {
                let by = asked_by(log, order);
                let count = log.look().state.interrupts + 1;
                log.note(EventKind::Interrupted { by: by.clone(), count });
                if count >= patience {
                    return Err(by);
                }
            }
            out = &mut future => return Ok(out),
        }
    }
}

/// Who asks to stop; a fault of the tester's is noted as one.
fn asked_by(log: &Log, order: Control) -> String {
    match order {
        Control::Interrupt { by } => by,
        Control::Fault { what } => {
            log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message: what });
            "a fault of the tester".to_owned()
        }
    }
}
