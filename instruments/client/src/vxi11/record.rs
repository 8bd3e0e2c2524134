//! Records on a stream of bytes (RFC 5531 section 11): fragments, each with its
//! length and whether it is the last.

use crate::channel::Frames;

/// Set in the length of a record's last fragment.
pub(crate) const LAST: u32 = 1 << 31;

/// Makes records of bytes that come in pieces.
#[derive(Debug)]
pub struct Records {
    bytes: Vec<u8>,
    /// Fragments of a record that is not whole.
    record: Vec<u8>,
    limit: usize,
}

/// A record that is longer than agreed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an RPC record of {length} bytes or more, expected at most {limit}")]
pub struct TooLong {
    length: usize,
    limit: usize,
}

impl Records {
    /// One that takes records of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), record: Vec::new(), limit }
    }
}

impl Frames for Records {
    type Frame = Vec<u8>;
    type Error = TooLong;
    const NAME: &'static str = "an RPC record";

    fn inbox(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    fn pending(&self) -> usize {
        self.record.len() + self.bytes.len()
    }

    /// The next record, without the lengths of its fragments.
    fn next(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        while let Some(header) = self.bytes.first_chunk::<4>() {
            let header = u32::from_be_bytes(*header);
            let length = (header & !LAST) as usize;
            let whole = self.record.len() + length;
            if whole > self.limit {
                return Err(TooLong { length: whole, limit: self.limit });
            }
            if self.bytes.len() < 4 + length {
                return Ok(None);
            }
            self.record.extend_from_slice(&self.bytes[4..4 + length]);
            self.bytes.drain(..4 + length);
            if header & LAST != 0 {
                return Ok(Some(std::mem::take(&mut self.record)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_make_a_record_in_any_pieces() {
        let bytes = b"\0\0\0\x02ab\x80\0\0\x01c\x80\0\0\0\x80\0\0\x03def";
        for size in 1..=bytes.len() {
            let (mut records, mut found) = (Records::new(3), Vec::new());
            for piece in bytes.chunks(size) {
                records.inbox().extend_from_slice(piece);
                while let Some(record) = records.next().unwrap() {
                    found.push(record);
                }
            }
            assert_eq!(found, [&b"abc"[..], b"", b"def"]);
            assert_eq!(records.pending(), 0);
        }
    }

    #[test]
    fn a_record_that_is_too_long_is_refused_before_it_is_there() {
        let mut records = Records::new(100);
        records.inbox().extend_from_slice(b"\0\0\0\x01a\x80\0\0\x64");
        assert_eq!(records.next().unwrap_err().to_string(), "an RPC record of 101 bytes or more, expected at most 100");
        let mut records = Records::new(100);
        records.inbox().extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n");
        assert_eq!(records.next().unwrap_err().to_string(), "an RPC record of 1213486160 bytes or more, expected at most 100");
    }
}
