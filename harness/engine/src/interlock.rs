//! A run on a bench with an interlock: when that opens, the hardware has switched
//! off, whatever goes on ends at once, and the safe state follows.

use std::pin::pin;

use hil_channel::{Bench, Opening};
use hil_record::{EventKind, Verdict};

use crate::dispatcher::Log;
use crate::scene::Scene;

/// Why whatever went on ended.
pub(crate) struct Opened {
    /// Of the steps that ran.
    pub(crate) verdict: Verdict,
    /// For people.
    pub(crate) why: String,
}

/// `future`; dropped as soon as the interlock opens, which is noted.
pub(crate) async fn until_open<F: Future>(log: &Log, bench: &dyn Bench, future: F) -> Result<F::Output, Opened> {
    let Some(interlock) = bench.interlock() else { return Ok(future.await) };
    let (mut future, mut opens) = (pin!(future), pin!(interlock.opens()));
    tokio::select! {
        biased;
        opening = &mut opens => Err(match opening {
            Ok(opening) => opened(log, opening),
            Err(error) => {
                let message = format!("the interlock cannot be watched: {error}");
                log.note(EventKind::Problem { step: None, verdict: Verdict::Error, message: message.clone() });
                Opened { verdict: Verdict::Error, why: message }
            }
        }),
        out = &mut future => Ok(out),
    }
}

fn opened(log: &Log, Opening { input, at, uncertainty }: Opening) -> Opened {
    let at_ns = log.look().since_start(at);
    let uncertainty_ns = u64::try_from(uncertainty.as_nanos()).unwrap_or(u64::MAX);
    let why = format!("the interlock opened: {input}");
    log.note(EventKind::InterlockOpened { input, at_ns, uncertainty_ns });
    Opened { verdict: Verdict::Aborted, why }
}

