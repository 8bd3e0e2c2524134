//! HiSLIP against transcripts: bytes as IVI-6.1 has them, written here by hand.

use std::time::Duration;

use hil_client::hislip::Hislip;
use hil_client::link::{Beside, Move, Outcome};
use hil_client::{Lane, Link};
use hil_timebase::{Clock, Runtime};
use tokio::io::{AsyncWriteExt as _, DuplexStream};

use crate::support::{expect, say, settings, what_is_wrong};

/// The instrument's ends of both channels.
struct Peer {
    sync: DuplexStream,
    aside: DuplexStream,
    clock: Clock,
}

/// A message: type, control code, parameter, payload.
fn message(kind: u8, control: u8, parameter: u32, payload: &[u8]) -> Vec<u8> {
    let length = u64::try_from(payload.len()).expect("small");
    [b"HS", &[kind, control][..], &parameter.to_be_bytes(), &length.to_be_bytes(), payload].concat()
}

impl Peer {
    /// The initialization of table 5, and the size exchange of table 18.
    async fn greet(&mut self) {
        expect(&mut self.sync, b"HS\0\0\x01\0hi\0\0\0\0\0\0\0\x07hislip0").await;
        say(&mut self.sync, b"HS\x01\0\x01\0\0\x2a\0\0\0\0\0\0\0\0").await;
        expect(&mut self.aside, b"HS\x11\0\0\0\0\x2a\0\0\0\0\0\0\0\0").await;
        say(&mut self.aside, b"HS\x12\0\0\0AC\0\0\0\0\0\0\0\0").await;
        expect(&mut self.aside, b"HS\x0f\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\x10\0\0").await;
        say(&mut self.aside, b"HS\x10\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\x01\0\0").await;
    }

    /// A message in one part, with its control code and number.
    async fn hears(&mut self, control: u8, number: u32, text: &[u8]) {
        expect(&mut self.sync, &message(7, control, number, text)).await;
    }

    async fn replies(&mut self, number: u32, text: &[u8]) {
        say(&mut self.sync, &message(7, 0, number, text)).await;
    }

    /// The handshake of section 6.12, and what still comes across it.
    async fn is_cleared(&mut self, late: &[u8]) {
        expect(&mut self.aside, &message(19, 0, 0, b"")).await;
        say(&mut self.sync, late).await;
        say(&mut self.aside, &message(23, 0, 0, b"")).await;
        expect(&mut self.sync, &message(8, 0, 0, b"")).await;
        say(&mut self.sync, late).await;
        say(&mut self.sync, &message(9, 0, 0, b"")).await;
    }

    /// What the client asks for after a clear.
    async fn is_asked_who_it_is(&mut self) {
        self.hears(0, 0xffff_ff00, b"*IDN?\n").await;
        self.replies(0xffff_ff00, b"MAKER,MODEL,1,2\n").await;
        self.hears(1, 0xffff_ff02, b"SYST:ERR?\n").await;
        self.replies(0xffff_ff02, b"0,\"No error\"\n").await;
    }
}

/// A link, and the instrument at its other end.
fn transcript(peer: impl AsyncFnOnce(&mut Peer), client: impl AsyncFnOnce(Link)) {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let ran = runtime.block_on(async {
        let (sync, their_sync) = tokio::io::duplex(1 << 20);
        let (aside, their_aside) = tokio::io::duplex(1 << 16);
        let mut ours = vec![aside, sync];
        let mut theirs = Peer { sync: their_sync, aside: their_aside, clock: clock.clone() };
        let opening = Hislip::open(async || Ok(ours.pop().expect("two connections")), "hislip0", |_| ());
        let (opened, ()) = tokio::join!(opening, theirs.greet());
        let link = Link::spawn("supply", opened.expect("opens"), settings(), clock.clone(), None);
        // The peer's ends stay open until the client is done.
        tokio::join!(client(link), peer(&mut theirs));
    });
    ran.expect("no halt");
}

/// The error of a question to which the instrument says `bytes`, and closes if
/// told to.
fn error_of(bytes: &[u8], close: bool) -> String {
    let mut text = String::new();
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"VOLT?\n").await;
            say(&mut peer.sync, bytes).await;
            if close {
                peer.sync.shutdown().await.expect("closes");
            }
        },
        async |link| text = what_is_wrong(&link).await,
    );
    text
}

