//! VXI-11 against transcripts: bytes as RFC 5531 and VXI-11 revision 1.0 have
//! them, written here by hand.

use std::time::Duration;

use hil_client::link::{Beside, Move, Outcome};
use hil_client::vxi11::Vxi11;
use hil_client::{Lane, Link};
use hil_timebase::{Clock, Runtime};
use tokio::io::{AsyncWriteExt as _, DuplexStream};

use crate::support::{expect, say, settings, what_is_wrong};

/// The instrument's ends of both connections.
struct Peer {
    core: DuplexStream,
    abort: DuplexStream,
    clock: Clock,
    /// The number of the last call.
    last: u32,
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_be_bytes()).collect()
}

/// Bytes with their length, filled up to a multiple of four.
fn opaque(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("small");
    let filling = [&[][..], &[0; 3], &[0; 2], &[0; 1]][bytes.len() % 4];
    [&length.to_be_bytes()[..], bytes, filling].concat()
}

/// A record of one fragment.
fn record(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("small") | 0x8000_0000;
    [&length.to_be_bytes()[..], body].concat()
}

fn call(id: u32, program: u32, procedure: u32, arguments: &[u8]) -> Vec<u8> {
    record(&[&words(&[id, 0, 2, program, 1, procedure, 0, 0, 0, 0])[..], arguments].concat())
}

fn reply(id: u32, results: &[u8]) -> Vec<u8> {
    record(&[&words(&[id, 1, 0, 0, 0, 0])[..], results].concat())
}

const CORE: u32 = 0x0006_07af;
const ABORT: u32 = 0x0006_07b0;
/// The number of the link.
const LINK: u32 = 7;
/// The longest data of a write.
const LONGEST: u32 = 1024;

impl Peer {
    async fn greet(&mut self) {
        let create_link = b"\x80\0\0\x40\0\0\0\x01\0\0\0\0\0\0\0\x02\0\x06\x07\xaf\0\0\0\x01\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\
                            \0\0hi\0\0\0\0\0\0\0\0\0\0\0\x05inst0\0\0\0";
        expect(&mut self.core, create_link).await;
        let created = b"\x80\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\0\x04\x01\0\0\x04\0";
        say(&mut self.core, created).await;
        self.last = 1;
    }

    /// A call of the core program; its number is one more than the last.
    async fn is_called(&mut self, procedure: u32, arguments: &[u8]) {
        self.last += 1;
        expect(&mut self.core, &call(self.last, CORE, procedure, arguments)).await;
    }

    async fn results(&mut self, results: &[u8]) {
        say(&mut self.core, &reply(self.last, results)).await;
    }

    /// `device_write`, with END, and taken.
    async fn is_told(&mut self, text: &[u8]) {
        self.is_called(11, &[words(&[LINK, 2000, 10_000, 1 | 8]), opaque(text)].concat()).await;
        self.results(&words(&[0, u32::try_from(text.len()).expect("small")])).await;
    }

    /// `device_read`, for as long as the link waits.
    async fn is_read(&mut self) {
        self.is_called(12, &words(&[LINK, 256 * 1024, 500, 10_000, 1, 0])).await;
    }

    async fn says(&mut self, reason: u32, data: &[u8]) {
        self.results(&[words(&[0, reason]), opaque(data)].concat()).await;
    }

    async fn is_asked(&mut self, question: &[u8], answer: &[u8]) {
        self.is_told(question).await;
        self.is_read().await;
        self.says(4, answer).await;
    }

    /// `device_abort` of a read that is under way, which ends with what it has.
    async fn is_aborted(&mut self, results: &[u8]) {
        expect(&mut self.abort, &call(self.last + 1, ABORT, 1, &words(&[LINK]))).await;
        self.results(results).await;
        say(&mut self.abort, &reply(self.last + 1, &words(&[0]))).await;
        self.last += 1;
    }

