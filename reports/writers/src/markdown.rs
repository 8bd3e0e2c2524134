//! A short summary in Markdown, as GitHub and GitLab show it beside a job:
//! verdict, what was not good, counts, where the rest is.

use std::io::Write;

use hil_record::{Event, Measurement, Verdict};

use crate::critical::Share;
use crate::integrity::Integrity;
use crate::lang::Lang;
use crate::margin::{margin, margin_text};
use crate::number::Figures;
use crate::run::Run;
use crate::strings::{Strings, symbol};
use crate::text::{duration, name};
use crate::timing::{Kind, Timing};

/// Shares of the critical path that are told.
const MOST_SHARES: usize = 6;

/// Rows of the table of what was not good; a job summary is no full report.
const MOST_ROWS: usize = 30;

/// The summary of a run, also of one that was killed.
///
/// # Errors
/// Those of `out`.
pub fn write_markdown(events: &[Event], integrity: &Integrity, lang: Lang, out: &mut impl Write) -> std::io::Result<()> {
    let run = Run::of(events);
    let strings = Strings::of(lang);
    let mut text = heading(&run, integrity, strings, lang);
    text.push_str(&bad_steps(&run, strings));
    text.push_str(&bad_measurements(&run, strings, lang));
    text.push_str(&critical_path(&Timing::of(events), strings, lang));
    text.push_str(&files(strings));
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn heading(run: &Run, integrity: &Integrity, s: &Strings, lang: Lang) -> String {
    let outcome = run.outcome();
    let code = outcome.exit_code();
    let sign = if code == 0 { "✅" } else { "❌" };
    let serial = run.serial.as_deref().unwrap_or(s.none);
    let mut text = format!("## {sign} {}: {}\n\n", s.ending(outcome), escaped(serial));
    let integrity_line = integrity.line(s).unwrap_or_default();
    if integrity.is_broken() {
        text.push_str(&format!("> **{}** {}\n\n", escaped(&integrity_line), s.chain_broken_more));
    }
    if run.is_cut_short() {
        text.push_str(&format!("> **{}** {}\n\n", s.cut_short, s.cut_short_more));
    }
    if run.is_safety_unknown() {
        text.push_str(&format!("> **{}**\n\n", s.safety_unknown));
    }
    if !outcome.safe {
        text.push_str(&format!("> **{}**\n\n", s.safety_failed));
    }
    let counts = run.counts();
    let safe = match outcome.safe {
        _ if run.is_safety_unknown() => s.safe_unknown,
        true => s.safe,
        false => s.unsafe_,
    };
    let code = if run.is_cut_short() { String::new() } else { format!(", {} {code}", s.exit_code) };
    let ending = format!("{} {}, {} {}, {safe}{code}", s.unit_is, s.disposition(outcome.disposition), s.run_was, s.status(outcome.status));
    let rows = [
        (s.verdict, ending),
        (s.run, escaped(&run.id)),
        (s.plan, escaped(&format!("{}: {}", run.plan, run.title))),
        (s.product, escaped(&run.product)),
        (s.bench, escaped(&run.bench)),
        (s.defects, escaped(&run.defects.join(" "))),
        (s.seed, run.seed.to_string()),
        (s.steps, format!("{} {} {} {}", counts.passed, s.of, counts.steps, s.steps_passed)),
        (s.measurements, format!("{} {} {} {}", counts.good, s.of, counts.measurements, s.measurements_good)),
        (s.provisional, format!("{} {}", counts.provisional, s.provisional_count)),
        (s.beyond_bench, escaped(&run.not_judged.join(" "))),
        (s.passed_on_retry, escaped(&run.retried.join(" "))),
        (s.operator, escaped(run.operator.as_deref().unwrap_or_default())),
        (s.integrity, escaped(&integrity_line)),
        (s.bench_time, lang.number(&duration(run.bench_ns))),
    ];
    text.push_str("| | |\n|---|---|\n");
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("| {name} | {value} |\n"));
    }
    text
}

