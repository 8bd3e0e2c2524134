//! The whole run on one strip: what ran in turn, and below it what ran beside;
//! and the largest shares of the critical path.
//!
//! Of two lanes the longer is the path, whichever it is.

use maud::{Markup, html};

use super::View;
use super::pieces::anchor;
use super::svg::{line, px, rect, text, tick};
use crate::number::quantity;
use crate::text::plain;
use crate::timing::{Kind, Work};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 112.0;
const RIGHT: f64 = 950.0;
/// Tops of the two lanes and their height.
const LANES: [f64; 2] = [24.0, 60.0];
const HEIGHT: f64 = 26.0;
/// A box that is narrower than this has no number.
const NUMBERED: f64 = 15.0;
/// Slack is written where there is so much room for it.
const WRITTEN: f64 = 64.0;
/// Shares that are told.
const MOST: usize = 10;

/// The strip.
pub(super) fn strip(v: &View) -> Markup {
    let timing = &v.timing;
    let end = timing.end.max(1);
    let x = |ns: u64| LEFT + (RIGHT - LEFT) * ns as f64 / end as f64;
    let bottom = LANES[1] + HEIGHT;
    let seconds = end as f64 / 1e9;
    let step = tick(seconds, 10.0);
    let critical = v.on_path();
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", px(bottom + 8.0))) role="img" aria-label=(v.s.timeline) {
            @for t in (0..).map(|k| f64::from(k) * step).take_while(|t| *t <= seconds) {
                @let at = x((t * 1e9) as u64);
                (line("grid", (at, LANES[0] - 6.0), (at, bottom)))
                (text("soft", (at, LANES[0] - 10.0), "middle", &quantity(t, "s", v.lang)))
            }
            @for (lane, name) in [v.s.in_turn, v.s.beside].into_iter().enumerate() {
                (text("strong", (LEFT - 8.0, LANES[lane] + 17.0), "end", name))
            }
            @for (index, work) in timing.works.iter().enumerate() {
                (boxed(v, work, critical[index], (x(work.from), x(work.to))))
            }
            @for beside in timing.beside() {
                @let last = &timing.works[beside.works[beside.works.len() - 1]];
                @let lane = usize::from(last.beside.is_some());
                @let (from, to, y) = (x(last.to), x(last.to + beside.slack), LANES[lane] + HEIGHT / 2.0);
                (line("slack", (from, y), (to, y)))
                (line("slack", (to, y - 4.0), (to, y + 4.0)))
                @if to - from > WRITTEN {
                    (text("soft", (f64::midpoint(from, to), y - 4.0), "middle", &format!("{} {}", v.s.slack, v.duration(beside.slack))))
                }
            }
        }
    }
}

/// A work in its lane: on the path dark, beside it hatched and numbered in ink.
fn boxed(v: &View, work: &Work, critical: bool, (from, to): (f64, f64)) -> Markup {
    let top = LANES[usize::from(work.beside.is_some())];
    let number = v.run.steps.iter().position(|s| work.kind == Kind::Step && s.id == plain(&work.name));
    let name = v.name_of(work);
    let title = format!("{name}, {}", v.duration(work.to - work.from));
    html! {
        a href=[number.map(|n| format!("#{}", anchor(n)))] {
            title { (title) }
            (rect(if critical { "critical box" } else { "beside box" }, (from, to.max(from + 1.0)), (top, top + HEIGHT)))
            @if to - from > NUMBERED {
                @if let Some(number) = number {
                    (text(if critical { "inside" } else { "strong" }, (f64::midpoint(from, to), top + 17.0), "middle", &(number + 1).to_string()))
                }
            }
        }
    }
}

/// What most of the time went to.
pub(super) fn shares(v: &View) -> Markup {
    let shares = v.timing.shares();
    html! {
        table.shares {
            thead { tr { th { (v.s.critical) } th.num { (v.s.took) } th.num { (v.s.share) } th.num { (v.s.of_it) } th { (v.s.longest_action) } } }
            tbody { @for share in shares.iter().take(MOST) {
                tr {
                    td { (v.kind_name(share.kind, &share.name)) @if share.times > 1 { " × " (share.times) } }
                    td.num { (v.duration(share.ns)) }
                    td.num { (share.per_cent(v.timing.end)) "\u{a0}%" }
                    @match &share.longest {
                        Some((act, ns)) => { td.num { (v.duration(*ns)) } td { (plain(act)) } }
                        None => { td {} td {} }
                    }
                }
            } }
        }
    }
}

impl View<'_> {
    /// Of each work, whether it lies on the critical path.
    pub(super) fn on_path(&self) -> Vec<bool> {
        let mut on = vec![false; self.timing.works.len()];
        for part in self.timing.critical() {
            if let Some(work) = part.work {
                on[work] = true;
            }
        }
        on
    }

    /// What a work is called.
    pub(super) fn name_of(&self, work: &Work) -> String {
        self.kind_name(work.kind, &work.name)
    }

    fn kind_name(&self, kind: Kind, name: &str) -> String {
        match kind {
            Kind::Opening => self.s.opening.into(),
            Kind::SafeState => self.s.safe_state.into(),
            Kind::Phase => self.s.phase(&plain(name)),
            Kind::Step => plain(name),
        }
    }
}
