//! Product files, and limits of them.

use hil_model::{Sources, read_limits, read_product};

use crate::files;

/// Both are what is written, or are refused with a reason.
pub fn check(bytes: &[u8]) {
    let mut texts = files::texts(bytes);
    let Some(text) = texts.next() else { return };
    let mut sources = Sources::default();
    let product = sources.add("product.toml", text);
    // One text for both readers, where there is but one.
    let limits = sources.add("limits.toml", texts.next().unwrap_or(text));
    let product = read_product(&sources, product);
    let limits = read_limits(&sources, limits, product.as_ref().ok());
    for list in [product.as_ref().err(), limits.as_ref().err()].into_iter().flatten() {
        assert!(!list.is_empty(), "refused without a reason");
        files::owes(&sources, list);
    }
    for (id, defined) in limits.iter().flat_map(|l| &l.by_id) {
        files::within(&sources, defined.span);
        assert_eq!(defined.limit.id.as_ref(), Some(id));
        let ends = [defined.limit.low, defined.limit.high];
        assert!(ends.iter().flatten().all(|q| q.si.is_finite()), "{:?}", defined.limit);
        assert!(defined.limit.low.zip(defined.limit.high).is_none_or(|(low, high)| low.si <= high.si), "{:?}", defined.limit);
    }
    for (id, signal) in product.iter().flat_map(|p| &p.signals) {
        assert_eq!(*id, signal.id);
    }
}
