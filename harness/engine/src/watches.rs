//! Armed watches: looked at whenever the step is, so that an edge is journalled
//! when it comes, whatever act is running. The first edge of each counts.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hil_channel::{BoxFuture, ChannelError, Earliest, Edge, Watch, Waveform};
use hil_model::{Quantity, SignalId, Step, Trigger, Value};
use hil_record::{Datum, EventKind};

use crate::early::Early;
use crate::names::Names;
use crate::scene::{Scene, Stop};

/// The watches of one step; dropping it disarms them.
#[derive(Default)]
pub(crate) struct Watches {
    armed: RefCell<Vec<Armed>>,
    early: Early,
}

struct Armed {
    name: String,
    signal: SignalId,
    trigger: Trigger,
    /// What the watch was told of when its edge can be good.
    earliest: Earliest,
    /// So much later than it came its edge may be told.
    lag: Duration,
    /// Owns the watch; gone once the edge has come.
    next: Option<BoxFuture<'static, Found>>,
}

/// An edge, with the samples that it was found on if there are any.
type Found = Result<(Edge, Option<Waveform>), ChannelError>;

/// An edge that has come, with the samples that it was found on.
struct Seen {
    name: String,
    signal: SignalId,
    trigger: Trigger,
    edge: Edge,
    waveform: Option<Waveform>,
}

impl Watches {
    /// None armed yet.
    pub(crate) fn of(step: &Step) -> Self {
        Self { armed: RefCell::default(), early: Early::of(step) }
    }

    /// When the edge of a watch that is to be armed can be good at the earliest.
    pub(crate) fn earliest(&self, name: &str, names: &Names) -> Earliest {
        let earliest = Earliest::default();
        self.early.tell(name, names, &earliest);
        earliest
    }

    /// More is known by now of when edges can be good.
    pub(crate) fn tell(&self, names: &Names) {
        for armed in self.armed.borrow().iter().filter(|a| a.next.is_some()) {
            self.early.tell(&armed.name, names, &armed.earliest);
        }
    }

    pub(crate) fn arm(
        &self,
        name: &str,
        signal: &SignalId,
        trigger: &Trigger,
        mut watch: Box<dyn Watch>,
        earliest: Earliest,
        lag: Duration,
    ) {
        let next: BoxFuture<'static, _> = Box::pin(async move {
            let edge = watch.next().await?;
            Ok((edge, watch.waveform()))
        });
        let (name, signal, trigger) = (name.to_owned(), signal.clone(), trigger.clone());
        self.armed.borrow_mut().push(Armed { name, signal, trigger, earliest, lag, next: Some(next) });
    }

    /// So much later than it came the edge of such a watch may be told.
    pub(crate) fn lag(&self, name: &str) -> Duration {
        self.armed.borrow().iter().find(|a| a.name == name).map_or(Duration::ZERO, |a| a.lag)
    }

    /// `load-disconnect becomes floating`, if such a watch was armed.
    pub(crate) fn describe(&self, name: &str) -> Option<String> {
        self.armed.borrow().iter().find(|a| a.name == name).map(|a| format!("{} {}", a.signal, a.trigger))
    }

    /// Those whose edge has just come.
    fn poll(&self, cx: &mut Context<'_>) -> Result<Vec<Seen>, Stop> {
        let mut seen = Vec::new();
        for armed in self.armed.borrow_mut().iter_mut() {
            let Some(next) = armed.next.as_mut() else { continue };
            if let Poll::Ready(edge) = next.as_mut().poll(cx) {
                armed.next = None;
                let (edge, waveform) = edge.map_err(|e| Stop::error(format!("watch `{}`: {e}", armed.name)))?;
                let (name, signal, trigger) = (armed.name.clone(), armed.signal.clone(), armed.trigger.clone());
                seen.push(Seen { name, signal, trigger, edge, waveform });
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
    for Seen { name, signal, trigger, edge, waveform } in scene.watches.poll(cx)? {
        scene.emit(EventKind::Edge {
            step: scene.step.to_owned(),
            name: name.clone(),
            signal: signal.to_string(),
            trigger: trigger.to_string(),
            at_ns: scene.ns(edge.at),
            uncertainty_ns: u64::try_from(edge.uncertainty.as_nanos()).unwrap_or(u64::MAX),
            source: edge.source.to_string(),
        })?;
        if let Some(waveform) = waveform {
            scene.emit(journalled(scene, &name, &signal, &waveform))?;
        }
        scene.keep_edge(Some(&name), &edge);
    }
    Ok(())
}

fn journalled(scene: &Scene<'_>, name: &str, signal: &SignalId, waveform: &Waveform) -> EventKind {
    let datum = |si: f64| Datum::of(&Value::Quantity(Quantity::new(si, waveform.dimension)), scene.kind(signal));
    EventKind::Waveform {
        step: scene.step.to_owned(),
        name: name.to_owned(),
        signal: signal.to_string(),
        unit: datum(0.0).1,
        at_ns: waveform.points.iter().map(|(at, _)| scene.ns(*at)).collect(),
        values: waveform.points.iter().map(|(_, value)| datum(*value).0).collect(),
    }
}
