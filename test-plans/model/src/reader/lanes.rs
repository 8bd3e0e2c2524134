//! `beside`: steps that run while another does. They stand right after it, and
//! neither side may disturb the other.

use crate::independence::clash;
use crate::plan::Step;
use crate::reader::branches::clashing;
use crate::reader::context::Context;
use crate::reader::report::Report;

/// Checks every step that runs beside another.
pub(super) fn check(context: &Context<'_>, steps: &[Step], report: &Report) {
    for (index, step) in steps.iter().enumerate() {
        let Some(wanted) = &step.course.beside else { continue };
        let say = |span, body: String, hint: Option<&str>| report.error(&place(step), span, body, hint.map(str::to_owned));
        let host = steps[..index].iter().rposition(|s| s.course.beside.is_none());
        let Some(host) = host.filter(|at| steps[*at].id == *wanted) else {
            let found = host.map_or_else(|| "there is none before it".to_owned(), |at| format!("which is `{}`", steps[at].id));
            let body = format!("`beside` is `{wanted}`, expected the nearest step before it that has no `beside`, {found}");
            say(step.span, body, Some("the steps of a lane stand right after the step that they run beside"));
            continue;
        };
        for of in [step, &steps[host]].into_iter().filter(|s| !s.course.retry_on.is_empty()) {
            let body = format!("step `{}` has `retries`, and to try it again would disturb what runs beside it", of.id);
            say(step.span, body, None);
        }
        if step.course.imports.values().any(|source| *source == steps[host].id) {
            say(step.span, format!("uses what `{wanted}` exports, beside which it runs"), Some("run it after that step"));
        }
        if context.given.product.is_some_and(|p| p.influences.is_empty()) {
            say(step.span, "nobody knows what may run side by side: the product has no `[[influence]]`".to_owned(), None);
        }
        if let Some(clash) = clash(context.given.product, steps[host].acts.iter(), step.acts.iter()) {
            let (here, there) = if clash.of_first { (&steps[host], step) } else { (step, &steps[host]) };
            let other = format!("step `{}` beside it", there.id);
            report.error(&place(here), clash.span, clashing(&clash, &other), None);
        }
    }
}

fn place(step: &Step) -> String {
    format!("step `{}`", step.id)
}
