//! The bench: who its parts are, how it was left, and where the run comes from.

use maud::{Markup, html};

use super::View;

pub(super) fn parts(v: &View) -> Markup {
    let s = v.s;
    html! {
        section {
            h2 { (s.instruments) }
            @if v.run.parts.is_empty() { p { (s.no_bench) } }
            @else {
                table {
                    thead { tr { th { (s.part) } th { (s.model) } th { (s.serial) } th { (s.firmware) } th { (s.calibrated) } } }
                    tbody { @for p in &v.run.parts { tr { td { (p.name) } td { (p.model) } td { (p.serial) } td { (p.firmware) } td { (p.calibration) } } } }
                }
                @if !v.run.safeguards.is_empty() {
                    table {
                        thead { tr { th { (s.safeguard) } th { (s.there_is) } } }
                        tbody { @for (what, there) in &v.run.safeguards { tr { td { (what) } td { (there) } } } }
                    }
                }
            }
        }
    }
}

pub(super) fn safe_state(v: &View) -> Markup {
    let s = v.s;
    html! {
        section {
            h2 { (s.safe_state) }
            @match &v.run.safe_state {
                None => p.reason { (s.safety_unknown) },
                Some(state) => {
                    @if state.confirmed { p { "✓ " (s.confirmed_in) " " (v.duration(state.took_ns)) ". " (s.safe_state_note) } }
                    @else { p.reason { "⚠ " (s.safety_failed) " " (s.safe_state_note) } }
                    @if let Some(lid) = &v.run.lid {
                        @if lid.unlocked { p { "✓ " (s.lid_unlocked) } } @else { p.reason { "⚠ " (s.lid_locked) " " (lid.reason) } }
                    }
                    table {
                        thead { tr { th.num { "#" } th { (s.output) } th { (s.state) } th { (s.readback) } } }
                        tbody {
                            @for (i, o) in state.outputs.iter().enumerate() {
                                tr {
                                    td.num { (i + 1) } td { (o.part) }
                                    td { @if o.off { span.v.pass { "✓ " (s.off) } } @else { span.v.error { "⚠ " (s.not_off) } } }
                                    td { (o.readback) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn origin(v: &View) -> Markup {
    let (run, s) = (v.run, v.s);
    html! {
        section {
            h2 { (s.origin) }
            table.origin {
                tbody {
                    tr { th { (s.version) } td { (run.version) } }
                    tr { th { (s.seed) } td { (run.seed) } }
                    tr { th { (s.defects) } td { @if run.defects.is_empty() { (s.none) } @else { (run.defects.join(" ")) } } }
                    @if let Some(line) = v.integrity.line(s) { tr { th { (s.integrity) } td { (line) } } }
                    @for (name, value) in &run.calibration { tr { th { (s.calibration) ": " (name) } td { (value) } } }
                    @for (name, value) in &run.parameters { tr { th { (s.parameters) ": " (name) } td { (value) } } }
                    @for (name, value) in &run.digests { tr { th { (s.digests) ": " (name) } td.digest { (value) } } }
                }
            }
        }
    }
}
