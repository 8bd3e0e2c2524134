//! What the rest of the project relies on in the virtual clock.

#![expect(clippy::disallowed_methods, reason = "threads outside the runtime and real time are what is tested here")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, poll_fn};
use hil_timebase::{Clock, Elapsed, Halt, Nanos, Runtime, World};
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;

const fn ns(n: u64) -> Duration {
    Duration::from_nanos(n)
}

const fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn virtual_runtime() -> (Runtime, Clock) {
    let runtime = Runtime::virtual_time().unwrap();
    let clock = runtime.clock();
    (runtime, clock)
}

/// Runs `body` on a thread of its own; a hang fails instead of lasting.
fn within_real_time<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(body()));
    result.recv_timeout(s(20)).expect("hangs or has panicked")
}

/// Changes its output at given times and notes how far it was taken.
#[derive(Default)]
struct Switch {
    reached: Nanos,
    changes: Vec<Nanos>,
    seen: usize,
    watchers: Vec<Waker>,
    panic_at: Option<Nanos>,
    /// Stops at changes that nobody waits for.
    stops_for_nobody: bool,
}

impl World for Switch {
    fn advance(&mut self, until: Nanos, woken: &mut Vec<Waker>) -> Nanos {
        if self.panic_at.is_some_and(|at| at <= until) {
            woken.append(&mut self.watchers);
            panic!("the battery burns");
        }
        while let Some(&at) = self.changes.get(self.seen).filter(|at| **at <= until) {
            self.seen += 1;
            self.reached = at;
            if !self.watchers.is_empty() || self.stops_for_nobody {
                woken.append(&mut self.watchers);
                return at;
            }
        }
        self.reached = until;
        until
    }
}

/// The time of the next change after now.
async fn change(world: &Arc<Mutex<Switch>>) -> Nanos {
    let before = world.lock().unwrap().seen;
    poll_fn(|cx| {
        let mut w = world.lock().unwrap();
        if w.seen > before {
            return Poll::Ready(w.changes[w.seen - 1]);
        }
        w.watchers.push(cx.waker().clone());
        Poll::Pending
    })
    .await
}

fn attach(runtime: &Runtime, world: Switch) -> Arc<Mutex<Switch>> {
    let world = Arc::new(Mutex::new(world));
    runtime.attach(world.clone());
    world
}

#[test]
fn sleeps_are_exact_to_the_nanosecond() {
    let (runtime, clock) = virtual_runtime();
    let times = runtime.block_on(async {
        let mut times = Vec::new();
        for d in [ns(1), ns(12_345), ns(999_999), s(86_400 * 365), ns(0), ns(1)] {
            clock.sleep(d).await;
            times.push(clock.now().0);
        }
        clock.sleep_until(Nanos(7)).await;
        times.push(clock.now().0);
        times
    });
    let year = 31_536_000_000_000_000;
    let after = 1_012_345 + year;
    assert_eq!(times.unwrap(), [1, 12_346, 1_012_345, after, after, after + 1, after + 1]);
}

#[test]
fn equal_deadlines_wake_together_in_the_order_of_asking() {
    let (runtime, clock) = virtual_runtime();
    let trace = Rc::new(RefCell::new(Vec::new()));
    runtime
        .block_on(async {
            let tasks = (0..5u64).map(|i| {
                let (clock, trace) = (clock.clone(), trace.clone());
                spawn_local(async move {
                    // Asked for at different moments, due at the same.
                    clock.sleep(ns(10 - 2 * i)).await;
                    clock.sleep_until(Nanos(1_000)).await;
                    trace.borrow_mut().push((i, clock.now().0));
                })
            });
            join_all(tasks.collect::<Vec<_>>()).await;
        })
        .unwrap();
    assert_eq!(*trace.borrow(), [(4, 1_000), (3, 1_000), (2, 1_000), (1, 1_000), (0, 1_000)]);
}

