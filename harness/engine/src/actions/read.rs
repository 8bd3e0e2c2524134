//! `read`: a reading that is recorded, not judged.

use hil_model::SignalId;

use crate::scene::{Scene, Stop};

pub(super) async fn read(scene: &Scene<'_>, signal: &SignalId, name: &str) -> Result<(), Stop> {
    let reading = scene.read(signal).await?;
    scene.keep_reading(name, signal, &reading)
}
