//! What is written is read again, whole and in order, and nothing else is.

use std::io::{self, Write};

use hil_record::event::SCHEMA;
use hil_record::{
    CallResult, Datum, Disposition, Event, EventKind, EventSink, Exclusion, JournalError, JournalWriter, Measurement, PartIdentity,
    SafeOutput, Status, StudVolts, Verdict, Way, as_written, read_journal,
};

fn number(kinds: Vec<EventKind>) -> Vec<Event> {
    let stamp = |(seq, kind)| Event { seq, bench_ns: seq * 1_500, wall: "2026-11-22T10:15:00.000Z".into(), kind };
    (0..).zip(kinds).map(stamp).collect()
}

fn measurement() -> Measurement {
    Measurement {
        step: "limit[2x10A]".into(),
        attempt: 1,
        name: "current".into(),
        of: "alternator.current".into(),
        value: Datum::number(11.999_999_999_999_998),
        unit: "A".into(),
        uncertainty: Some(0.1 + 0.2),
        low: Some(11.0),
        high: None,
        expected: None,
        accept_low: None,
        accept_high: None,
        decision: None,
        conformance: None,
        verdict: Verdict::Pass,
        provisional: true,
        limit: Some("limit-2x10A".into()),
        source: "proposal".into(),
        owner: "test engineering".into(),
        requirements: vec!["SBMS-ALT-08".into()],
        at_ns: u64::MAX,
    }
}

/// At least one of every kind.
fn all_kinds() -> Vec<EventKind> {
    let step = || "limit[2x10A]".to_owned();
    let text = |t: &str| t.to_owned();
    vec![
        EventKind::RunStarted {
            schema: SCHEMA,
            run: text("20261122T101500Z-HQ1-eol"),
            plan: text("eol"),
            title: text("End of line, \"quick\""),
            product: text("smart-bms-12-200"),
            serial: None,
            bench: text("virtual"),
            seed: u64::MAX,
            version: text("0.1.0"),
            digests: [("plan", "ab12"), ("bench", "cd34")].map(|(k, v)| (text(k), text(v))).into(),
            parameters: [(text("fuse"), text("2x10A"))].into(),
            calibration: [(text("battery"), text("2026-03-01, due 2027-03-01, certificate K-17"))].into(),
            operator: Some(text("A. Smith")),
            defects: vec![text("D46")],
            clauses: std::collections::BTreeMap::new(),
            steps: vec![step()],
        },
        EventKind::BenchOpened {
            parts: vec![PartIdentity {
                name: text("battery"),
                model: text("EA PSB 10060-120"),
                serial: text("2810450001"),
                firmware: String::new(),
                calibration: text("2026-03-01, due 2027-03-01, certificate 17"),
            }],
            safeguards: [(text("interlock"), text("lid, emergency stop"))].into(),
        },
        EventKind::PhaseStarted { phase: text("setup") },
        EventKind::PhaseFinished { phase: text("setup"), error: Some(text("no answer\u{0}\u{2028}\n]]>")) },
        EventKind::StepStarted {
            step: step(),
            title: text("Limit"),
            index: 1,
            of: 1,
            attempt: 1,
            requirements: vec![text("SBMS-ALT-08")],
            beside: Some(text("lead")),
        },
        EventKind::ActionStarted { step: step(), action: 0, text: text("set battery.voltage to 13.3 V"), branch: vec![] },
        EventKind::ActionStarted { step: step(), action: 1, text: text("wait 1 s"), branch: vec![2, 1] },
        EventKind::BranchFinished { step: step(), action: 1, branch: vec![2, 1] },
        EventKind::Stimulus {
            step: step(),
            signal: text("battery.voltage"),
            value: Datum::number(13.0),
            unit: text("V"),
            at_ns: 12,
            uncertainty_ns: 10,
            source: text("sense-contact"),
        },
        EventKind::Reading {
            step: step(),
            name: text("v"),
            signal: text("system.voltage"),
            value: Datum::number(f64::NAN),
            unit: text("V"),
            at_ns: 13,
        },
        EventKind::Edge {
            step: step(),
            name: text("cut"),
            signal: text("load-disconnect"),
            trigger: text("becomes floating"),
            at_ns: 9_007_199_254_740_993,
            uncertainty_ns: 0,
            source: text("line"),
        },
        EventKind::Measurement(measurement()),
        EventKind::Measurement(Measurement {
            accept_low: Some(11.3),
            accept_high: Some(12.7),
            decision: Some(hil_record::Decision::ConditionalFail),
            conformance: Some(0.25),
            verdict: Verdict::Inconclusive,
            ..measurement()
        }),
        EventKind::Measurement(Measurement {
            value: Datum::Text("low".into()),
            expected: Some("high".into()),
            verdict: Verdict::Fail,
            ..measurement()
        }),
        EventKind::Problem { step: None, verdict: Verdict::Error, message: text("supply `battery` refused `VOLT 43.0`\ncaused by: -222") },
        EventKind::StepFinished { step: step(), attempt: 1, verdict: Verdict::Inconclusive, reason: None },
        EventKind::Answer {
            step: step(),
            name: text("label"),
            prompt: text("Is the label straight?"),
            value: Datum::Text("pass".into()),
            unit: String::new(),
            by: text("option"),
            at_ns: 14,
        },
        EventKind::Call {
            step: step(),
            program: text("chamber"),
            action: text("defrost"),
            arguments: [(text("for"), text("60 s"))].into(),
            results: vec![
                CallResult { result: text("tank"), name: Some(text("ice.tank")), value: Datum::number(1.0), unit: text("%") },
                CallResult { result: text("lid"), name: None, value: Datum::Text("high".into()), unit: String::new() },
            ],
            at_ns: 15,
        },
        EventKind::StepExcluded { step: step(), by: Exclusion::Condition, reason: text("`when` does not hold") },
        EventKind::Retry { step: step(), attempt: 1, failure: text("open-contact") },
        EventKind::Interrupted { by: text("SIGINT"), count: 2 },
        EventKind::InterlockOpened { input: text("lid"), at_ns: 16, uncertainty_ns: 1 },
        EventKind::SafeState {
            outputs: vec![SafeOutput { part: text("battery"), off: true, readback: text("OUTP? 0") }],
            confirmed: true,
            took_ns: 38_000_000,
        },
        EventKind::Lid {
            unlocked: false,
            studs: vec![StudVolts { signal: text("battery.voltage"), value: Datum::number(0.25) }],
            reason: Some(text("`system.voltage` cannot be measured")),
        },
        EventKind::RunFinished {
            disposition: Disposition::Fail,
            status: Status::Aborted,
            safe: true,
            exit_code: 1,
            retried: vec![text("contact")],
            not_judged: vec![text("R-1")],
        },
        EventKind::Waveform {
            step: step(),
            name: text("cut"),
            signal: text("alternator.current"),
            unit: text("A"),
            at_ns: vec![9_007_199_254_740_993, 9_007_199_254_740_994],
            values: vec![Datum::number(9.0), Datum::number(-0.25)],
        },
        EventKind::Wire { instrument: text("battery"), direction: Way::Received, text: text("12.500V\\n") },
    ]
}

