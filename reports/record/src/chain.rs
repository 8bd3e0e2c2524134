//! The chain of a journal's lines: each ends with the hash of the line before,
//! `…,"prev":"64 hexadecimal digits"}`, the first with zeros. A hash is SHA-256
//! over a line's bytes without its line feed, `prev` included.

use std::fmt;

use sha2::{Digest, Sha256};

/// SHA-256 of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first line carries.
    pub const NONE: Self = Self([0; 32]);

    /// Of a line without its line feed.
    pub fn of(line: &[u8]) -> Self {
        Self(Sha256::digest(line).into())
    }

    fn digits(self) -> [u8; 64] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        digits
    }

    /// Its first eight digits: tells lines apart, proves nothing.
    pub fn mark(self) -> String {
        self.digits()[..MARK].iter().map(|digit| char::from(*digit)).collect()
    }
}

/// Digits of a mark.
pub const MARK: usize = 8;

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).map_err(|_| fmt::Error)?)
    }
}

const KEY: &[u8] = br#","prev":""#;
const END: &[u8] = br#""}"#;

/// Ends a line, a JSON object with at least one key, with the hash of the one
/// before.
pub(crate) fn link(line: &mut Vec<u8>, before: Hash) {
    line.pop();
    line.extend_from_slice(KEY);
    line.extend_from_slice(&before.digits());
    line.extend_from_slice(END);
}

/// Whether a line without its line feed ends as one that follows `before`.
pub(crate) fn follows(line: &[u8], before: Hash) -> bool {
    linked(line) == Some(&before.digits())
}

/// The digits at a line's end, if it ends as it should.
pub(crate) fn linked(line: &[u8]) -> Option<&[u8; 64]> {
    let (rest, digits) = line.strip_suffix(END)?.split_last_chunk::<64>()?;
    rest.ends_with(KEY).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_found_again() {
        let mut line = br#"{"seq":0}"#.to_vec();
        link(&mut line, Hash::NONE);
        assert_eq!(line, format!(r#"{{"seq":0,"prev":"{}"}}"#, "0".repeat(64)).into_bytes());
        assert!(follows(&line, Hash::NONE));
        let hash = Hash::of(&line);
        assert!(!follows(&line, hash));
        let mut next = br#"{"seq":1}"#.to_vec();
        link(&mut next, hash);
        assert!(follows(&next, hash));
        assert_eq!(linked(br#"{"seq":1,"prev":"12"}"#), None);
        assert_eq!(linked(b""), None);
    }

    #[test]
    fn it_is_sha_256() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of(b"abc").to_string(), abc);
        assert_eq!(Hash::of(b"abc").mark(), "ba7816bf");
    }
}