    async fn is_cleared(&mut self) {
        self.is_called(15, &words(&[LINK, 0, 0, 2000])).await;
        self.results(&words(&[0])).await;
        self.is_asked(b"*IDN?\n", b"MAKER,MODEL,1,2\n").await;
        self.is_asked(b"SYST:ERR?\n", b"0,\"No error\"\n").await;
    }
}

/// A link, and the instrument at its other end.
fn transcript(peer: impl AsyncFnOnce(&mut Peer), client: impl AsyncFnOnce(Link)) {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let ran = runtime.block_on(async {
        let (core, their_core) = tokio::io::duplex(1 << 20);
        let (abort, their_abort) = tokio::io::duplex(1 << 16);
        let mut ours = vec![(1025, abort), (1024, core)];
        let mut theirs = Peer { core: their_core, abort: their_abort, clock: clock.clone(), last: 0 };
        let connect = async |port| {
            let (expected, stream) = ours.pop().expect("two connections");
            assert_eq!(port, expected);
            Ok(stream)
        };
        let opening = Vxi11::open(connect, Some(1024), "inst0", |_| ());
        let (opened, ()) = tokio::join!(opening, theirs.greet());
        let link = Link::spawn("supply", opened.expect("opens"), settings(), clock.clone(), None);
        tokio::join!(client(link), peer(&mut theirs));
    });
    ran.expect("no halt");
}

/// The error of a question to which the instrument says `bytes` where results of
/// a read should be, and closes if told to.
fn error_of(bytes: &[u8], close: bool) -> String {
    let mut text = String::new();
    transcript(
        async |peer| {
            peer.is_told(b"VOLT?\n").await;
            peer.is_read().await;
            say(&mut peer.core, bytes).await;
            if close {
                peer.core.shutdown().await.expect("closes");
            }
        },
        async |link| text = what_is_wrong(&link).await,
    );
    text
}

#[test]
fn a_question_and_its_answer_in_any_pieces() {
    // A read has number 3: create_link, device_write, device_read.
    let answer = reply(3, &[words(&[0, 4]), opaque(b"12.5")].concat());
    for cut in 0..=answer.len() {
        transcript(
            async |peer| {
                peer.is_told(b"VOLT?\n").await;
                peer.is_read().await;
                say(&mut peer.core, &answer[..cut]).await;
                peer.clock.sleep(Duration::from_millis(100)).await;
                say(&mut peer.core, &answer[cut..]).await;
                peer.is_told(b"OUTP?\n").await;
                peer.is_read().await;
                // As two fragments.
                let results = reply(5, &[words(&[0, 4]), opaque(b"ON\r\n")].concat()).split_off(4);
                let (first, second) = results.split_at(cut % results.len());
                say(&mut peer.core, &[&words(&[u32::try_from(first.len()).expect("small")])[..], first].concat()).await;
                peer.clock.sleep(Duration::from_millis(100)).await;
                say(&mut peer.core, &record(second)).await;
            },
            async |link| {
                assert_eq!(link.ask("VOLT?").await.expect("a reply"), "12.5");
                assert_eq!(link.ask("OUTP?").await.expect("a reply"), "ON");
            },
        );
    }
}

#[test]
fn a_reply_ends_with_end_and_not_before() {
    transcript(
        async |peer| {
            peer.is_told(b"DATA?\n").await;
            for part in [&b"#210\n1"[..], b"\n3\n5\n"] {
                peer.is_read().await;
                // As many bytes as asked for; more is to come.
                peer.says(1, part).await;
            }
            peer.is_read().await;
            peer.says(4, b"7\n9").await;
        },
        async |link| {
            assert_eq!(link.ask("DATA?").await.expect("a block"), "#210\n1\n3\n5\n7\n9");
        },
    );
}

#[test]
fn a_long_message_goes_in_parts_as_large_as_they_are_taken() {
    let text = "x".repeat(1500);
    transcript(
        async |peer| {
            let all = format!("{text}\n").into_bytes();
            peer.is_called(11, &[words(&[LINK, 2000, 10_000, 1]), opaque(&all[..1024])].concat()).await;
            peer.results(&words(&[0, 1000])).await;
            peer.is_called(11, &[words(&[LINK, 2000, 10_000, 1 | 8]), opaque(&all[1000..])].concat()).await;
            peer.results(&words(&[0, 501])).await;
        },
        async |link| {
            link.run(Lane::Normal, vec![Move::tell(&text)]).await.expect("taken");
        },
    );
    assert!(text.len() > LONGEST as usize);
}

