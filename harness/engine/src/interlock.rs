//! A run on a bench with an interlock: when that opens, the hardware has switched
//! off, whatever goes on ends at once, and the safe state follows.

use std::pin::pin;

use hil_channel::{Bench, Opening};
use hil_record::{EventKind, Verdict};

use crate::dispatcher::Log;
use crate::scene::Scene;

/// Why whatever went on ended.
pub(crate) struct Opened {
    /// Of the steps that ran.
    pub(crate) verdict: Verdict,
    /// For people.
    pub(crate) why: String,
}

/// `future`; dropped as soon as the interlock opens, which is noted.
pub(crate) async fn until_open<F: Future>(log: &Log, bench: &dyn Bench, future: F) -> Result<F::Output, Opened> {
    let Some(interlock) = bench.interlock() else { return Ok(future.await) };
    let (mut future, mut opens) = (pin!(future), pin!(interlock.opens()));
    tokio::select! {
        biased;
        opening = &mut opens => Err(match opening {
            Ok(opening) => opened(log, opening),
            Err(error) => {
                let message = format!("the interlock cannot be watched: {error}");
                log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message: message.clone() });
                Opened { verdict: Verdict::Error, why: message }
            }
        }),
        out = &mut future => Ok(out),
    }
}

fn opened(log: &Log, Opening { input, at, uncertainty }: Opening) -> Opened {
    let at_ns = log.look().since_start(at);
    let uncertainty_ns = u64::try_from(uncertainty.as_nanos()).unwrap_or(u64::MAX);
    let why = format!("the interlock opened: {input}");
    log.note(EventKind::InterlockOpened { input, at_ns, uncertainty_ns });
    Opened { verdict: Verdict::Aborted, why }
}

impl Scene<'_> {
    /// Nothing that was seen without power is blamed on the unit: unless the
    /// interlock is known to be closed this never returns, and the run ends. Over
    /// a link, word of that may come later than what it did to a measurement.
    pub(crate) async fn powered(&self) {
        let Some(interlock) = self.stage.bench.interlock() else { return };
        if !matches!(interlock.open_now().await, Ok(None)) {
            std::future::pending::<()>().await;
        }
    }

    /// As [`Self::powered`], for what is the tester's: that is said also when
    /// nobody knows of the interlock.
    pub(crate) async fn not_interlocked(&self) {
        let Some(interlock) = self.stage.bench.interlock() else { return };
        if matches!(interlock.open_now().await, Ok(Some(_))) {
            std::future::pending::<()>().await;
        }
    }
}
