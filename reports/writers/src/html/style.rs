//! The look: screen in light and dark, A4 with page numbers, and never a
//! meaning that only a colour has.

use super::View;

/// The page's whole style, with its footer for paper.
pub(super) fn style(v: &View) -> String {
    let serial = v.run.serial.as_deref().unwrap_or(v.s.none);
    let left = css_string(&format!("{serial} · {} · {}", v.s.ending(v.run.outcome()), v.run.id));
    let page = css_string(v.s.page);
    let footer = format!(
        "@page {{ size: A4; margin: 14mm 12mm 16mm;
@bottom-left {{ content: {left}; font: 8pt system-ui, sans-serif; color: #333 }}
@bottom-right {{ content: {page} ' ' counter(page) ' {} ' counter(pages); font: 8pt system-ui, sans-serif; color: #333 }} }}\n",
        v.s.of
    );
    footer + STYLE
}

/// A CSS string of any text: every character that is not a letter, a digit or
/// one of a few harmless signs is written as its number, so that nothing can
/// end the string or the style element.
pub(super) fn css_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-' | ',') {
            out.push(c)
        } else {
            out.push_str(&format!("\\{:06x} ", u32::from(c)))
        }
    }
    out.push('"');
    out
}

const STYLE: &str = r#"
:root { --ink: #111; --soft: #4a4a4a; --paper: #fff; --line: #b5b5b5; --faint: #f1f1f1; --accept: #fff; --reject: #8a8a8a; --link: #0b3d91;
  --pass: #0a5c2b; --fail: #a4001d; --error: #7a1fa2; --warn: #7a4b00; --bar: #2b2b2b; --beside: #c9c9c9; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #f0f0f0; --soft: #bdbdbd; --paper: #141414; --line: #5a5a5a; --faint: #222; --accept: #000; --reject: #777; --link: #9cc4ff;
  --pass: #6fdc95; --fail: #ff8a94; --error: #dca2ff; --warn: #f3c25b; --bar: #ddd; --beside: #4a4a4a; } }
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { font: 15px/1.4 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; margin: 0 auto; max-width: 1240px; padding: 20px 24px 40px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
h1 { font-size: 64px; line-height: 1; margin: 0; letter-spacing: .02em; overflow-wrap: normal; }
h2 { font-size: 21px; margin: 32px 0 10px; padding-bottom: 3px; border-bottom: 2px solid var(--ink); }
h3 { font-size: 16px; margin: 18px 0 4px; }
a { color: var(--link); }
p { margin: 4px 0; }
.definitions { position: absolute; }
#hatch path { stroke: var(--reject); stroke-width: 1; }
.alarm { border: 5px solid var(--ink); background: repeating-linear-gradient(135deg, var(--paper) 0 14px, var(--faint) 14px 28px); padding: 12px 16px; font-size: 19px; margin-bottom: 12px; }
.alarm strong { font-size: 26px; display: block; }
.banner { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); gap: 20px; align-items: stretch; }
.big { padding: 22px 24px; border: 6px solid; display: flex; flex-direction: column; justify-content: center; }
.word { display: flex; gap: 18px; align-items: center; }
h1.long { font-size: 46px; } h1.longest { font-size: 36px; }
.sign { font-size: 72px; line-height: 1; font-weight: 700; }
.big.good { color: var(--pass); border-color: var(--pass); }
.big.bad { color: #fff; background: #a4001d; border-color: #a4001d; }
.big.tester { color: #fff; background: #4a1263; border: 6px double #fff; outline: 3px solid #4a1263; }
.big.open { color: var(--ink); border: 6px dashed var(--ink); background: repeating-linear-gradient(135deg, transparent 0 14px, var(--faint) 14px 28px); }
.ending { margin: 10px 0 0; font-size: 16px; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 14px; margin: 0; align-content: center; }
.facts dt, th { color: var(--soft); font-weight: 600; }
.facts dd { margin: 0; }
.facts .serial { font-size: 22px; font-weight: 700; line-height: 1.2; }
.counts { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 32px; padding: 0; margin: 14px 0 0; font-size: 17px; }
.counts b { font-size: 21px; }
table { border-collapse: collapse; width: 100%; margin: 6px 0 10px; }
th { text-align: left; font-size: 13px; vertical-align: bottom; }
td, th { padding: 3px 14px 3px 0; border-bottom: 1px solid var(--line); }
td { vertical-align: top; }
thead th { border-bottom: 1.5px solid var(--ink); }
.num { text-align: right; white-space: nowrap; } td.words { text-align: right; } td.num.strong { white-space: normal; }
td.strong { font-weight: 600; }
table.measurements { table-layout: fixed; } table.measurements th:nth-child(1) { width: 11%; } table.measurements th:nth-child(2) { width: 17%; } table.measurements th:nth-child(3) { width: 21.5%; } table.measurements th:nth-child(4) { width: 18%; } table.measurements th:nth-child(5) { width: 17%; } table.measurements th:nth-child(6) { width: 7%; }
td.basis { font-size: 13px; }
.title, .of, .req, .when, .readings { color: var(--soft); font-weight: 400; font-size: 13px; }
td.id { min-width: 112px; font-size: 13px; } td.at { white-space: nowrap; }
table.bad { table-layout: fixed; } table.bad th:nth-child(1) { width: 22%; } table.bad th:nth-child(2) { width: 22%; } table.bad th:nth-child(3) { width: 16%; } table.bad th:nth-child(4) { width: 17%; } table.bad th:nth-child(5) { width: 8%; }
.v { white-space: nowrap; font-weight: 700; }
.sym { display: inline-block; width: 1.1em; text-align: center; }
.v.pass { color: var(--pass); font-weight: 600; }
.v.fail { color: var(--paper); background: var(--fail); padding: 0 6px 0 2px; }
.v.error { color: var(--paper); background: var(--error); padding: 0 6px 0 2px; }
.v.aborted, .v.inconclusive { color: var(--ink); border: 2px dashed var(--warn); padding: 0 6px 0 2px; }
.v.none { color: var(--soft); font-weight: 400; }
abbr.provisional { font-weight: 700; border: 1.5px solid currentColor; border-radius: 3px; padding: 0 4px; font-size: 12px; text-decoration: none; }
.reason { font-weight: 600; }
.problem { border-left: 5px solid var(--error); padding: 4px 10px; margin: 6px 0; background: var(--faint); white-space: pre-wrap; }
.problem.fail { border-color: var(--fail); }
.bad-step { border-left: 5px solid var(--fail); padding: 0 0 1px 12px; margin: 14px 0; }
article { border-top: 1px solid var(--line); margin-top: 14px; }
.digest, code { font: 13px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
.origin th { width: 34%; }
svg { display: block; max-width: 100%; height: auto; }
svg.bar { width: 180px; margin-top: 1px; }
svg text { fill: var(--ink); font: 12px system-ui, "Liberation Sans", Arial, sans-serif; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .soft { fill: var(--soft); }
svg .strong { font-weight: 700; }
.rejected { fill: url(#hatch); stroke: var(--line); stroke-width: 1; }
.accepted { fill: var(--accept); stroke: var(--ink); stroke-width: 1; }
.limit { stroke: var(--ink); stroke-width: 2; }
.guard { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 1.5; }
.whisker { stroke: var(--ink); stroke-width: 1.5; }
.value path { fill: var(--pass); stroke: var(--ink); stroke-width: .8; }
.value.fail path, .value.error path { fill: var(--fail); }
.value.inconclusive path, .value.aborted path { fill: var(--warn); }
.grid { stroke: var(--line); stroke-width: .7; }
.axis { stroke: var(--ink); stroke-width: 1; }
.trace { stroke: var(--ink); stroke-width: 2; fill: none; }
.float { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 5 4; }
.samples { stroke: var(--soft); stroke-width: 1; fill: none; }
.edge { fill: none; stroke: var(--ink); stroke-width: 1.8; }
.threshold { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 6 3; }
.unsure { fill: url(#hatch); stroke: var(--line); stroke-width: .7; }
.unknown { stroke: var(--soft); stroke-width: 1.2; stroke-dasharray: 1.5 4; }
.band { fill: var(--faint); stroke: var(--ink); stroke-width: 1.2; }
.moment { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 3 3; }
.dot { fill: var(--ink); }
.span { stroke: var(--ink); stroke-width: 2; }
.critical { fill: var(--bar); }
.beside { fill: url(#hatch); stroke: var(--ink); stroke-width: .7; }
.shares td:first-child { white-space: nowrap; }
.box { stroke: var(--paper); stroke-width: .6; } .beside.box { stroke: var(--ink); }
.slack { stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 3 2; }
.branch { fill: var(--beside); stroke: var(--ink); stroke-width: .6; }
svg text.inside { fill: var(--paper); stroke: none; font-weight: 700; }
.began { stroke: var(--paper); stroke-width: .8; }
figure { margin: 10px 0 14px; break-inside: avoid; }
figcaption { font-weight: 600; font-size: 14px; margin-bottom: 2px; }
.notes { padding-left: 18px; }
.signatures { display: flex; gap: 40px; margin-top: 64px; }
.signatures div { flex: 1; border-top: 1.5px solid var(--ink); padding-top: 4px; font-size: 13px; color: var(--soft); }
@media screen and (max-width: 1150px) { h1 { font-size: 44px; } h1.long { font-size: 34px; } h1.longest { font-size: 26px; } .sign { font-size: 48px; } }
@media screen and (max-width: 900px) { .banner { grid-template-columns: 1fr; } body { padding: 12px; } table { display: block; overflow-x: auto; } }
@media print {
  body { font-size: 8.6pt; line-height: 1.3; padding: 0; max-width: none; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h1 { font-size: 29pt; } h1.long { font-size: 19pt; } h1.longest { font-size: 14pt; } .word { gap: 9pt; } .sign { font-size: 32pt; } h2 { font-size: 12.5pt; margin: 18pt 0 5pt; } h3 { font-size: 10pt; margin: 9pt 0 2pt; }
  .banner { grid-template-columns: minmax(0, 1fr) minmax(0, 1.15fr); } .big { padding: 10pt 12pt; } .ending { font-size: 8.6pt; margin-top: 5pt; } .facts .serial { font-size: 13pt; } .counts, .alarm { font-size: 9.5pt; } .counts b { font-size: 11pt; } .alarm strong { font-size: 14pt; }
  th, td.basis, td.id, .title, .of, .req, .when, .readings, .digest, code, abbr.provisional { font-size: 7.4pt; }
  td, th { padding: 1.5pt 8pt 1.5pt 0; }
  svg.bar { width: 112px; }
  a { color: inherit; text-decoration: none; }
  h2, h3, .when { break-after: avoid; } .keep { break-inside: avoid; } tr, .problem, .signatures { break-inside: avoid; } thead { display: table-header-group; }
  article { margin-top: 8pt; } td.id { min-width: 68pt; }
  .signatures { margin-top: 48pt; }
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_leaves_its_css_string() {
        assert_eq!(css_string("HQ-1_a"), "\"HQ-1_a\"");
        assert_eq!(css_string("\"</style>"), "\"\\000022 \\00003c \\00002f style\\00003e \"");
    }
}
