//! The table of test uncertainty ratios that `hil check --tur` prints.

use hil_engine::ratio::{Ratio, shown};

const HEAD: [&str; 6] = ["step", "measurement", "limit", "U (k = 2)", "TUR", "by"];

/// One line a limit, in the plan's order; `-` where nothing is known
/// beforehand, and for a bound at zero, which has no ratio.
pub fn table(ratios: &[Ratio]) -> String {
    let rows: Vec<[String; 6]> = std::iter::once(HEAD.map(str::to_owned)).chain(ratios.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(r: &Ratio) -> [String; 6] {
    let none = || "-".to_owned();
    let limit = r.limit.as_ref().map_or_else(|| r.bounds.clone(), |id| format!("{} ({id})", r.bounds));
    let u = r.uncertainty.map_or_else(none, |u| shown(u).to_string());
    let ratio = r.ratio.map_or_else(none, |x| if x < 100.0 { format!("{x:.1}") } else { format!("{x:.0}") });
    [r.step.clone(), r.name.clone(), limit, u, ratio, r.by.clone()]
}
