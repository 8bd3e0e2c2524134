//! `require`: judges an expression once its edges have come. Edges that came
//! before are used as they are; one that does not come is the unit's fault.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use hil_model::expression::{EdgeRef, Expression};
use hil_model::{Blame, Check, Quantity, Value};

use crate::evaluate::evaluate;
use crate::judge::Taken;
use crate::scene::{Scene, Stop};

pub(super) async fn require(scene: &Scene<'_>, expression: &Expression, name: &str, check: &Check, within: Duration, blame: Blame) -> Result<(), Stop> {
    let edges = expression.edges();
    // Woken by the watches, which are looked at before this act.
    let all_seen = poll_fn(|_| if missing(scene, &edges).is_none() { Poll::Ready(()) } else { Poll::Pending });
    if scene.stage.clock.timeout(within, all_seen).await.is_err()
        && let Some(edge) = missing(scene, &edges)
    {
        return Err(Stop::Problem(scene.bad(blame), not_seen(scene, edge, within)));
    }
    let out = evaluate(expression, &scene.names.borrow()).map_err(|e| Stop::error(e.to_string()))?;
    // Without an edge, the judgement is of now.
    let at = if edges.is_empty() { scene.now() } else { out.at };
    let taken = Taken { name, of: expression.to_string(), value: Value::Quantity(out.quantity), uncertainty: out.uncertainty, at, kind: None };
    scene.judge(&taken, check, blame)
}

fn missing<'e>(scene: &Scene<'_>, edges: &[&'e EdgeRef]) -> Option<&'e EdgeRef> {
    let names = scene.names.borrow();
    edges.iter().find(|e| names.edge(e).is_none()).copied()
}

fn not_seen(scene: &Scene<'_>, edge: &EdgeRef, within: Duration) -> String {
    let what = scene.watches.describe(&edge.name).map_or_else(String::new, |w| format!(" ({w})"));
    format!("edge `{edge}`{what} not seen within {}", Quantity::seconds(within.as_secs_f64()))
}
