//! A HiSLIP message: a header of 16 bytes and a payload (IVI-6.1 section 2.5).

use crate::channel::Frames;

/// Length of a header.
pub const HEADER: usize = 16;

/// The first two bytes of every message.
const PROLOGUE: &[u8; 2] = b"HS";

macro_rules! kinds {
    ($($name:ident = $number:literal $words:literal),+ $(,)?) => {
        /// What a message is for (IVI-6.1 table 4). Those of secure connections
        /// are not among them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Kind {
            $(#[doc = $words] $name,)+
            /// One that this program does not know.
            Unknown(u8),
        }

        impl Kind {
            /// The kind of this number.
            pub const fn from_number(number: u8) -> Self {
                match number {
                    $($number => Self::$name,)+
                    other => Self::Unknown(other),
                }
            }

            /// Its number on the wire.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)+
                    Self::Unknown(number) => number,
                }
            }
        }

        impl std::fmt::Display for Kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $(Self::$name => f.write_str(stringify!($name)),)+
                    Self::Unknown(number) => write!(f, "message of unknown type {number}"),
                }
            }
        }
    };
}

kinds! {
    Initialize = 0 "Opens the synchronous channel.",
    InitializeResponse = 1 "Its answer.",
    FatalError = 2 "The connection is of no more use.",
    Error = 3 "A message was not understood, and dropped.",
    AsyncLock = 4 "Asks for a lock, or gives it back.",
    AsyncLockResponse = 5 "Its answer.",
    Data = 6 "A part of a message that is not its last.",
    DataEnd = 7 "The last part of a message.",
    DeviceClearComplete = 8 "The client's synchronous channel is clear.",
    DeviceClearAcknowledge = 9 "So is the server's.",
    AsyncRemoteLocalControl = 10 "Sets who controls the instrument.",
    AsyncRemoteLocalResponse = 11 "Its answer.",
    Trigger = 12 "Triggers the instrument.",
    Interrupted = 13 "A reply was given up for the next message.",
    AsyncInterrupted = 14 "The same, on the other channel.",
    AsyncMaximumMessageSize = 15 "The longest message that the client takes.",
    AsyncMaximumMessageSizeResponse = 16 "The longest that the server takes.",
    AsyncInitialize = 17 "Opens the asynchronous channel.",
    AsyncInitializeResponse = 18 "Its answer.",
    AsyncDeviceClear = 19 "Begins a device clear.",
    AsyncServiceRequest = 20 "The instrument asks for attention.",
    AsyncStatusQuery = 21 "Asks for the status byte.",
    AsyncStatusResponse = 22 "Its answer.",
    AsyncDeviceClearAcknowledge = 23 "The server has begun to clear.",
    AsyncLockInfo = 24 "Asks who holds locks.",
    AsyncLockInfoResponse = 25 "Its answer.",
}

/// A whole message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What it is for.
    pub kind: Kind,
    /// The control code, whose meaning depends on the kind.
    pub control: u8,
    /// The message parameter, likewise.
    pub parameter: u32,
    /// What follows the header.
    pub payload: Vec<u8>,
}

impl Message {
    /// One without a payload.
    pub const fn new(kind: Kind, control: u8, parameter: u32) -> Self {
        Self { kind, control, parameter, payload: Vec::new() }
    }

    /// The same with a payload.
    #[must_use]
    pub fn with(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    /// Appends its bytes to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        encode(self.kind, self.control, self.parameter, &self.payload, out);
    }
}

/// Appends a message's bytes to `out`.
pub fn encode(kind: Kind, control: u8, parameter: u32, payload: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(PROLOGUE);
    out.extend_from_slice(&[kind.number(), control]);
    out.extend_from_slice(&parameter.to_be_bytes());
    out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    out.extend_from_slice(payload);
}

/// Bytes that are no message: nothing after them can be understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// Not HiSLIP at all, or out of step.
    #[error("a HiSLIP message begins with `{}`, expected `HS`", .0.escape_ascii())]
    Prologue([u8; 2]),
    /// Longer than agreed.
    #[error("{kind} of {length} bytes, expected at most {limit}")]
    TooLong {
        /// What it would be for.
        kind: Kind,
        /// As the header says.
        length: u64,
        /// What was agreed.
        limit: usize,
    },
}

