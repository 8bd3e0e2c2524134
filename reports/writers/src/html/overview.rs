//! What was not good, all steps in one table, all requirements.

use hil_record::{Measurement, Verdict};
use maud::{Markup, html};

use super::View;
use super::bars::bar;
use super::detail::{limits_cell, problem};
use super::pieces::{anchor, is_number};
use super::svg::shortened;
use crate::margin::{margin, margin_text, worst};
use crate::run::{Problem, Step};
use crate::text::name;

/// Everything that is not a pass, before anything else.
pub(super) fn not_good(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    let is_bad = |verdict: Option<Verdict>| !matches!(verdict, Some(Verdict::Pass | Verdict::Skipped));
    let bad: Vec<_> = run.steps.iter().enumerate().filter(|(_, step)| is_bad(step.verdict()) && !step.attempts.is_empty()).collect();
    let retried = !run.retried.is_empty();
    let phases = run.phases.iter().filter(|p| !p.work.problems.is_empty() || p.work.reason.is_some());
    let nothing = bad.is_empty() && run.outcome().exit_code() == 0 && !retried && run.problems.is_empty();
    if nothing && phases.clone().next().is_none() {
        return html! {};
    }
    html! {
        section.not-good {
            h2 { (s.not_good) }
            @for p in &run.problems { (problem(v, p)) }
            @for phase in phases {
                h3 { (s.phase(&phase.name)) }
                @if phase.work.problems.is_empty() { @if let Some(reason) = &phase.work.reason { p.reason { (reason) } } }
                @for p in &phase.work.problems { (problem(v, p)) }
            }
            @if !run.not_judged.is_empty() { p.reason { (s.beyond_bench) ": " (run.not_judged.join(" ")) } }
            @for (index, step) in bad { (bad_step(v, index, step)) }
            @for (index, step) in run.steps.iter().enumerate().filter(|(_, s)| run.retried.contains(&s.id)) {
                p.reason { "⚑ " a href={ "#" (anchor(index)) } { (step.id) } ": " (s.passed_on_retry) }
            }
        }
    }
}

fn bad_step(v: &View, index: usize, step: &Step) -> Markup {
    let bad: Vec<&Measurement> = step.measurements().filter(|m| m.verdict != Verdict::Pass).collect();
    let problems: Vec<&Problem> = step.attempts.iter().flat_map(|a| &a.problems).collect();
    html! {
        div.bad-step {
            h3 { (v.verdict(step.verdict(), true)) " " a href={ "#" (anchor(index)) } { (step.id) } " " span.title { (step.title) } }
            @if let Some(reason) = step.reason().filter(|r| !problems.iter().any(|p| p.lines.first().is_some_and(|l| l == r))) { p.reason { (reason) } }
            @for p in &problems { (problem(v, p)) }
            @if !bad.is_empty() {
                table.bad {
                    thead { tr { th { (v.s.name) } th.num { (v.s.value) } th { (v.s.limits) } th { (v.s.position) } th.num { (v.s.margin) } th { (v.s.requirement) } } }
                    tbody { @for m in bad { tr {
                        td { (name(m)) }
                        td.strong.num[is_number(m)].words[!is_number(m)] { (v.value(m)) }
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
                    th.num title=(s.measurements) { "n" } th.num { (s.took) }
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
            td { a href={ "#" (anchor(index)) } { (step.id) } @if !step.title.is_empty() && step.title != step.id { " " span.title { (step.title) } } }
            td.num { @if let Some((_, x)) = nearest { (v.typeset(&margin_text(x))) } }
            td.at { @if let Some((m, _)) = nearest { (shortened(&m.name, 28)) } }
            td.num { (step.measurements().count()) }
            td.num { @if let Some(ns) = step.took_ns(v.run.bench_ns) { (v.duration(ns)) } }
        }
    }
}

/// Which of the product's requirements this run judged, and which not.
pub(super) fn coverage(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    let covered = run.coverage();
    let judged = covered.values().filter(|of| of.verdict.is_some_and(|v| v != Verdict::Skipped)).count();
    let others: Vec<&str> = run.clauses.keys().map(String::as_str).filter(|id| !covered.contains_key(id)).collect();
    let all = covered.len() + others.len();
    html! {
        section {
            h2 { (s.coverage) }
            p { b { (judged) " " (s.of) " " (all) } " " (s.requirements_judged) }
            table.coverage {
                thead { tr { th { (s.requirement) } th { (s.clause) } th { (s.verdict) } th.num title=(s.measurements) { "n" } th { (s.judged_by) } } }
                tbody {
                    @for (requirement, of) in &covered {
                        tr {
                            td.id { (requirement) }
                            td.id { (run.clauses.get(*requirement).map_or("", String::as_str)) }
                            td { (v.verdict(of.verdict, of.steps.iter().any(|s| !s.attempts.is_empty()))) }
                            td.num { (of.measurements) }
                            td { (judged_by(v, &of.steps)) }
                        }
                    }
                }
            }
            @if !others.is_empty() { p.req { (s.not_judged) ": " (others.join(", ")) } }
        }
    }
}

/// Steps by name; the rows of one step count as one.
fn judged_by(v: &View, steps: &[&Step]) -> Markup {
    let base = |id: &str| id.split_once('[').map_or(id.to_owned(), |(base, _)| format!("{base}[…]"));
    let mut groups: Vec<(String, &Step, usize)> = Vec::new();
    for step in steps {
        match groups.iter_mut().find(|(name, ..)| *name == base(&step.id)) {
            Some((.., n)) => *n += 1,
            None => groups.push((base(&step.id), step, 1)),
        }
    }
    html! {
        @for (i, (name, first, n)) in groups.iter().enumerate() {
            @if i > 0 { ", " }
            a href={ "#" (anchor(v.run.place(&first.id))) } { (if *n == 1 { &first.id } else { name }) }
            @if *n > 1 { " ×" (n) }
        }
    }
}
