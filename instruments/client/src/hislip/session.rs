//! What a client of HiSLIP in synchronous mode knows: which message it sent
//! last, and what a message that comes then means (IVI-6.1 section 3.1.1). No
//! bytes move here.

use crate::hislip::message::{Kind, Message, encode};

/// Number of the first message, and of the first after a device clear.
pub const FIRST: u32 = 0xffff_ff00;
/// From one message's number to the next one's.
pub const STEP: u32 = 2;
/// The number of a reply whose server does not tell what it belongs to.
pub const UNTOLD: u32 = 0xffff_ffff;

/// What a message on the synchronous channel means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Heard {
    /// A part of the reply, and whether it is the last.
    Reply {
        /// Its bytes.
        bytes: Vec<u8>,
        /// Nothing more follows.
        end: bool,
    },
    /// Of a message that was given up: to be dropped.
    Stale,
    /// The reply was given up; what has come of it is to be dropped.
    Interrupted,
    /// The server's synchronous channel is clear.
    Cleared,
}

/// What a server must not say.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A number that was never sent.
    #[error("{kind} to message {found:#010x}, {}", latest(.last.as_ref()))]
    NeverSent {
        /// Of what kind.
        kind: Kind,
        /// The number it names.
        found: u32,
        /// The last one that was sent.
        last: Option<u32>,
    },
    /// A reply that ends as another one's.
    #[error("a reply to message {begun:#010x} went on as one to {found:#010x}")]
    Mixed {
        /// Whose it was at first.
        begun: u32,
        /// And then.
        found: u32,
    },
    /// The server's words.
    #[error("the instrument reports {}: {} (code {code}){}", if *.fatal { "a fatal HiSLIP error" } else { "a HiSLIP error" }, meaning(*.fatal, *.code), words(.text))]
    Reported {
        /// Whether it ends the connection.
        fatal: bool,
        /// Its number.
        code: u8,
        /// Its text.
        text: String,
    },
    /// One that has no place here.
    #[error("{found}, expected {expected}")]
    Unexpected {
        /// What came.
        found: Kind,
        /// What may come.
        expected: &'static str,
    },
}

fn latest(last: Option<&u32>) -> String {
    last.map_or_else(|| "but none was sent".into(), |last| format!("but the last that was sent is {last:#010x}"))
}

fn words(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", `{}`", text.escape_debug()) }
}

/// IVI-6.1 tables 14 and 16.
const fn meaning(fatal: bool, code: u8) -> &'static str {
    match (fatal, code) {
        (true, 1) => "poorly formed message header",
        (true, 2) => "attempt to use the connection without both channels",
        (true, 3) => "invalid initialization sequence",
        (true, 4) => "maximum number of clients exceeded",
        (true, 5) => "secure connection failed",
        (false, 1) => "unrecognized message type",
        (false, 2) => "unrecognized control code",
        (false, 3) => "unrecognized vendor-defined message",
        (false, 4) => "message too large",
        (false, 5) => "authentication failed",
        _ => "unidentified error",
    }
}

/// One client's.
#[derive(Debug)]
pub struct Session {
    next: u32,
    /// Messages since the last clear.
    sent: u64,
    /// The last reply is whole and was taken, and the server does not know.
    delivered: bool,
    /// A reply has begun under this number.
    partial: Option<u32>,
    /// `Interrupted` and its counterpart on the other channel come in pairs.
    interrupted: i32,
    /// Longest payload that the server takes.
    largest: usize,
}

impl Session {
    /// One that has sent nothing, to a server that takes payloads of at most
    /// `largest` bytes.
    pub fn new(largest: usize) -> Self {
        Self { next: FIRST, sent: 0, delivered: false, partial: None, interrupted: 0, largest: largest.max(1) }
    }

    /// The number of the last message.
    pub fn last(&self) -> Option<u32> {
        (self.sent > 0).then(|| self.next.wrapping_sub(STEP))
    }

    /// Whether a message may be sent: not between the two of an interruption.
    pub const fn may_send(&self) -> bool {
        self.interrupted == 0
    }

    /// Appends to `out` what sends `text`.
    pub fn send(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let mut parts = text.chunks(self.largest).peekable();
        while let Some(part) = parts.next() {
            let kind = if parts.peek().is_some() { Kind::Data } else { Kind::DataEnd };
            self.put(kind, part, out);
        }
    }

