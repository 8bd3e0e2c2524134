//! Where the maker's page is kept: two slots of memory that outlives power.
//!
//! A new page goes into the slot that does not hold the present one, byte by
//! byte: first the slot's marker is destroyed, then the content and its check
//! sum are written, and the marker last. A slot counts only with marker and
//! check sum right, and of two the later one counts. So a loss of power at any
//! moment leaves the old page or the new one, or none where there was none;
//! never a mixture, and never one that was valid before the old one.
//!
//! Not modelled: wear, and bits that change by themselves (the check sum finds
//! those).

use crate::page::{PAGE_BYTES, Page};

/// Written last.
const MARKER: [u8; 4] = [0xA7, 0x5C, 0x39, 0xE2];
/// Sequence number, page, check sum, marker.
const CONTENT: usize = 4 + PAGE_BYTES;
const SLOT_BYTES: usize = CONTENT + 4 + MARKER.len();
/// What an erased byte reads.
const ERASED: u8 = 0xFF;

type Slot = [u8; SLOT_BYTES];

/// The memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slots([Slot; 2]);

impl Slots {
    /// As it comes from the factory of the chip.
    #[must_use]
    pub const fn blank() -> Self {
        Self([[ERASED; SLOT_BYTES]; 2])
    }

    /// With one page in it.
    #[must_use]
    pub fn holding(page: &Page) -> Self {
        let mut slots = Self::blank();
        let mut write = Write::page(&slots, page);
        while write.step(&mut slots) {}
        slots
    }

    /// Whether nothing was ever written, or all of it was erased.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        *self == Self::blank()
    }

    /// All bytes, as a fixture that reads the chip would find them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_flattened()
    }

    /// The page that counts.
    #[must_use]
    pub fn page(&self) -> Option<Page> {
        let (_, slot) = self.newest()?;
        let mut bytes = [0; PAGE_BYTES];
        for (to, from) in bytes.iter_mut().zip(slot.iter().skip(4)) {
            *to = *from;
        }
        Some(Page::decode(&bytes))
    }

    /// The slot that counts.
    fn newest(&self) -> Option<(usize, &Slot)> {
        let valid = self.0.iter().enumerate().filter(|(_, slot)| is_valid(slot));
        valid.max_by_key(|(_, slot)| sequence(slot))
    }

    /// Spoils or sets one byte of the whole memory, as a fault would.
    pub fn set_byte(&mut self, place: usize, byte: u8) {
        if let Some(to) = self.0.as_flattened_mut().get_mut(place) {
            *to = byte;
        }
    }
}

impl Default for Slots {
    /// With a page that corrects nothing.
    fn default() -> Self {
        Self::holding(&Page::default())
    }
}

fn is_valid(slot: &Slot) -> bool {
    let (content, rest) = slot.split_at(CONTENT);
    let (sum, marker) = rest.split_at(4);
    marker == MARKER && sum == crc32(content).to_le_bytes()
}

/// A page a second for a century does not reach the end of 32 bits.
fn sequence(slot: &Slot) -> u32 {
    let [a, b, c, d, ..] = *slot;
    u32::from_le_bytes([a, b, c, d])
}

/// CRC-32 (IEEE 802.3), bit by bit: some hundred bytes, and no table.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

/// A change of the memory under way, a byte a step. Dropped, it stays half done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Write {
    /// What the slots hold in the end.
    to: [Slot; 2],
    /// Slots in the order in which they change; `None` stays.
    order: [Option<usize>; 2],
    done: usize,
}

impl Write {
    /// A new page.
    #[must_use]
    pub fn page(slots: &Slots, page: &Page) -> Self {
        let newest = slots.newest();
        let target = newest.map_or(0, |(i, _)| 1 - i);
        let number = newest.map_or(0, |(_, slot)| sequence(slot).wrapping_add(1));
        let mut slot = [0; SLOT_BYTES];
        let content = number.to_le_bytes().into_iter().chain(page.encode());
        for (place, byte) in slot.iter_mut().zip(content) {
            *place = byte;
        }
        let sum = crc32(slot.split_at(CONTENT).0).to_le_bytes();
        for (place, byte) in slot.iter_mut().skip(CONTENT).zip(sum.into_iter().chain(MARKER)) {
            *place = byte;
        }
        let mut to = slots.0;
        if let Some(place) = to.get_mut(target) {
            *place = slot;
        }
        Self { to, order: [Some(target), None], done: 0 }
    }

    /// No page any more. The older slot goes first, or it would come back.
    #[must_use]
    pub fn erase(slots: &Slots) -> Self {
        let newest = slots.newest().map_or(1, |(i, _)| i);
        Self { to: Slots::blank().0, order: [Some(1 - newest), Some(newest)], done: 0 }
    }