/// Steps that are not good without a measurement that says why.
fn bad_steps(run: &Run, s: &Strings) -> String {
    let mut rows = Vec::new();
    for problem in &run.problems {
        rows.push((Some(problem.verdict), s.run.to_owned(), problem.lines.join(" · ")));
    }
    for phase in &run.phases {
        rows.extend(phase.work.problems.iter().map(|p| (Some(p.verdict), s.phase(&phase.name), p.lines.join(" · "))));
    }
    for step in run.steps.iter().filter(|step| !matches!(step.verdict(), Some(Verdict::Pass | Verdict::Skipped) | None)) {
        rows.push((step.verdict(), step.id.clone(), step.reason().unwrap_or_default().to_owned()));
    }
    let lines = rows.iter().map(|(verdict, place, why)| {
        format!("| {} {} | {} | {} |\n", symbol(*verdict), s.verdict_word(*verdict, true), escaped(place), escaped(why))
    });
    table(&format!("\n### {}\n\n| {} | {} | {} |\n|---|---|---|\n", s.not_good, s.verdict, s.step, s.reason), lines, s)
}

fn bad_measurements(run: &Run, s: &Strings, lang: Lang) -> String {
    let bad = run.measurements().filter(|m| m.verdict != Verdict::Pass);
    let row = |m: &Measurement| {
        let figures = Figures::of(m, lang);
        let limits = figures.limits().or_else(|| m.expected.clone()).unwrap_or_else(|| s.no_limit.into());
        let mark = if m.provisional { format!(" ({})", s.provisional) } else { String::new() };
        let margin = margin(m).map_or(String::new(), margin_text);
        let cells = [&m.step, &name(m), &figures.value_and_uncertainty(), &format!("{limits}{mark}"), &margin, &m.requirements.join(" ")];
        let cells: Vec<_> = cells.iter().map(|c| escaped(c)).collect();
        format!("| {} {} | {} |\n", symbol(Some(m.verdict)), s.verdict_word(Some(m.verdict), true), cells.join(" | "))
    };
    let head = [s.verdict, s.step, s.name, s.value, s.limits, s.margin, s.requirements].join(" | ");
    table(&format!("\n| {head} |\n|---|---|---|---|---|---|---|\n"), bad.map(row), s)
}

/// Where the bench time went.
fn critical_path(timing: &Timing, s: &Strings, lang: Lang) -> String {
    let name = |share: &Share| {
        let name = match share.kind {
            Kind::Opening => s.opening.to_owned(),
            Kind::SafeState => s.safe_state.to_owned(),
            Kind::Phase => s.phase(&share.name),
            Kind::Step => share.name.clone(),
        };
        if share.times > 1 { format!("{name} × {}", share.times) } else { name }
    };
    let shares = timing.shares();
    let rows: String = shares
        .iter()
        .take(MOST_SHARES)
        .map(|share| {
            let longest = share.longest.as_ref().map_or(String::new(), |(act, ns)| format!("{}: {act}", lang.number(&duration(*ns))));
            let share_of = share.per_cent(timing.end);
            format!("| {} | {} | {share_of} % | {} |\n", escaped(&name(share)), lang.number(&duration(share.ns)), escaped(&longest))
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let beside = timing.beside();
    let steps: usize = beside.iter().map(|b| b.works.len()).sum();
    let least = beside.iter().map(|b| b.slack).min();
    let least = least.map_or(String::new(), |ns| format!("\n{steps} {}: {}\n", s.ran_beside, lang.number(&duration(ns))));
    format!("\n### {}\n\n| {} | {} | {} | {} |\n|---|---|---|---|\n{rows}{least}", s.critical, s.step, s.took, s.share, s.longest_action)
}

fn table(head: &str, rows: impl Iterator<Item = String>, s: &Strings) -> String {
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let more = rows.len().saturating_sub(MOST_ROWS);
    let more = if more == 0 { String::new() } else { format!("\n… {more} {}\n", s.and_more) };
    format!("{head}{}{more}", rows.iter().take(MOST_ROWS).map(String::as_str).collect::<String>())
}

fn files(s: &Strings) -> String {
    let files =
        [("report.html", s.file_html), ("measurements.csv", s.file_csv), ("junit.xml", s.file_junit), ("journal.jsonl", s.file_journal)];
    let lines: String = files.iter().map(|(file, what)| format!("- [{file}]({file}): {what}\n")).collect();
    format!("\n{}:\n\n{lines}", s.files)
}

/// Text that Markdown and HTML leave alone, on one line: no markup, no link, no
/// name that a forge would notify.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::text::plain(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '@' => out.push_str("&#64;"),
            ':' => out.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
