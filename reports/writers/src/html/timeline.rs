//! What ran when, and what beside what: a bar a step over bench time.

use maud::{Markup, html};

use super::View;
use super::svg::{line, px, rect, shortened, text, tick};
use crate::number::quantity;
use crate::run::Attempt;
use crate::strings::symbol;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 262.0;
const RIGHT: f64 = 856.0;
const ROW: f64 = 16.0;
const TOP: f64 = 22.0;
/// So that a drawing fits a page.
const ROWS: usize = 48;

/// Something that took time.
struct Bar {
    name: String,
    mark: &'static str,
    from: u64,
    to: u64,
    /// Its actions: beginning and text.
    parts: Vec<(u64, String)>,
}

pub(super) fn section(v: &View) -> Markup {
    let bars = bars(v);
    let (critical, on_path) = critical(&bars);
    let end = bars.iter().map(|b| b.to).max().unwrap_or(0).max(1);
    let part = |first: usize| {
        let last = (first + ROWS).min(bars.len());
        html! { figure { (drawing(v, &bars[first..last], &critical[first..last], end)) } }
    };
    html! {
        section {
            div.keep {
                h2 { (v.s.timeline) }
                p { (v.s.critical) ": " (v.duration(on_path)) " " (v.s.of) " " (v.duration(end)) ". " span.of { (v.s.timeline_note) } }
                (part(0))
            }
            @for first in (ROWS..bars.len()).step_by(ROWS) { (part(first)) }
        }
    }
}

fn bars(v: &View) -> Vec<Bar> {
    let run = v.run;
    let end = |ended: Option<u64>| ended.unwrap_or(run.bench_ns);
    let phases = run.phases.iter().map(|p| Bar {
        name: v.s.phase(&p.name),
        mark: if p.work.ended_ns.is_some() && p.work.reason.is_none() { "" } else { "⚠" },
        from: p.work.began_ns,
        to: end(p.work.ended_ns),
        parts: actions(&p.work),
    });
    let mut bars: Vec<Bar> = phases.collect();
    for step in &run.steps {
        bars.extend(step.attempts.iter().map(|a| Bar {
            name: if step.attempts.len() > 1 { format!("{} ({})", step.id, a.number) } else { step.id.clone() },
            mark: symbol(a.verdict.or(step.verdict())),
            from: a.began_ns,
            to: end(a.ended_ns),
            parts: actions(a),
        }));
    }
    if let Some(opened) = run.opened_ns {
        bars.insert(0, Bar { name: v.s.opening.into(), mark: "", from: 0, to: opened, parts: vec![] });
    }
    if let Some(safe) = &run.safe_state {
        let mark = if safe.confirmed { "✓" } else { "⚠" };
        bars.push(Bar { name: v.s.safe_state.into(), mark, from: safe.at_ns.saturating_sub(safe.took_ns), to: safe.at_ns, parts: vec![] });
    }
    // Two that began together stand in the plan's order.
    bars.sort_by_key(|b| b.from);
    bars
}

fn actions(of: &Attempt) -> Vec<(u64, String)> {
    of.actions.iter().map(|a| (a.began_ns, a.text.clone())).collect()
}

/// From the last moment back to the first: each time what ended last before the
/// next began, of two the one that began first. Also the path's length.
fn critical(bars: &[Bar]) -> (Vec<bool>, u64) {
    let mut on = vec![false; bars.len()];
    let (mut until, mut length) = (u64::MAX, 0);
    let before = |until: u64| {
        let known = bars.iter().enumerate().filter(move |(_, b)| b.from < until && b.from < b.to);
        known.max_by_key(|(_, b)| (b.to.min(until), std::cmp::Reverse(b.from)))
    };
    while let Some((at, bar)) = before(until) {
        on[at] = true;
        length += bar.to.min(until) - bar.from;
        until = bar.from;
    }
    (on, length)
}

fn drawing(v: &View, bars: &[Bar], critical: &[bool], end: u64) -> Markup {
    let x = |ns: u64| LEFT + (RIGHT - LEFT) * ns as f64 / end as f64;
    let bottom = TOP + ROW * bars.len() as f64;
    let seconds = end as f64 / 1e9;
    let step = tick(seconds, 8.0);
    let ticks = (0..).map(|k| f64::from(k) * step).take_while(|t| *t <= seconds);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(bottom + 6.0))) role="img" aria-label=(v.s.timeline) {
            @for t in ticks {
                (line("grid", (x((t * 1e9) as u64), TOP - 4.0), (x((t * 1e9) as u64), bottom)))
                (text("soft", (x((t * 1e9) as u64), TOP - 8.0), "middle", &quantity(t, "s", v.lang)))
            }
            @for (i, (bar, critical)) in bars.iter().zip(critical).enumerate() {
                @let y = TOP + ROW * i as f64;
                g {
                    title { (bar.name) ", " (v.duration(bar.to - bar.from)) }
                    (text("", (LEFT - 8.0, y + 12.0), "end", &shortened(&bar.name, 38)))
                    (rect(if *critical { "critical" } else { "beside" }, (x(bar.from), x(bar.to).max(x(bar.from) + 1.5)), (y + 2.0, y + ROW - 2.0)))
                    @for (at, what) in bar.parts.iter().filter(|p| x(p.0) > x(bar.from) + 3.0) {
                        g { title { (what) } (line("began", (x(*at), y + 2.0), (x(*at), y + ROW - 2.0))) }
                    }
                    (text("", (RIGHT + 10.0, y + 12.0), "start", &format!("{} {}", bar.mark, v.duration(bar.to - bar.from))))
                }
            }
            (line("axis", (LEFT, TOP - 4.0), (LEFT, bottom)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_beside_something_longer_is_not_critical() {
        let bar = |from, to| Bar { name: String::new(), mark: "", from, to, parts: vec![] };
        assert_eq!(critical(&[bar(0, 5), bar(5, 9), bar(5, 7), bar(9, 12)]), (vec![true, true, false, true], 12));
        assert_eq!(critical(&[bar(0, 5), bar(3, 4), bar(6, 9)]), (vec![true, false, true], 8));
        assert_eq!(critical(&[bar(0, 6), bar(4, 9)]), (vec![true, true], 9));
        assert_eq!(critical(&[bar(2, 2)]), (vec![false], 0));
    }
}
