//! The order of the page.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::View;
use super::{bench, detail, head, overview, style, svg, timeline};

/// Nothing but the page's own style may be used, whatever is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

pub(super) fn page(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    let serial = run.serial.as_deref().unwrap_or(s.none);
    html! {
        (DOCTYPE)
        html lang=(v.lang.code()) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (s.ending(run.outcome())) " " (serial) " " (run.plan) }
                // An empty icon, or a browser would ask for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(style::style(v))) }
            }
            body {
                (svg::definitions())
                (head::head(v))
                main {
                    (overview::not_good(v))
                    (overview::summary(v))
                    (timeline::section(v))
                    (detail::steps(v))
                    (bench::parts(v))
                    (bench::safe_state(v))
                    (overview::coverage(v))
                    (bench::origin(v))
                    (notes(v))
                }
            }
        }
    }
}

fn notes(v: &View) -> Markup {
    let s = v.s;
    html! {
        section {
            h2 { (s.how_to_read) }
            ul.notes {
                li { (s.note_margin) }
                li { (s.note_uncertainty) }
                li { (s.note_bar) }
                @if v.run.measurements().any(|m| m.decision.is_some()) { li { (s.note_guard) } }
                li { (s.note_provisional) }
                li { (s.note_journal) " " code { "hil report " (v.run.id) } }
            }
            div.signatures {
                div { (s.signed_tested) }
                div { (s.signed_released) }
            }
        }
    }
}