#[test]
fn beside_the_messages() {
    transcript(
        async |peer| {
            let generic = words(&[LINK, 0, 0, 2000]);
            peer.is_called(13, &generic).await;
            peer.results(&words(&[0, 0x44])).await;
            peer.is_called(14, &generic).await;
            peer.results(&words(&[0])).await;
            peer.is_called(18, &words(&[LINK, 1, 250])).await;
            peer.results(&words(&[11])).await;
            peer.is_called(18, &words(&[LINK, 0, 0])).await;
            peer.results(&words(&[0])).await;
            peer.is_called(19, &words(&[LINK])).await;
            peer.results(&words(&[0])).await;
            peer.is_called(14, &generic).await;
            peer.results(&words(&[8])).await;
            // PROC_UNAVAIL
            peer.is_called(13, &generic).await;
            say(&mut peer.core, &record(&words(&[peer.last, 1, 0, 0, 0, 3]))).await;
            peer.is_asked(b"OUTP?\n", b"ON\n").await;
        },
        async |link| {
            assert_eq!(link.beside(Beside::StatusByte).await, Ok(Outcome::Status(0x44)));
            assert_eq!(link.beside(Beside::Trigger).await, Ok(Outcome::Done));
            assert_eq!(link.beside(Beside::Lock { within: Duration::from_millis(250) }).await, Ok(Outcome::Locked(false)));
            assert_eq!(link.beside(Beside::Lock { within: Duration::ZERO }).await, Ok(Outcome::Locked(true)));
            assert_eq!(link.beside(Beside::Unlock).await, Ok(Outcome::Done));
            let unsupported = |what: &str| format!("instrument `supply`: cannot {what} on this link");
            assert_eq!(link.beside(Beside::Trigger).await.expect_err("none").to_string(), unsupported("trigger"));
            assert_eq!(link.beside(Beside::StatusByte).await.expect_err("none").to_string(), unsupported("read the status byte"));
            assert_eq!(link.ask("OUTP?").await.expect("the link is whole"), "ON");
        },
    );
}

#[test]
fn a_reply_delayed_across_the_clear_is_never_taken_for_the_next() {
    // Aborted in time, or with its reply at the last moment.
    let late = [words(&[0, 4]), opaque(b"1.0\n")].concat();
    for ended in [[words(&[23, 0]), opaque(b"")].concat(), late] {
        transcript(
            async |peer| {
                peer.is_told(b"VOLT?\n").await;
                peer.is_read().await;
                peer.is_aborted(&ended).await;
                peer.is_cleared().await;
                peer.is_asked(b"VOLT?\n", b"2.0\n").await;
            },
            async |link| {
                let error = link.ask("VOLT?").await.expect_err("late");
                assert_eq!(error.to_string(), "instrument `supply`: no answer to `VOLT?` within 500 ms");
                assert_eq!(link.ask("VOLT?").await.expect("its own"), "2.0");
            },
        );
    }
}

#[test]
fn the_safe_lane_does_not_wait_for_a_read() {
    transcript(
        async |peer| {
            peer.is_told(b"VOLT?\n").await;
            peer.is_read().await;
            peer.is_aborted(&[words(&[23, 0]), opaque(b"")].concat()).await;
            peer.is_told(b"OUTP OFF\n").await;
        },
        async |link| {
            link.ask("VOLT?").await.expect_err("silent");
            link.run(Lane::Safe, vec![Move::tell("OUTP OFF")]).await.expect("told");
        },
    );
}

