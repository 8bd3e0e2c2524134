//! Lines out of bytes: an escaped byte stands for itself, a line feed or a carriage
//! return ends one, and two plus signs at the beginning make it the gateway's own.

const ESCAPE: u8 = 27;

/// A line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// For the gateway, without the plus signs.
    Command(String),
    /// For the instrument.
    Message(Vec<u8>),
}

/// Makes lines of bytes that come in pieces.
#[derive(Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    escaped: bool,
    /// So many plus signs stand at the beginning that are not escaped.
    plus: usize,
    /// One was, or anything else came.
    begun: bool,
}

impl Lines {
    /// What `byte` completes.
    pub(super) fn take(&mut self, byte: u8) -> Option<Line> {
        if std::mem::take(&mut self.escaped) {
            self.begun = true;
            self.bytes.push(byte);
            return None;
        }
        match byte {
            ESCAPE => {
                self.escaped = true;
                None
            }
            b'\r' | b'\n' => self.end(),
            byte => {
                if byte == b'+' && !self.begun {
                    self.plus += 1;
                } else {
                    self.begun = true;
                }
                self.bytes.push(byte);
                None
            }
        }
    }

    fn end(&mut self) -> Option<Line> {
        let Self { bytes, plus, .. } = std::mem::take(self);
        if bytes.is_empty() {
            return None;
        }
        Some(match bytes.strip_prefix(b"++").filter(|_| plus >= 2) {
            Some(command) => Line::Command(String::from_utf8_lossy(command).trim().to_owned()),
            None => Line::Message(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::default();
        bytes.iter().filter_map(|byte| lines.take(*byte)).collect()
    }

    #[test]
    fn commands_and_messages_are_told_apart() {
        let (command, message) = (|text: &str| Line::Command(text.into()), |bytes: &[u8]| Line::Message(bytes.into()));
        assert_eq!(
            lines(b"++addr 5\r\nVOLT 1\n\n\x1b+\x1b+addr 3\n+1\n++read eoi\n"),
            [command("addr 5"), message(b"VOLT 1"), message(b"++addr 3"), message(b"+1"), command("read eoi")]
        );
        assert_eq!(lines(b"A\x1b\n\x1b\x1bB\x1b\r\x1b+\n"), [message(b"A\n\x1bB\r+")]);
    }

    #[test]
    fn what_the_client_escapes_comes_out_as_it_was() {
        let message = [b"++ver\r\n".as_slice(), &(0..=255).collect::<Vec<u8>>()].concat();
        assert_eq!(lines(&hil_client::prologix::words::message(&message)), [Line::Message(message)]);
    }

    #[test]
    fn whatever_comes_what_is_escaped_is_never_a_command() {
        // Every message of four of these bytes, whatever stood before it.
        let bytes = [b'+', b'a', 27, b'\r', b'\n', 0, 255];
        for number in 0..bytes.len().pow(4) {
            let message: Vec<u8> = (0..4).map(|place| bytes[number / bytes.len().pow(place) % bytes.len()]).collect();
            let mut lines = Lines::default();
            for byte in &message {
                lines.take(*byte);
            }
            // Ends what was begun, even an escape.
            lines.take(b'x');
            lines.take(b'\n');
            let sent = hil_client::prologix::words::message(&message);
            let got: Vec<Line> = sent.iter().filter_map(|byte| lines.take(*byte)).collect();
            assert_eq!(got, [Line::Message(message)]);
        }
    }
}