#[test]
fn dropped_sleeps_never_move_time() {
    let (runtime, clock) = virtual_runtime();
    let halt = runtime.block_on(async {
        for _ in 0..1_000 {
            let (short, long) = (clock.sleep(ns(10)), clock.sleep(s(60)));
            tokio::select! { biased; () = short => {}, () = long => unreachable!() }
        }
        let aborted = spawn_local(clock.sleep(s(3_600)));
        tokio::task::yield_now().await;
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        assert_eq!(clock.timeout(s(60), clock.sleep(ns(5))).await, Ok(()));
        std::future::pending::<()>().await;
    });
    // A deadline left over would have been gone to before the deadlock.
    assert_eq!(halt, Err(Halt::Deadlock { waiting: vec![] }));
    assert_eq!(clock.now(), Nanos(10_005));
}

#[test]
fn the_last_task_to_poll_a_sleep_is_woken() {
    let (runtime, clock) = virtual_runtime();
    runtime
        .block_on(async {
            let mut sleep = Box::pin(clock.sleep(s(1)));
            // Polled by this task, then by another.
            assert!(futures_util::poll!(sleep.as_mut()).is_pending());
            let other = clock.clone();
            let end = spawn_local(async move {
                sleep.await;
                other.now()
            });
            assert_eq!(clock.timeout(s(2), end).await.unwrap().unwrap(), Nanos(1_000_000_000));
        })
        .unwrap();
}

#[test]
fn yielding_does_not_move_time() {
    let (runtime, clock) = virtual_runtime();
    runtime
        .block_on(async {
            let sleeper = spawn_local(clock.sleep(ns(1)));
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!(clock.now(), Nanos::ZERO);
            sleeper.await.unwrap();
        })
        .unwrap();
}

#[test]
fn a_result_that_comes_with_the_deadline_wins_whoever_brings_it() {
    let (runtime, clock) = virtual_runtime();
    runtime
        .block_on(async {
            assert_eq!(clock.timeout(s(1), clock.sleep(s(1))).await, Ok(()));
            assert_eq!(clock.timeout(s(1), clock.sleep(s(1) + ns(1))).await, Err(Elapsed));
            assert_eq!(clock.now(), Nanos(2_000_000_000));

            // The limit is asked for first, and the answer passes two tasks.
            let (first, middle) = oneshot::channel();
            let (second, answer) = oneshot::channel();
            let limited = clock.timeout(s(1), answer);
            let worker = clock.clone();
            spawn_local(async move {
                worker.sleep(s(1)).await;
                first.send(7).unwrap();
            });
            spawn_local(async move { second.send(middle.await.unwrap()).unwrap() });
            assert_eq!(limited.await, Ok(Ok(7)));
            assert_eq!(clock.now(), Nanos(3_000_000_000));

            // No time at all: what is ready, or can be in this moment.
            let (send, answer) = oneshot::channel();
            spawn_local(async move { send.send(8).unwrap() });
            assert_eq!(clock.timeout(ns(0), answer).await, Ok(Ok(8)));
            assert_eq!(clock.timeout(ns(0), std::future::pending::<()>()).await, Err(Elapsed));
            assert_eq!(clock.now(), Nanos(3_000_000_000));
        })
        .unwrap();
}

#[test]
fn limits_that_pass_together_all_pass_then() {
    let (runtime, clock) = virtual_runtime();
    let never = || clock.timeout(s(5), std::future::pending::<()>());
    let results = runtime.block_on(async { join_all([never(), never(), never()]).await });
    assert_eq!(results.unwrap(), [Err(Elapsed); 3]);
    assert_eq!(clock.now(), Nanos(5_000_000_000));
}

#[test]
fn a_deadlock_names_those_who_wait_and_the_runtime_goes_on() {
    let (runtime, clock) = virtual_runtime();
    let gate = Rc::new(Notify::new());
    let opened = Rc::new(Cell::new(None));
    let halt = runtime.block_on(async {
        let (task_clock, task_gate, opened) = (clock.clone(), gate.clone(), opened.clone());
        spawn_local(async move {
            task_clock.waiting("edge `cut` of `load-disconnect`", task_gate.notified()).await;
            opened.set(Some(task_clock.now()));
        });
        clock.waiting("something over by then", clock.sleep(ns(3))).await;
        clock.waiting("reply of `battery`", std::future::pending::<()>()).await;
    });
    let waiting = vec!["edge `cut` of `load-disconnect`".to_owned(), "reply of `battery`".to_owned()];
    assert_eq!(
        halt.as_ref().unwrap_err().to_string(),
        "deadlock: nothing can happen any more; waiting: edge `cut` of `load-disconnect`; reply of `battery`"
    );
    assert_eq!(halt, Err(Halt::Deadlock { waiting }));
    assert_eq!(clock.now(), Nanos(3));

    // Another root, the same tasks; the dropped root waits no longer.
    let again = runtime.block_on(async {
        clock.sleep(ns(4)).await;
        gate.notify_one();
        clock.sleep(ns(1)).await;
    });
    assert_eq!(again, Ok(()));
    assert_eq!(opened.get(), Some(Nanos(7)));
    let halt = runtime.block_on(std::future::pending::<()>());
    assert_eq!(halt, Err(Halt::Deadlock { waiting: vec![] }));
}

