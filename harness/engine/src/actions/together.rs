//! `together`: branches side by side, polled in the order written, so that two
//! runs are the same. The first that ends badly cancels the others.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use hil_model::Act;
use hil_record::EventKind;

use super::perform;
use crate::scene::{Scene, Stop};

type Branch<'b> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'b>>;

pub(super) async fn together<'a>(scene: &Scene<'a>, within: &[usize], branches: &'a [Vec<Act>]) -> Result<(), Stop> {
    let mut running: Vec<Option<Branch<'_>>> = Vec::new();
    for (index, acts) in branches.iter().enumerate() {
        running.push(Some(Box::pin(branch(scene, within.iter().copied().chain([index + 1]).collect(), acts))));
    }
    // All are polled whenever one is woken: edges, which the step's watches see
    // to before this, reach a `require` in any of them.
    poll_fn(|cx| {
        for branch in &mut running {
            let Some(future) = branch else { continue };
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                *branch = None;
                if done.is_err() {
                    return Poll::Ready(done);
                }
            }
        }
        if running.iter().all(Option::is_none) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

/// One branch; `path` is its number, after those of the branches that it is in.
async fn branch<'a>(scene: &Scene<'a>, path: Vec<usize>, acts: &'a [Act]) -> Result<(), Stop> {
    let (step, action) = (scene.step, scene.act.get());
    let number = path.last().copied().unwrap_or_default();
    for act in acts {
        let text = format!("branch {number}: {}", act.text);
        scene.emit(EventKind::ActionStarted { step: step.to_owned(), action, text, branch: path.clone() })?;
        if let Err(stop) = perform(scene, &path, act).await {
            scene.failure.set(scene.failure.get().or(act.fails_as));
            let placed = |message| format!("branch {number}, `{}`: {message}", act.text);
            return Err(match stop {
                Stop::Problem(verdict, message) => Stop::Problem(verdict, placed(message)),
                Stop::NoCommunication(message) => Stop::NoCommunication(placed(message)),
                Stop::Judged | Stop::Journal => stop,
            });
        }
    }
    scene.emit(EventKind::BranchFinished { step: step.to_owned(), action, branch: path })
}

#[cfg(test)]
mod tests {
    use hil_model::{Action, Condition};
    use hil_record::Verdict;

    use super::*;
    use crate::testbench::Behave;
    use crate::testdata::*;

    fn beside(branches: Vec<Vec<Act>>) -> Act {
        act("together", Action::Together { branches })
    }

    #[test]
    fn branches_take_as_long_as_the_longest() {
        let plan =
            acts(vec![beside(vec![vec![wait(500), set("a", "1 V")], vec![wait(200), set("b", "1 V")]]), measure("a", limit("1 V", ""))]);
        let ran = run(&plan, |b| b.signal("a", "0 V").signal("b", "0 V"));
        assert_eq!((ran.verdict(), ran.sets()), (Verdict::Pass, vec!["b = 1 V".into(), "a = 1 V".into(), "power = off".into()]));
        assert_eq!(ran.ended_ms(), 502 + 2 + 20);
        let texts: Vec<String> = ran.actions().into_iter().filter(|t| t.starts_with("branch")).collect();
        assert_eq!(texts, ["branch 1: wait 500 ms", "branch 2: wait 200 ms", "branch 2: set b = 1 V", "branch 1: set a = 1 V"]);
    }

    #[test]
    fn the_journal_tells_when_each_branch_ended() {
        let inner = beside(vec![vec![wait(10)], vec![wait(20)]]);
        let ran = run(&acts(vec![beside(vec![vec![inner], vec![wait(50)]]), measure("a", limit("1 V", ""))]), |b| b.signal("a", "1 V"));
        let told = ran.events.iter().filter_map(|e| match &e.kind {
            EventKind::BranchFinished { branch, .. } => Some((branch.clone(), e.bench_ns / 1_000_000)),
            _ => None,
        });
        assert_eq!(told.collect::<Vec<_>>(), [(vec![1, 1], 10), (vec![1, 2], 20), (vec![1], 20), (vec![2], 50)]);
    }

    #[test]
    fn names_of_all_are_known_afterwards() {
        let plan = acts(vec![
            watch("out", "high", "edge"),
            beside(vec![vec![set_as("a", "1 V", Some("go"))], vec![wait(50), require("edge", "edge", limit("", "1 s"), 1000)]]),
            require("edge", "go", limit("0 s", "1 s"), 1000),
        ]);
        let ran = run(&plan, |b| b.signal("a", "0 V").signal("out", "low").reaction("a", "1 V", 300, "out", "high"));
        assert_eq!(ran.verdict(), Verdict::Pass, "{:?}", ran.problems());
        assert_eq!(ran.measurements().len(), 2);
    }

    #[test]
    fn the_first_that_ends_badly_cancels_the_others() {
        let long = || vec![wait(5000), set("a", "1 V")];
        let plan = |bad| acts(vec![beside(vec![long(), vec![wait(100), bad]]), set("a", "2 V")]);
        let ran = run(&plan(expect(&[("out", Condition::Is(crate::testbench::val("high")))], 0, 0)), |b| {
            b.signal("a", "0 V").signal("out", "low")
        });
        assert_eq!((ran.verdict(), ran.sets()), (Verdict::Fail, vec!["power = off".to_owned()]));
        assert!(ran.ended_ms() < 200);
        let ran = run(&plan(set("stuck", "1 V")), |b| b.signal("a", "0 V").signal("stuck", "0 V").behaves("stuck", Behave::Fails));
        assert_eq!(
            ran.problem(),
            (Verdict::Error, "`together`: branch 2, `set stuck = 1 V`: part `stuck`: link lost: cable pulled".into())
        );
    }

    #[test]
    fn a_timeout_and_an_interrupt_end_all_branches() {
        let plan = || acts(vec![beside(vec![vec![wait(70_000)], vec![wait(80_000)]])]);
        assert_eq!(run(&plan(), |b| b).verdict(), Verdict::Error);
        let ran = disturbed(&plan(), |b| b, Disturb { interrupts: vec![500], ..Disturb::default() });
        assert_eq!((ran.verdict(), ran.ended_ms()), (Verdict::Aborted, 522));
    }
}
