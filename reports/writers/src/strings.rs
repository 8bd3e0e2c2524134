//! Every word that a report says of itself, in all languages: one table.
//!
//! Not here: what the plan, the product and the bench say (they come from the
//! journal as they are), and the console and the JUnit report, which are
//! English.

use hil_record::event::Exclusion;
use hil_record::{Decision, Disposition, Outcome, Status, Verdict};

use crate::lang::Lang;

macro_rules! table {
    ($($name:ident: $en:literal, $de:literal;)*) => {
        /// A report's words in one language.
        pub(crate) struct Strings { $(pub(crate) $name: &'static str,)* }
        static EN: Strings = Strings { $($name: $en,)* };
        static DE: Strings = Strings { $($name: $de,)* };
    };
}

table! {
    pass: "PASS", "BESTANDEN";
    fail: "FAIL", "NICHT BESTANDEN";
    error: "TESTER ERROR", "PRÜFPLATZFEHLER";
    aborted: "ABORTED", "ABGEBROCHEN";
    inconclusive: "INCONCLUSIVE", "OHNE ENTSCHEID";
    not_safe: "BENCH NOT SAFE", "PRÜFPLATZ NICHT SICHER";
    v_pass: "pass", "gut";
    v_fail: "fail", "schlecht";
    v_error: "error", "Fehler";
    v_aborted: "aborted", "abgebrochen";
    v_inconclusive: "inconclusive", "unentschieden";
    v_skipped: "skipped", "ausgelassen";
    v_not_run: "not run", "nicht gelaufen";
    v_cut: "cut short", "abgerissen";
    cut_short: "CUT SHORT: the journal ends before the run did.", "ABGERISSEN: Das Journal endet vor dem Prüflauf.";
    cut_short_more: "What is shown was recorded until then. It judges nothing that came after, and the run counts as aborted.",
        "Gezeigt wird, was bis dahin aufgezeichnet war. Über alles danach sagt es nichts; der Lauf gilt als abgebrochen.";
    safety_unknown: "No safe state was recorded. Treat the bench as live until guardian.jsonl beside the journal, or somebody at the bench, says that it is off.",
        "Es ist kein sicherer Zustand aufgezeichnet. Der Prüfplatz gilt als spannungsführend, bis guardian.jsonl neben dem Journal oder jemand vor Ort sagt, dass er aus ist.";
    safety_failed: "The safe state was not confirmed. Treat the bench as live until it has been switched off by hand.",
        "Der sichere Zustand wurde nicht bestätigt. Der Prüfplatz gilt als spannungsführend, bis er von Hand abgeschaltet ist.";
    integrity: "Integrity", "Unversehrtheit";
    chain_holds: "events in an unbroken chain of hashes", "Ereignisse in lückenloser Hash-Kette";
    chain_open: "whose end nothing seals", "deren Ende nichts besiegelt";
    chain_broken: "DAMAGED AFTER THE RUN:", "NACH DEM LAUF VERÄNDERT:";
    chain_broken_more: "Only what stands before that is shown and can be relied upon.", "Gezeigt wird nur, was davor steht; nur darauf ist Verlass.";
    signed_by: "signed by", "signiert von";
    not_signed: "not signed", "nicht signiert";
    operator: "Operator", "Bedienperson";
    calibration: "Calibration", "Kalibrierung";
    interrupted_by: "Interrupted by", "Unterbrochen durch";
    unit_is: "unit", "Prüfling";
    run_was: "run", "Prüflauf";
    d_pass: "pass", "bestanden";
    d_fail: "fail", "nicht bestanden";
    d_inconclusive: "inconclusive", "ohne Entscheid";
    d_none: "not judged to the end", "nicht zu Ende geprüft";
    s_completed: "completed", "vollständig";
    s_aborted: "aborted", "abgebrochen";
    s_tester_error: "error of the tester", "Fehler des Prüfplatzes";
    safe: "bench safe", "Prüfplatz sicher";
    unsafe_: "bench not safe", "Prüfplatz nicht sicher";
    safe_unknown: "bench not known to be safe", "Prüfplatz nicht nachweislich sicher";
    exit_code: "exit code", "Rückgabewert";
    serial: "Serial number", "Seriennummer";
    none: "none", "keine";
    product: "Product", "Produkt";
    plan: "Plan", "Prüfplan";
    bench: "Bench", "Prüfplatz";
    run: "Run", "Prüflauf";
    began: "Began", "Beginn";
    ended: "Ended", "Ende";
    bench_time: "Bench time", "Prüfzeit";
    seed: "Seed", "Startwert";
    defects: "Defects (virtual unit)", "Eingebaute Fehler";
    version: "Tester's version", "Version des Prüfprogramms";
    digests: "Digests (SHA-256)", "Prüfsummen (SHA-256)";
    parameters: "Parameters of the plan", "Parameter des Prüfplans";
    steps: "Steps", "Schritte";
    step: "Step", "Schritt";
    measurements: "Measurements", "Messungen";
    steps_passed: "steps passed", "Schritte gut";
    measurements_good: "measurements passed", "Messungen gut";
    of: "of", "von";
    provisional_count: "judged by provisional limits", "nach vorläufigen Grenzen beurteilt";
    not_good: "What was not good", "Was nicht gut war";
    summary: "Steps at a glance", "Schritte im Überblick";
    details: "Every step in detail", "Alle Schritte im Einzelnen";
    verdict: "Verdict", "Urteil";
    worst_margin: "Worst margin", "Kleinster Abstand";
    margin: "Margin", "Abstand";
    took: "Took", "Dauer";
    at: "at", "bei";
    requirements: "Requirements", "Anforderungen";
    requirement: "Requirement", "Anforderung";
    name: "Measurement", "Messung";
    value: "Value ± U (k = 2)", "Wert ± U (k = 2)";
    limits: "Limits", "Grenzen";
    position: "Between the limits", "Lage";
    basis: "Basis", "Grundlage";
    judges: "Judges", "Prüft";
    expected: "expected", "erwartet";
    no_limit: "no limit", "ohne Grenze";
    provisional: "provisional", "vorläufig";
    provisional_mark: "P", "V";
    plan_source: "plan", "Prüfplan";
    proposal: "proposal", "Vorschlag";
    golden_unit: "golden unit", "Referenzgerät";
    manual: "manual", "Anleitung";
    attempt: "attempt", "Versuch";
    passed_on_retry: "passed only on a further attempt", "erst in einem weiteren Versuch bestanden";
    reason: "Why", "Grund";
    readings: "Readings (not judged)", "Ablesungen (nicht beurteilt)";
    edges: "Edges", "Flanken";
    answers: "Answers", "Antworten";
    answered_by: "by", "durch";
    beyond_bench: "not judged, or not wholly, on this bench", "auf diesem Prüfplatz nicht oder nicht ganz beurteilt";
    excluded_bench: "the bench cannot judge it: no unit passes like this", "der Prüfplatz kann das nicht beurteilen: So besteht kein Prüfling";
    tried_again: "tried once more after", "noch einmal versucht nach";
    excluded_condition: "does not apply to this unit", "gilt nicht für diesen Prüfling";
    excluded_selection: "left out by whoever started the run: no unit passes like this", "beim Start ausgelassen: So besteht kein Prüfling";
    conditional_pass: "conditional", "bedingt";
    undecided: "undecided", "unentschieden";
    conformance: "P(conforms)", "P(konform)";
    no_measurement: "Nothing was measured.", "Nichts wurde gemessen.";
    setup: "Setup", "Vorbereitung";
    teardown: "Teardown", "Nachbereitung";
    waveform: "Waveform around", "Verlauf um";
    accepted: "accepted", "zulässig";
    time_from: "time since", "Zeit seit";
    timeline: "What ran when", "Was wann lief";
    timeline_note: "Dark: on the critical path, whose parts add up to the bench time. Hatched: ran beside it and could have taken longer by the slack. Numbers are those of the steps; lines are the beginnings of actions, strips are branches.",
        "Dunkel: auf dem kritischen Pfad, dessen Teile zusammen die Prüfzeit sind. Schraffiert: lief daneben und hätte um den Puffer länger dauern können. Zahlen sind die der Schritte; Striche sind die Anfänge von Aktionen, Streifen sind Zweige.";
    in_turn: "in turn", "nacheinander";
    beside: "beside", "daneben";
    slack: "slack", "Puffer";
    share: "Share", "Anteil";
    of_it: "of it", "davon";
    longest_action: "Longest action", "Längste Aktion";
    ran_beside: "steps ran beside the critical path, least slack", "Schritte liefen neben dem kritischen Pfad, kleinster Puffer";
    critical: "Critical path", "Kritischer Pfad";
    instruments: "Instruments and fixture", "Messgeräte und Vorrichtung";
    part: "Part", "Teil";
    model: "Model", "Modell";
    firmware: "Firmware", "Firmware";
    calibrated: "Calibrated", "Kalibriert";
    no_bench: "The bench did not open.", "Der Prüfplatz wurde nicht geöffnet.";
    safe_state: "Safe state", "Sicherer Zustand";
    safe_state_note: "In the order in which the outputs were switched off.", "In der Reihenfolge, in der die Ausgänge abgeschaltet wurden.";
    safeguard: "Safeguard", "Schutz";
    there_is: "There is", "Vorhanden";
    lid_unlocked: "Every stud was measured to be dead; the lid can be opened.", "Alle Anschlüsse spannungsfrei gemessen; der Deckel lässt sich öffnen.";
    lid_locked: "The lid stays locked:", "Der Deckel bleibt verriegelt:";
    output: "Output", "Ausgang";
    state: "State", "Zustand";
    off: "off", "aus";
    not_off: "NOT CONFIRMED OFF", "NICHT BESTÄTIGT AUS";
    readback: "Readback", "Rückmeldung";
    confirmed_in: "All confirmed by readback in", "Alle durch Rückmeldung bestätigt in";
    coverage: "Requirements", "Anforderungen";
    requirements_judged: "requirements of the product were judged.", "Anforderungen des Produkts wurden geprüft.";
    not_judged: "Not judged by this plan", "Von diesem Prüfplan nicht geprüft";
    opening: "Opening the bench", "Prüfplatz öffnen";
    clause: "Clause", "Abschnitt";
    judged_by: "Judged by", "Geprüft durch";
    origin: "Where this comes from", "Herkunft";
    how_to_read: "How to read this report", "So ist der Bericht zu lesen";
    note_margin: "Margin: distance to the nearer limit in per cent of half the accepted range (its middle has 100 %); with a single limit in per cent of that limit. Negative: outside.",
        "Abstand: zur näheren Grenze, in Prozent der halben zulässigen Spanne (ihre Mitte hat 100 %); bei nur einer Grenze in Prozent von dieser. Negativ: außerhalb.";
    note_uncertainty: "U is the expanded uncertainty (k = 2), where the bench states one; in a bar it is the whisker round the value.",
        "U ist die erweiterte Messunsicherheit (k = 2), soweit der Prüfplatz eine angibt; im Balken ist sie der Querstrich um den Wert.";
    note_guard: "Thin lines inside the limits bound what the decision rule accepts without a condition; P(conforms) is the probability that the true value lies within the limits.",
        "Dünne Linien innerhalb der Grenzen begrenzen, was die Entscheidungsregel ohne Bedingung annimmt; P(konform) ist die Wahrscheinlichkeit, dass der wahre Wert innerhalb der Grenzen liegt.";
    note_provisional: "P marks a provisional limit: our proposal, not a statement of the product's manual.",
        "V kennzeichnet eine vorläufige Grenze: unser Vorschlag, keine Angabe der Produktanleitung.";
    note_bar: "A bar's white field is the accepted range, hatched is rejected; an arrow is a value outside of the drawing.",
        "Im Balken ist das weiße Feld zulässig, das schraffierte unzulässig; ein Pfeil ist ein Wert außerhalb der Zeichnung.";
    note_journal: "Made from the run's journal alone; a report can be made again with", "Allein aus dem Journal des Laufs erstellt; neu zu erstellen mit";
    signed_tested: "Tested by, date", "Geprüft von, Datum";
    signed_released: "Released by, date", "Freigegeben von, Datum";
    files: "Files of this run", "Dateien dieses Laufs";
    file_html: "full report", "ganzer Bericht";
    file_csv: "every measurement, for statistics", "alle Messungen, für Statistik";
    file_junit: "for CI systems", "für CI-Systeme";
    file_journal: "every event", "alle Ereignisse";
    and_more: "more", "weitere";
    page: "Page", "Seite";
}

impl Strings {
    /// The words of this language.
    pub(crate) fn of(lang: Lang) -> &'static Self {
        match lang {
            Lang::En => &EN,
            Lang::De => &DE,
        }
    }

    /// Of a step or a measurement; `None`: it never ended.
    pub(crate) fn verdict_word(&self, verdict: Option<Verdict>, began: bool) -> &'static str {
        match verdict {
            Some(Verdict::Pass) => self.v_pass,
            Some(Verdict::Fail) => self.v_fail,
            Some(Verdict::Error) => self.v_error,
            Some(Verdict::Aborted) => self.v_aborted,
            Some(Verdict::Inconclusive) => self.v_inconclusive,
            Some(Verdict::Skipped) => self.v_skipped,
            None if began => self.v_cut,
            None => self.v_not_run,
        }
    }

    /// What the decision rule adds to a verdict.
    pub(crate) fn condition(&self, decision: Option<Decision>) -> Option<&'static str> {
        match decision {
            Some(Decision::ConditionalPass | Decision::ConditionalFail) => Some(self.conditional_pass),
            Some(Decision::Undecided) => Some(self.undecided),
            Some(Decision::Pass | Decision::Fail) | None => None,
        }
    }

    /// Why a step was left out on purpose.
    pub(crate) const fn exclusion(&self, by: Exclusion) -> &'static str {
        match by {
            Exclusion::Condition => self.excluded_condition,
            Exclusion::Selection => self.excluded_selection,
            Exclusion::Bench => self.excluded_bench,
        }
    }

    /// The large word of a run's end, in the precedence of its exit code.
    pub(crate) fn ending(&self, outcome: Outcome) -> &'static str {
        match outcome.exit_code() {
            0 => self.pass,
            1 => self.fail,
            3 => self.error,
            4 => self.aborted,
            6 => self.not_safe,
            _ => self.inconclusive,
        }
    }

    pub(crate) fn disposition(&self, disposition: Disposition) -> &'static str {
        match disposition {
            Disposition::Pass => self.d_pass,
            Disposition::Inconclusive => self.d_inconclusive,
            Disposition::Fail => self.d_fail,
            Disposition::None => self.d_none,
        }
    }

    pub(crate) fn status(&self, status: Status) -> &'static str {
        match status {
            Status::Completed => self.s_completed,
            Status::Aborted => self.s_aborted,
            Status::TesterError => self.s_tester_error,
        }
    }

    /// A limit's source as the limits file writes it.
    pub(crate) fn source(&self, source: &str) -> String {
        match source {
            "plan" => self.plan_source.into(),
            "proposal" => self.proposal.into(),
            "golden-unit" => self.golden_unit.into(),
            other => match other.strip_prefix("manual ") {
                Some(clause) => format!("{} {clause}", self.manual),
                None => other.into(),
            },
        }
    }

    /// Setup and teardown have names of their own.
    pub(crate) fn phase(&self, name: &str) -> String {
        match name {
            "setup" => self.setup.into(),
            "teardown" => self.teardown.into(),
            other => other.into(),
        }
    }
}

/// What can be told from the rest without colour and without words.
pub(crate) const fn symbol(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Pass) => "✓",
        Some(Verdict::Fail) => "✗",
        Some(Verdict::Error) => "⚠",
        Some(Verdict::Aborted) => "■",
        Some(Verdict::Inconclusive) => "?",
        Some(Verdict::Skipped) | None => "–",
    }
}
