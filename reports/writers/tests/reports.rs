//! Runs made by hand, and what each report makes of them.

#[path = "suite/pages.rs"]
mod pages;
mod story;

use hil_record::{Datum, Disposition, Event, EventKind, EventSink, Measurement, Status, Verdict};
use hil_writers::{Console, ConsoleOptions, Csv, Integrity, write_csv, write_junit};

use self::story::{Story, hostile_run, hostile_text, measurement};

fn lead(value: f64, verdict: Verdict) -> Measurement {
    Measurement {
        of: "cut - warn".into(),
        low: Some(30.0),
        high: Some(31.0),
        uncertainty: Some(2e-5),
        provisional: true,
        limit: Some("pre-alarm-lead".into()),
        source: "proposal".into(),
        ..measurement("lead", value, "s", verdict)
    }
}

/// Everything there is, and all of it good.
fn good() -> Vec<Event> {
    let step = || "pre-alarm-lead".to_owned();
    Story::begin(&["short-check", "pre-alarm-lead", "led"])
        .phase("setup")
        .wait(1_500)
        .phase_ends(None)
        .step("short-check", "Low-energy short check of every port")
        .wait(2_250)
        .measured(Measurement { low: Some(12.7), high: Some(12.9), ..measurement("battery.voltage", 12.800_000_31, "V", Verdict::Pass) })
        .step_ends(Verdict::Pass, None)
        .step("pre-alarm-lead", "Pre-alarm gives the user time before the load is cut")
        .tell(EventKind::ActionStarted { step: step(), action: 0, text: "set btv.pre-alarm to alarm".into(), branch: vec![] })
        .wait(12)
        .tell(EventKind::Stimulus {
            step: step(),
            signal: "btv.pre-alarm".into(),
            value: Datum::Text("alarm".into()),
            unit: String::new(),
            at_ns: 3_762_004_211,
            uncertainty_ns: 10_000,
            source: "sense-contact".into(),
        })
        .tell(EventKind::Reading {
            step: step(),
            name: "before".into(),
            signal: "system.voltage".into(),
            value: Datum::Number(12.8),
            unit: "V".into(),
            at_ns: 3_762_004_211,
        })
        .wait(35_412)
        .tell(EventKind::Edge {
            step: step(),
            name: "cut".into(),
            signal: "load-disconnect".into(),
            trigger: "becomes floating".into(),
            at_ns: 34_174_004_211,
            uncertainty_ns: 10_000,
            source: "line".into(),
        })
        .measured(lead(30.412, Verdict::Pass))
        .step_ends(Verdict::Pass, None)
        .step("led", "led")
        .measured(Measurement {
            value: Datum::Text("on".into()),
            expected: Some("on".into()),
            ..measurement("led.active", 0.0, "", Verdict::Pass)
        })
        .step_ends(Verdict::Pass, None)
        .phase("teardown")
        .phase_ends(None)
        .end(Disposition::Pass, Status::Completed, true)
}

/// A fail, then a problem of the unit, then an inconclusive step.
fn failed() -> Vec<Event> {
    Story::begin(&["pre-alarm-lead", "identity", "noise"])
        .step("pre-alarm-lead", "Pre-alarm lead")
        .wait(25_004)
        .measured(lead(25.004, Verdict::Fail))
        .step_ends(Verdict::Fail, Some("`require cut - warn` was not good"))
        .step("identity", "identity")
        .problem(Some("identity"), Verdict::Fail, "the unit says it is `HQ1`, expected `HQ2247ABCDE`\ncaused by: status page")
        .step_ends(Verdict::Fail, Some("the unit says it is `HQ1`, expected `HQ2247ABCDE`"))
        .step("noise", "noise")
        .step_ends(Verdict::Inconclusive, Some("the uncertainty is larger than the limits"))
        .end(Disposition::Fail, Status::Completed, true)
}

fn aborted() -> Vec<Event> {
    let mut story = Story::begin(&["one", "two", "three", "four"]);
    story.step("one", "one").wait(1_000).step_ends(Verdict::Pass, None).step("two", "two").wait(3_000);
    story.tell(EventKind::Interrupted { by: "SIGINT".into(), count: 1 }).tell(EventKind::Interrupted { by: "SIGINT".into(), count: 2 });
    story.step_ends(Verdict::Aborted, Some("interrupted by SIGINT"));
    story.skipped("three", "interrupted by SIGINT").skipped("four", "interrupted by SIGINT").end(Disposition::None, Status::Aborted, true)
}

/// Stopped between two steps: nothing in the steps says so.
fn aborted_between() -> Vec<Event> {
    let mut story = Story::begin(&["one", "two"]);
    story.step("one", "one").step_ends(Verdict::Pass, None).tell(EventKind::Interrupted { by: "SIGTERM".into(), count: 1 });
    story.skipped("two", "interrupted by SIGTERM").end(Disposition::None, Status::Aborted, true)
}