#[test]
fn a_deadlock_that_ends_at_the_last_moment_leaves_nothing_behind() {
    let (runtime, clock) = virtual_runtime();
    // Woken by the deadlock itself, this root is ready at its second poll.
    let mut polls = 0;
    let root = poll_fn(|_| {
        polls += 1;
        if polls == 2 { Poll::Ready("late") } else { Poll::Pending }
    });
    assert_eq!(runtime.block_on(root), Ok("late"));
    assert_eq!(runtime.block_on(clock.sleep(s(1))), Ok(()));
}

#[test]
fn a_hold_keeps_time_still_until_the_thread_has_answered() {
    let moved = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        runtime.block_on(async {
            let (send, answer) = oneshot::channel();
            let hold = clock.hold();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(20));
                send.send("pong").unwrap();
                drop(hold);
            });
            assert_eq!(clock.timeout(s(60), answer).await, Ok(Ok("pong")));
            clock.now()
        })
    });
    assert_eq!(moved, Ok(Nanos::ZERO));
}

#[test]
fn dropping_the_last_hold_without_any_other_wake_up_lets_things_go_on() {
    let end = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        runtime.block_on(async {
            let holds = [clock.hold(), clock.hold()];
            thread::spawn(move || {
                for hold in holds {
                    thread::sleep(Duration::from_millis(10));
                    drop(hold);
                }
            });
            clock.sleep(ns(1_000)).await;
            // Also when only a spawned task waits for the deadline.
            let hold = clock.hold();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(10));
                drop(hold);
            });
            spawn_local(clock.sleep(ns(500))).await.unwrap();
            clock.now()
        })
    });
    assert_eq!(end, Ok(Nanos(1_500)));
}

#[test]
fn a_hold_turns_no_wait_into_a_deadlock() {
    let halt = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        let hold = clock.hold();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(hold);
        });
        runtime.block_on(clock.waiting("nothing", std::future::pending::<()>()))
    });
    assert_eq!(halt, Err(Halt::Deadlock { waiting: vec!["nothing".into()] }));
}

#[test]
fn a_world_stops_at_the_watched_change_at_its_exact_time() {
    let (runtime, clock) = virtual_runtime();
    let world = attach(&runtime, Switch { changes: vec![Nanos(100), Nanos(333_333_337), Nanos(2_000_000_000)], ..Switch::default() });
    runtime
        .block_on(async {
            clock.sleep(ns(200)).await;
            assert_eq!(world.lock().unwrap().reached, Nanos(200), "nobody watched the change at 100 ns");
            assert_eq!(clock.timeout(s(1), change(&world)).await, Ok(Nanos(333_333_337)));
            assert_eq!(clock.now(), Nanos(333_333_337));
            // A change at the deadline is in time, one after it is not.
            let limit = Nanos(2_000_000_000) - clock.now();
            assert_eq!(clock.timeout(limit, change(&world)).await, Ok(Nanos(2_000_000_000)));
            assert_eq!(clock.timeout(s(1), change(&world)).await, Err(Elapsed));
            assert_eq!(clock.now(), Nanos(3_000_000_000));
        })
        .unwrap();
}

#[test]
fn a_world_that_stops_for_nobody_is_called_again() {
    let end = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        attach(&runtime, Switch { changes: vec![Nanos(3), Nanos(5)], stops_for_nobody: true, ..Switch::default() });
        runtime.block_on(clock.sleep(ns(10))).map(|()| clock.now())
    });
    assert_eq!(end, Ok(Nanos(10)));
}

