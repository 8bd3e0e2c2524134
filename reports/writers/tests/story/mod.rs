//! Runs made by hand, for the tests and the example.

use hil_record::event::SCHEMA;
use hil_record::{Datum, Disposition, Event, EventKind, Measurement, Outcome, PartIdentity, SafeOutput, Status, Verdict};

/// Events in the order in which they are told.
pub struct Story {
    events: Vec<Event>,
    now: u64,
    step: String,
    index: usize,
    of: usize,
}

impl Story {
    /// A run of the plan `eol` with these steps, on an opened bench.
    pub fn begin(steps: &[&str]) -> Self {
        let mut story = Self { events: Vec::new(), now: 0, step: String::new(), index: 0, of: steps.len() };
        story
            .tell(EventKind::RunStarted {
                schema: SCHEMA,
                run: "20261122T101500Z-HQ2247ABCDE-eol".into(),
                plan: "eol".into(),
                title: "End of line".into(),
                product: "smart-bms-12-200".into(),
                serial: Some("HQ2247ABCDE".into()),
                bench: "virtual".into(),
                seed: 17,
                version: "0.1.0".into(),
                digests: [("plan".into(), "ab12".into())].into(),
                parameters: [("fuse".into(), "2x10A".into())].into(),
                calibration: [("battery".into(), "2026-03-01, due 2027-03-01, certificate K-17".into())].into(),
                operator: Some("A. Smith".into()),
                defects: vec![],
                clauses: [("SBMS-PRE-01", "§2.2"), ("SBMS-PRE-02", "§2.2, Tab.1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                steps: steps.iter().map(|s| (*s).to_owned()).collect(),
            })
            .tell(EventKind::BenchOpened {
                parts: vec![part("battery"), part("alternator")],
                safeguards: [("lid".into(), "switch `lid`".into()), ("lid's lock".into(), "none".into())].into(),
            });
        story
    }

    pub fn tell(&mut self, kind: EventKind) -> &mut Self {
        let seq = self.events.len() as u64;
        self.events.push(Event { seq, bench_ns: self.now, wall: "2026-11-22T10:15:00.123Z".into(), kind });
        self
    }

    /// Bench time passes.
    pub fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.now += milliseconds * 1_000_000;
        self
    }

    pub fn step(&mut self, step: &str, title: &str) -> &mut Self {
        self.index += 1;
        self.step = step.into();
        let (index, of) = (self.index, self.of);
        let requirements = vec!["SBMS-PRE-02".into()];
        self.tell(EventKind::StepStarted { step: step.into(), title: title.into(), index, of, attempt: 1, requirements, beside: None })
    }

    pub fn measured(&mut self, m: Measurement) -> &mut Self {
        let step = self.step.clone();
        let at_ns = self.now;
        self.tell(EventKind::Measurement(Measurement { step, at_ns, ..m }))
    }

    pub fn step_ends(&mut self, verdict: Verdict, reason: Option<&str>) -> &mut Self {
        let step = std::mem::take(&mut self.step);
        self.tell(EventKind::StepFinished { step, attempt: 1, verdict, reason: reason.map(Into::into) })
    }

    pub fn skipped(&mut self, step: &str, reason: &str) -> &mut Self {
        self.tell(EventKind::StepFinished { step: step.into(), attempt: 1, verdict: Verdict::Skipped, reason: Some(reason.into()) })
    }

    pub fn problem(&mut self, step: Option<&str>, verdict: Verdict, message: &str) -> &mut Self {
        self.tell(EventKind::Problem { step: step.map(Into::into), verdict, message: message.into() })
    }

    pub fn phase(&mut self, phase: &str) -> &mut Self {
        self.step = phase.into();
        self.tell(EventKind::PhaseStarted { phase: phase.into() })
    }

    pub fn phase_ends(&mut self, error: Option<&str>) -> &mut Self {
        let phase = std::mem::take(&mut self.step);
        self.tell(EventKind::PhaseFinished { phase, error: error.map(Into::into) })
    }

    /// The safe state and the last event.
    pub fn end(&mut self, disposition: Disposition, status: Status, safe: bool) -> Vec<Event> {
        let output = |name: &str, off| SafeOutput {
            part: name.into(),
            off,
            readback: if off { "OUTP? 0".into() } else { "no reply in 1 s".into() },
        };
        let outputs = vec![output("alternator", true), output("system", safe), output("battery", true)];
        let exit_code = Outcome { disposition, status, safe }.exit_code();
        self.tell(EventKind::SafeState { outputs, confirmed: safe, took_ns: 38_400_000 });
        self.tell(EventKind::RunFinished { disposition, status, safe, exit_code, retried: vec![], not_judged: vec![] });
        self.killed()
    }

    /// Up to here.
    pub fn killed(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
}

fn part(name: &str) -> PartIdentity {
    PartIdentity {
        name: name.into(),
        model: "EA PSB 10060-120".into(),
        serial: "2810450001".into(),
        firmware: "3.02".into(),
        calibration: "2026-03-01, due 2027-03-01, certificate 17".into(),
    }
}

/// A judged number.
pub fn measurement(name: &str, value: f64, unit: &str, verdict: Verdict) -> Measurement {
    Measurement {
        step: String::new(),
        attempt: 1,
        name: name.into(),
        of: name.into(),
        value: Datum::number(value),
        unit: unit.into(),
        uncertainty: None,
        low: None,
        high: None,
        expected: None,
        accept_low: None,
        accept_high: None,
        decision: None,
        conformance: None,
        verdict,
        provisional: false,
        limit: None,
        source: "manual §2.2".into(),
        owner: "test engineering".into(),
        requirements: vec!["SBMS-PRE-02".into()],
        at_ns: 0,
    }
}

/// Text from a unit that went mad: everything that breaks XML, HTML, Markdown,
/// terminals and spreadsheets.
pub fn hostile_text() -> String {
    String::from_utf8_lossy(
        b"=x\x00\x1b[31m ]]> \xff\xfe <a&b> \"q\" 'p' \xef\xbf\xbe ]]]]>>\r\n,\x0b--> <![CDATA[ \xf0\x9f\x94\xa5 \xc2\x85",
    )
    .into_owned()
        + "</style></title></text><script>alert(1)</script><img src=x onerror=alert(1)>\" onload=\"alert(1) [x](javascript:alert(1)) |a|b `c` @me \u{202e}"
}

/// A run in which every text is [`hostile_text`].
pub fn hostile_run() -> Vec<Event> {
    let bad = hostile_text();
    let mut story = Story::begin(&["pass", &bad, "error", "never-run"]);
    let mut events =
        story.phase("setup").wait(1).problem(Some("setup"), Verdict::Error, &bad).phase_ends(Some(&bad)).step("pass", &bad).killed();
    for event in &mut events {
        match &mut event.kind {
            EventKind::RunStarted {
                run,
                plan,
                title,
                product,
                serial,
                bench,
                version,
                defects,
                parameters,
                digests,
                clauses,
                calibration,
                operator,
                ..
            } => {
                *serial = Some(bad.clone());
                *operator = Some(bad.clone());
                for text in [run, plan, title, product, bench, version] {
                    text.clone_from(&bad);
                }
                defects.push(bad.clone());
                for map in [parameters, digests, clauses, calibration] {
                    map.insert(bad.clone(), bad.clone());
                }
            }
            EventKind::BenchOpened { parts, safeguards } => {
                safeguards.insert(bad.clone(), bad.clone());
                let [name, model, serial, firmware, calibration] = [(); 5].map(|()| bad.clone());
                parts.push(PartIdentity { name, model, serial, firmware, calibration });
            }
            _ => {}
        }
    }
    let text = |verdict| {
        let value = Datum::Text(bad.clone());
        Measurement {
            of: bad.clone(),
            value,
            expected: Some(bad.clone()),
            requirements: vec![bad.clone()],
            ..measurement(&bad, 0.0, &bad, verdict)
        }
    };
    story.events = events;
    story
        .measured(text(Verdict::Pass))
        .wait(12)
        .step_ends(Verdict::Pass, None)
        .step(&bad, &bad)
        .measured(text(Verdict::Fail))
        .tell(EventKind::ActionStarted { step: bad.clone(), action: 0, text: bad.clone(), branch: vec![] })
        .tell(EventKind::Stimulus {
            step: bad.clone(),
            signal: bad.clone(),
            value: Datum::Text(bad.clone()),
            unit: bad.clone(),
            at_ns: 0,
            uncertainty_ns: 1,
            source: bad.clone(),
        })
        .tell(EventKind::Reading {
            step: bad.clone(),
            name: bad.clone(),
            signal: bad.clone(),
            value: Datum::Text(bad.clone()),
            unit: bad.clone(),
            at_ns: 0,
        })
        .wait(2_000)
        .tell(EventKind::Edge {
            step: bad.clone(),
            name: "edge".into(),
            signal: bad.clone(),
            trigger: bad.clone(),
            at_ns: 1_000_000_000,
            uncertainty_ns: 1,
            source: bad.clone(),
        })
        .measured(Measurement { of: format!("edge - {bad}"), high: Some(2.0), ..measurement(&bad, 1.0, "s", Verdict::Pass) })
        .step_ends(Verdict::Fail, Some(&bad))
        .step("error", "error")
        .measured(measurement("nan", f64::NAN, "V", Verdict::Error))
        .problem(Some("error"), Verdict::Error, &bad)
        .wait(1_118)
        .step_ends(Verdict::Error, Some(&bad))
        .problem(None, Verdict::Error, &bad)
        .tell(EventKind::Interrupted { by: bad.clone(), count: 1 })
        .tell(EventKind::InterlockOpened { input: bad.clone(), at_ns: 0, uncertainty_ns: 1 })
        .tell(EventKind::Lid { unlocked: false, studs: vec![], reason: Some(bad.clone()) })
        .tell(EventKind::SafeState {
            outputs: vec![SafeOutput { part: bad.clone(), off: false, readback: bad }],
            confirmed: false,
            took_ns: 1,
        })
        .end(Disposition::Fail, Status::TesterError, false)
}
