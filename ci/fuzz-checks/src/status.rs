//! What the unit keeps and says of itself: its memory, byte by byte.

use smart_bms::{Page, Slots};

/// A memory holds the page that was written, or none; whatever its bytes, what
/// it gives out can be kept.
pub fn check(bytes: &[u8]) {
    let mut slots = Slots::blank();
    bytes.iter().enumerate().for_each(|(place, byte)| slots.set_byte(place, *byte));
    if let Some(page) = slots.page() {
        kept(&page);
    }
    // As if the check sum were right.
    let mut page = [0; smart_bms::PAGE_BYTES];
    page.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    kept(&Page::decode(&page));
}

fn kept(page: &Page) {
    let bytes = page.encode();
    assert_eq!(Page::decode(&bytes).encode(), bytes);
    assert_eq!(Slots::holding(page).page().map(|p| p.encode()), Some(bytes));
    for name in Page::names() {
        let _ = page.get(name);
    }
}
