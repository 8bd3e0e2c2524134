//! Values, limits and durations in words, the same in every report.

use std::collections::BTreeMap;

use hil_record::{CallResult, Datum, Measurement, Verdict};

use crate::lang::Lang;
use crate::margin::{margin, margin_text};
use crate::number::Figures;

/// One line without control characters: what comes from a unit or an
/// instrument must neither move a terminal's cursor nor break a line, nor turn
/// the direction of writing (U+202A to U+202E, U+2066 to U+2069).
pub(crate) fn plain(text: &str) -> String {
    // Almost every text is printable ASCII, and there is nothing to replace.
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) {
        return text.to_owned();
    }
    let turns = |c| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// Up to six significant digits.
pub(crate) fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return exact(if x == 0.0 { 0.0 } else { x });
    }
    let magnitude = x.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        return exact(x);
    }
    let places = (5.0 - magnitude).max(0.0) as usize;
    let digits = format!("{x:.places$}");
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

/// As many digits as tell the number from its neighbours.
pub(crate) fn exact(x: f64) -> String {
    if x == 0.0 || !x.is_finite() || (1e-5..1e15).contains(&x.abs()) { x.to_string() } else { format!("{x:e}") }
}

/// `12 A`, `high`.
pub(crate) fn datum(value: &Datum, unit: &str) -> String {
    match value {
        Datum::Number(x) => with_unit(&short(*x), unit),
        Datum::Text(text) => with_unit(&plain(text), unit),
    }
}

fn with_unit(digits: &str, unit: &str) -> String {
    if unit.is_empty() { digits.to_owned() } else { format!("{digits} {}", plain(unit)) }
}

/// `limits 11 .. 13 A`, `limit >= 30 s`, `expected high`, `no limit`.
fn limits(m: &Measurement, figures: &Figures) -> String {
    match (figures.limits(), &m.expected) {
        (Some(limits), _) if limits.contains("..") => format!("limits {limits}"),
        (Some(limit), _) => format!("limit {limit}"),
        (None, Some(expected)) => format!("expected {}", plain(expected)),
        (None, None) => "no limit".into(),
    }
}

/// `lead (cut - warn)`
pub(crate) fn name(m: &Measurement) -> String {
    if m.of == m.name { plain(&m.name) } else { format!("{} ({})", plain(&m.name), plain(&m.of)) }
}

/// `lead (cut - warn) = 25.004 s ± 1.0 ms, limit >= 30 s (provisional)`
pub(crate) fn measurement(m: &Measurement) -> String {
    let figures = Figures::of(m, Lang::En);
    let mark = if m.provisional { " (provisional)" } else { "" };
    format!("{} = {}, {}{mark}", name(m), figures.value_and_uncertainty(), limits(m, &figures))
}

/// The same in columns, for many below each other; `P` is provisional.
pub(crate) fn columns(m: &Measurement) -> String {
    let figures = Figures::of(m, Lang::En);
    let margin = margin(m).map_or(String::new(), margin_text);
    let mark = if m.provisional { "P" } else { "" };
    let limits = limits(m, &figures);
    format!("{:<34} {:>21}  {limits:<22} {margin:>6}  {mark}", name(m), figures.value_and_uncertainty()).trim_end().to_owned()
}

/// `chamber.defrost, for = 60 s: ice.tank = 1 %`
pub(crate) fn call(program: &str, action: &str, arguments: &BTreeMap<String, String>, results: &[CallResult]) -> String {
    let given: String = arguments.iter().map(|(name, value)| format!(", {name} = {value}")).collect();
    let gave = results.iter().map(|r| format!("{} = {}", r.name.as_ref().unwrap_or(&r.result), datum(&r.value, &r.unit)));
    let gave = gave.collect::<Vec<_>>().join(", ");
    format!("{program}.{action}{given}{}{gave}", if gave.is_empty() { "" } else { ": " })
}