/// A new kind breaks the build here, and then belongs into `all_kinds`.
fn place(kind: &EventKind) -> usize {
    match kind {
        EventKind::RunStarted { .. } => 0,
        EventKind::BenchOpened { .. } => 1,
        EventKind::PhaseStarted { .. } => 2,
        EventKind::PhaseFinished { .. } => 3,
        EventKind::StepStarted { .. } => 4,
        EventKind::ActionStarted { .. } => 5,
        EventKind::BranchFinished { .. } => 6,
        EventKind::Stimulus { .. } => 7,
        EventKind::Reading { .. } => 8,
        EventKind::Edge { .. } => 9,
        EventKind::Measurement(_) => 10,
        EventKind::Problem { .. } => 11,
        EventKind::StepFinished { .. } => 12,
        EventKind::Answer { .. } => 13,
        EventKind::Call { .. } => 14,
        EventKind::StepExcluded { .. } => 15,
        EventKind::Retry { .. } => 16,
        EventKind::Interrupted { .. } => 17,
        EventKind::InterlockOpened { .. } => 18,
        EventKind::SafeState { .. } => 19,
        EventKind::Lid { .. } => 20,
        EventKind::RunFinished { .. } => 21,
        EventKind::Waveform { .. } => 22,
        EventKind::Wire { .. } => 23,
    }
}

fn written(events: &[Event]) -> Vec<u8> {
    let mut journal = JournalWriter::new(Vec::new());
    for event in events {
        journal.handle(event).unwrap();
    }
    journal.into_inner()
}

fn read(bytes: &[u8]) -> Result<Vec<Event>, JournalError> {
    read_journal(bytes).map(|journal| journal.events)
}

#[test]
fn every_kind_of_event_survives() {
    let events = number(all_kinds());
    let mut kinds: Vec<_> = events.iter().map(|e| place(&e.kind)).collect();
    kinds.dedup();
    assert_eq!(kinds, (0..24).collect::<Vec<_>>());

    let bytes = written(&events);
    assert_eq!(bytes.iter().filter(|b| **b == b'\n').count(), events.len(), "one line each");
    let again = read(&bytes).unwrap();
    assert_eq!(again, events);
    assert_eq!(written(&again), bytes, "and once more, byte for byte");
}

