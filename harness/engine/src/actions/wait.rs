//! `wait`: lets time pass.

use std::time::Duration;

use crate::scene::{Scene, Stop};

pub(super) async fn wait(scene: &Scene<'_>, duration: Duration) -> Result<(), Stop> {
    scene.stage.clock.sleep(duration).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testdata::*;

    #[test]
    fn takes_its_time_and_no_more() {
        let ran = run(&acts(vec![wait(1234)]), |b| b);
        assert_eq!(ran.ended_ms(), 1234 + 2 + 20);
    }
}
