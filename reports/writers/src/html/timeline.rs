//! What ran when, and what beside what: a bar a step over bench time.

use maud::{Markup, html};

use super::svg::{line, px, rect, shortened, text, tick};
use super::{View, abreast};
use crate::number::quantity;
use crate::run::Step;
use crate::strings::symbol;
use crate::text::plain;
use crate::timing::{Kind, Work};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 262.0;
const RIGHT: f64 = 856.0;
const ROW: f64 = 16.0;
const TOP: f64 = 22.0;
/// So that a drawing fits a page.
const ROWS: usize = 40;

pub(super) fn section(v: &View) -> Markup {
    let (works, on_path) = (&v.timing.works, v.on_path());
    let beside = v.timing.beside();
    let steps: usize = beside.iter().map(|b| b.works.len()).sum();
    let part = |first: usize| {
        let last = (first + ROWS).min(works.len());
        html! { figure { (drawing(v, &works[first..last], &on_path[first..last])) } }
    };
    html! {
        section {
            div.keep {
                h2 { (v.s.timeline) }
                p {
                    (v.s.bench_time) ": " (v.duration(v.timing.end)) ". "
                    @if let Some(least) = beside.iter().map(|b| b.slack).min() {
                        (steps) " " (v.s.ran_beside) ": " (v.duration(least)) ". "
                    }
                    span.of { (v.s.timeline_note) }
                }
                figure { (abreast::strip(v)) }
                (abreast::shares(v))
            }
            @for first in (0..works.len()).step_by(ROWS) { (part(first)) }
        }
    }
}

/// What says how a work ended.
fn mark(v: &View, work: &Work) -> &'static str {
    let run = v.run;
    match work.kind {
        Kind::Opening => "",
        Kind::SafeState => {
            if run.safe_state.as_ref().is_some_and(|s| s.confirmed) {
                "✓"
            } else {
                "⚠"
            }
        }
        Kind::Phase => {
            let phase = run.phases.iter().find(|p| p.name == plain(&work.name) && p.work.began_ns == work.from);
            if phase.is_some_and(|p| p.work.ended_ns.is_some() && p.work.reason.is_none()) { "" } else { "⚠" }
        }
        Kind::Step => {
            let step = run.steps.iter().find(|s| s.id == plain(&work.name));
            let attempt = step.and_then(|s| s.attempts.iter().find(|a| a.number == work.attempt && a.began_ns == work.from));
            symbol(attempt.and_then(|a| a.verdict).or_else(|| step.and_then(Step::verdict)))
        }
    }
}

fn drawing(v: &View, works: &[Work], critical: &[bool]) -> Markup {
    let end = v.timing.end.max(1);
    let x = |ns: u64| LEFT + (RIGHT - LEFT) * ns as f64 / end as f64;
    let bottom = TOP + ROW * works.len() as f64;
    let seconds = end as f64 / 1e9;
    let step = tick(seconds, 8.0);
    let ticks = (0..).map(|k| f64::from(k) * step).take_while(|t| *t <= seconds);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(bottom + 6.0))) role="img" aria-label=(v.s.timeline) {
            @for t in ticks {
                (line("grid", (x((t * 1e9) as u64), TOP - 4.0), (x((t * 1e9) as u64), bottom)))
                (text("soft", (x((t * 1e9) as u64), TOP - 8.0), "middle", &quantity(t, "s", v.lang)))
            }
            @for (i, (work, critical)) in works.iter().zip(critical).enumerate() {
                @let y = TOP + ROW * i as f64;
                @let again = if work.attempt > 1 { format!(" ({})", work.attempt) } else { String::new() };
                @let name = format!("{}{}{again}", if *critical { "" } else { "∥ " }, v.name_of(work));
                @let took = v.duration(work.to - work.from);
                g {
                    title { (name) ", " (took) }
                    (text("", (LEFT - 8.0, y + 12.0), "end", &shortened(&name, 38)))
                    (rect(if *critical { "critical" } else { "beside" }, (x(work.from), x(work.to).max(x(work.from) + 1.5)), (y + 2.0, y + ROW - 2.0)))
                    (acts(work, y, &x))
                    (text("", (RIGHT + 10.0, y + 12.0), "start", &format!("{} {took}", mark(v, work))))
                }
            }
            (line("axis", (LEFT, TOP - 4.0), (LEFT, bottom)))
        }
    }
}

/// Where a work's actions begin; branches side by side, each on a strip.
fn acts(work: &Work, y: f64, x: &impl Fn(u64) -> f64) -> Markup {
    let began = |at: u64| x(at) > x(work.from) + 3.0;
    let branches = work.acts.iter().filter_map(|a| a.branch.first()).max().copied().unwrap_or(1);
    let height = (ROW - 4.0) / branches as f64;
    html! {
        @for act in &work.acts {
            @match act.branch.first() {
                None => { @if began(act.from) { g { title { (plain(&act.text)) } (line("began", (x(act.from), y + 2.0), (x(act.from), y + ROW - 2.0))) } } }
                // One that takes no time to be seen is none.
                Some(branch) if x(act.to) > x(act.from) + 2.0 => {
                    @let top = y + 2.0 + height * (*branch - 1) as f64;
                    g { title { (plain(&act.text)) } (rect("branch", (x(act.from), x(act.to)), (top, top + height))) }
                }
                Some(_) => {}
            }
        }
    }
}
