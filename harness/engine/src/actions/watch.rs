//! `watch`: arms an edge. It is seen from now to the end of the step, whatever
//! runs meanwhile.

use hil_model::{SignalId, Trigger};

use crate::scene::{Scene, Stop};

pub(super) async fn watch(scene: &Scene<'_>, signal: &SignalId, trigger: &Trigger, name: &str) -> Result<(), Stop> {
    let earliest = scene.watches.earliest(name, &scene.names.borrow());
    let channel = scene.channel(signal)?;
    let mut watch = channel.watch_from(trigger, &earliest)?;
    watch.armed().await?;
    scene.watches.arm(name, signal, trigger, watch, earliest, channel.abilities().edge_lag);
    Ok(())
}

#[cfg(test)]
mod tests {
    use hil_model::Action;
    use hil_model::Trigger;
    use hil_record::{EventKind, Verdict};

    use crate::testbench::Behave;
    use crate::testdata::*;

    /// Bench milliseconds of the event and of the edge.
    fn edges(ran: &Ran) -> Vec<(String, u64, u64)> {
        let edge = |e: &hil_record::Event| {
            if let EventKind::Edge { name, at_ns, .. } = &e.kind {
                Some((name.clone(), e.bench_ns / 1_000_000, at_ns / 1_000_000))
            } else {
                None
            }
        };
        ran.events.iter().filter_map(edge).collect()
    }

    #[test]
    fn an_edge_is_journalled_when_it_comes_and_once() {
        let plan = acts(vec![watch("out", "high", "up"), wait(1000)]);
        let ran = run(&plan, |b| b.signal("out", "low").at(300, "out", "high").at(400, "out", "low").at(500, "out", "high"));
        assert_eq!(edges(&ran), [("up".into(), 300, 300)]);
    }

    #[test]
    fn the_plan_goes_on_when_it_can_be_seen() {
        let plan = acts(vec![watch("out", "high", "up"), wait(1000)]);
        let ran = run(&plan, |b| b.signal("out", "low").behaves("out", Behave::Slow).at(5300, "out", "high"));
        assert_eq!(edges(&ran), [("up".into(), 5300, 5300)]);
    }

    #[test]
    fn watches_end_with_their_step() {
        let plan = plan(vec![step("a", vec![watch("out", "high", "up")]), step("b", vec![wait(1000)])]);
        let ran = run(&plan, |b| b.signal("out", "low").at(300, "out", "high"));
        assert_eq!(edges(&ran), []);
    }

    #[test]
    fn a_state_that_was_there_before_is_no_edge() {
        let plan = acts(vec![watch("out", "high", "up"), require("up", "up", limit("", "0 s"), 500)]);
        let ran = run(&plan, |b| b.signal("out", "high"));
        assert_eq!(ran.verdict(), Verdict::Fail);
    }

    #[test]
    fn sees_thresholds() {
        let through = |trigger, name: &str| act("watch", Action::Watch { signal: id("v"), trigger, name: name.into() });
        let plan = acts(vec![through(Trigger::RisesThrough(q("5 V")), "up"), through(Trigger::FallsThrough(q("5 V")), "down"), wait(1000)]);
        let ran = run(&plan, |b| b.signal("v", "1 V").at(300, "v", "5 V").at(400, "v", "5.1 V").at(600, "v", "5 V").at(700, "v", "4.9 V"));
        assert_eq!(edges(&ran), [("up".into(), 400, 400), ("down".into(), 700, 700)]);
    }

    #[test]
    fn what_cannot_be_watched_is_the_testers() {
        let ran = run(&acts(vec![watch("out", "high", "up")]), |b| b.signal("out", "low").behaves("out", Behave::Fails));
        assert_eq!(ran.problem(), (Verdict::Error, "`watch out`: part `out`: cannot watch".into()));
    }
}
