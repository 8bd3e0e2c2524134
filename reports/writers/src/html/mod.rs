//! The report for people: one file that needs nothing else, to be read on a
//! screen, on A4 paper and without colour.
//!
//! Has no script, loads nothing, and forbids both to the browser. Every text
//! goes through `maud`, which escapes it, or through [`style::css_string`].

mod abreast;
mod bars;
mod bench;
mod clusters;
mod detail;
mod head;
mod lanes;
mod overview;
mod page;
mod pieces;
mod samples;
mod style;
mod svg;
mod timeline;
mod waveform;

use std::io::Write;

use hil_record::Event;

use crate::integrity::Integrity;
use crate::lang::Lang;
use crate::run::Run;
use crate::strings::Strings;
use crate::timing::Timing;

/// The report of a run, also of one that was killed.
///
/// # Errors
/// Those of `out`.
pub fn write_html(events: &[Event], integrity: &Integrity, lang: Lang, out: &mut impl Write) -> std::io::Result<()> {
    let run = Run::of(events);
    let timing = Timing::of(events);
    let view = View { run: &run, timing: &timing, integrity, lang, s: Strings::of(lang) };
    out.write_all(page::page(&view).into_string().as_bytes())?;
    out.flush()
}

/// What every part of the page is made from.
#[derive(Clone, Copy)]
struct View<'a> {
    run: &'a Run,
    timing: &'a Timing,
    integrity: &'a Integrity,
    lang: Lang,
    s: &'static Strings,
}
