//! Files that inputs are read against, and what every message owes its reader.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use hil_bench::BenchFile;
use hil_client::Dialect;
use hil_model::{Diagnostic, Limits, Product, Sources, Span, read_limits, read_product};

/// Between the files of one input.
const CUT: &str = "\n#=====\n";

/// The shipped product.
pub const PRODUCT: &str = include_str!("../../../test-plans/products/smart-bms-12-200.toml");
const LIMITS: &str = include_str!("../../../test-plans/limits/smart-bms-12-200.toml");
const BENCH: &str = include_str!("../../../fixtures/benches/virtual.toml");

/// The input's files, in their order; none where it is no text.
pub fn texts(bytes: &[u8]) -> impl Iterator<Item = &str> {
    std::str::from_utf8(bytes).into_iter().flat_map(|text| text.split(CUT))
}

/// The shipped product and its limits.
pub fn product() -> &'static (Product, Limits) {
    static READ: OnceLock<(Product, Limits)> = OnceLock::new();
    READ.get_or_init(|| {
        let mut sources = Sources::default();
        let (product, limits) = (sources.add("product.toml", PRODUCT), sources.add("limits.toml", LIMITS));
        let product = read_product(&sources, product).expect("the shipped product is right");
        let limits = read_limits(&sources, limits, Some(&product)).expect("the shipped limits are right");
        (product, limits)
    })
}

/// All dialects.
pub fn dialects() -> &'static BTreeMap<String, Dialect> {
    static READ: OnceLock<BTreeMap<String, Dialect>> = OnceLock::new();
    READ.get_or_init(|| {
        let read = |name: &str| Dialect::built_in(name).expect("it is there").expect("it is right");
        Dialect::built_in_names().into_iter().map(|name| (name.to_owned(), read(name))).collect()
    })
}

/// The virtual bench.
pub fn bench() -> &'static BenchFile {
    static READ: OnceLock<BenchFile> = OnceLock::new();
    READ.get_or_init(|| {
        let mut sources = Sources::default();
        let id = sources.add("virtual.toml", BENCH);
        BenchFile::read(&sources, id, dialects()).expect("the virtual bench is right")
    })
}

/// What every message owes its reader: a place within a file, and words.
pub fn owes(sources: &Sources, list: &[Diagnostic]) {
    for d in list {
        assert!(!d.message.is_empty() && !d.message.ends_with('.'), "{d:?}");
        within(sources, d.span);
        assert!(sources.render(d).contains("-->"), "{d:?}");
    }
}

/// That a place lies within its file.
pub fn within(sources: &Sources, span: Span) {
    assert!(span.file.0 < sources.0.len(), "no such file: {span:?}");
    assert!(span.start <= span.end && span.end <= sources.text(span.file).len(), "beyond the file: {span:?}");
}
