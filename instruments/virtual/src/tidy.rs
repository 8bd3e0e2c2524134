//! White space that real instruments forgive and the `scpi` crate does not:
//! before a header, and between a header and its question mark.

/// `message` without that white space, and without its terminator.
pub(crate) fn tidied(message: &[u8]) -> Vec<u8> {
    let message = message.trim_ascii();
    let mut out = Vec::with_capacity(message.len());
    let mut place = Place::Before;
    for (i, &byte) in message.iter().enumerate() {
        match (place, byte) {
            (Place::Before, b' ' | b'\t') => continue,
            (Place::Before | Place::Header | Place::Data, b';') => place = Place::Before,
            (Place::Before, _) => place = Place::Header,
            (Place::Header, b' ' | b'\t') => {
                if message[i..].trim_ascii_start().first() == Some(&b'?') {
                    continue;
                }
                place = Place::Data;
            }
            (Place::Data, b'"' | b'\'') => place = Place::Quoted(byte),
            (Place::Quoted(quote), b) if b == quote => place = Place::Data,
            (Place::Header | Place::Data | Place::Quoted(_), _) => {}
        }
        out.push(byte);
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Header,
    Data,
    Quoted(u8),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgives_white_space_but_not_in_strings() {
        for (found, expected) in [
            ("  VOLT 1.0 \r\n", "VOLT 1.0"),
            ("VOLT ?", "VOLT?"),
            ("VOLT 1; CURR\t?", "VOLT 1;CURR?"),
            (":SENS:FUNC \"a ; b ?\"; *IDN?", ":SENS:FUNC \"a ; b ?\";*IDN?"),
            ("", ""),
            (";;", ";;"),
        ] {
            assert_eq!(tidied(found.as_bytes()), expected.as_bytes(), "{found:?}");
        }
    }
}