/// The tester fails in setup, and an output does not answer.
fn tester_error() -> Vec<Event> {
    let message = "supply `battery` refused `VOLT 43.0`\ncaused by: -222,\"Data out of range\"  (SYST:ERR?)";
    Story::begin(&["one"])
        .phase("setup")
        .wait(20)
        .problem(Some("setup"), Verdict::Error, message)
        .phase_ends(Some("supply `battery` refused `VOLT 43.0`"))
        .skipped("one", "setup failed")
        .end(Disposition::None, Status::TesterError, false)
}

fn killed() -> Vec<Event> {
    Story::begin(&["one", "two", "three"])
        .step("one", "one")
        .step_ends(Verdict::Pass, None)
        .step("two", "two")
        .wait(10)
        .measured(lead(30.5, Verdict::Pass))
        .killed()
}

fn console(events: &[Event], options: ConsoleOptions) -> String {
    let mut console = Console::new(Vec::new(), options);
    events.iter().for_each(|e| console.handle(e).unwrap());
    String::from_utf8(console.into_inner()).unwrap()
}

fn junit(events: &[Event]) -> String {
    let mut xml = Vec::new();
    write_junit(events, &Integrity::Unknown, &mut xml).unwrap();
    // One element a line, for the eye.
    String::from_utf8(xml).unwrap().replace("><", ">\n<")
}

fn csv(events: &[Event]) -> String {
    let mut out = Vec::new();
    write_csv(events, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn console_of_a_good_unit() {
    insta::assert_snapshot!(console(&good(), ConsoleOptions::default()));
}

#[test]
fn console_with_every_detail() {
    insta::assert_snapshot!(console(&good(), ConsoleOptions { verbose: true, colour: false }));
}

#[test]
fn console_of_a_bad_unit() {
    insta::assert_snapshot!(console(&failed(), ConsoleOptions::default()));
}

#[test]
fn console_of_an_aborted_run() {
    insta::assert_snapshot!(console(&aborted(), ConsoleOptions::default()));
}

#[test]
fn console_of_an_unsafe_bench() {
    insta::assert_snapshot!(console(&tester_error(), ConsoleOptions::default()));
}

#[test]
fn colour_is_all_that_colour_adds() {
    for events in [good(), failed(), aborted(), tester_error()] {
        let coloured = console(&events, ConsoleOptions { colour: true, verbose: true });
        let mut plain = String::new();
        for (i, part) in coloured.split('\u{1b}').enumerate() {
            plain.push_str(if i == 0 { part } else { part.split_once('m').unwrap().1 });
        }
        assert!(coloured.contains("\u{1b}["));
        assert_eq!(plain, console(&events, ConsoleOptions { colour: false, verbose: true }));
    }
}

#[test]
fn a_hostile_unit_cannot_move_the_cursor() {
    let text = console(&hostile_run(), ConsoleOptions { colour: false, verbose: true });
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn junit_of_a_good_unit() {
    insta::assert_snapshot!(junit(&good()));
}

#[test]
fn junit_of_a_bad_unit() {
    insta::assert_snapshot!(junit(&failed()));
}

#[test]
fn junit_of_an_aborted_run() {
    insta::assert_snapshot!(junit(&aborted()));
}

#[test]
fn junit_of_an_unsafe_bench() {
    insta::assert_snapshot!(junit(&tester_error()));
}

#[test]
fn junit_of_a_killed_run() {
    insta::assert_snapshot!(junit(&killed()));
}

/// Tests, failures and errors of the suite, skipped cases.
fn counts(xml: &str) -> [usize; 4] {
    let attribute = |name: &str| {
        let (_, rest) = xml.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    [attribute("tests"), attribute("failures"), attribute("errors"), xml.matches("<skipped").count()]
}

#[test]
fn what_did_not_pass_is_never_green() {
    assert_eq!(counts(&junit(&good())), [3, 0, 0, 0]);
    assert_eq!(counts(&junit(&failed())), [3, 2, 1, 0]);
    assert_eq!(counts(&junit(&aborted())), [4, 0, 1, 2]);
    assert_eq!(counts(&junit(&aborted_between())), [3, 0, 1, 1]);
    assert_eq!(counts(&junit(&tester_error())), [3, 0, 2, 1]);
    assert_eq!(counts(&junit(&killed())), [4, 0, 2, 1]);
    assert_eq!(counts(&junit(&[])), [1, 0, 1, 0]);
    // A step that had failed before the run was killed stays failed.
    let mut story = Story::begin(&["one"]);
    assert_eq!(counts(&junit(&story.step("one", "one").measured(lead(25.0, Verdict::Fail)).killed())), [2, 1, 1, 0]);
    // A run without steps, and one that passed nothing.
    let none = Story::begin(&[]).end(Disposition::None, Status::Completed, true);
    assert_eq!(counts(&junit(&none)), [1, 0, 1, 0]);
}

#[test]
fn a_fail_in_the_first_attempt_is_not_washed_away() {
    let mut story = Story::begin(&["one"]);
    let again =
        EventKind::StepStarted { step: "one".into(), title: "one".into(), index: 1, of: 1, attempt: 2, requirements: vec![], beside: None };
    story.step("one", "one").wait(5).measured(lead(25.0, Verdict::Fail)).step_ends(Verdict::Fail, Some("`lead` was not good"));
    story.tell(again).wait(7).tell(EventKind::StepFinished { step: "one".into(), attempt: 2, verdict: Verdict::Pass, reason: None });
    let xml = junit(&story.end(Disposition::Fail, Status::Completed, true));
    assert_eq!(counts(&xml), [1, 1, 0, 0]);
    assert!(xml.contains("time=\"0.012\" classname=\"eol\"") && xml.contains("message=\"`lead` was not good\""), "{xml}");
}

#[test]
fn hostile_text_is_well_formed_xml() {
    let xml = junit(&hostile_run());
    assert_eq!(counts(&xml), [6, 1, 3, 1]);
    assert!(xml.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)));
    // Outside of CDATA nothing hostile is left but what is escaped.
    let mut rest = xml.as_str();
    while let Some((before, inside)) = rest.split_once("<![CDATA[") {
        assert!(!before.contains("]]>") && !before.contains("<a&b>"), "{before}");
        rest = inside.split_once("]]>").unwrap().1;
    }
    assert!(!rest.contains("]]>"));
}

#[test]
fn csv_of_a_bad_unit() {
    let mut events = failed();
    events.extend(good().into_iter().filter(|e| matches!(e.kind, EventKind::Measurement(_))));
    insta::assert_snapshot!(csv(&events));
}

#[test]
fn csv_keeps_to_its_columns_whatever_the_text() {
    assert_eq!(csv(&[]), csv(&Story::begin(&[]).killed()), "the header alone");
    let rows = parse_csv(&csv(&hostile_run()));
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.len() == 15), "{rows:?}");
    let guarded = format!("'{}", hostile_text());
    assert_eq!([&rows[1][1], &rows[1][2], &rows[1][5], &rows[1][6], &rows[2][3]], [&guarded; 5]);
    assert_eq!(rows[4][6..12], ["NaN", "V", "", "", "", "error"].map(String::from));
}