impl Scene<'_> {
    /// Nothing that was seen without power is blamed on the unit: unless the
    /// interlock is known to be closed this never returns, and the run ends. Over
    /// a link, word of that may come later than what it did to a measurement.
    pub(crate) async fn powered(&self) {
        let Some(interlock) = self.stage.bench.interlock() else { return };
        if !matches!(interlock.open_now().await, Ok(None)) {
            std::future::pending::<()>().await;
        }
    }

    /// As [`Self::powered`], for what is the tester's: that is said also when
    /// nobody knows of the interlock.
    pub(crate) async fn not_interlocked(&self) {
        let Some(interlock) = self.stage.bench.interlock() else { return };
        if matches!(interlock.open_now().await, Ok(Some(_))) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use hil_channel::Lid;
    use hil_record::{Disposition, EventKind, Outcome, Status, Verdict};

    use crate::testbench::{TestBench, val};
    use crate::testdata::*;

    /// From when it opens, the voltage is gone.
    fn dies(b: TestBench, at: u64) -> TestBench {
        b.derived("v", move |_, now| val(if now.0 < at * 1_000_000 { "12 V" } else { "0 V" }))
    }

    fn outcome(ran: &Ran) -> (Disposition, Status, u8) {
        (ran.outcome.disposition, ran.outcome.status, ran.outcome.exit_code())
    }

    const ABORTED: (Disposition, Status, u8) = (Disposition::None, Status::Aborted, 4);

    #[test]
    fn it_ends_the_run_at_once_and_nothing_but_the_safe_state_follows() {
        let mut plan = plan(vec![step("a", vec![wait(5_000), measure("v", limit("11 V", ""))]), step("b", vec![wait(1)])]);
        plan.teardown = vec![set("power", "off")];
        let ran = run(&plan, |b| dies(b, 2_000).opens(2_000, 0));
        assert_eq!(outcome(&ran), ABORTED);
        assert_eq!((ran.sets(), ran.ended_ms()), (Vec::<String>::new(), 2_020));
        let opened = ran.events.iter().find_map(|e| match &e.kind {
            EventKind::InterlockOpened { input, at_ns, .. } => Some((input.clone(), *at_ns)),
            _ => None,
        });
        assert_eq!(opened, Some(("lid".into(), 2_000_000_000)));
        let why = Some("the interlock opened: lid".to_owned());
        assert_eq!(ran.steps(), [("a".into(), Verdict::Aborted, why.clone()), ("b".into(), Verdict::Skipped, why)]);
    }

    #[test]
    fn what_it_did_to_a_measurement_is_not_the_units() {
        // Word of the lid comes half a second after its effect.
        let judged = [
            measure("v", limit("11 V", "")),
            expect(&[("v", hil_model::Condition::Above(q("11 V")))], 0, 0),
            measure("v", limit("11 V", "13 V")),
        ];
        for act in judged {
            let ran = run(&acts(vec![wait(2_000), act]), |b| dies(b, 1_900).opens(1_900, 500));
            assert_eq!(outcome(&ran), ABORTED, "{:?}", ran.events);
            assert!(ran.measurements().is_empty());
        }
        // A part that no longer answers is no fault of the tester's then.
        let ran = run(&acts(vec![wait(2_000), set("out", "high")]), |b| {
            b.signal("out", "low").behaves("out", crate::testbench::Behave::Fails).opens(1_900, 500)
        });
        assert_eq!(outcome(&ran), ABORTED, "{:?}", ran.events);
    }

    #[test]
    fn a_unit_that_failed_before_stays_failed() {
        let plan = plan(vec![step("a", vec![measure("v", limit("13 V", ""))]), step("b", vec![wait(5_000)])]);
        let ran = run(&plan, |b| b.signal("v", "12 V").opens(2_000, 0));
        assert_eq!(outcome(&ran), (Disposition::Fail, Status::Aborted, 1));
    }

    #[test]
    fn one_that_nobody_can_watch_is_the_testers() {
        let ran = run(&acts(vec![wait(5_000)]), |b| b.loses_interlock(1_000));
        assert_eq!(outcome(&ran), (Disposition::None, Status::TesterError, 3));
        assert_eq!(ran.problem().1, "the interlock cannot be watched: fixture: link lost: cable pulled");
        assert_eq!(ran.ended_ms(), 1_020);
    }

    #[test]
    fn it_ends_teardown_too() {
        let mut plan = acts(vec![measure("v", limit("11 V", ""))]);
        plan.teardown = vec![wait(3_000), set("power", "off")];
        let ran = run(&plan, |b| b.signal("v", "12 V").opens(1_000, 0));
        assert_eq!((ran.outcome.status, ran.sets(), ran.ended_ms()), (Status::Aborted, vec![], 1_020));
    }

    #[test]
    fn a_lid_that_stays_locked_is_the_testers() {
        let plan = acts(vec![measure("v", limit("11 V", ""))]);
        let studs = vec![("battery.voltage".to_owned(), 0.2)];
        let ran = run(&plan, |b| b.signal("v", "12 V").lid(Lid::Unlocked { studs }));
        assert_eq!(ran.outcome, Outcome { disposition: Disposition::Pass, status: Status::Completed, safe: true });
        let ran = run(&plan, |b| b.signal("v", "12 V").lid(Lid::Locked { why: "no answer".into() }));
        assert_eq!(outcome(&ran), (Disposition::Pass, Status::TesterError, 3));
        let lid =
            ran.events.iter().any(|e| matches!(&e.kind, EventKind::Lid { unlocked: false, reason: Some(why), .. } if why == "no answer"));
        assert!(lid, "{:?}", ran.events);
    }

    #[test]
    fn without_a_safe_state_nobody_touches_the_lid() {
        let plan = acts(vec![measure("v", limit("11 V", ""))]);
        let ran = run(&plan, |b| {
            b.signal("v", "12 V").lid(Lid::Unlocked { studs: vec![] }).behaves("safe-state", crate::testbench::Behave::Unconfirmed)
        });
        assert!(!ran.events.iter().any(|e| matches!(e.kind, EventKind::Lid { .. })));
        assert_eq!(ran.outcome.exit_code(), 6);
    }
}
