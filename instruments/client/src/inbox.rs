//! What was received and is not yet a reply: where the next one ends.
//!
//! Every byte is looked at once, and a block's not at all: its length says where
//! it ends, and room is made for it once, so that it is read to where it stays.

use crate::scpi::{self, BlockEnd};

/// Room is made for a reply of so many bytes, whatever comes.
const USUAL: usize = 256;

#[derive(Default)]
pub(crate) struct Inbox {
    /// Where bytes are appended as they come.
    pub(crate) bytes: Vec<u8>,
    /// No terminator before this.
    searched: usize,
    /// Bytes of the block that is expected.
    block: Option<usize>,
}

/// A reply, and its length with terminator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Not whole yet; at least so many bytes long.
    Part(usize),
    /// It ends here, if the instrument has no more to say: it began as a block of
    /// unknown length, in which any byte may stand.
    IfQuiet(usize),
    /// Whole.
    Whole(usize),
}

impl Inbox {
    /// A block of this length comes next, if one of unknown length does.
    pub(crate) const fn expect_block(&mut self, length: Option<usize>) {
        self.block = length;
    }

    /// Where the reply at the front ends, whose terminator is `end`.
    pub(crate) fn find(&mut self, end: u8) -> Found {
        let body = match scpi::block_end(&self.bytes) {
            BlockEnd::At { end, .. } => end,
            BlockEnd::Unknown => return Found::Part(self.bytes.len()),
            BlockEnd::Indefinite => {
                let last = self.bytes.len();
                // Its own terminator counts for its end, no other.
                if let Some(whole) = self.block.and_then(|block| block.checked_add(3)) {
                    match self.bytes.get(whole - 1) {
                        Some(byte) if *byte == end => return Found::Whole(whole),
                        Some(_) => {}
                        None => return Found::Part(whole),
                    }
                }
                return if self.bytes.last() == Some(&end) && last > 2 { Found::IfQuiet(last) } else { Found::Part(last) };
            }
            BlockEnd::NoBlock => 0,
        };
        self.searched = self.searched.max(body);
        let rest = self.bytes.get(self.searched..).unwrap_or_default();
        match rest.iter().position(|b| *b == end) {
            Some(at) => Found::Whole(self.searched + at + 1),
            None => {
                self.searched = self.bytes.len().max(body);
                Found::Part(self.searched)
            }
        }
    }

    /// Makes room for a reply of at least `length` bytes, up to `most`.
    pub(crate) fn make_room(&mut self, length: usize, most: usize) {
        // A block, its terminator, and a second one after it.
        let wanted = length.saturating_add(2).clamp(USUAL, most.saturating_add(2).max(USUAL));
        if self.bytes.capacity() < wanted {
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
    }

    /// The reply of this length; what follows it stays.
    pub(crate) fn take(&mut self, length: usize) -> Vec<u8> {
        self.searched = 0;
        let rest = if length == self.bytes.len() { Vec::new() } else { self.bytes.split_off(length) };
        std::mem::replace(&mut self.bytes, rest)
    }

    pub(crate) fn clear(&mut self) {
        self.searched = 0;
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is found after each byte.
    fn byte_by_byte(bytes: &[u8]) -> Vec<Found> {
        let mut inbox = Inbox::default();
        bytes
            .iter()
            .map(|byte| {
                inbox.bytes.push(*byte);
                inbox.find(b'\n')
            })
            .collect()
    }

    #[test]
    fn a_reply_ends_at_its_terminator_and_a_block_where_it_says() {
        use Found::{IfQuiet, Part, Whole};
        assert_eq!(byte_by_byte(b"12\n"), [Part(1), Part(2), Whole(3)]);
        assert_eq!(byte_by_byte(b"#12\n\n\n"), [Part(1), Part(2), Part(5), Part(5), Part(5), Whole(6)]);
        assert_eq!(byte_by_byte(b"#0a\nb\n"), [Part(1), Part(2), Part(3), IfQuiet(4), Part(5), IfQuiet(6)]);
        assert_eq!(byte_by_byte(b"#H1F\n"), [Part(1), Part(2), Part(3), Part(4), Whole(5)]);
    }

    #[test]
    fn a_block_that_is_expected_ends_where_it_should() {
        use Found::{IfQuiet, Part, Whole};
        let mut inbox = Inbox::default();
        inbox.expect_block(Some(2));
        let mut found = Vec::new();
        for byte in b"#0\n\n\n" {
            inbox.bytes.push(*byte);
            found.push(inbox.find(b'\n'));
        }
        assert_eq!(found, [Part(1), Part(5), Part(5), Part(5), Whole(5)]);
        // Longer than it should be.
        inbox.bytes = b"#0abc\n".to_vec();
        assert_eq!(inbox.find(b'\n'), IfQuiet(6));
    }

    #[test]
    fn what_follows_a_reply_stays() {
        let mut inbox = Inbox { bytes: b"1\n22\n".to_vec(), ..Inbox::default() };
        assert_eq!((inbox.find(b'\n'), inbox.take(2)), (Found::Whole(2), b"1\n".to_vec()));
        assert_eq!((inbox.find(b'\n'), inbox.take(3)), (Found::Whole(3), b"22\n".to_vec()));
        assert_eq!(inbox.find(b'\n'), Found::Part(0));
    }

    #[test]
    fn a_block_is_read_to_where_it_stays() {
        let mut inbox = Inbox::default();
        inbox.bytes.extend_from_slice(b"#71000000");
        let Found::Part(length) = inbox.find(b'\n') else { panic!("not whole") };
        inbox.make_room(length, 2_000_000);
        let at = inbox.bytes.as_ptr();
        inbox.bytes.resize(1_000_009, b'x');
        inbox.bytes.push(b'\n');
        assert_eq!(inbox.find(b'\n'), Found::Whole(1_000_010));
        let reply = inbox.take(1_000_010);
        assert_eq!(reply.as_ptr(), at);
        let mut liar = Inbox { bytes: b"#9999999999".to_vec(), ..Inbox::default() };
        let Found::Part(length) = liar.find(b'\n') else { panic!("not whole") };
        liar.make_room(length, 1000);
        assert!(liar.bytes.capacity() < 2000, "no more room than a reply may have");
    }

    proptest! {
        /// In whatever pieces bytes come, the replies are the same, and together they are
        /// the bytes; whatever a length says, no more room is made than a reply may have.
        #[test]
        fn replies_are_the_same_in_any_pieces(bytes in prop::collection::vec(prop::sample::select(b"#01239ab\r\n\0\xff".to_vec()), 0..60), piece in 1_usize..9) {
            let replies = |piece: usize| {
                let (mut inbox, mut all) = (Inbox::default(), Vec::new());
                for part in bytes.chunks(piece.max(1)) {
                    inbox.bytes.extend_from_slice(part);
                    // One of unknown length ends when nothing more comes: not here.
                    while let Found::Whole(length) = inbox.find(b'\n') {
                        all.push(inbox.take(length));
                    }
                    let (Found::Part(length) | Found::IfQuiet(length) | Found::Whole(length)) = inbox.find(b'\n');
                    inbox.make_room(length, 100);
                    assert!(inbox.bytes.capacity() < 1000, "{}", inbox.bytes.capacity());
                }
                (all, inbox.bytes)
            };
            let (all, rest) = replies(bytes.len());
            prop_assert_eq!(&replies(piece), &(all.clone(), rest.clone()));
            prop_assert_eq!([all.concat(), rest].concat(), bytes);
        }
    }
}