/// A length of bench time, as exact as somebody needs who waits for it.
pub(crate) fn duration(ns: u64) -> String {
    let seconds = ns as f64 / 1e9;
    match ns {
        0 => "0 s".into(),
        1..1_000_000 => format!("{} µs", short(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{:.0} ms", (ns as f64 / 1e6).min(999.0)),
        1_000_000_000..120_000_000_000 => format!("{seconds:.1} s"),
        120_000_000_000..7_200_000_000_000 => format!("{} min {} s", ns / 60_000_000_000, ns / 1_000_000_000 % 60),
        _ => format!("{} h {} min", ns / 3_600_000_000_000, ns / 60_000_000_000 % 60),
    }
}

/// `1 step`, `3 steps`.
pub(crate) fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// What ended a run whose interlock opened.
pub(crate) fn interlock(input: &str) -> String {
    format!("the interlock ({input})")
}

/// In front of a line: what is not good stands out without colour.
pub(crate) fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "  ok  ",
        Verdict::Skipped => "  skip",
        Verdict::Inconclusive => "! ????",
        Verdict::Aborted => "! STOP",
        Verdict::Fail => "! FAIL",
        Verdict::Error => "! ERR ",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lie_about_zero() {
        let cases =
            [(0.0, "0"), (-0.0, "0"), (12.0, "12"), (12.600_000_1, "12.6"), (-0.004_999_99, "-0.00499999"), (1_234_567.8, "1234568")];
        for (x, text) in cases {
            assert_eq!(short(x), text);
        }
        for (x, text) in [(1e-9, "1e-9"), (-2.5e20, "-2.5e20"), (f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf"), (999_999.96, "1000000")] {
            assert_eq!(short(x), text);
        }
        assert_eq!(exact(0.1 + 0.2), "0.30000000000000004");
    }

    #[test]
    fn durations_fit_their_length() {
        let cases = [
            (0, "0 s"),
            (1, "0.001 µs"),
            (12_345, "12.345 µs"),
            (38_400_000, "38 ms"),
            (999_999_999, "999 ms"),
            (45_249_000_000, "45.2 s"),
            (241_000_000_000, "4 min 1 s"),
            (90_061_000_000_000, "25 h 1 min"),
        ];
        for (ns, text) in cases {
            assert_eq!(duration(ns), text);
        }
    }

    /// A judged time.
    pub(crate) fn lead(value: f64, low: Option<f64>, high: Option<f64>) -> Measurement {
        Measurement {
            step: String::new(),
            attempt: 1,
            name: "lead".into(),
            of: "cut - warn".into(),
            value: Datum::number(value),
            unit: "s".into(),
            uncertainty: None,
            low,
            high,
            expected: None,
            accept_low: None,
            accept_high: None,
            decision: None,
            conformance: None,
            verdict: Verdict::Fail,
            provisional: false,
            limit: None,
            source: "plan".into(),
            owner: String::new(),
            requirements: vec![],
            at_ns: 0,
        }
    }

    #[test]
    fn rounding_never_puts_a_value_on_the_other_side_of_its_limit() {
        assert_eq!(measurement(&lead(29.999_999_6, Some(30.0), None)), "lead (cut - warn) = 29.9999996 s, limit >= 30 s");
        assert_eq!(measurement(&lead(31.000_000_4, None, Some(31.0))), "lead (cut - warn) = 31.0000004 s, limit <= 31 s");
        assert_eq!(measurement(&lead(30.400_000_4, Some(30.0), Some(31.0))), "lead (cut - warn) = 30.400 s, limits 30 .. 31 s");
        assert_eq!(measurement(&lead(f64::NAN, Some(30.0), None)), "lead (cut - warn) = NaN s, limit >= 30 s");
    }

    #[test]
    fn text_cannot_move_a_cursor() {
        let m = Measurement {
            value: Datum::Text("\u{1b}[2Jok\r\n".into()),
            unit: String::new(),
            expected: Some("hi\u{7}".into()),
            ..lead(0.0, None, None)
        };
        assert_eq!(plain("a\u{202e}b\u{2028}c"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(measurement(&m), "lead (cut - warn) = \u{fffd}[2Jok\u{fffd}\u{fffd}, expected hi\u{fffd}");
    }
}