/// Makes messages of bytes that come in pieces.
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    limit: usize,
}

impl Decoder {
    /// One that takes payloads of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit }
    }
}

impl Frames for Decoder {
    type Frame = Message;
    type Error = FrameError;
    const NAME: &'static str = "a HiSLIP message";

    fn inbox(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn pending(&self) -> usize {
        self.bytes.len()
    }

    fn next(&mut self) -> Result<Option<Message>, FrameError> {
        if let [a, b, ..] = self.bytes[..]
            && [a, b] != *PROLOGUE
        {
            return Err(FrameError::Prologue([a, b]));
        }
        let Some(&[_, _, number, control, p0, p1, p2, p3, ref length @ ..]) = self.bytes.first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let (kind, length) = (Kind::from_number(number), u64::from_be_bytes(*length));
        let payload = usize::try_from(length).ok().filter(|n| *n <= self.limit);
        let payload = payload.ok_or(FrameError::TooLong { kind, length, limit: self.limit })?;
        if self.bytes.len() < HEADER + payload {
            return Ok(None);
        }
        let rest = self.bytes.split_off(HEADER + payload);
        let payload = std::mem::replace(&mut self.bytes, rest).split_off(HEADER);
        Ok(Some(Message { kind, control, parameter: u32::from_be_bytes([p0, p1, p2, p3]), payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_is_as_in_the_standard() {
        // IVI-6.1 table 3: prologue, type, control code, parameter, length.
        let mut bytes = Vec::new();
        Message::new(Kind::DataEnd, 1, 0xffff_ff02).with(*b"*IDN?\n").encode(&mut bytes);
        assert_eq!(bytes, b"HS\x07\x01\xff\xff\xff\x02\0\0\0\0\0\0\0\x06*IDN?\n");
    }

    #[test]
    fn every_number_is_its_kinds() {
        for number in 0..=255 {
            let kind = Kind::from_number(number);
            assert_eq!(kind.number(), number);
            assert_eq!(matches!(kind, Kind::Unknown(_)), number > 25, "{kind}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused_as_soon_as_it_shows() {
        let mut decoder = Decoder::new(100);
        decoder.inbox().extend_from_slice(b"H");
        assert_eq!(decoder.next(), Ok(None));
        decoder.inbox().push(b'T');
        assert_eq!(decoder.next().unwrap_err().to_string(), "a HiSLIP message begins with `HT`, expected `HS`");
        let mut decoder = Decoder::new(100);
        decoder.inbox().extend_from_slice(b"HS\x06\0\0\0\0\0\0\0\0\0\0\0\0\x65");
        assert_eq!(decoder.next().unwrap_err().to_string(), "Data of 101 bytes, expected at most 100");
        let mut decoder = Decoder::new(100);
        decoder.inbox().extend_from_slice(b"HS\x63\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
        let error = decoder.next().unwrap_err().to_string();
        assert_eq!(error, format!("message of unknown type 99 of {} bytes, expected at most 100", u64::MAX));
    }

    proptest! {
        #[test]
        fn in_any_pieces_the_messages_are_the_same(
            messages in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..6),
            pieces in prop::collection::vec(1_usize..9, 1..40),
        ) {
            let messages: Vec<Message> = messages
                .into_iter()
                .map(|(kind, control, parameter, payload)| Message::new(Kind::from_number(kind), control, parameter).with(payload))
                .collect();
            let mut bytes = Vec::new();
            messages.iter().for_each(|m| m.encode(&mut bytes));
            let (mut decoder, mut found, mut rest) = (Decoder::new(40), Vec::new(), &bytes[..]);
            for size in pieces.iter().cycle() {
                let (piece, after) = rest.split_at(rest.len().min(*size));
                decoder.inbox().extend_from_slice(piece);
                while let Some(message) = decoder.next().expect("messages") {
                    found.push(message);
                }
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(found, messages);
            prop_assert_eq!(decoder.pending(), 0);
        }
    }
}
