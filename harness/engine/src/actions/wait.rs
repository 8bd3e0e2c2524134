//! `wait`: lets time pass.

use std::time::Duration;

use crate::scene::{Scene, Stop};

pub(super) async fn wait(scene: &Scene<'_>, duration: Duration) -> Result<(), Stop> {
    scene.stage.clock.sleep(duration).await;
    Ok(())
}