#[test]
fn a_question_and_its_answer_in_any_pieces() {
    let answer = [message(6, 0, 0xffff_ff00, b"12"), message(7, 0, 0xffff_ff00, b".5")].concat();
    for cut in 0..=answer.len() {
        transcript(
            async |peer| {
                peer.hears(0, 0xffff_ff00, b"VOLT?\n").await;
                say(&mut peer.sync, &answer[..cut]).await;
                peer.clock.sleep(Duration::from_millis(100)).await;
                say(&mut peer.sync, &answer[cut..]).await;
                // The last reply was delivered: control code 1.
                peer.hears(1, 0xffff_ff02, b"OUTP?\n").await;
                for byte in message(7, 0, 0xffff_ff02, b"ON\r\n") {
                    say(&mut peer.sync, &[byte]).await;
                    peer.clock.sleep(Duration::from_millis(1)).await;
                }
            },
            async |link| {
                assert_eq!(link.ask("VOLT?").await.expect("a reply"), "12.5");
                assert_eq!(link.ask("OUTP?").await.expect("a reply"), "ON");
            },
        );
    }
}

#[test]
fn a_block_is_a_reply_also_in_parts_and_with_line_feeds() {
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"DATA?\n").await;
            say(&mut peer.sync, &message(6, 0, 0xffff_ffff, b"#210\n1")).await;
            say(&mut peer.sync, &message(6, 0, 0xffff_ff00, b"\n3\n5\n7\n9")).await;
            peer.replies(0xffff_ff00, b"").await;
        },
        async |link| {
            assert_eq!(link.ask("DATA?").await.expect("a block"), "#210\n1\n3\n5\n7\n9");
        },
    );
}

#[test]
fn a_long_message_goes_in_parts() {
    // The server takes 0x10000 bytes with the header.
    let part = 0x10000 - 16;
    let text = "x".repeat(part);
    transcript(
        async |peer| {
            expect(&mut peer.sync, &message(6, 0, 0xffff_ff00, text.as_bytes())).await;
            peer.hears(0, 0xffff_ff02, b"\n").await;
        },
        async |link| {
            link.run(Lane::Normal, vec![Move::tell(&text)]).await.expect("taken");
        },
    );
}

#[test]
fn the_other_channel_goes_on_between_the_parts_of_a_reply() {
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"VOLT?\n").await;
            say(&mut peer.sync, &message(6, 0, 0xffff_ff00, b"12")).await;
            say(&mut peer.aside, &message(20, 0x44, 0, b"")).await;
            peer.replies(0xffff_ff00, b".5\n").await;
            // Delivered, and asked about no message later than the last.
            expect(&mut peer.aside, &message(21, 1, 0xffff_ff00, b"")).await;
            say(&mut peer.aside, &message(20, 0x44, 0, b"")).await;
            say(&mut peer.aside, &message(22, 0x44, 0, b"")).await;
            expect(&mut peer.sync, &message(12, 0, 0xffff_ff02, b"")).await;
            expect(&mut peer.aside, &message(4, 1, 250, b"")).await;
            say(&mut peer.aside, &message(5, 1, 0, b"")).await;
            expect(&mut peer.aside, &message(4, 0, 0xffff_ff02, b"")).await;
            say(&mut peer.aside, &message(5, 1, 0, b"")).await;
        },
        async |link| {
            assert_eq!(link.ask("VOLT?").await.expect("a reply"), "12.5");
            assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(0x44)));
            assert_eq!(link.beside(Beside::Trigger).await, Ok(Outcome::Done));
            let within = Duration::from_millis(250);
            assert_eq!(link.beside(Beside::Lock { within }).await, Ok(Outcome::Locked(true)));
            assert_eq!(link.beside(Beside::Unlock).await, Ok(Outcome::Done));
        },
    );
}

#[test]
fn a_status_byte_that_comes_too_late_is_not_the_next_one() {
    transcript(
        async |peer| {
            expect(&mut peer.aside, &message(21, 0, 0xffff_fefe, b"")).await;
            expect(&mut peer.aside, &message(21, 0, 0xffff_fefe, b"")).await;
            say(&mut peer.aside, &message(22, 0x40, 0, b"")).await;
            say(&mut peer.aside, &message(22, 0x04, 0, b"")).await;
        },
        async |link| {
            let error = link.beside(Beside::StatusByte).await.expect_err("late");
            assert_eq!(error.to_string(), "instrument `supply`: no answer to `read the status byte` within 500 ms");
            assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(0x04)));
        },
    );
}

#[test]
fn a_reply_delayed_across_the_clear_is_never_taken_for_the_next() {
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"VOLT?\n").await;
            peer.is_cleared(&message(7, 0, 0xffff_ff00, b"1.0\n")).await;
            peer.is_asked_who_it_is().await;
            peer.hears(1, 0xffff_ff04, b"VOLT?\n").await;
            peer.replies(0xffff_ff04, b"2.0\n").await;
        },
        async |link| {
            let error = link.ask("VOLT?").await.expect_err("late");
            assert_eq!(error.to_string(), "instrument `supply`: no answer to `VOLT?` within 500 ms");
            assert_eq!(link.ask("VOLT?").await.expect("its own"), "2.0");
        },
    );
}

