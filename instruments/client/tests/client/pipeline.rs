//! Several questions in one go: their own replies, or none.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{ClientError, Direction, ErrorKind, Lane, Link, LinkSettings, Trace};
use hil_timebase::Runtime;

use super::link::{Heard, peer, settings, usual, with_link};

const QUESTIONS: [&str; 3] = ["A?", "B?", "C?"];

fn pipelining() -> LinkSettings {
    LinkSettings { pipelines: true, ..settings() }
}

async fn ask(link: &Link) -> Result<Vec<String>, ClientError> {
    let outcomes = link.run(Lane::Normal, QUESTIONS.map(Move::ask).to_vec()).await?;
    let text = |o: Outcome| match o {
        Outcome::Answered { reply, .. } => String::from_utf8(reply).expect("text"),
        other => panic!("{other:?}"),
    };
    Ok(outcomes.into_iter().map(text).collect())
}

/// What went over the wire for three questions, each answered after 10 ms.
fn traced(settings: LinkSettings) -> (Vec<String>, Duration) {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    let seen: Rc<RefCell<Vec<String>>> = Rc::default();
    let trace: Trace = {
        let seen = Rc::clone(&seen);
        Rc::new(move |_, direction, bytes, _| {
            let text = String::from_utf8_lossy(bytes);
            seen.borrow_mut().push(match direction {
                Direction::Sent => format!("> {}", text.trim_end()),
                Direction::Received => format!("< {}", text.trim_end()),
                Direction::Note => text.into_owned(),
            });
        })
    };
    let took = runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(1024);
        let answer = usual(|line| (10, format!("{line}\n")));
        tokio::task::spawn_local(peer(theirs, clock.clone(), Heard::default(), answer));
        let link = Link::spawn("supply", ours, settings, clock, Some(trace));
        link.ask("*IDN?").await.expect("answered");
        seen.borrow_mut().clear();
        let begun = link.clock().now();
        assert_eq!(ask(&link).await.expect("answered"), QUESTIONS);
        link.clock().now().since(begun)
    });
    (seen.take(), took.expect("no halt"))
}

#[test]
fn questions_go_out_in_one_go_and_the_identity_proves_the_replies() {
    let (seen, _) = traced(pipelining());
    let idn = "MAKER,MODEL,1,2";
    let expected = ["4 questions in one go, the last for the identity", "> A?", "> B?", "> C?", "> *IDN?", "< A?", "< B?", "< C?"];
    assert_eq!(seen, [&expected[..], &[&format!("< {idn}")]].concat());
    // One by one where nobody said that it may be otherwise.
    let (seen, _) = traced(settings());
    assert_eq!(seen, ["> A?", "< A?", "> B?", "< B?", "> C?", "< C?"]);
}

/// What becomes of one reply.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Late(u64),
    Missing,
    Doubled,
    Garbage,
    /// It and the end of the one before.
    Preceded,
}

/// Three questions with a fault at one reply (3: the identity's), then another question.
fn with_fault(at: usize, fault: Fault) -> (Result<Vec<String>, ErrorKind>, Result<String, ErrorKind>) {
    let (mut told, mut asked) = (false, 0);
    let answer = usual(|line| (1, format!("{line}\n")));
    let mut answer = Box::new(answer);
    let faulty = move |line: &str| {
        let (ms, reply) = answer(line);
        // Not the first identity, and each only once.
        let number = QUESTIONS.iter().position(|q| *q == line).unwrap_or(3);
        asked += usize::from(line == "*IDN?");
        let hit = number == at && (number < 3 || (line == "*IDN?" && asked == 2)) && !told;
        told |= hit;
        match fault {
            _ if !hit => (ms, reply),
            Fault::Late(late) => (late, reply),
            Fault::Missing => (ms, String::new()),
            Fault::Doubled => (ms, reply.repeat(2)),
            Fault::Garbage => (ms, "\u{1}\n".into()),
            Fault::Preceded => (ms, format!("0\n{reply}")),
        }
    };
    with_link(pipelining(), faulty, |link, _| async move {
        link.ask("*IDN?").await.expect("answered");
        let three = ask(&link).await.map_err(|e| e.kind);
        (three, link.ask("D?").await.map_err(|e| e.kind))
    })
}

#[test]
fn no_fault_of_one_reply_shifts_another() {
    let late = (10..2500).step_by(45).map(Fault::Late);
    for at in 0..4 {
        for fault in late.clone().chain([Fault::Missing, Fault::Doubled, Fault::Garbage, Fault::Preceded]) {
            let (three, next) = with_fault(at, fault);
            match (&three, fault) {
                // Nobody but the driver can tell that a reply in its place is nonsense.
                (Ok(replies), Fault::Garbage) => assert_eq!(replies[at], "\u{1}", "{at}"),
                (Ok(replies), Fault::Late(ms)) => assert!(ms < 500 && *replies == QUESTIONS, "{at}: {ms} ms: {replies:?}"),
                // A second identity may come when the first is read already.
                (Ok(replies), _) => assert!(at == 3 && *replies == QUESTIONS, "{at}: {fault:?}: {replies:?}"),
                (Err(_), Fault::Late(ms)) => assert!(ms >= 500, "{at}: {ms} ms: {three:?}"),
                (Err(_), _) => {}
            }
            match next {
                Ok(reply) => assert_eq!(reply, "D?", "{at}: {fault:?}"),
                Err(kind) => assert!(matches!(kind, ErrorKind::LinkLost { .. }), "{at}: {fault:?}: {kind}"),
            }
        }
    }
    // Each has its time from the one before.
    let (three, _) = with_fault(1, Fault::Late(499));
    assert_eq!(three.expect("in time"), QUESTIONS);
}

#[test]
fn what_is_to_be_off_does_not_wait_for_the_rest() {
    let answer = usual(|line| if line == "A?" { (200, "A?\n".into()) } else { (1, format!("{line}\n")) });
    with_link(pipelining(), answer, |link, heard| async move {
        link.ask("*IDN?").await.expect("answered");
        let other = link.clone();
        let slow = tokio::task::spawn_local(async move { ask(&other).await });
        link.clock().sleep(Duration::from_millis(10)).await;
        link.run(Lane::Safe, vec![Move::tell("OUTP OFF")]).await.expect("told");
        assert!(slow.await.expect("no panic").is_err());
        assert!(heard.borrow().iter().any(|(_, line)| line == "OUTP OFF") || link.ask("X?").await.is_ok());
    });
}