#[test]
fn what_was_just_written_is_known_by_its_bytes() {
    let events = number(all_kinds());
    let bytes = written(&events);
    assert_eq!(as_written(bytes.as_slice(), events.clone()), read_journal(bytes.as_slice()).ok());

    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        assert_eq!(as_written(flipped.as_slice(), events.clone()), None, "byte {place}");
        assert_eq!(as_written(&bytes[..place], events.clone()), None, "cut at {place}");
    }
    assert_eq!(as_written([bytes.as_slice(), b"\n"].concat().as_slice(), events.clone()), None, "more than was written");
    let mut fewer = events.clone();
    fewer.pop();
    assert_eq!(as_written(bytes.as_slice(), fewer), None, "another has written, too");
}

#[test]
fn the_bytes_are_a_contract() {
    let text = String::from_utf8(written(&number(all_kinds()))).unwrap();
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_not_finite_stays_text() {
    for (value, text) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        // Also when somebody forgot `Datum::number`.
        for datum in [Datum::number(value), Datum::Number(value)] {
            let json = serde_json::to_string(&datum).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Datum>(&json).unwrap(), Datum::Text(text.into()));
        }
    }
}

#[test]
fn a_limit_that_is_not_finite_is_no_journal_line() {
    let mut journal = JournalWriter::new(Vec::new());
    let bad = number(vec![EventKind::Measurement(Measurement { high: Some(f64::NAN), ..measurement() })]);
    let error = journal.handle(&bad[0]).unwrap_err();
    assert_eq!(error.to_string(), "cannot write journal: limit or uncertainty: NaN, expected a finite number");
    assert_eq!(journal.into_inner(), b"");
}

#[test]
fn numbers_survive_to_the_last_bit() {
    let mut x = 0.1_f64;
    for _ in 0..2_000 {
        x = (x * 1.618_033_988_749_895).fract() + f64::EPSILON;
        for y in [x, x * 1e-9, x * 1e12, -x] {
            let json = serde_json::to_string(&Datum::number(y)).unwrap();
            assert_eq!(serde_json::from_str::<Datum>(&json).unwrap(), Datum::Number(y));
        }
    }
}

#[test]
fn a_journal_cut_anywhere_gives_the_whole_lines_before_the_cut() {
    let events = number(all_kinds());
    let bytes = written(&events);
    for cut in 0..=bytes.len() {
        let lines = bytes[..cut].iter().filter(|b| **b == b'\n').count();
        let read = read_journal(&bytes[..cut]).unwrap_or_else(|e| panic!("cut at {cut}: {e}"));
        assert_eq!(read.events, events[..lines], "cut at {cut}");
        assert_eq!((read.torn, read.damage), (cut != 0 && bytes[cut - 1] != b'\n', None), "cut at {cut}");
    }
}

#[test]
fn zeros_behind_the_last_line_are_a_torn_line() {
    let mut bytes = written(&number(all_kinds()));
    bytes.extend([0; 100]);
    let journal = read_journal(bytes.as_slice()).unwrap();
    assert!(journal.torn);
    assert_eq!(journal.events.len(), all_kinds().len());
}

#[test]
fn what_is_no_journal_is_refused() {
    let text = String::from_utf8(written(&number(all_kinds()))).unwrap();
    let other = text.replace("\"schema\":1", "\"schema\":99");
    assert_eq!(read(other.as_bytes()).unwrap_err().to_string(), "journal, line 1: schema 99, expected 1");
    let headless = number(all_kinds().split_off(1));
    let no_header = "journal, line 1: expected a `run-started` event with its schema";
    assert_eq!(read(&written(&headless)).unwrap_err().to_string(), no_header);
    assert_eq!(read(b"\x7fELF\n").unwrap_err().to_string(), no_header);
    assert_eq!(read(b"").unwrap(), []);
}

/// Takes a number of bytes, then the disk is full.
struct Full {
    room: usize,
    taken: Vec<u8>,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room);
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on device"));
        }
        self.room -= n;
        self.taken.extend(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_an_error_nothing_more_is_written() {
    let events = number(all_kinds());
    let mut journal = JournalWriter::named(Full { room: 700, taken: Vec::new() }, "runs/x/journal.jsonl");
    let errors: Vec<_> = events.iter().filter_map(|e| journal.handle(e).err()).collect();
    assert_eq!(errors[0].to_string(), "cannot write runs/x/journal.jsonl: no space left on device");
    assert!(errors.iter().all(|e| *e == errors[0]));
    let taken = journal.into_inner().taken;
    assert_eq!(taken.len(), 700);
    assert_eq!(read(&taken).unwrap(), events[..events.len() - errors.len()]);
}