    /// Appends to `out` what triggers.
    pub fn trigger(&mut self, out: &mut Vec<u8>) {
        self.put(Kind::Trigger, &[], out);
    }

    /// What asks for the status byte.
    pub fn status_query(&mut self) -> Message {
        // The number of the message that will be sent next less one step.
        let last = self.next.wrapping_sub(STEP);
        Message::new(Kind::AsyncStatusQuery, u8::from(std::mem::take(&mut self.delivered)), last)
    }

    /// A device clear is over: numbers begin anew.
    pub fn cleared(&mut self) {
        *self = Self::new(self.largest);
    }

    fn put(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
        encode(kind, u8::from(std::mem::take(&mut self.delivered)), self.next, payload, out);
        self.next = self.next.wrapping_add(STEP);
        self.sent += 1;
        self.partial = None;
    }

    /// A message on the synchronous channel.
    ///
    /// # Errors
    /// What no server may say; the connection is of no more use then.
    pub fn hear(&mut self, message: Message) -> Result<Heard, ProtocolError> {
        match message.kind {
            Kind::Data | Kind::DataEnd => self.hear_reply(message),
            Kind::Interrupted => {
                self.interrupted += 1;
                self.partial = None;
                Ok(Heard::Interrupted)
            }
            Kind::DeviceClearAcknowledge => Ok(Heard::Cleared),
            Kind::Error | Kind::FatalError => Err(reported(&message)),
            found => Err(ProtocolError::Unexpected { found, expected: "Data, DataEnd or Interrupted" }),
        }
    }

    /// `AsyncInterrupted` came on the other channel.
    pub const fn interrupted_aside(&mut self) {
        self.interrupted -= 1;
        self.partial = None;
    }

    fn hear_reply(&mut self, message: Message) -> Result<Heard, ProtocolError> {
        let Message { kind, parameter: found, payload: bytes, .. } = message;
        let last = self.last();
        let own = last == Some(found) || (found == UNTOLD && last.is_some());
        if !own && !self.was_sent(found) {
            return Err(ProtocolError::NeverSent { kind, found, last });
        }
        // Bytes that were handed over cannot be taken back.
        if let Some(begun) = self.partial.filter(|begun| *begun != found && !(own && *begun == UNTOLD)) {
            return Err(ProtocolError::Mixed { begun, found });
        }
        if !own {
            return Ok(Heard::Stale);
        }
        let end = kind == Kind::DataEnd;
        self.partial = (!end).then_some(found);
        self.delivered = end;
        Ok(Heard::Reply { bytes, end })
    }

    /// Whether this is a number since the last clear.
    fn was_sent(&self, number: u32) -> bool {
        let back = u64::from(self.next.wrapping_sub(number));
        back.is_multiple_of(u64::from(STEP)) && (1..=self.sent).contains(&(back / u64::from(STEP)))
    }
}

