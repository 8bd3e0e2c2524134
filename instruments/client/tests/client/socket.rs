//! SCPI on a raw socket against transcripts: replies as IEEE 488.2 section 8 and
//! SCPI-99 have them, cut at every byte.

use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::{Lane, Link, LinkSettings, scpi};
use hil_timebase::Runtime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn settings() -> LinkSettings {
    LinkSettings { reply_within: Duration::from_millis(500), max_reply: 64, ..LinkSettings::default() }
}

/// What comes of `job` where the instrument says `pieces` to its first line, one
/// every `pause`, then to each further line the next of `then`, and may hang up.
fn outcome(job: Move, pieces: &[&[u8]], pause: Duration, then: &[&str], close: bool) -> Result<Outcome, String> {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let ran = runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 12);
        let link = Link::spawn("supply", ours, settings(), clock.clone(), None);
        let instrument = async {
            let mut heard = [0; 256];
            assert!(theirs.read(&mut heard).await.expect("a question") > 0);
            for piece in pieces {
                theirs.write_all(piece).await.expect("heard");
                clock.sleep(pause).await;
            }
            for reply in then {
                assert!(theirs.read(&mut heard).await.expect("a question") > 0);
                theirs.write_all(reply.as_bytes()).await.expect("heard");
            }
            if close {
                theirs.shutdown().await.expect("closes");
            }
            theirs
        };
        let (found, _open) = tokio::join!(link.run(Lane::Normal, vec![job]), instrument);
        found.map(|mut outcomes| outcomes.remove(0)).map_err(|e| e.kind.to_string())
    });
    ran.expect("no halt")
}

fn reply(job: Move, pieces: &[&[u8]], pause: Duration) -> Result<Vec<u8>, String> {
    outcome(job, pieces, pause, &[], false).map(|outcome| match outcome {
        Outcome::Answered { reply, .. } => reply,
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_reply_is_the_same_in_any_two_pieces() {
    let block = |length| Move::AskBlock { query: "DATA?".into(), length };
    for (job, wire, expected) in [
        (Move::ask("VOLT?"), &b"+1.280001E+01\n"[..], &b"+1.280001E+01"[..]),
        (Move::ask("VOLT?"), b"48.00V\r\n", b"48.00V"),
        (Move::ask("FUNC?"), b"\"VOLT:DC\"\n", b"\"VOLT:DC\""),
        (Move::ask("LIST?"), b"1,-2.5,\"a,b\",'c'\n", b"1,-2.5,\"a,b\",'c'"),
        (Move::ask("DATA?"), b"#15a\nb\nc\n", b"#15a\nb\nc"),
        (Move::ask("DATA?"), b"#205\r\n\r\n\r\n", b"#205\r\n\r\n\r"),
        // Another line end after a block, as some oscilloscopes send.
        (Move::ask("DATA?"), b"#13a\nb\n\n", b"#13a\nb"),
        (block(5), b"#0a\nb\n\n\n", b"#0a\nb\n\n"),
    ] {
        for cut in 0..=wire.len() {
            let found = reply(job.clone(), &[&wire[..cut], &wire[cut..]], Duration::from_millis(100));
            assert_eq!(found.as_deref(), Ok(expected), "{} cut at {cut}", wire.escape_ascii());
        }
        let bytes: Vec<&[u8]> = wire.chunks(1).collect();
        assert_eq!(reply(job, &bytes, Duration::from_millis(1)).as_deref(), Ok(expected));
    }
}

#[test]
fn a_block_of_unknown_length_ends_when_the_line_is_quiet() {
    let wire = b"#0a\nb\n\n";
    for cut in 0..=wire.len() {
        // Shorter than the quiet time.
        let found = reply(Move::ask("DATA?"), &[&wire[..cut], &wire[cut..]], Duration::from_millis(20));
        assert_eq!(found.as_deref().map(scpi::block), Ok(Ok(&b"a\nb\n"[..])), "cut at {cut}");
    }
}

#[test]
fn an_error_queue_is_read_to_its_end_in_any_pieces() {
    let first = b"-222,\"Data out of \"\"range\"\"\"\n";
    for cut in 0..=first.len() {
        let pieces = [&first[..cut], &first[cut..]];
        let found = outcome(Move::Errors, &pieces, Duration::from_millis(100), &["+0,\"No error\"\n"], false);
        let Ok(Outcome::Errors(entries)) = &found else { panic!("{found:?}") };
        assert_eq!(entries.iter().map(|e| (e.code, &*e.text)).collect::<Vec<_>>(), [(-222, "Data out of \"range\"")]);
    }
}

#[test]
fn a_reply_that_is_cut_off_is_none() {
    for wire in [&b"12.5\n"[..], b"#15a\nb\nc\n", b"#0a\nb\n"] {
        for cut in 0..wire.len() {
            let lost = outcome(Move::ask("DATA?"), &[&wire[..cut]], Duration::ZERO, &[], true);
            assert_eq!(lost, Err("link lost: the instrument closed the link".into()), "{} cut at {cut}", wire.escape_ascii());
        }
    }
    // Its beginning is no reply, however long nothing follows.
    for part in [&b"12.5"[..], b"#15a\nb", b"#15a\nb\nc", b"#0", b"#0a\nb", b"#"] {
        let silent = reply(Move::ask("DATA?"), &[part], Duration::from_secs(1));
        assert_eq!(silent, Err("no answer to `DATA?` within 500 ms".into()), "{}", part.escape_ascii());
    }
}

#[test]
fn a_reply_that_is_too_long_is_refused_before_it_has_come() {
    let long = "x".repeat(65);
    let long = format!("{long}\n");
    for wire in [long.as_bytes(), b"#9999999999", b"#265", b"#3065ab", &[b"#0", &[b'\n'; 64][..]].concat()] {
        let found = reply(Move::ask("DATA?"), &[wire], Duration::from_secs(1));
        assert!(found.as_ref().is_err_and(|e| e.ends_with("expected at most 64 bytes")), "{}: {found:?}", wire.escape_ascii());
    }
}

#[test]
fn a_second_reply_is_nobodys() {
    for wire in [&b"1\n2\n"[..], b"1\n2", b"1\n\n", b"#11a\n2\n", b"#11a\n\r\n2"] {
        let found = reply(Move::ask("DATA?"), &[wire], Duration::from_secs(1));
        assert!(found.as_ref().is_err_and(|e| e.ends_with("expected one reply")), "{}: {found:?}", wire.escape_ascii());
    }
}
