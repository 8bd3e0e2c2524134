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
    /// Was still waiting when the safe state came, and was not sent; earlier
    /// moves of the same job may have been.
    #[error("`{command}` was not sent, because the safe state came first")]
    Overtaken {
        /// What would have been sent next.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message() {
        let text = |s: &str| s.to_owned();
        for (kind, expected) in [
            (ErrorKind::Unsupported { what: text("set sink limit") }, "cannot set sink limit"),
            (ErrorKind::OutOfRange { found: text("43 V"), legal: text("0 V .. 17 V") }, "43 V is out of range, expected 0 V .. 17 V"),
            (
                ErrorKind::Refused { command: text("VOLT 43.000"), answer: text("-222,\"Data out of range\"") },
                "refused `VOLT 43.000`: -222,\"Data out of range\"",
            ),
            (ErrorKind::Readback { set: text("5 V"), found: text("4 V") }, "set `5 V`, but reads back `4 V`"),
            (ErrorKind::NoAnswer { command: text("VOLT?"), limit_ms: 500 }, "no answer to `VOLT?` within 500 ms"),
            (
                ErrorKind::Garbled { command: text("VOLT?"), answer: shown(b"1\x00\n"), expected: text("a number") },
                "answered `1\\x00\\n` to `VOLT?`, expected a number",
            ),
            (ErrorKind::LinkLost { cause: text("broken pipe") }, "link lost: broken pipe"),
            (ErrorKind::WrongIdentity { found: text("A"), expected: text("B") }, "is `A`, expected `B`"),
            (ErrorKind::Overtaken { command: text("OUTP ON") }, "`OUTP ON` was not sent, because the safe state came first"),
        ] {
            let error = ClientError { instrument: text("battery"), kind };
            assert_eq!(error.to_string(), format!("instrument `battery`: {expected}"));
        }
        assert_eq!(shown(&[b'x'; 100]), format!("{}…", "x".repeat(80)));
    }
}