/// An `Error` or `FatalError` as an error.
pub fn reported(message: &Message) -> ProtocolError {
    ProtocolError::Reported {
        fatal: message.kind == Kind::FatalError,
        code: message.control,
        text: String::from_utf8_lossy(&message.payload).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Frames as _;

    fn reply(kind: Kind, number: u32, text: &str) -> Message {
        Message::new(kind, 0, number).with(text)
    }

    fn heard(text: &str, end: bool) -> Result<Heard, ProtocolError> {
        Ok(Heard::Reply { bytes: text.into(), end })
    }

    /// Kinds, control codes and numbers of what would be sent.
    fn sent(bytes: &[u8]) -> Vec<(Kind, u8, u32)> {
        let mut decoder = crate::hislip::message::Decoder::new(1000);
        decoder.inbox().extend_from_slice(bytes);
        std::iter::from_fn(|| decoder.next().unwrap()).map(|m| (m.kind, m.control, m.parameter)).collect()
    }

    #[test]
    fn numbers_count_by_two_and_round() {
        let mut session = Session::new(4);
        let mut out = Vec::new();
        session.send(b"VOLT 12\n", &mut out);
        assert_eq!(sent(&out), [(Kind::Data, 0, FIRST), (Kind::DataEnd, 0, FIRST + 2)]);
        for _ in 0..126 {
            session.trigger(&mut out);
        }
        out.clear();
        session.send(b"*OPC", &mut out);
        assert_eq!(sent(&out), [(Kind::DataEnd, 0, 0)]);
        assert_eq!(session.hear(reply(Kind::DataEnd, 0, "1\n")), heard("1\n", true));
        assert_eq!(session.hear(reply(Kind::DataEnd, FIRST, "1\n")), Ok(Heard::Stale));
        out.clear();
        session.send(b"*RST", &mut out);
        assert_eq!(sent(&out), [(Kind::DataEnd, 1, 2)], "the reply was delivered");
        session.cleared();
        out.clear();
        session.send(b"*RST", &mut out);
        assert_eq!(sent(&out), [(Kind::DataEnd, 0, FIRST)]);
    }

    #[test]
    fn a_late_reply_is_dropped_and_a_wrong_one_is_an_error() {
        let mut session = Session::new(100);
        let mut out = Vec::new();
        let error = session.hear(reply(Kind::DataEnd, FIRST, "1")).unwrap_err().to_string();
        assert_eq!(error, "DataEnd to message 0xffffff00, but none was sent");
        session.send(b"A?\n", &mut out);
        session.send(b"B?\n", &mut out);
        assert_eq!(session.hear(reply(Kind::DataEnd, FIRST, "1")), Ok(Heard::Stale));
        assert_eq!(session.hear(reply(Kind::DataEnd, FIRST + 2, "2")), heard("2", true));
        for wrong in [FIRST + 4, FIRST + 1, FIRST - 2, 0] {
            let error = session.hear(reply(Kind::Data, wrong, "3")).unwrap_err().to_string();
            assert_eq!(error, format!("Data to message {wrong:#010x}, but the last that was sent is 0xffffff02"));
        }
    }

    #[test]
    fn a_reply_is_one_messages() {
        let mut session = Session::new(100);
        let mut out = Vec::new();
        session.send(b"A?\n", &mut out);
        session.send(b"B?\n", &mut out);
        assert_eq!(session.hear(reply(Kind::Data, UNTOLD, "1")), heard("1", false));
        assert_eq!(session.hear(reply(Kind::DataEnd, FIRST + 2, "2")), heard("2", true));
        assert_eq!(session.hear(reply(Kind::Data, FIRST + 2, "3")), heard("3", false));
        let error = session.hear(reply(Kind::DataEnd, FIRST, "4")).unwrap_err().to_string();
        assert_eq!(error, "a reply to message 0xffffff02 went on as one to 0xffffff00");
    }

    #[test]
    fn nothing_is_sent_between_the_two_of_an_interruption() {
        let mut session = Session::new(100);
        session.send(b"A?\n", &mut Vec::new());
        assert_eq!(session.hear(Message::new(Kind::Interrupted, 0, FIRST)), Ok(Heard::Interrupted));
        assert!(!session.may_send());
        session.interrupted_aside();
        assert!(session.may_send());
        session.interrupted_aside();
        assert!(!session.may_send());
        assert_eq!(session.hear(Message::new(Kind::Interrupted, 0, FIRST)), Ok(Heard::Interrupted));
        assert!(session.may_send());
    }

    #[test]
    fn the_servers_errors_are_told() {
        let mut session = Session::new(100);
        for (message, expected) in [
            (
                Message::new(Kind::FatalError, 4, 0).with("two\nare enough"),
                "the instrument reports a fatal HiSLIP error: maximum number of clients exceeded (code 4), `two\\nare enough`",
            ),
            (Message::new(Kind::Error, 1, 0), "the instrument reports a HiSLIP error: unrecognized message type (code 1)"),
            (Message::new(Kind::Error, 200, 0), "the instrument reports a HiSLIP error: unidentified error (code 200)"),
            (Message::new(Kind::AsyncStatusResponse, 4, 0), "AsyncStatusResponse, expected Data, DataEnd or Interrupted"),
            (Message::new(Kind::Unknown(77), 4, 0), "message of unknown type 77, expected Data, DataEnd or Interrupted"),
        ] {
            assert_eq!(session.hear(message).unwrap_err().to_string(), expected);
        }
    }
}
