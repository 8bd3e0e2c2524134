//! `set`: signals in the order written.

use hil_model::{SignalId, Value};

use crate::scene::{Scene, Stop};

pub(super) async fn set(scene: &Scene<'_>, assignments: &[(SignalId, Value)], name: Option<&String>) -> Result<(), Stop> {
    let mut last = None;
    for (signal, value) in assignments {
        last = Some(scene.set(signal, value).await?);
    }
    if let Some(edge) = last {
        scene.keep_edge(name, &edge);
    }
    Ok(())
}