#[test]
fn a_clear_that_is_not_acknowledged_loses_the_link() {
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"VOLT?\n").await;
            expect(&mut peer.aside, &message(19, 0, 0, b"")).await;
        },
        async |link| {
            link.ask("VOLT?").await.expect_err("silent");
            let error = link.ask("VOLT?").await.expect_err("silent");
            assert_eq!(error.to_string(), "instrument `supply`: link lost: no answer to a device clear within 500 ms");
        },
    );
}

#[test]
fn an_interrupted_reply_is_dropped_and_nothing_sent_before_both_channels_say_so() {
    transcript(
        async |peer| {
            peer.hears(0, 0xffff_ff00, b"OUTP ON\n").await;
            say(&mut peer.sync, &message(6, 0, 0xffff_ff00, b"stale")).await;
            say(&mut peer.aside, &message(14, 0, 0xffff_ff00, b"")).await;
            peer.clock.sleep(Duration::from_millis(100)).await;
            say(&mut peer.sync, &message(13, 0, 0xffff_ff00, b"")).await;
            peer.is_cleared(b"").await;
            peer.is_asked_who_it_is().await;
            peer.hears(1, 0xffff_ff04, b"VOLT?\n").await;
            peer.replies(0xffff_ff04, b"2.0\n").await;
        },
        async |link| {
            link.run(Lane::Normal, vec![Move::tell("OUTP ON")]).await.expect("taken");
            link.clock().sleep(Duration::from_millis(50)).await;
            assert_eq!(link.ask("VOLT?").await.expect("its own"), "2.0");
        },
    );
}

#[test]
fn what_no_instrument_may_say_is_an_error_with_names() {
    let lost = |cause: &str| format!("link lost: {cause}");
    let cases: [(Vec<u8>, bool, String); 10] = [
        (message(7, 0, 0xffff_ff02, b"1\n"), false, lost("DataEnd to message 0xffffff02, but the last that was sent is 0xffffff00")),
        (message(7, 0, 0xffff_fefe, b"1\n"), false, lost("DataEnd to message 0xfffffefe, but the last that was sent is 0xffffff00")),
        (b"HTTP/1.1 400 Bad Request".to_vec(), false, lost("a HiSLIP message begins with `HT`, expected `HS`")),
        (
            message(7, 0, 0xffff_ff00, b"")[..8].iter().copied().chain([0xff; 8]).collect(),
            false,
            lost("DataEnd of 18446744073709551615 bytes, expected at most 1048576"),
        ),
        (message(22, 0, 0, b""), false, lost("AsyncStatusResponse, expected Data, DataEnd or Interrupted")),
        (message(99, 0, 0, b""), false, lost("message of unknown type 99, expected Data, DataEnd or Interrupted")),
        (message(3, 1, 0, b""), false, lost("the instrument reports a HiSLIP error: unrecognized message type (code 1)")),
        (message(2, 0, 0, b"fire"), false, lost("the instrument reports a fatal HiSLIP error: unidentified error (code 0), `fire`")),
        // A part of a reply is none.
        (message(6, 0, 0xffff_ff00, b"1\n2")[..17].to_vec(), false, "no answer to `VOLT?` within 500 ms".into()),
        (message(6, 0, 0xffff_ff00, b"12"), false, "no answer to `VOLT?` within 500 ms".into()),
    ];
    for (bytes, close, expected) in cases {
        assert_eq!(error_of(&bytes, close), expected);
    }
    let reply = message(7, 0, 0xffff_ff00, b"12\n");
    for cut in 0..reply.len() {
        let expected = match cut {
            0 => "the instrument closed the synchronous channel".to_owned(),
            n => format!("closed within a HiSLIP message, after {n} bytes of it"),
        };
        assert_eq!(error_of(&reply[..cut], true), lost(&expected));
    }
}

#[test]
fn what_is_no_server_is_told_when_it_is_opened() {
    let opened = |answer: &'static [u8]| {
        let runtime = Runtime::virtual_time().expect("a runtime");
        let ran = runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(1 << 16);
            say(&mut theirs, answer).await;
            theirs.shutdown().await.expect("closes");
            let mut ours = Some(ours);
            Hislip::open(async || Ok(ours.take().expect("one connection")), "hislip0", |_| ()).await.expect_err("no server").to_string()
        });
        ran.expect("no halt")
    };
    for (answer, expected) in [
        (&b""[..], "closed instead of InitializeResponse"),
        (b"SSH-2.0-x", "a HiSLIP message begins with `SS`, expected `HS`"),
        (b"HS\x01\0\x01\0", "closed within a HiSLIP message, after 6 bytes of it"),
        (b"HS\x02\x04\0\0\0\0\0\0\0\0\0\0\0\0", "the instrument reports a fatal HiSLIP error: maximum number of clients exceeded (code 4)"),
        (b"HS\x16\0\0\0\0\0\0\0\0\0\0\0\0\0", "AsyncStatusResponse, expected InitializeResponse"),
    ] {
        assert_eq!(opened(answer), expected);
    }
}
