//! Values, limits and durations in words, the same in every report.

use hil_record::{Datum, Measurement, Verdict};

/// One line without control characters: what comes from a unit or an
/// instrument must neither move a terminal's cursor nor break a line.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
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

/// `12 A`, `high`; with all its digits where six would put it on the other side
/// of a limit.
pub(crate) fn value(m: &Measurement) -> String {
    let digits = match &m.value {
        Datum::Text(text) => plain(text),
        Datum::Number(x) => {
            let rounded = short(*x);
            let against = |x: f64| [m.low, m.high].map(|limit| limit.and_then(|limit| x.partial_cmp(&limit)));
            if rounded.parse().map(against) == Ok(against(*x)) { rounded } else { exact(*x) }
        }
    };
    with_unit(&digits, &m.unit)
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
pub(crate) fn limits(m: &Measurement) -> String {
    let quantity = |x: f64| with_unit(&short(x), &m.unit);
    match (&m.expected, m.low, m.high) {
        (Some(expected), _, _) => format!("expected {}", plain(expected)),
        (None, Some(low), Some(high)) => format!("limits {} .. {}", short(low), quantity(high)),
        (None, Some(low), None) => format!("limit >= {}", quantity(low)),
        (None, None, Some(high)) => format!("limit <= {}", quantity(high)),
        (None, None, None) => "no limit".into(),
    }
}

/// `lead (cut - warn) = 25 s ± 0.001 s, limit >= 30 s (provisional)`
pub(crate) fn measurement(m: &Measurement) -> String {
    let of = if m.of == m.name { String::new() } else { format!(" ({})", plain(&m.of)) };
    let uncertainty = m.uncertainty.map_or(String::new(), |u| format!(" ± {}", with_unit(&short(u), &m.unit)));
    let mark = if m.provisional { " (provisional)" } else { "" };
    format!("{}{of} = {}{uncertainty}, {}{mark}", plain(&m.name), value(m), limits(m))
}

/// A length of bench time, as exact as somebody needs who waits for it.
pub(crate) fn duration(ns: u64) -> String {
    let seconds = ns as f64 / 1e9;
    match ns {
        0 => "0 s".into(),
        1..1_000_000 => format!("{} us", short(ns as f64 / 1e3)),
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
mod tests {
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
            (1, "0.001 us"),
            (12_345, "12.345 us"),
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

    fn lead(value: f64, low: Option<f64>, high: Option<f64>) -> Measurement {
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
        assert_eq!(measurement(&lead(30.400_000_4, Some(30.0), Some(31.0))), "lead (cut - warn) = 30.4 s, limits 30 .. 31 s");
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
        assert_eq!(measurement(&m), "lead (cut - warn) = \u{fffd}[2Jok\u{fffd}\u{fffd}, expected hi\u{fffd}");
    }
}