/// RFC 4180 to the letter.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.next_if_eq(&'\n').is_some() => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    assert!(row.is_empty() && field.is_empty() && !quoted, "the last line has its end");
    rows
}

/// Refuses everything, like a closed pipe.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::Error::other("broken pipe"))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sink_that_cannot_write_says_so() {
    let events = good();
    let console = Console::new(Closed, ConsoleOptions::default()).handle(&events[0]).unwrap_err();
    assert_eq!(console.to_string(), "cannot write console: broken pipe");
    let csv = Csv::new(Closed).handle(&events[0]).unwrap_err();
    assert_eq!(csv.to_string(), "cannot write measurements.csv: broken pipe");
    assert!(write_junit(&events, &Integrity::Unknown, &mut Closed).unwrap_err().to_string().contains("broken pipe"));
}

/// A contact that touched only at the second try.
fn retried(second: Verdict) -> Vec<Event> {
    let disposition = if second == Verdict::Pass { Disposition::Pass } else { Disposition::Fail };
    let mut events = Story::begin(&["contact"])
        .step("contact", "contact")
        .measured(measurement("stud", 0.0, "V", Verdict::Fail))
        .step_ends(Verdict::Fail, Some("stud"))
        .tell(EventKind::Retry { step: "contact".into(), attempt: 1, failure: "open-contact".into() })
        .tell(EventKind::StepStarted {
            step: "contact".into(),
            title: "contact".into(),
            index: 1,
            of: 1,
            attempt: 2,
            requirements: vec![],
            beside: None,
        })
        .tell(EventKind::StepFinished { step: "contact".into(), attempt: 2, verdict: second, reason: None })
        .end(disposition, Status::Completed, true);
    if let Some(EventKind::RunFinished { retried, .. }) = events.last_mut().map(|e| &mut e.kind)
        && second == Verdict::Pass
    {
        retried.push("contact".into());
    }
    events
}

#[test]
fn a_pass_on_retry_is_green_and_says_so() {
    let events = retried(Verdict::Pass);
    let xml = junit(&events);
    assert_eq!(counts(&xml)[1..], [0, 0, 0], "{xml}");
    for line in ["attempt 1 failed as open-contact, tried once more", "undone by the retry: fail: stud", "passed only when tried again"] {
        assert!(xml.contains(line), "{line}: {xml}");
    }
    let text = console(&events, ConsoleOptions::default());
    assert!(text.contains("contact: failed as open-contact, tried once more"), "{text}");
    assert!(text.contains("passed only when tried again: contact"), "{text}");
    // A second fail is one, and so is a run that was killed before the second.
    for bad in [retried(Verdict::Fail), retried(Verdict::Aborted), retried(Verdict::Pass)[..6].to_vec()] {
        assert_ne!(counts(&junit(&bad))[1..], [0, 0, 0]);
    }
}
