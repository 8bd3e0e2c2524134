//! `set`: signals in the order written.

use hil_model::{Blame, Setpoint, SignalId};

use crate::scene::{Scene, Stop};

pub(super) async fn set(
    scene: &Scene<'_>,
    assignments: &[(SignalId, Setpoint)],
    refusable: bool,
    name: Option<&String>,
) -> Result<(), Stop> {
    let mut last = None;
    for (signal, setpoint) in assignments {
        let value = scene.setpoint(signal, setpoint)?;
        let edge = scene.set(signal, &value).await?;
        if edge.value != value && !refusable {
            let message = format!("`{signal}` was set to {value}, but is {}", edge.value);
            return Err(Stop::Problem(scene.bad(Blame::Unit).await?, message));
        }
        last = Some(edge);
    }
    if let Some(edge) = last {
        scene.keep_edge(name, &edge);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hil_model::{Action, Setpoint};
    use hil_record::{EventKind, Verdict};

    use crate::testbench::{Behave, val};
    use crate::testdata::*;

    #[test]
    fn sets_in_order_and_is_the_time_of_the_last() {
        let all = Action::Set {
            assignments: vec![(id("b"), Setpoint::Fixed(val("1 V"))), (id("a"), Setpoint::Fixed(val("healthy")))],
            refusable: false,
            name: Some("go".into()),
        };
        let plan = acts(vec![act("set", all), set_as("a", "open", Some("later")), require("later", "go", limit("2 ms", "2 ms"), 0)]);
        let ran = run(&plan, |b| b.signal("a", "open").signal("b", "0 V"));
        assert_eq!(ran.sets(), ["b = 1 V", "a = healthy", "a = open", "power = off"]);
        assert_eq!(ran.verdict(), Verdict::Pass);
        let stimulus = ran.events.iter().find_map(|e| {
            if let EventKind::Stimulus { signal, at_ns, uncertainty_ns, source, .. } = &e.kind {
                Some((signal.clone(), *at_ns, *uncertainty_ns, source.clone()))
            } else {
                None
            }
        });
        assert_eq!(stimulus.unwrap(), ("b".into(), 2_000_000, 10_000, "readback".into()));
    }

    #[test]
    fn a_refusal_is_the_testers() {
        let ran = run(&acts(vec![set("a", "1 V"), set("power", "on")]), |b| b.signal("a", "0 V").behaves("a", Behave::Fails));
        assert_eq!(ran.problem(), (Verdict::Error, "`set a = 1 V`: part `a`: link lost: cable pulled".into()));
        assert_eq!(ran.sets(), ["power = off"]);
    }
}
