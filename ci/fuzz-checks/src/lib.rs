//! What everything that reads bytes from outside is held against, one function
//! a kind of input. `ci/fuzz` gives them bytes of libFuzzer's, and the test
//! `replay` those that are kept in `ci/fuzz/corpus`.
//!
//! A check panics when a promise is broken. What is refused is no break: it must
//! be refused with a reason.

mod bench;
mod defects;
mod dialect;
mod extension;
mod files;
mod journal;
mod led;
mod plan;
mod product;
mod record;
mod scpi_command;
mod scpi_reply;
mod scpi_stream;
mod socket;
mod status;
mod vxi11;
mod words;

/// Holds some bytes against what is promised of them.
pub type Check = fn(&[u8]);

/// All checks by the name of their target and corpus.
pub const TARGETS: &[(&str, Check)] = &[
    ("bench", bench::check),
    ("defects", defects::check),
    ("dialect", dialect::check),
    ("extension", extension::check),
    ("journal", journal::check),
    ("led", led::check),
    ("plan", plan::check),
    ("product", product::check),
    ("record", record::check),
    ("scpi_command", scpi_command::check),
    ("scpi_reply", scpi_reply::check),
    ("scpi_stream", scpi_stream::check),
    ("socket", socket::check),
    ("status", status::check),
    ("vxi11", vxi11::check),
    ("words", words::check),
];

/// The check of a target.
///
/// # Panics
/// Where there is none of that name.
pub fn check(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.unwrap_or_else(|| panic!("no target `{target}`"));
    check(bytes);
}
