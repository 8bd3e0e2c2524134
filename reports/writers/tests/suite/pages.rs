//! The HTML report and the Markdown summary.

use std::collections::BTreeSet;

use hil_record::{Datum, Disposition, Event, EventKind, Measurement, Status, Verdict};
use hil_writers::{Integrity, Lang, write_html, write_markdown};

use crate::story::{Story, hostile_run, measurement};
use crate::{aborted, failed, good, killed, lead, retried, tester_error};

fn html(events: &[Event], lang: Lang) -> String {
    let mut out = Vec::new();
    write_html(events, &Integrity::Unknown, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn markdown(events: &[Event], lang: Lang) -> String {
    let mut out = Vec::new();
    write_markdown(events, &Integrity::Unknown, lang, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// What a person reads: no tags, no style, entities resolved, one space.
fn words(html: &str) -> String {
    let (_, body) = html.split_once("<body>").unwrap();
    let text: String = body.split('<').map(|part| format!(" {}", part.split_once('>').map_or("", |(_, text)| text))).collect();
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&").replace('\u{a0}', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Tag and attribute names; values are skipped by their quotation marks.
fn names(html: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for tag in html.split('<').skip(1).filter(|t| !t.starts_with(['/', '!'])) {
        let tag = tag.split_once('>').map_or(tag, |(tag, _)| tag);
        // Every other part is a value.
        for (i, part) in tag.split('"').enumerate().filter(|(i, _)| i % 2 == 0) {
            let part = part.trim().trim_end_matches('=');
            names.extend(part.split_whitespace().map(|n| if i == 0 { n.to_owned() } else { format!(" {n}") }));
        }
    }
    names
}

#[test]
fn the_verdict_and_what_was_not_good_come_first() {
    let text = words(&html(&failed(), Lang::En));
    let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no `{what}` in {text}"));
    assert!(at("✗ FAIL") < at("HQ2247ABCDE"));
    assert!(at("What was not good") < at("Steps at a glance"));
    assert!(at("25.004000 s ± 20 µs 30 … 31 s P") < at("Steps at a glance"));
    assert!(at("caused by: status page") < at("Steps at a glance"));
    for part in ["< −999 % SBMS-PRE-02", "SBMS-PRE-02 (§2.2, Tab.1)", "Not judged by this plan: SBMS-PRE-01", "2810450001", "✓ off OUTP? 0"]
    {
        at(part);
    }
}

#[test]
fn every_end_of_a_run_has_its_word_and_its_shape() {
    let between = |lang, events: &[Event]| {
        let page = html(events, lang);
        let text = words(&page);
        let look = page.split_once("class=\"big ").unwrap().1.split_once('"').unwrap().0.to_owned();
        let at = if lang == Lang::En { "unit:" } else { "Prüfling:" };
        (text.split_once(at).unwrap().0.rsplit(['.', ',']).next().unwrap().trim().to_owned(), look)
    };
    let cases = [
        (good(), "✓ PASS", "✓ BESTANDEN", "good"),
        (failed(), "✗ FAIL", "✗ NICHT BESTANDEN", "bad"),
        (aborted(), "■ ABORTED", "■ ABGEBROCHEN", "open"),
        (tester_error(), "⚠ BENCH NOT SAFE", "⚠ PRÜFPLATZ NICHT SICHER", "tester"),
        (killed(), "■ ABORTED", "■ ABGEBROCHEN", "open"),
    ];
    for (events, english, german, look) in cases {
        assert_eq!(between(Lang::En, &events), (english.to_owned(), look.to_owned()));
        assert_eq!(between(Lang::De, &events), (german.to_owned(), look.to_owned()));
    }
}

#[test]
fn a_run_that_was_cut_short_says_so_in_large_letters() {
    let text = words(&html(&killed(), Lang::En));
    assert!(text.starts_with("CUT SHORT: the journal ends before the run did."), "{text}");
    for part in ["Treat the bench as live", "run: aborted", "bench not known to be safe", "cut short two", "not run three"] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(!text.contains("exit code"), "it never had one");
    let summary = markdown(&killed(), Lang::De);
    assert!(summary.contains("> **ABGERISSEN: Das Journal endet vor dem Prüflauf.**") && summary.contains("ABGEBROCHEN"), "{summary}");
    // A fail that was seen before stays one.
    let mut story = Story::begin(&["one"]);
    let text = words(&html(&story.step("one", "one").measured(lead(25.0, Verdict::Fail)).killed(), Lang::En));
    assert!(text.contains("✗ FAIL") && text.contains("run: aborted"), "{text}");
    assert!(html(&[], Lang::En).contains("CUT SHORT"));
}

#[test]
fn a_judged_time_is_drawn_with_its_moments_and_its_limits() {
    let step = || "pre-alarm-lead".to_owned();
    let edge = |name: &str, signal: &str, trigger: &str, at_ns| EventKind::Edge {
        step: step(),
        name: name.into(),
        signal: signal.into(),
        trigger: trigger.into(),
        at_ns,
        uncertainty_ns: 1_000,
        source: "line".into(),
    };
    let mut story = Story::begin(&["pre-alarm-lead"]);
    story.step("pre-alarm-lead", "Pre-alarm lead").tell(EventKind::Stimulus {
        step: step(),
        signal: "btv.atd".into(),
        value: Datum::Text("open".into()),
        unit: String::new(),
        at_ns: 2_000_000_000,
        uncertainty_ns: 2_000,
        source: "sense-contact".into(),
    });
    story.tell(edge("warn", "pre-alarm", "becomes high", 2_040_000_000)).wait(32_540);
    story.tell(edge("cut", "load-disconnect", "becomes floating", 32_540_000_000));
    let reaction = Measurement { of: "warn - lost".into(), high: Some(0.1), ..measurement("reaction", 0.04, "s", Verdict::Pass) };
    story.measured(reaction).measured(lead(30.5, Verdict::Pass)).step_ends(Verdict::Pass, None);
    let page = html(&story.end(Disposition::Pass, Status::Completed, true), Lang::En);
    let text = words(&page);
    // 40 ms and 30 s do not fit one drawing.
    assert_eq!(page.matches("<figcaption>").count(), 2);
    for part in ["Waveform around pre-alarm-lead: reaction", "time since lost (t0)", "40.0 ms pass", "30.500000 s ± 20 µs pass", "btv.atd"]
    {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert!(words(&html(&good(), Lang::En)).contains("What ran when"));
    assert!(!page.contains("NaN") && !page.contains("inf"), "a coordinate that is none");
}

#[test]
fn an_edge_that_was_found_on_samples_is_drawn_where_they_cross() {
    let step = || "cut-off".to_owned();
    let mut story = Story::begin(&["cut-off"]);
    story.step("cut-off", "Cut-off").tell(EventKind::Stimulus {
        step: step(),
        signal: "btv.atc".into(),
        value: Datum::Text("open".into()),
        unit: String::new(),
        at_ns: 2_000_000_000,
        uncertainty_ns: 2_000,
        source: "sense-contact".into(),
    });
    story.tell(EventKind::Edge {
        step: step(),
        name: "stopped".into(),
        signal: "alternator.current".into(),
        trigger: "falls through 500 mA".into(),
        at_ns: 2_001_250_000,
        uncertainty_ns: 100_000,
        source: "digitizer".into(),
    });
    // Between 1.2 and 1.3 ms after the stimulus it falls.
    let at_ns: Vec<u64> = (0..40).map(|n| 2_000_000_000 + n * 100_000).collect();
    let values = (0..40).map(|n| Datum::number(if n <= 12 { 0.9 } else { 0.1 })).collect();
    let (name, signal, unit) = ("stopped".into(), "alternator.current".into(), "A".into());
    story.tell(EventKind::Waveform { step: step(), name, signal, unit, at_ns, values });
    let reaction = Measurement { of: "stopped - atc".into(), high: Some(0.003), ..measurement("reaction", 0.00125, "s", Verdict::Pass) };
    story.measured(reaction).step_ends(Verdict::Pass, None);
    let page = html(&story.end(Disposition::Pass, Status::Completed, true), Lang::En);
    let between = |text: &str, a: &str, b: &str| text.split(a).nth(1).and_then(|t| t.split(b).next()).expect("is there").to_owned();
    let number = |text: &str, key: &str| between(text, &format!("{key}=\""), "\"").parse::<f64>().expect("a number");
    let line: Vec<(f64, f64)> = between(&page, "<polyline class=\"samples\" points=\"", "\"")
        .split(' ')
        .map(|p| p.split_once(',').map(|(x, y)| (x.parse().expect("x"), y.parse().expect("y"))).expect("a point"))
        .collect();
    let edge = between(&page, "<circle class=\"edge\"", "></circle>");
    let (x, y) = (number(&edge, "cx"), number(&edge, "cy"));
    let [(x0, y0), (x1, y1)] = line.windows(2).map(|w| [w[0], w[1]]).find(|w| w[1].1 - w[0].1 > 10.0).expect("it falls");
    assert!(x0 < x && x < x1 && (y0 + (y1 - y0) * (x - x0) / (x1 - x0) - y).abs() < 0.5, "({x}, {y}) on ({x0}, {y0}) .. ({x1}, {y1})");
    let unsure = between(&page, "<rect class=\"unsure\"", "></rect>");
    let (left, width) = (number(&unsure, "x"), number(&unsure, "width"));
    assert!((left + width / 2.0 - x).abs() < 0.2 && (width - 2.0 * (x1 - x0)).abs() < 0.5, "{left} and {width} round {x}");
    assert!(words(&page).contains("500 mA"), "the threshold");
    assert!(!page.contains("NaN") && !page.contains("inf"), "a coordinate that is none");
}

#[test]
fn german_has_its_words_and_its_comma() {
    let text = words(&html(&failed(), Lang::De));
    for part in ["25,004000 s ± 20 µs 30 … 31 s V", "Was nicht gut war", "vorläufig", "Seite"] {
        assert!(text.contains(part) || html(&failed(), Lang::De).contains(part), "no `{part}` in {text}");
    }
    for english in ["Worst margin", "pass", "Requirement", "Took"] {
        assert!(!text.contains(english), "`{english}` in {text}");
    }
}

#[test]
fn a_page_needs_nothing_else() {
    for events in [good(), failed(), hostile_run()] {
        let page = html(&events, Lang::En);
        assert!(page.contains("default-src 'none'"));
        for loader in [" src", "script", " onload", " onerror", "iframe", "object", "@import"] {
            assert!(!names(&page).contains(loader), "{loader}");
        }
        let urls: Vec<_> = page.match_indices("url(").map(|(at, _)| &page[at..at + 10]).collect();
        assert!(urls.iter().all(|u| u.starts_with("url(#hatch")), "{urls:?}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let mut known = BTreeSet::new();
    for events in [good(), failed(), aborted(), tester_error(), killed()] {
        known.extend(names(&html(&events, Lang::En)));
    }
    let page = html(&hostile_run(), Lang::En);
    let more: Vec<String> = names(&page).difference(&known).cloned().collect();
    // Drawings that the tame runs do not have.
    let drawn = ["circle", "abbr", "path", "polyline", "br"];
    assert!(
        more.iter().all(|n| n.starts_with(' ') && ["cx", "cy", "r", "d", "title"].contains(&n.trim()) || drawn.contains(&n.as_str())),
        "{more:?}"
    );
    assert!(page.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
    assert_eq!(page.matches("</style>").count(), 1);
    assert_eq!(page.matches("<script").count(), 0);
    assert_eq!(page.matches("<body>").count(), 1);
}

#[test]
fn a_summary_says_what_failed_and_where_the_rest_is() {
    insta::assert_snapshot!("summary_of_a_bad_unit", markdown(&failed(), Lang::En));
    insta::assert_snapshot!("summary_of_a_good_unit_in_german", markdown(&good(), Lang::De));
}

#[test]
fn hostile_text_makes_no_markdown() {
    let text = markdown(&hostile_run(), Lang::En);
    assert!(!text.contains("<a") && !text.contains("<script") && !text.contains("<img"), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    let links: Vec<_> = text.match_indices("](").map(|(at, _)| text[at..].split(')').next().unwrap()).collect();
    assert_eq!(links, ["](report.html", "](measurements.csv", "](junit.xml", "](journal.jsonl"]);
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut columns = 0;
    for line in text.lines().filter(|l| l.starts_with('|')) {
        columns = if line.starts_with("|---") { bars(line) } else { columns };
        assert!(columns == 0 || bars(line) == columns || text.contains(&format!("{line}\n|---")), "{line}");
    }
}

#[test]
fn a_retry_and_a_condition_are_flagged() {
    let conditional = Measurement {
        low: Some(8.0),
        high: Some(10.0),
        uncertainty: Some(0.2),
        accept_low: Some(8.2),
        accept_high: Some(9.8),
        decision: Some(hil_record::Decision::ConditionalPass),
        conformance: Some(0.9375),
        ..measurement("amps", 8.1, "A", Verdict::Pass)
    };
    let mut events = retried(Verdict::Pass);
    events.insert(
        events.len() - 2,
        Event { kind: EventKind::Measurement(Measurement { step: "contact".into(), ..conditional }), ..events[2].clone() },
    );
    let page = html(&events, Lang::En);
    let text = words(&page);
    for part in [
        "⚑ contact : passed only on a further attempt",
        "⚑ tried once more after open-contact",
        "✓ pass conditional amps",
        "P(conforms) 93.75 %",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_eq!(page.matches("class=\"guard\"").count(), 2);
    assert!(markdown(&events, Lang::En).contains("| passed only on a further attempt | contact |"));
}

#[test]
fn what_was_left_out_and_what_was_asked_is_told() {
    let mut story = Story::begin(&["one", "two"]);
    story.step("one", "one").tell(EventKind::Answer {
        step: "one".into(),
        name: "label".into(),
        prompt: "Is the <b>label</b> straight?".into(),
        value: Datum::Text("yes".into()),
        unit: String::new(),
        by: "terminal".into(),
        at_ns: 1,
    });
    story.step_ends(Verdict::Pass, None).tell(EventKind::StepExcluded {
        step: "two".into(),
        by: hil_record::event::Exclusion::Selection,
        reason: "--step one".into(),
    });
    let text = words(&html(&story.skipped("two", "--step one").end(Disposition::None, Status::Completed, true), Lang::En));
    for part in ["Answers: Is the <b>label</b> straight? yes (by terminal)", "left out by whoever started the run", "Why: --step one"] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

#[test]
fn integrity_is_said_in_both_languages() {
    let by = || Some("hall-3, 0123456789ABCDEF".to_owned());
    let cases = [
        (Integrity::Unknown, ["", ""]),
        (
            Integrity::Holds { events: 7, signed: by() },
            [
                "7 events in an unbroken chain of hashes, signed by hall-3, 0123456789ABCDEF",
                "7 Ereignisse in lückenloser Hash-Kette, signiert von hall-3, 0123456789ABCDEF",
            ],
        ),
        (Integrity::Holds { events: 7, signed: None }, ["chain of hashes, not signed", "Hash-Kette, nicht signiert"]),
        (Integrity::Open { events: 7 }, ["chain of hashes, whose end nothing seals", "Hash-Kette, deren Ende nichts besiegelt"]),
        (
            Integrity::Broken { what: "event 4 was changed".into() },
            ["DAMAGED AFTER THE RUN: event 4 was changed", "NACH DEM LAUF VERÄNDERT: event 4 was changed"],
        ),
    ];
    for (integrity, texts) in cases {
        for (lang, text) in [Lang::En, Lang::De].into_iter().zip(texts) {
            let (mut page, mut summary) = (Vec::new(), Vec::new());
            write_html(&good(), &integrity, lang, &mut page).unwrap();
            write_markdown(&good(), &integrity, lang, &mut summary).unwrap();
            let page = words(&String::from_utf8(page).unwrap());
            assert!(page.contains(text), "{text}: {page}");
            let broken = matches!(integrity, Integrity::Broken { .. });
            assert_eq!(String::from_utf8(summary).unwrap().contains("> **"), broken, "{text}");
            assert_eq!(page.contains("Only what stands before") || page.contains("Gezeigt wird nur"), broken, "{text}");
        }
    }
}

/// A good run whose journal was changed after its end passes nothing.
#[test]
fn a_damaged_journal_is_an_error_for_ci() {
    let mut xml = Vec::new();
    hil_writers::write_junit(&good(), &Integrity::Broken { what: "event 9 was added".into() }, &mut xml).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    assert!(xml.contains("<error") && xml.contains("DAMAGED AFTER THE RUN: event 9 was added"), "{xml}");
}
