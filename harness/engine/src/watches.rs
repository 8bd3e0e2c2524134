//! Armed watches: looked at whenever the step is, so that an edge is journalled
//! when it comes, whatever act is running. The first edge of each counts.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};

use hil_channel::{BoxFuture, ChannelError, Edge, Watch};
use hil_model::{SignalId, Trigger};
use hil_record::EventKind;

use crate::scene::{Scene, Stop};

/// The watches of one step; dropping it disarms them.
#[derive(Default)]
pub(crate) struct Watches(RefCell<Vec<Armed>>);

struct Armed {
    name: String,
    signal: SignalId,
    trigger: Trigger,
    /// Owns the watch; gone once the edge has come.
    next: Option<BoxFuture<'static, Result<Edge, ChannelError>>>,
}

impl Watches {
    pub(crate) fn arm(&self, name: &str, signal: &SignalId, trigger: &Trigger, mut watch: Box<dyn Watch>) {
        let next: BoxFuture<'static, _> = Box::pin(async move { watch.next().await });
        self.0.borrow_mut().push(Armed { name: name.to_owned(), signal: signal.clone(), trigger: trigger.clone(), next: Some(next) });
    }

    /// `load-disconnect becomes floating`, if such a watch was armed.
    pub(crate) fn describe(&self, name: &str) -> Option<String> {
        self.0.borrow().iter().find(|a| a.name == name).map(|a| format!("{} {}", a.signal, a.trigger))
    }

    /// Those whose edge has just come.
    fn poll(&self, cx: &mut Context<'_>) -> Result<Vec<(String, SignalId, Trigger, Edge)>, Stop> {
        let mut seen = Vec::new();
        for armed in self.0.borrow_mut().iter_mut() {
            let Some(next) = armed.next.as_mut() else { continue };
            if let Poll::Ready(edge) = next.as_mut().poll(cx) {
                armed.next = None;
                let edge = edge.map_err(|e| Stop::error(format!("watch `{}`: {e}", armed.name)))?;
                seen.push((armed.name.clone(), armed.signal.clone(), armed.trigger.clone(), edge));
            }
        }
        Ok(seen)
    }
}

/// Runs `act` and sees to the watches of its step meanwhile; they go first, so
/// that an edge at a deadline counts.
pub(crate) async fn attended<F: Future<Output = Result<(), Stop>>>(scene: &Scene<'_>, act: F) -> Result<(), Stop> {
    let mut act = pin!(act);
    poll_fn(|cx| match attend(scene, cx) {
        Err(stop) => Poll::Ready(Err(stop)),
        Ok(()) => act.as_mut().poll(cx),
    })
    .await
}

fn attend(scene: &Scene<'_>, cx: &mut Context<'_>) -> Result<(), Stop> {
    for (name, signal, trigger, edge) in scene.watches.poll(cx)? {
        scene.emit(EventKind::Edge {
            step: scene.step.to_owned(),
            name: name.clone(),
            signal: signal.to_string(),
            trigger: trigger.to_string(),
            at_ns: scene.ns(edge.at),
            uncertainty_ns: u64::try_from(edge.uncertainty.as_nanos()).unwrap_or(u64::MAX),
            source: edge.source.to_string(),
        })?;
        scene.keep_edge(Some(&name), &edge);
    }
    Ok(())
}
