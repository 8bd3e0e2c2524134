//! `watch`: arms an edge. It is seen from now to the end of the step, whatever
//! runs meanwhile.

use hil_model::{SignalId, Trigger};

use crate::scene::{Scene, Stop};

pub(super) fn watch(scene: &Scene<'_>, signal: &SignalId, trigger: &Trigger, name: &str) -> Result<(), Stop> {
    let watch = scene.channel(signal)?.watch(trigger)?;
    scene.watches.arm(name, signal, trigger, watch);
    Ok(())
}