#[test]
fn after_a_panic_of_the_world_spawned_tasks_still_answer() {
    let (runtime, clock) = virtual_runtime();
    let world = attach(&runtime, Switch { panic_at: Some(Nanos(50)), ..Switch::default() });
    let (ask, mut questions) = tokio::sync::mpsc::channel::<oneshot::Sender<Nanos>>(1);
    let halt = runtime.block_on(async {
        let task_clock = clock.clone();
        spawn_local(async move {
            while let Some(reply) = questions.recv().await {
                task_clock.sleep(ns(25)).await;
                reply.send(task_clock.now()).unwrap();
            }
        });
        let (reply, answer) = oneshot::channel();
        ask.send(reply).await.unwrap();
        assert_eq!(answer.await.unwrap(), Nanos(25));
        let watched = change(&world);
        clock.timeout(s(1), watched).await
    });
    assert_eq!(halt, Err(Halt::Panicked { message: "the battery burns".into() }));
    assert_eq!(halt.unwrap_err().to_string(), "panic: the battery burns");
    assert!(!world.is_poisoned());
    assert_eq!(clock.now(), Nanos(25), "time stays where the world left it");

    let answer = runtime.block_on(async {
        let (reply, answer) = oneshot::channel();
        ask.send(reply).await.unwrap();
        answer.await.unwrap()
    });
    assert_eq!(answer, Ok(Nanos(50)));
}

#[test]
fn after_a_panic_of_the_root_the_world_is_still_there() {
    let (runtime, clock) = virtual_runtime();
    let world = attach(&runtime, Switch { changes: vec![Nanos(9)], ..Switch::default() });
    let halt = runtime.block_on(async {
        clock.sleep(ns(4)).await;
        panic!("step {} is wrong", 3);
    });
    assert_eq!(halt, Err::<(), _>(Halt::Panicked { message: "step 3 is wrong".into() }));
    assert_eq!(runtime.block_on(clock.timeout(s(1), change(&world))), Ok(Ok(Nanos(9))));
}

#[test]
fn a_panic_of_a_spawned_task_is_its_own() {
    let (runtime, clock) = virtual_runtime();
    let end = runtime.block_on(async {
        let task = spawn_local(async { panic!("only me") });
        assert!(task.await.unwrap_err().is_panic());
        clock.sleep(ns(1)).await;
        clock.now()
    });
    assert_eq!(end, Ok(Nanos(1)));
}

#[test]
fn a_pace_lasts_as_long_as_it_should() {
    let (runtime, clock) = virtual_runtime();
    runtime.pace(10.0);
    let began = Instant::now();
    runtime.block_on(clock.sleep(Duration::from_millis(500))).unwrap();
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(clock.now(), Nanos(500_000_000));
    // Back to as fast as it goes.
    runtime.pace(0.0);
    runtime.block_on(clock.sleep(s(86_400))).unwrap();
}

#[test]
fn a_nudge_ends_a_paced_wait_for_a_message() {
    let stopped = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        runtime.pace(1.0);
        let (send, stop) = oneshot::channel();
        let outside = clock.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            send.send("SIGINT").unwrap();
            outside.nudge();
        });
        let answer = runtime.block_on(clock.timeout(s(3_600), stop));
        (answer, clock.now())
    });
    assert_eq!(stopped.0, Ok(Ok(Ok("SIGINT"))));
    assert!(stopped.1 >= Nanos(30_000_000) && stopped.1 < Nanos(20_000_000_000), "{}", stopped.1);
}

#[test]
fn a_nudge_for_nothing_hangs_nobody() {
    let end = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        runtime.pace(1.0);
        let outside = clock.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            outside.nudge();
        });
        runtime.block_on(clock.sleep(Duration::from_millis(60))).map(|()| clock.now())
    });
    assert_eq!(end, Ok(Nanos(60_000_000)));
}

#[test]
fn a_hold_taken_during_a_paced_wait_counts() {
    let end = within_real_time(|| {
        let (runtime, clock) = virtual_runtime();
        runtime.pace(1.0);
        let outside = clock.clone();
        let work = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            let hold = outside.hold();
            thread::sleep(Duration::from_millis(100));
            let still = outside.now();
            drop(hold);
            still
        });
        runtime.block_on(clock.sleep(Duration::from_millis(50))).unwrap();
        (work.join().unwrap(), clock.now())
    });
    assert_eq!(end, (Nanos::ZERO, Nanos(50_000_000)));
}

