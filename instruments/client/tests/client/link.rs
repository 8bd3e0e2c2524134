//! A link against a scripted peer: order, lanes, time-outs, lost links.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{Direction, ErrorKind, Lane, Link, LinkSettings, Trace};
use hil_timebase::{Clock, Runtime};
use proptest::prelude::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};

/// What the peer heard, each line with its time in ms.
pub(crate) type Heard = Rc<RefCell<Vec<(u64, String)>>>;

const IDN: &str = "MAKER,MODEL,1,2\n";

pub(crate) fn settings() -> LinkSettings {
    LinkSettings { reply_within: Duration::from_millis(500), max_reply: 256, ..LinkSettings::default() }
}

/// Answers each line in order: after so many ms, these bytes.
pub(crate) async fn peer(stream: DuplexStream, clock: Clock, heard: Heard, mut answer: impl FnMut(&str) -> (u64, String)) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        heard.borrow_mut().push((clock.now().0 / 1_000_000, line.clone()));
        let (ms, reply) = answer(&line);
        clock.sleep(Duration::from_millis(ms)).await;
        if reply == "hang up" || write.write_all(reply.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A peer that knows its identity and has no errors, and `answer` for the rest.
pub(crate) fn usual(mut answer: impl FnMut(&str) -> (u64, String)) -> impl FnMut(&str) -> (u64, String) {
    move |line| match line {
        "*IDN?" => (1, IDN.into()),
        "SYST:ERR?" => (1, "0,\"No error\"\n".into()),
        other => answer(other),
    }
}

/// Runs `body` with a link whose peer answers by `answer`.
pub(crate) fn with_link<B, T>(
    settings: LinkSettings,
    answer: impl FnMut(&str) -> (u64, String) + 'static,
    body: impl FnOnce(Link, Heard) -> B,
) -> T
where
    B: Future<Output = T>,
{
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let heard = Heard::default();
    runtime
        .block_on(async {
            let (ours, theirs) = tokio::io::duplex(1024);
            tokio::task::spawn_local(peer(theirs, clock.clone(), Rc::clone(&heard), answer));
            body(Link::spawn("supply", ours, settings, clock, None), heard).await
        })
        .expect("no halt")
}

fn lines(heard: &Heard) -> Vec<String> {
    heard.borrow().iter().map(|(_, line)| line.clone()).collect()
}

#[test]
fn a_late_reply_is_never_taken_for_the_next() {
    // The first question is answered after 700 ms, long after its deadline.
    let mut asked = 0;
    let answer = usual(move |line| {
        asked += 1;
        (if asked == 1 { 700 } else { 1 }, format!("{line} {asked}\n"))
    });
    with_link(settings(), answer, |link, heard| async move {
        let late = link.ask("A?").await.expect_err("too late");
        assert_eq!(late.kind, ErrorKind::NoAnswer { command: "A?".into(), limit_ms: 500 });
        assert_eq!(link.ask("B?").await.expect("in step"), "B? 2");
        assert_eq!(link.ask("C?").await.expect("in step"), "C? 3");
        let heard = lines(&heard);
        assert_eq!((heard.first().map(String::as_str), heard.last().map(String::as_str)), (Some("A?"), Some("C?")));
        assert!(heard.contains(&"*IDN?".to_owned()), "{heard:?}");
    });
}

#[test]
fn a_reply_that_is_late_by_any_time_is_never_taken_for_the_next() {
    // Around every boundary of the clearing: deadline, quiet, second attempt.
    for ms in (480..2500).step_by(7) {
        let mut first = true;
        let answer = usual(move |line| (if std::mem::take(&mut first) { ms } else { 1 }, format!("{line}\n")));
        with_link(settings(), answer, |link, _| async move {
            let first = link.ask("A?").await;
            assert_eq!(first.is_ok(), ms < 500 || first.as_deref() == Ok("A?"), "{ms} ms");
            match link.ask("B?").await {
                Ok(reply) => assert_eq!(reply, "B?", "{ms} ms"),
                Err(e) => assert!(matches!(e.kind, ErrorKind::LinkLost { .. }), "{ms} ms: {e}"),
            }
        });
    }
}

#[test]
fn a_late_identity_is_not_taken_for_the_clearing_question() {
    // The timed-out question is the one that clearing asks, too.
    let mut first = true;
    let answer = move |line: &str| match line {
        "*IDN?" => (if std::mem::take(&mut first) { 900 } else { 1 }, IDN.to_owned()),
        "SYST:ERR?" => (1, "0,\"No error\"\n".into()),
        other => (1, format!("{other}\n")),
    };
    with_link(settings(), answer, |link, _| async move {
        assert!(matches!(link.ask("*IDN?").await.expect_err("late").kind, ErrorKind::NoAnswer { .. }));
        assert_eq!(link.ask("B?").await.expect("in step"), "B?");
    });
}

#[test]
fn a_link_that_cannot_be_cleared_is_lost_for_everybody() {
    with_link(
        settings(),
        |_| (0, String::new()),
        |link, _| async move {
            assert!(matches!(link.ask("A?").await.expect_err("mute").kind, ErrorKind::NoAnswer { .. }));
            let (other, begun) = (link.clone(), link.clock().now());
            let (a, b) = futures_util::join!(link.ask("B?"), other.ask("C?"));
            // Whoever waits hears of it within a second.
            assert!(link.clock().now().since(begun) <= Duration::from_secs(1));
            for lost in [a, b, link.ask("D?").await] {
                let kind = lost.expect_err("lost").kind;
                assert_eq!(kind, ErrorKind::LinkLost { cause: "no order after 2 attempts to clear it".into() });
            }
        },
    );
}

#[test]
fn a_lost_link_still_tries_to_switch_off() {
    with_link(
        settings(),
        |_| (0, String::new()),
        |link, heard| async move {
            for query in ["A?", "B?", "C?"] {
                link.ask(query).await.expect_err("mute");
            }
            let off = vec![Move::tell("OUTP OFF"), Move::ask("OUTP?")];
            assert!(matches!(link.run(Lane::Safe, off).await.expect_err("not confirmed").kind, ErrorKind::LinkLost { .. }));
            link.clock().sleep(Duration::from_millis(1)).await;
            assert_eq!(lines(&heard).last().map(String::as_str), Some("OUTP OFF"));
        },
    );
}

#[test]
fn a_peer_that_hangs_up_is_lost_for_everybody() {
    with_link(
        settings(),
        |_| (20, "hang up".into()),
        |link, _| async move {
            let (a, b) = futures_util::join!(link.ask("A?"), link.ask("B?"));
            for lost in [a, b, link.ask("C?").await] {
                assert!(matches!(lost.expect_err("lost").kind, ErrorKind::LinkLost { .. }));
            }
        },
    );
}

#[test]
fn the_safe_lane_goes_first_and_takes_the_queue_with_it() {
    let answer = usual(|line| if line.ends_with('?') { (100, format!("{line}\n")) } else { (0, String::new()) });
    with_link(settings(), answer, |link, heard| async move {
        let queue: Vec<_> = (0..5).map(|i| (link.clone(), format!("Q{i}?"))).collect();
        let waiting: Vec<_> = queue
            .into_iter()
            .map(|(link, query)| {
                tokio::task::spawn_local(async move { link.run(Lane::Normal, vec![Move::ask(query), Move::tell("OUTP ON")]).await })
            })
            .collect();
        link.clock().sleep(Duration::from_millis(60)).await;
        let begun = link.clock().now();
        let off = vec![Move::tell("OUTP OFF"), Move::Errors, Move::ask("OUTP?")];
        link.run(Lane::Safe, off).await.expect("off");
        // Q0's answer, the error queue and OUTP?'s answer.
        assert!(link.clock().now().since(begun) <= Duration::from_millis(150));
        for task in waiting {
            let kind = task.await.expect("no panic").expect_err("overtaken").kind;
            assert!(matches!(kind, ErrorKind::Overtaken { .. }), "{kind}");
        }
        assert_eq!(lines(&heard), ["Q0?", "OUTP OFF", "SYST:ERR?", "OUTP?"]);
    });
}

#[test]
fn the_safe_lane_waits_for_a_mute_instrument_only_briefly() {
    let mut first = true;
    let answer = usual(move |line| if line == "A?" && std::mem::take(&mut first) { (0, String::new()) } else { (1, "0\n".into()) });
    with_link(settings(), answer, |link, heard| async move {
        let other = link.clone();
        let mute = tokio::task::spawn_local(async move { other.ask("A?").await });
        link.clock().sleep(Duration::from_millis(10)).await;
        link.run(Lane::Safe, vec![Move::tell("OUTP OFF")]).await.expect("told");
        let told = heard.borrow().last().cloned();
        assert_eq!(told, Some((60, "OUTP OFF".to_owned())));
        assert!(matches!(mute.await.expect("no panic").expect_err("mute").kind, ErrorKind::NoAnswer { limit_ms: 60, .. }));
    });
}

#[test]
fn the_safe_lane_does_not_wait_for_a_clearing() {
    // Mute from the beginning; the second question begins to clear the link.
    for ms in (510..3000).step_by(90) {
        with_link(
            settings(),
            |_| (0, String::new()),
            |link, heard| async move {
                let other = link.clone();
                let mute = tokio::task::spawn_local(async move { (other.ask("A?").await, other.ask("B?").await) });
                link.clock().sleep(Duration::from_millis(ms)).await;
                link.run(Lane::Safe, vec![Move::tell("OUTP OFF")]).await.expect("told");
                let at = heard.borrow().iter().find(|(_, line)| line == "OUTP OFF").map(|(at, _)| *at);
                assert!(at.is_some_and(|at| at <= ms + 100), "asked at {ms}, told at {at:?} ms");
                mute.await.expect("no panic").1.expect_err("mute");
            },
        );
    }
}

#[test]
fn a_dropped_future_leaves_whole_messages() {
    let answer = usual(|line| if line.ends_with('?') { (10, format!("{line}\n")) } else { (0, String::new()) });
    with_link(settings(), answer, |link, heard| async move {
        let clock = link.clock().clone();
        // Dropped at every moment of its life.
        for us in (0..25_000).step_by(500) {
            let job = link.run(Lane::Normal, vec![Move::tell("SET 1"), Move::ask("SET?")]);
            drop(clock.timeout(Duration::from_micros(us), job).await);
            assert_eq!(link.ask("NEXT?").await.expect("in step"), "NEXT?", "dropped after {us} us");
        }
        // A job that has begun is finished: no SET without its question.
        let heard = lines(&heard);
        for (i, line) in heard.iter().enumerate().filter(|(_, l)| *l == "SET 1") {
            assert_eq!(heard[i + 1], "SET?", "after {line}");
        }
    });
}

#[test]
fn a_dropped_job_that_waits_is_not_sent() {
    let answer = usual(|line| (10, format!("{line}\n")));
    with_link(settings(), answer, |link, heard| async move {
        let other = link.clone();
        let first = tokio::task::spawn_local(async move { other.ask("A?").await });
        link.clock().sleep(Duration::from_millis(1)).await;
        drop(link.clock().timeout(Duration::from_millis(5), link.ask("B?")).await);
        first.await.expect("no panic").expect("answered");
        assert_eq!(link.ask("C?").await.expect("answered"), "C?");
        assert_eq!(lines(&heard), ["A?", "C?"]);
    });
}

#[test]
fn messages_keep_their_distance() {
    let mut settings = settings();
    settings.gap = Duration::from_millis(10);
    with_link(settings, usual(|_| (0, String::new())), |link, heard| async move {
        for _ in 0..3 {
            link.run(Lane::Normal, vec![Move::tell("A"), Move::tell("B")]).await.expect("told");
        }
        link.ask("*IDN?").await.expect("answered");
        let times: Vec<u64> = heard.borrow().iter().map(|(ms, _)| *ms).collect();
        assert_eq!(times, [0, 10, 20, 30, 40, 50, 60]);
    });
}

#[test]
fn two_replies_to_one_question_are_refused_and_cleared() {
    let mut first = true;
    let answer = usual(move |line| (1, if std::mem::take(&mut first) { "1\n2\n".into() } else { format!("{line}\n") }));
    with_link(settings(), answer, |link, _| async move {
        let kind = link.ask("A?").await.expect_err("two").kind;
        assert_eq!(kind, ErrorKind::Garbled { command: "A?".into(), answer: "1\\n2\\n".into(), expected: "one reply".into() });
        assert_eq!(link.ask("B?").await.expect("in step"), "B?");
    });
}

#[test]
fn a_reply_without_end_is_refused() {
    let mut first = true;
    let answer = usual(move |line| (1, if std::mem::take(&mut first) { "x".repeat(300) } else { format!("{line}\n") }));
    with_link(settings(), answer, |link, _| async move {
        assert!(matches!(link.ask("A?").await.expect_err("long").kind, ErrorKind::Garbled { .. }));
        assert_eq!(link.ask("B?").await.expect("in step"), "B?");
    });
}

#[test]
fn a_block_may_have_line_ends_in_it() {
    let answer = usual(|_| (1, "#15a\nb\nc\n".into()));
    with_link(settings(), answer, |link, _| async move {
        let outcomes = link.run(Lane::Normal, vec![Move::ask("DATA?")]).await.expect("answered");
        let [Outcome::Answered { reply, .. }] = outcomes.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!(hil_client::scpi::block(reply), Ok(&b"a\nb\nc"[..]));
    });
}

#[test]
fn an_error_queue_that_makes_no_sense_is_not_no_error() {
    let answer = |line: &str| (1, if line == "*IDN?" { IDN.into() } else { "fine\n".to_owned() });
    with_link(settings(), answer, |link, _| async move {
        let kind = link.run(Lane::Normal, vec![Move::Errors]).await.expect_err("nonsense").kind;
        assert!(matches!(kind, ErrorKind::Garbled { .. }), "{kind}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_peer_makes_it_panic_or_wait_for_ever(replies in prop::collection::vec((0..800_u64, "[ -~\\n\\x00#0-9,\"é]{0,40}"), 1..12)) {
        let mut replies = replies.into_iter().cycle();
        with_link(settings(), move |_| replies.next().unwrap_or_default(), |link, _| async move {
            for _ in 0..4 {
                drop(link.run(Lane::Normal, vec![Move::tell("A"), Move::Errors, Move::ask("A?")]).await);
                drop(link.run(Lane::Safe, vec![Move::tell("OFF"), Move::ask("OFF?")]).await);
            }
        });
    }
}

#[test]
fn the_trace_has_every_byte() {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let seen: Rc<RefCell<Vec<(Direction, String)>>> = Rc::default();
    let trace: Trace = {
        let seen = Rc::clone(&seen);
        Rc::new(move |name, direction, bytes, _| {
            assert_eq!(name, "supply");
            seen.borrow_mut().push((direction, String::from_utf8_lossy(bytes).into_owned()));
        })
    };
    let outcome = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(64);
        tokio::task::spawn_local(peer(theirs, clock.clone(), Heard::default(), usual(|_| (0, String::new()))));
        Link::spawn("supply", ours, settings(), clock, Some(trace)).ask("*IDN?").await
    });
    assert_eq!(outcome.expect("no halt").expect("answered"), "MAKER,MODEL,1,2");
    assert_eq!(*seen.borrow(), [(Direction::Sent, "*IDN?\n".to_owned()), (Direction::Received, IDN.to_owned())]);
}
