//! What was not good, all steps in one table, all requirements.

use hil_record::{Measurement, Verdict};
use maud::{Markup, html};

use super::View;
use super::bars::bar;
use super::detail::{limits_cell, problem};
use super::pieces::anchor;
use crate::margin::{margin, margin_text, worst};
use crate::number::Figures;
use crate::run::Step;
use crate::text::name;

/// Everything that is not a pass, before anything else.
pub(super) fn not_good(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    let is_bad = |verdict: Option<Verdict>| !matches!(verdict, Some(Verdict::Pass | Verdict::Skipped));
    let bad: Vec<_> = run.steps.iter().enumerate().filter(|(_, step)| is_bad(step.verdict()) && !step.attempts.is_empty()).collect();
    let retried = run.steps.iter().any(|step| step.attempts.len() > 1);
    let phases = run.phases.iter().filter(|p| !p.work.problems.is_empty() || p.work.reason.is_some());
    html! {
        section.not-good {
            h2 { (s.not_good) }
            @if bad.is_empty() && run.outcome().exit_code() == 0 && !retried && run.problems.is_empty() { p { (s.all_good) } }
            @for p in &run.problems { (problem(v, p)) }
            @for phase in phases {
                h3 { (s.phase(&phase.name)) }
                @if phase.work.problems.is_empty() { @if let Some(reason) = &phase.work.reason { p.reason { (reason) } } }
                @for p in &phase.work.problems { (problem(v, p)) }
            }
            @for (index, step) in bad { (bad_step(v, index, step)) }
            @for (index, step) in run.steps.iter().enumerate().filter(|(_, s)| s.attempts.len() > 1 && s.verdict() == Some(Verdict::Pass)) {
                p.reason { "⚑ " a href={ "#" (anchor(index)) } { (step.id) } ": " (s.passed_on_retry) }
            }
        }
    }
}

fn bad_step(v: &View, index: usize, step: &Step) -> Markup {
    let bad: Vec<&Measurement> = step.measurements().filter(|m| m.verdict != Verdict::Pass).collect();
    html! {
        div.bad-step {
            h3 { (v.verdict(step.verdict(), true)) " " a href={ "#" (anchor(index)) } { (step.id) } " " span.title { (step.title) } }
            @if let Some(reason) = step.reason() { p.reason { (reason) } }
            @if !bad.is_empty() {
                table {
                    thead { tr { th { (v.s.name) } th.num { (v.s.value) } th { (v.s.limits) } th { (v.s.position) } th.num { (v.s.margin) } th { (v.s.requirement) } } }
                    tbody { @for m in bad { tr {
                        td { (name(m)) }
                        td.num.strong { (v.typeset(&Figures::of(m, v.lang).value_and_uncertainty())) }
                        td { (limits_cell(v, m)) }
                        td { @if let Some(bar) = bar(m) { (bar) } }
                        td.num { @if let Some(x) = margin(m) { (v.typeset(&margin_text(x))) } }
                        td.req { (m.requirements.join(" ")) }
                    } } }
                }
            }
        }
    }
}

/// One row a step.
pub(super) fn summary(v: &View) -> Markup {
    let s = v.s;
    html! {
        section {
            h2 { (s.summary) }
            table.steps {
                thead { tr {
                    th.num { "#" } th { (s.verdict) } th { (s.step) } th.num { (s.worst_margin) } th { (s.at) }
                    th.num title=(s.measurements) { "n" } th.num { (s.took) } th { (s.requirements) }
                } }
                tbody { @for (index, step) in v.run.steps.iter().enumerate() { (summary_row(v, index, step)) } }
            }
        }
    }
}

fn summary_row(v: &View, index: usize, step: &Step) -> Markup {
    let nearest = worst(step.measurements());
    let began = !step.attempts.is_empty();
    html! {
        tr {
            td.num { (index + 1) }
            td { (v.verdict(step.verdict(), began)) @if step.attempts.len() > 1 { " ⚑" (step.attempts.len()) } }
            td { a href={ "#" (anchor(index)) } { (step.id) } @if !step.title.is_empty() && step.title != step.id { div.title { (step.title) } } }
            td.num { @if let Some((_, x)) = nearest { (v.typeset(&margin_text(x))) } }
            td { @if let Some((m, _)) = nearest { (m.name) } }
            td.num { (step.measurements().count()) }
            td.num { @if let Some(ns) = step.took_ns(v.run.bench_ns) { (v.duration(ns)) } }
            td.req { (step.requirements.join(" ")) }
        }
    }
}

/// Which requirements this run judged. The journal knows no others.
pub(super) fn coverage(v: &View) -> Markup {
    let s = v.s;
    let index = |step: &Step| v.run.steps.iter().position(|other| other.id == step.id).unwrap_or(0);
    html! {
        section {
            h2 { (s.coverage) }
            table.coverage {
                thead { tr { th { (s.requirement) } th { (s.clause) } th { (s.verdict) } th.num title=(s.measurements) { "n" } th { (s.judged_by) } } }
                tbody {
                    @for (requirement, of) in v.run.coverage() {
                        tr {
                            td.req { (requirement) }
                            td { (of.clauses.iter().map(|c| s.source(c)).collect::<Vec<_>>().join(", ")) }
                            td { (v.verdict(of.verdict, of.steps.iter().any(|s| !s.attempts.is_empty()))) }
                            td.num { (of.measurements) }
                            td { @for (i, step) in of.steps.iter().enumerate() { @if i > 0 { ", " } a href={ "#" (anchor(index(step))) } { (step.id) } } }
                        }
                    }
                }
            }
        }
    }
}
