//! What one sees first: the verdict, the unit, the run.

use hil_record::Outcome;
use maud::{Markup, html};

use super::View;

pub(super) fn head(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    let outcome = run.outcome();
    html! {
        header {
            @if v.integrity.is_broken() { div.alarm role="alert" { strong { (v.integrity.line(s).unwrap_or_default()) } ". " (s.chain_broken_more) } }
            @if run.is_cut_short() { div.alarm role="alert" { strong { (s.cut_short) } " " (s.cut_short_more) } }
            @if run.is_safety_unknown() { div.alarm role="alert" { strong { (s.safety_unknown) } } }
            @if !outcome.safe { div.alarm role="alert" { strong { (s.safety_failed) } } }
            div.banner {
                div class={ "big " (look(outcome)) } {
                    div.word { span.sign aria-hidden="true" { (sign(outcome)) } h1 class=(width(s.ending(outcome))) { (s.ending(outcome)) } }
                    p.ending { (ending(v, outcome)) }
                    @if let Some((by, count)) = &run.interrupted {
                        p.ending { (s.interrupted_by) " " (by) @if *count > 1 { " (" (count) "×)" } }
                    }
                }
                (facts(v))
            }
            (counts(v))
        }
    }
}

/// `unit pass · run completed · bench safe · exit code 0`
fn ending(v: &View, outcome: Outcome) -> String {
    let s = v.s;
    let unit = s.disposition(outcome.disposition);
    let run = s.status(outcome.status);
    let safe = match outcome.safe {
        _ if v.run.is_safety_unknown() => s.safe_unknown,
        true => s.safe,
        false => s.unsafe_,
    };
    let code = if v.run.is_cut_short() { String::new() } else { format!(" · {} {}", s.exit_code, outcome.exit_code()) };
    format!("{}: {unit} · {}: {run} · {safe}{code}", s.unit_is, s.run_was)
}

fn facts(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    html! {
        dl.facts {
            dt { (s.serial) } dd.serial { (run.serial.as_deref().unwrap_or(s.none)) }
            dt { (s.product) } dd { (run.product) }
            dt { (s.plan) } dd { (run.title) @if run.title != run.plan { " (" (run.plan) ")" } }
            dt { (s.bench) } dd { (run.bench) }
            dt { (s.run) } dd { (run.id) }
            @if let Some(operator) = &run.operator { dt { (s.operator) } dd { (operator) } }
            dt { (s.began) } dd { (time(&run.began)) }
            dt { (s.ended) } dd { (time(&run.ended)) " (" (s.bench_time) " " (v.duration(run.bench_ns)) ")" }
            dt { (s.seed) } dd { (run.seed) }
            @if !run.defects.is_empty() { dt { (s.defects) } dd.bad { strong { (run.defects.join(" ")) } } }
        }
    }
}

fn counts(v: &View) -> Markup {
    let s = v.s;
    let c = v.run.counts();
    html! {
        ul.counts {
            li { b { (c.passed) } " " (s.of) " " (c.steps) " " (s.steps_passed) }
            li { b { (c.good) } " " (s.of) " " (c.measurements) " " (s.measurements_good) }
            li { b { (c.provisional) } " " (s.provisional_count) }
        }
    }
}

/// Long words need smaller letters.
fn width(words: &str) -> &'static str {
    match words.split(' ').map(|w| w.chars().count()).max() {
        Some(0..9) | None => "",
        Some(9..12) => "long",
        Some(12..) => "longest",
    }
}

/// To the second, as ISO 8601 writes it, with its zone.
fn time(wall: &str) -> String {
    match (wall.get(..10), wall.get(11..19)) {
        (Some(day), Some(time)) if wall.ends_with('Z') => format!("{day} {time} UTC"),
        _ => wall.to_owned(),
    }
}

/// The look of the exit code: shapes differ, not only colours.
const fn look(outcome: Outcome) -> &'static str {
    match outcome.exit_code() {
        0 => "good",
        1 => "bad",
        3 | 6 => "tester",
        _ => "open",
    }
}

const fn sign(outcome: Outcome) -> &'static str {
    match outcome.exit_code() {
        0 => "✓",
        1 => "✗",
        3 | 6 => "⚠",
        4 => "■",
        _ => "?",
    }
}
