//! What can go wrong between a driver and its instrument. Always the tester's
//! fault, never the unit's.

/// An instrument could not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("instrument `{instrument}`: {kind}")]
pub struct ClientError {
    /// Its name on the bench.
    pub instrument: String,
    /// What happened.
    pub kind: ErrorKind,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ErrorKind {
    /// The dialect has no command for it.
    #[error("cannot {what}")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// A value outside of what the instrument can do; nothing was sent.
    #[error("{found} is out of range, expected {legal}")]
    OutOfRange {
        /// The value asked for.
        found: String,
        /// The legal range.
        legal: String,
    },
    /// The instrument refused a command.
    #[error("refused `{command}`: {answer}")]
    Refused {
        /// As sent.
        command: String,
        /// Its error queue's words; several are joined by `; `.
        answer: String,
    },
    /// What was set is not what was read back.
    #[error("set `{set}`, but reads back `{found}`")]
    Readback {
        /// As set.
        set: String,
        /// As read back.
        found: String,
    },
    /// No answer before the deadline; the link is cleared before the next use.
    #[error("no answer to `{command}` within {limit_ms} ms")]
    NoAnswer {
        /// As sent.
        command: String,
        /// The deadline.
        limit_ms: u64,
    },
    /// An answer that is none: unparsable, an overflow, or out of any sense.
    #[error("answered `{answer}` to `{command}`, expected {expected}")]
    Garbled {
        /// As sent.
        command: String,
        /// As received, control characters escaped, shortened.
        answer: String,
        /// What would be legal.
        expected: String,
    },
    /// The link is gone and stays so.
    #[error("link lost: {cause}")]
    LinkLost {
        /// The operating system's words, or ours.
        cause: String,
    },
    /// Another instrument than the bench file says.
    #[error("is `{found}`, expected `{expected}`")]
    WrongIdentity {
        /// What it says it is.
        found: String,
        /// What the bench file says.
        expected: String,
    },
    /// Was still waiting when the safe state came; nothing was sent.
    #[error("`{command}` was not sent, because the safe state came first")]
    Overtaken {
        /// What would have been sent.
        command: String,
    },
}

/// What an instrument sent, fit for a message: control characters and
/// non-ASCII bytes escaped, at most 80 bytes of it.
pub(crate) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 80;
    let text = bytes[..bytes.len().min(MOST)].escape_ascii().to_string();
    if bytes.len() > MOST { format!("{text}…") } else { text }
}
