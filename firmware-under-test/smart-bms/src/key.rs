//! A unit's secret key, and the check value by which the maker knows that the
//! right one was written. The unit never tells the key itself.
//!
//! Not here: what the key is used for.

use core::fmt;

/// Bytes of a key.
pub const KEY_BYTES: usize = 16;

/// A key; all zero is none.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Key(pub(crate) [u8; KEY_BYTES]);

impl Key {
    /// `None` for all zero, which stands for no key.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Option<Self> {
        (bytes != [0; KEY_BYTES]).then_some(Self(bytes))
    }

    /// The first four bytes of SHA-256 over `smart-bms key` and the key; `None`
    /// without one. They tell one key from another and nothing of either.
    #[must_use]
    pub fn check(&self) -> Option<u32> {
        Self::new(self.0)?;
        let mut block = [0; 64];
        let text = b"smart-bms key".iter().chain(&self.0);
        let length = text.clone().count();
        let bits = (length as u64 * 8).to_be_bytes();
        for (to, from) in block.iter_mut().zip(text.chain(&[0x80])) {
            *to = *from;
        }
        for (to, from) in block.iter_mut().skip(56).zip(bits) {
            *to = from;
        }
        Some(first_word(&block))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
const ROUND: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// … and of the square roots of the first eight (5.3.3).
const START: [u32; 8] = [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// First word of SHA-256 of a message of one padded block.
fn first_word(block: &[u8; 64]) -> u32 {
    // The last sixteen words of the schedule, the oldest at `i % 16`.
    let mut words = [0_u32; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = START;
    for (i, round) in ROUND.into_iter().enumerate() {
        let word = words[i % 16];
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let one = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(round).wrapping_add(word);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let two = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
        let (x, y) = (words[(i + 1) % 16], words[(i + 14) % 16]);
        let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3);
        let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ (y >> 10);
        words[i % 16] = word.wrapping_add(s0).wrapping_add(words[(i + 9) % 16]).wrapping_add(s1);
    }
    a.wrapping_add(START[0])
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn the_hash_is_sha_256() {
        let mut block = [0; 64];
        block[..4].copy_from_slice(b"abc\x80");
        block[63] = 24;
        assert_eq!(first_word(&block), 0xba78_16bf);
    }

    #[test]
    fn a_key_shows_its_check_value_only() {
        let key = Key::new([7; KEY_BYTES]).unwrap_or_default();
        assert_ne!(key.check(), Key::new([8; KEY_BYTES]).unwrap_or_default().check());
        assert_eq!(std::format!("{key:?}"), "Key(..)");
        assert_eq!((Key::new([0; KEY_BYTES]), Key::default().check()), (None, None));
    }
}
