//! Journals: as they are, and as a run would have written the same lines.

use hil_record::{Event, EventSink as _, FoundRecord, Hash, Journal, JournalWriter, Record, read_journal, read_sealed};
use hil_writers::{Console, ConsoleOptions, Integrity, Lang, write_csv, write_html, write_junit, write_markdown};

/// What stands before the first damage is what was written; every report can be
/// made of it; what is written again is read as the same.
pub fn check(bytes: &[u8]) {
    hold(bytes);
    hold(&linked(bytes));
}

/// The lines with the hashes that belong to them, as whoever forges a journal
/// would make them.
fn linked(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut before) = (Vec::new(), Hash::NONE);
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let Some(object) = line.strip_suffix(b"}\n") else {
            out.extend_from_slice(line);
            break;
        };
        let start = out.len();
        out.extend_from_slice(object);
        out.extend_from_slice(format!(",\"prev\":\"{before}\"}}").as_bytes());
        before = Hash::of(&out[start..]);
        out.push(b'\n');
    }
    out
}

fn hold(bytes: &[u8]) {
    let Ok(journal) = read_journal(bytes) else { return };
    intact(&journal);
    let cut = read_journal(&bytes[..bytes.len() / 2]);
    if let Ok(cut) = cut {
        assert!(journal.events.starts_with(&cut.events), "half of it says something else");
    }
    again(&journal);
    if let Ok(sealed) = read_sealed(bytes, Some(&journal.seal)) {
        assert_eq!(sealed.events, journal.events);
    }
    reports(&journal.events);
}

fn intact(journal: &Journal) {
    assert_eq!(journal.events.len() as u64, journal.seal.events);
    for (number, event) in journal.events.iter().enumerate() {
        assert_eq!(event.seq, number as u64);
    }
    if let Some(damage) = &journal.damage {
        assert!(damage.event() >= journal.events.len() as u64, "{damage}: but {} events are reported", journal.events.len());
        assert!(!damage.to_string().is_empty());
    }
}

/// Written by the writer, it is the same run, and its record belongs to it.
fn again(journal: &Journal) {
    let mut writer = JournalWriter::new(Vec::new());
    journal.events.iter().for_each(|event| writer.handle(event).expect("memory takes everything"));
    let written = writer.into_inner();
    let Ok(read) = read_journal(written.as_slice()) else { return assert!(journal.events.is_empty()) };
    assert_eq!((&read.events, &read.damage, read.torn), (&journal.events, &None, false));
    if let Some(record) = Record::of(&read, None) {
        let found = FoundRecord::read(&record.to_json()).expect("a record");
        assert_eq!((found.contradicts(&read), found.seal.broken_by(&read.seal)), (None, None));
    }
}

fn reports(events: &[Event]) {
    let integrity = Integrity::Open { events: events.len() };
    for lang in [Lang::En, Lang::De] {
        write_html(events, &integrity, lang, &mut Vec::new()).expect("memory takes everything");
        write_markdown(events, &integrity, lang, &mut Vec::new()).expect("memory takes everything");
    }
    write_csv(events, &mut Vec::new()).expect("memory takes everything");
    let mut junit = Vec::new();
    write_junit(events, &integrity, &mut junit).expect("memory takes everything");
    let forbidden = |c: char| c < ' ' && !matches!(c, '\n' | '\r' | '\t') || matches!(c, '\u{fffe}' | '\u{ffff}');
    assert!(!String::from_utf8(junit).expect("UTF-8").contains(forbidden), "XML has no such character");
    for verbose in [false, true] {
        let mut console = Console::new(Vec::new(), ConsoleOptions { colour: false, verbose });
        events.iter().for_each(|event| console.handle(event).expect("memory takes everything"));
        let said = String::from_utf8(console.into_inner()).expect("UTF-8");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "it would move a terminal's cursor: {said:?}");
    }
}