#[test]
fn an_instrument_that_says_it_took_too_long_is_asked_again() {
    transcript(
        async |peer| {
            peer.is_told(b"VOLT?\n").await;
            peer.is_read().await;
            peer.clock.sleep(Duration::from_millis(300)).await;
            peer.results(&[words(&[15, 0]), opaque(b"")].concat()).await;
            peer.is_read().await;
            peer.says(4, b"2.0\n").await;
        },
        async |link| assert_eq!(link.ask("VOLT?").await.expect("a reply"), "2.0"),
    );
}

#[test]
fn what_no_instrument_may_say_is_an_error_with_names() {
    let lost = |cause: &str| format!("link lost: {cause}");
    let cases = [
        (reply(4, &[words(&[0, 4]), opaque(b"1\n")].concat()), lost("a reply with number 4, expected one with number 3")),
        (call(3, CORE, 12, b""), lost("a call with number 3, expected a reply")),
        (b"HTTP/1.1 400 Bad Request".to_vec(), lost("an RPC record of 1213486160 bytes or more, expected at most 263168")),
        (
            reply(3, &[words(&[0, 4, 9]), b"1\n".to_vec()].concat()),
            lost("arguments or results that end too early: 2 bytes where 9 are needed"),
        ),
        (reply(3, &[words(&[17, 0]), opaque(b"")].concat()), lost("device_read: I/O error (VXI-11 error 17)")),
        (reply(3, &[words(&[77, 0]), opaque(b"")].concat()), lost("device_read: unknown error (VXI-11 error 77)")),
        // PROG_MISMATCH, and a rejected call.
        (record(&words(&[3, 1, 0, 0, 0, 2, 2, 3])), lost("the program has another version")),
        (record(&words(&[3, 1, 1, 0, 2, 2])), lost("the call was rejected")),
        // A part of a reply is none.
        (reply(3, &[words(&[0, 4]), opaque(b"12\n")].concat())[..41].to_vec(), "no answer to `VOLT?` within 500 ms".into()),
    ];
    for (bytes, expected) in cases {
        assert_eq!(error_of(&bytes, false), expected);
    }
    assert!(error_of(&record(b"ab"), false).starts_with("link lost: not understood: "));
    let whole = reply(3, &[words(&[0, 4]), opaque(b"12\n")].concat());
    for cut in 0..whole.len() {
        let expected = match cut {
            0 => "the instrument closed the link".to_owned(),
            n => format!("closed within an RPC record, after {n} bytes of it"),
        };
        assert_eq!(error_of(&whole[..cut], true), lost(&expected));
    }
}

#[test]
fn the_portmapper_is_asked_where_no_port_is_known() {
    for (port, expected) in [
        (1024, "no link to `inst0`: out of resources (VXI-11 error 9)"),
        (0, "the portmapper has port 0 for VXI-11, expected one from 1 to 65535"),
        (70_000, "the portmapper has port 70000 for VXI-11, expected one from 1 to 65535"),
    ] {
        let runtime = Runtime::virtual_time().expect("a runtime");
        let ran = runtime.block_on(async {
            let (mapper, mut their_mapper) = tokio::io::duplex(1 << 10);
            let (core, mut their_core) = tokio::io::duplex(1 << 10);
            let mut ours = vec![(1024, core), (111, mapper)];
            let connect = async |port| {
                let (expected, stream) = ours.pop().expect("two connections");
                assert_eq!(port, expected);
                Ok(stream)
            };
            let serving = async {
                // GETPORT of program 0x607af, version 1, TCP.
                let get_port = words(&[1, 0, 2, 100_000, 2, 3, 0, 0, 0, 0, CORE, 1, 6, 0]);
                expect(&mut their_mapper, &record(&get_port)).await;
                say(&mut their_mapper, &reply(1, &words(&[port]))).await;
                say(&mut their_core, &reply(1, &words(&[9, 0, 0, 0]))).await;
            };
            let (opened, ()) = tokio::join!(Vxi11::open(connect, None, "inst0", |_| ()), serving);
            opened.expect_err("no link").to_string()
        });
        assert_eq!(ran.expect("no halt"), expected);
    }
}
