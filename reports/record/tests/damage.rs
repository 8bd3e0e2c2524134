//! Whatever is done to a journal shows, and the part before it is still read.

use hil_record::{
    Damage, Disposition, Event, EventKind, EventSink, FoundRecord, Journal, JournalWriter, Record, Status, read_journal, read_sealed,
};

/// A short run to its end.
fn bytes() -> Vec<u8> {
    let mut kinds = vec![EventKind::RunStarted {
        schema: hil_record::event::SCHEMA,
        run: "r".into(),
        plan: "p".into(),
        title: "t".into(),
        product: "x".into(),
        serial: None,
        bench: "virtual".into(),
        seed: 1,
        version: "0.1.0".into(),
        digests: std::collections::BTreeMap::new(),
        parameters: std::collections::BTreeMap::new(),
        calibration: std::collections::BTreeMap::new(),
        operator: None,
        defects: vec![],
        steps: vec![],
        clauses: std::collections::BTreeMap::new(),
    }];
    kinds.extend((0..6).map(|action| EventKind::ActionStarted { step: "s".into(), action, text: "wait 1 s".into(), branch: Vec::new() }));
    kinds.push(EventKind::RunFinished {
        disposition: Disposition::Pass,
        status: Status::Completed,
        safe: true,
        exit_code: 0,
        retried: vec![],
        not_judged: vec![],
    });
    let mut journal = JournalWriter::new(Vec::new());
    for (seq, kind) in (0..).zip(kinds) {
        journal.handle(&Event { seq, bench_ns: seq * 1000, wall: "2026-11-22T10:15:00Z".into(), kind }).unwrap();
    }
    journal.into_inner()
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect()
}

/// Without and with the record of the undamaged run.
fn both(damaged: &[u8]) -> [Journal; 2] {
    let record = Record::of(&read_journal(bytes().as_slice()).unwrap(), None).unwrap();
    let found = FoundRecord::read(&record.to_json()).unwrap();
    [read_journal(damaged).unwrap(), read_sealed(damaged, Some(&found.seal)).unwrap()]
}

/// What both say, and how many events are intact.
fn say(damaged: &[u8]) -> [(String, usize); 2] {
    both(damaged).map(|j| (j.damage.as_ref().map_or(String::new(), Damage::to_string), j.events.len()))
}

#[test]
fn an_untouched_journal_is_whole() {
    for journal in both(&bytes()) {
        assert_eq!((journal.events.len(), journal.torn, &journal.damage), (8, false, &None));
        let record = Record::of(&journal, None).unwrap();
        assert_eq!(FoundRecord::read(&record.to_json()).unwrap().contradicts(&journal), None);
    }
}

#[test]
fn a_line_that_was_taken_out_is_named() {
    let mut all = lines(&bytes());
    all.remove(3);
    let text = "event 3 was removed: event 4 stands in its place".to_owned();
    assert_eq!(say(&all.concat()), [(text.clone(), 3), (text, 3)]);
    // At the end nobody but the record knows.
    let cut = lines(&bytes())[..5].concat();
    assert_eq!(say(&cut), [(String::new(), 5), ("event 5 and all after it were removed: the record counts 8 events".into(), 5)]);
}

#[test]
fn a_line_that_was_moved_or_doubled_is_named() {
    let mut all = lines(&bytes());
    all.swap(3, 5);
    let text = "event 3 was moved: event 5 stands in its place".to_owned();
    assert_eq!(say(&all.concat()), [(text.clone(), 3), (text, 3)]);
    let mut doubled = lines(&bytes());
    doubled.insert(2, doubled[1].clone());
    let text = "event 1 stands there twice, once in the place of event 2".to_owned();
    assert_eq!(say(&doubled.concat()), [(text.clone(), 2), (text, 2)]);
}

