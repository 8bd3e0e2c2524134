//! Every step with all it measured.

use hil_record::Measurement;
use maud::{Markup, html};

use super::View;
use super::bars::bar;
use super::pieces::{anchor, is_number};
use super::waveform;
use crate::margin::{margin, margin_text};
use crate::number::{Figures, in_words};
use crate::run::{Attempt, Edge, Problem, Step};
use crate::strings::symbol;
use crate::text::duration;

pub(super) fn steps(v: &View) -> Markup {
    html! {
        section {
            h2 { (v.s.details) }
            @for phase in v.run.phases.iter().filter(|p| p.name != "teardown" && !p.work.measurements.is_empty()) { (phase_detail(v, &phase.name, &phase.work)) }
            @for (index, step) in v.run.steps.iter().enumerate() { (step_detail(v, index, step)) }
            @for phase in v.run.phases.iter().filter(|p| p.name == "teardown" && !p.work.measurements.is_empty()) { (phase_detail(v, &phase.name, &phase.work)) }
        }
    }
}

fn phase_detail(v: &View, name: &str, work: &Attempt) -> Markup {
    html! { article { h3 { (v.s.phase(name)) } (measurements(v, &work.measurements, &[])) } }
}

fn step_detail(v: &View, index: usize, step: &Step) -> Markup {
    let s = v.s;
    html! {
        article id=(anchor(index)) {
            h3 { (v.verdict(step.verdict(), !step.attempts.is_empty())) " " (index + 1) ". " (step.id) " " span.title { @if step.title != step.id { (step.title) } } }
            @if let Some(by) = step.excluded { p.reason { (s.exclusion(by)) } }
            @if let Some(reason) = &step.skipped { p.reason { (s.reason) ": " (reason) } }
            @for attempt in &step.attempts { (attempt_detail(v, step, attempt)) }
        }
    }
}

fn attempt_detail(v: &View, step: &Step, attempt: &Attempt) -> Markup {
    let s = v.s;
    let began = v.lang.number(&format!("{:.3} s", attempt.began_ns as f64 / 1e9));
    let took = v.duration(attempt.ended_ns.unwrap_or(v.run.bench_ns).saturating_sub(attempt.began_ns));
    html! {
        p.when {
            @if step.attempts.len() > 1 { (v.verdict(attempt.verdict, true)) " " (s.attempt) " " (attempt.number) ": " }
            (s.began) " " (began) ", " (s.took) " " (took)
            @if !step.requirements.is_empty() { ". " (s.judges) " " (requirements(v, step)) }
        }
        @if let Some(reason) = &attempt.reason { p.reason { (s.reason) ": " (reason) } }
        @if let Some(failure) = &attempt.retried_as { p.reason { "⚑ " (s.tried_again) " " (failure) } }
        @for p in &attempt.problems { (problem(v, p)) }
        @if !attempt.answers.is_empty() {
            p.readings { (s.answers) ": "
                @for (i, a) in attempt.answers.iter().enumerate() {
                    @if i > 0 { "; " }
                    (a.prompt) " " b { (in_words(&a.value, &a.unit, v.lang)) } " (" (s.answered_by) " " (a.by) ")"
                }
            }
        }
        @if attempt.measurements.is_empty() { @if attempt.problems.is_empty() { p { (s.no_measurement) } } }
        @else { (measurements(v, &attempt.measurements, &step.requirements)) }
        @if !attempt.readings.is_empty() {
            p.readings { (s.readings) ": "
                @for (i, r) in attempt.readings.iter().enumerate() { @if i > 0 { ", " } (r.name) @if r.name != r.signal { " (" (r.signal) ")" } " = " (in_words(&r.value, &r.unit, v.lang)) }
            }
        }
        @if !attempt.edges.is_empty() { p.readings { (s.edges) ": " (attempt.edges.iter().map(|e| edge(v, e)).collect::<Vec<_>>().join("; ")) } }
        (waveform::drawings(v, step, attempt))
    }
}

/// Each with its clause.
fn requirements(v: &View, step: &Step) -> String {
    let clause = |id: &String| v.run.clauses.get(id).map_or(String::new(), |clause| format!(" ({clause})"));
    step.requirements.iter().map(|id| format!("{id}{}", clause(id))).collect::<Vec<_>>().join(", ")
}

/// `cut: load-disconnect becomes floating, 202.718395 s ± 1 µs (line)`
fn edge(v: &View, e: &Edge) -> String {
    let at = v.lang.number(&format!("{:.6} s ± {}", e.at_ns as f64 / 1e9, duration(e.uncertainty_ns)));
    format!("{}: {} {}, {} ({})", e.name, e.signal, e.trigger, v.typeset(&at), e.source)
}

fn measurements(v: &View, all: &[Measurement], of_step: &[String]) -> Markup {
    let s = v.s;
    html! {
        table.measurements {
            thead { tr { th { (s.verdict) } th { (s.name) } th.num { (s.value) } th { (s.limits) } th.bar { (s.position) } th.num { (s.margin) } th { (s.basis) } } }
            tbody { @for m in all { (row(v, m, of_step)) } }
        }
    }
}

fn row(v: &View, m: &Measurement, of_step: &[String]) -> Markup {
    html! {
        tr {
            td { (v.verdict(Some(m.verdict), true)) @if let Some(word) = v.s.condition(m.decision) { div.of { (word) } } }
            td {
                (m.name)
                @if m.of != m.name { " " span.of { "(" (m.of) ")" } }
                @if m.requirements != of_step && !m.requirements.is_empty() { div.req { (m.requirements.join(" ")) } }
            }
            td.strong.num[is_number(m)].words[!is_number(m)] {
                (v.value(m))
                @if let (Some(p), Some(_)) = (m.conformance, m.decision) { div.of { (v.s.conformance) " " (v.per_cent(p)) } }
            }
            td { (limits_cell(v, m)) }
            td.bar { @if let Some(bar) = bar(m) { (bar) } }
            td.num { @if let Some(x) = margin(m) { (v.typeset(&margin_text(x))) } }
            td.basis { (v.s.source(&m.source)) @if let Some(limit) = &m.limit { div.of { (limit) } } }
        }
    }
}

/// The limits or the expected text, and whether they are provisional.
pub(super) fn limits_cell(v: &View, m: &Measurement) -> Markup {
    let limits = Figures::of(m, v.lang).limits();
    html! {
        @match (&limits, &m.expected) {
            // Breaks between its ends, if it must.
            (Some(limits), _) => { (v.typeset(limits).replace("…\u{a0}", "… ")) }
            (None, Some(expected)) => { span.of { (v.s.expected) } " " (expected) }
            (None, None) => (v.s.no_limit),
        }
        @if m.provisional { " " abbr.provisional title=(v.s.provisional) { (v.s.provisional_mark) } }
    }
}

pub(super) fn problem(v: &View, p: &Problem) -> Markup {
    html! {
        div class={ "problem " (super::pieces::class(Some(p.verdict))) } {
            b { (symbol(Some(p.verdict))) " " (v.s.verdict_word(Some(p.verdict), true)) ": " }
            @for (i, line) in p.lines.iter().enumerate() { @if i > 0 { br; } (line) }
        }
    }
}