    /// Steps of one slot: its marker destroyed, then every byte.
    const SLOT_STEPS: usize = MARKER.len() + SLOT_BYTES;

    /// One byte; false once all is done.
    pub fn step(&mut self, slots: &mut Slots) -> bool {
        let Some((slot, place, byte)) = self.next() else { return false };
        if let Some(to) = slots.0.get_mut(slot).and_then(|s| s.get_mut(place)) {
            *to = byte;
        }
        self.done += 1;
        true
    }

    /// Slot, place and value of the next byte.
    fn next(&self) -> Option<(usize, usize, u8)> {
        let slot = self.order.get(self.done / Self::SLOT_STEPS).copied().flatten()?;
        let step = self.done % Self::SLOT_STEPS;
        match step.checked_sub(MARKER.len()) {
            None => Some((slot, SLOT_BYTES - MARKER.len() + step, ERASED)),
            Some(place) => Some((slot, place, *self.to.get(slot)?.get(place)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Serial;

    fn page(serial: &str, gain: f64) -> Page {
        let mut page = Page { serial: Serial::new(serial).unwrap_or_default(), ..Page::default() };
        assert_eq!(page.set("battery-gain", gain), Ok(()));
        page
    }

    /// The memory after `steps` of a write, with the byte that was being
    /// written when the power went reading `torn`.
    fn cut(slots: &Slots, write: &Write, steps: usize, torn: Option<u8>) -> Slots {
        let (mut slots, mut write) = (*slots, *write);
        for _ in 0..steps {
            write.step(&mut slots);
        }
        if let (Some(torn), Some((slot, place, _))) = (torn, write.next()) {
            slots.set_byte(slot * SLOT_BYTES + place, torn);
        }
        slots
    }

    fn steps(slots: &Slots, write: &Write) -> usize {
        let (mut slots, mut write, mut n) = (*slots, *write, 0);
        while write.step(&mut slots) {
            n += 1;
        }
        n
    }

    /// What the byte under way may read: all ones, all zeros, halves.
    const TORN: [Option<u8>; 6] = [None, Some(0xFF), Some(0x00), Some(0xA5), Some(0xF0), Some(0x0F)];

    /// Every interruption: only `old` until one moment, only `new` from there.
    fn every_interruption(slots: &Slots, write: &Write, old: Option<Page>, new: Option<Page>) {
        let total = steps(slots, write);
        assert!(total > SLOT_BYTES);
        for torn in TORN {
            let mut changed = false;
            for n in 0..=total {
                let found = cut(slots, write, n, torn).page();
                changed |= found == new && new != old;
                assert_eq!(found, if changed { new } else { old }, "after {n} bytes, torn {torn:?}");
            }
            assert_eq!(changed, new != old);
        }
    }

    #[test]
    fn the_first_page_is_there_or_not() {
        let (blank, new) = (Slots::blank(), page("A1", 1.01));
        assert_eq!(blank.page(), None);
        every_interruption(&blank, &Write::page(&blank, &new), None, Some(new));
    }

    #[test]
    fn a_later_page_is_the_old_or_the_new_one_at_every_interruption() {
        let (a, b, c) = (page("A1", 1.01), page("B2", 0.99), page("C3", 1.0));
        let first = Slots::holding(&a);
        every_interruption(&first, &Write::page(&first, &b), Some(a), Some(b));
        let second = cut(&first, &Write::page(&first, &b), 1000, None);
        every_interruption(&second, &Write::page(&second, &c), Some(b), Some(c));
    }

    #[test]
    fn after_any_interruption_the_next_write_still_succeeds() {
        let (a, b, c) = (page("A1", 1.01), page("B2", 0.99), page("C3", 1.0));
        let first = Slots::holding(&a);
        let write = Write::page(&first, &b);
        for n in 0..=steps(&first, &write) {
            let broken = cut(&first, &write, n, Some(0xA5));
            let before = broken.page();
            every_interruption(&broken, &Write::page(&broken, &c), before, Some(c));
        }
    }

    #[test]
    fn erasing_never_brings_an_older_page_back() {
        let (a, b) = (page("A1", 1.01), page("B2", 0.99));
        let first = Slots::holding(&a);
        let second = cut(&first, &Write::page(&first, &b), 1000, None);
        every_interruption(&second, &Write::erase(&second), Some(b), None);
        every_interruption(&first, &Write::erase(&first), Some(a), None);
    }

    #[test]
    fn any_spoiled_byte_is_found() {
        let slots = Slots::holding(&page("A1", 1.01));
        for place in 0..SLOT_BYTES {
            for bit in 0..8 {
                let mut spoiled = slots;
                spoiled.0[0][place] ^= 1 << bit;
                assert_eq!(spoiled.page(), None, "byte {place}");
            }
        }
    }

    #[test]
    fn the_check_sum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