#[test]
fn a_changed_event_is_named() {
    let changed = |from: &str, to: &str| String::from_utf8(bytes()).unwrap().replacen(from, to, 1).into_bytes();
    let text = "event 4 was changed after it was written".to_owned();
    assert_eq!(say(&changed("\"bench-ns\":4000", "\"bench-ns\":4001")), [(text.clone(), 4), (text, 4)]);
    let text = "event 4 was changed after it was written".to_owned();
    assert_eq!(say(&changed("\"seq\":4", "\"seq\":9")), [(text.clone(), 4), (text, 4)]);
    // The verdict: nothing follows it that could know.
    let text = "event 7 was changed after it was written".to_owned();
    assert_eq!(say(&changed("\"exit-code\":0", "\"exit-code\":5")), [(String::new(), 8), (text, 7)]);
}

/// Whoever writes the whole chain again is betrayed by the record.
#[test]
fn a_chain_that_was_made_again_is_named() {
    let events = read_journal(bytes().as_slice()).unwrap().events;
    let mut journal = JournalWriter::new(Vec::new());
    for mut event in events {
        event.bench_ns += u64::from(event.seq == 5);
        journal.handle(&event).unwrap();
    }
    let forged = journal.into_inner();
    let text = "event 5 was changed after it was written".to_owned();
    assert_eq!(say(&forged), [(String::new(), 8), (text, 5)]);
    let added = [bytes(), lines(&bytes())[7].clone()].concat();
    assert_eq!(say(&added)[1], ("event 7 stands there twice, once in the place of event 8".into(), 8));
}

/// Any byte, in three ways: the record says exactly which event; without it,
/// all but the last are known, give or take the link between two.
#[test]
fn any_flipped_byte_is_named() {
    let good = bytes();
    let events = read_journal(good.as_slice()).unwrap().events;
    let record = Record::of(&read_journal(good.as_slice()).unwrap(), None).unwrap();
    for at in 0..good.len() {
        let line = good[..at].iter().filter(|b| **b == b'\n').count() as u64;
        for flip in [0x01, 0x20, 0x80] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let what = format!("byte {at} of event {line}, {flip:#x}");
            match read_sealed(bad.as_slice(), Some(&record.journal)) {
                Ok(journal) => {
                    let damage = journal.damage.unwrap_or_else(|| panic!("{what}: nothing noticed"));
                    assert_eq!(damage.event(), line, "{what}: {damage}");
                    assert_eq!(journal.events, events[..usize::try_from(line).unwrap()], "{what}");
                }
                Err(error) => assert_eq!(line, 0, "{what}: {error}"),
            }
            match read_journal(bad.as_slice()) {
                Ok(Journal { damage: Some(damage), .. }) => {
                    assert!(damage.event() == line || damage == Damage::ChangedOrNext { event: line - 1 }, "{what}: {damage}");
                }
                Ok(journal) => assert!(line == 7, "{what}: {journal:?}"),
                Err(error) => assert_eq!(line, 0, "{what}: {error}"),
            }
        }
    }
}

#[test]
fn a_record_that_says_something_else_is_named() {
    let journal = read_journal(bytes().as_slice()).unwrap();
    let json = String::from_utf8(Record::of(&journal, None).unwrap().to_json()).unwrap();
    let found = |text: String| FoundRecord::read(text.as_bytes());
    assert_eq!(found(json.replace("\"serial\": null", "\"serial\": \"HQ1\"")).unwrap().contradicts(&journal), Some("serial".into()));
    assert_eq!(found(json.replace("\"seed\": 1", "\"seed\": 2")).unwrap().contradicts(&journal), Some("seed".into()));
    assert!(found(json.replace("\"record\": 1", "\"record\": 2")).unwrap_err().contains("record schema 2, expected 1"));
    assert!(found(json.replace("\"events\"", "\"event\"")).unwrap_err().contains("missing field `events`"));
}

#[test]
fn nothing_may_follow_the_end_that_was_sealed() {
    for added in [&b" "[..], &[0; 4096], br#"{"seq":8,"kind":"step-finished","verdict":"fail"}"#] {
        let text = "event 8 was added: the record counts 8 events".to_owned();
        // Without a record it may be what a power cut left.
        assert_eq!(say(&[bytes().as_slice(), added].concat()), [(String::new(), 8), (text, 8)]);
    }
}