/// Tasks that poll, tasks that watch and tasks that time out, all at once.
fn busy_trace(pace: Option<f64>) -> Vec<(u64, usize)> {
    let (runtime, clock) = virtual_runtime();
    let world = attach(&runtime, Switch { changes: (1..40).map(|i| Nanos(i * 777_777)).collect(), ..Switch::default() });
    if let Some(factor) = pace {
        runtime.pace(factor);
    }
    let trace = Rc::new(RefCell::new(Vec::new()));
    let note = |clock: &Clock, trace: &RefCell<Vec<_>>, who| trace.borrow_mut().push((clock.now().0, who));
    runtime
        .block_on(async {
            for who in 0..20usize {
                let (clock, trace, world) = (clock.clone(), trace.clone(), world.clone());
                spawn_local(async move {
                    loop {
                        match who % 3 {
                            0 => clock.sleep(ns(50_000 * (1 + who as u64 % 4))).await,
                            1 => assert_eq!(change(&world).await, clock.now()),
                            _ => drop(clock.timeout(ns(400_000), change(&world)).await),
                        }
                        note(&clock, &trace, who);
                    }
                });
            }
            clock.sleep(Duration::from_millis(20)).await;
        })
        .unwrap();
    trace.take()
}

#[test]
fn one_runtime_a_thread_gives_identical_traces_at_any_pace() {
    let reference = busy_trace(None);
    assert!(reference.len() > 1_000);
    let threads: Vec<_> = [None, None, Some(1.0), Some(7.5)].map(|pace| thread::spawn(move || busy_trace(pace))).into();
    for other in threads {
        assert!(other.join().unwrap() == reference, "a trace differs");
    }
}

#[test]
fn spawned_tasks_live_on_between_calls() {
    let (runtime, clock) = virtual_runtime();
    let ticks = Rc::new(Cell::new(0));
    runtime
        .block_on(async {
            let (clock, ticks) = (clock.clone(), ticks.clone());
            spawn_local(async move {
                loop {
                    clock.sleep(ns(10)).await;
                    ticks.set(ticks.get() + 1);
                }
            });
        })
        .unwrap();
    assert_eq!(ticks.get(), 0);
    for expected in [10, 20] {
        runtime.block_on(clock.sleep(ns(100))).unwrap();
        runtime.block_on(tokio::task::yield_now()).unwrap();
        assert_eq!(ticks.get(), expected);
    }
}

#[test]
fn a_real_clock_does_the_same_in_real_time() {
    let runtime = Runtime::real_time().unwrap();
    let clock = runtime.clock();
    assert!(!clock.is_virtual());
    runtime
        .block_on(async {
            let (hold, before) = (clock.hold(), clock.now());
            clock.waiting("a tick", clock.sleep(Duration::from_millis(5))).await;
            assert!(clock.now() >= before + Duration::from_millis(5));
            assert_eq!(clock.timeout(Duration::from_millis(5), std::future::pending::<()>()).await, Err(Elapsed));
            assert_eq!(clock.timeout(Duration::MAX, async { 3 }).await, Ok(3));
            clock.nudge();
            drop(hold);
        })
        .unwrap();
    let halt = runtime.block_on(async { panic!("out of order") });
    assert_eq!(halt, Err::<(), _>(Halt::Panicked { message: "out of order".into() }));
    assert_eq!(runtime.block_on(async { spawn_local(async { 4 }).await.unwrap() }), Ok(4));
}

/// A campaign makes thousands of them in one process.
#[test]
fn a_world_does_not_outlive_its_runtime() {
    let (runtime, clock) = virtual_runtime();
    let world = Arc::new(Mutex::new(Switch::default()));
    let left = Arc::downgrade(&world);
    runtime.attach(world);
    let slept = clock.clone();
    let for_ever = clock.clone();
    let ran = runtime.block_on(async move {
        spawn_local(async move { for_ever.sleep(s(1_000_000)).await });
        slept.sleep(s(1)).await;
    });
    assert_eq!(ran, Ok(()));
    assert!(left.upgrade().is_some());
    drop((runtime, clock));
    assert!(left.upgrade().is_none(), "it is still there");
}
