//! Numbers as people write them: the uncertainty to two significant digits, the
//! value to the same decimal place, units scaled so that nobody counts zeros.
//!
//! Decides nothing: rounding never puts a value on the other side of its limit.
//! Files for machines (CSV) do not come here.

use hil_record::{Datum, Measurement};

use crate::lang::Lang;
use crate::text::{exact, plain, short};

/// A measurement's figures as text, value and limits in one unit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Figures {
    /// With its unit.
    pub(crate) value: String,
    /// With its unit.
    pub(crate) uncertainty: Option<String>,
    /// Without unit.
    pub(crate) low: Option<String>,
    /// Without unit.
    pub(crate) high: Option<String>,
    /// Empty for text.
    pub(crate) unit: String,
}

impl Figures {
    /// Of a measurement.
    pub(crate) fn of(m: &Measurement, lang: Lang) -> Self {
        let Datum::Number(value) = m.value else {
            let unit = plain(&m.unit);
            let limit = |x: Option<f64>| x.map(|x| lang.number(&short(x)));
            return Self { value: with_unit(&m.value_text(), &unit), uncertainty: None, low: limit(m.low), high: limit(m.high), unit };
        };
        let scale = Scale::fit(&m.unit, [Some(value), m.low, m.high].into_iter().flatten());
        let [x, low, high] = [Some(value), m.low, m.high].map(|x| x.map(|x| x * scale.factor));
        let uncertainty = m.uncertainty.filter(|u| *u > 0.0);
        let places = match uncertainty {
            Some(u) => Some(places_of(u * scale.factor)),
            None => places_between(low, high),
        };
        let shown = x.map_or(String::new(), |x| on_its_side(x, places, low, high));
        Self {
            value: with_unit(&lang.number(&shown), &scale.unit),
            uncertainty: uncertainty.map(|u| lang.number(&uncertainty_text(u, &m.unit, &scale))),
            low: low.map(|x| lang.number(&short(x))),
            high: high.map(|x| lang.number(&short(x))),
            unit: scale.unit,
        }
    }

    /// `30.52 s ± 1.4 µs`
    pub(crate) fn value_and_uncertainty(&self) -> String {
        match &self.uncertainty {
            Some(u) => format!("{} ± {u}", self.value),
            None => self.value.clone(),
        }
    }

    /// `11 .. 13 A`, `>= 30 s`, `<= 1 s`; `None` without limits.
    pub(crate) fn limits(&self) -> Option<String> {
        match (&self.low, &self.high) {
            (Some(low), Some(high)) => Some(with_unit(&format!("{low} .. {high}"), &self.unit)),
            (Some(low), None) => Some(with_unit(&format!(">= {low}"), &self.unit)),
            (None, Some(high)) => Some(with_unit(&format!("<= {high}"), &self.unit)),
            (None, None) => None,
        }
    }
}

/// The value of a measurement that is no number.
trait ValueText {
    fn value_text(&self) -> String;
}

impl ValueText for Measurement {
    fn value_text(&self) -> String {
        plain(&self.value.to_string())
    }
}

/// A unit with a prefix.
struct Scale {
    factor: f64,
    unit: String,
}

/// Symbols that take prefixes.
const SCALABLE: [&str; 7] = ["V", "A", "s", "ohm", "Ω", "Hz", "W"];

const PREFIXES: [(f64, &str); 4] = [(1.0, ""), (1e3, "m"), (1e6, "µ"), (1e9, "n")];

impl Scale {
    /// So that the largest of these has digits before its point.
    fn fit(unit: &str, numbers: impl Iterator<Item = f64>) -> Self {
        let largest = numbers.filter(|x| x.is_finite()).map(f64::abs).fold(0.0, f64::max);
        if largest == 0.0 || !SCALABLE.contains(&unit) {
            return Self { factor: 1.0, unit: plain(unit) };
        }
        // A rounding error below one must not change the prefix.
        let fits = |(factor, _): &&(f64, &str)| largest * factor > 0.999_999_9;
        let (factor, prefix) = PREFIXES.iter().find(fits).unwrap_or(&PREFIXES[3]);
        Self { factor: *factor, unit: format!("{prefix}{unit}") }
    }
}

/// A length of time or another quantity on its own, to four digits: `39.32 ms`.
pub(crate) fn quantity(x: f64, unit: &str, lang: Lang) -> String {
    let scale = Scale::fit(unit, std::iter::once(x));
    let x = x * scale.factor;
    let places = if x == 0.0 { 0 } else { (3.0 - x.abs().log10().floor()).clamp(0.0, 12.0) as usize };
    with_unit(&lang.number(&trimmed(format!("{x:.places$}"))), &scale.unit)
}

/// Something that was read or set: `12.8 V`, `alarm`.
pub(crate) fn in_words(value: &Datum, unit: &str, lang: Lang) -> String {
    match value {
        Datum::Number(x) => with_unit(&lang.number(&short(*x)), &plain(unit)),
        Datum::Text(text) => with_unit(&plain(text), &plain(unit)),
    }
}

/// The decimal place of an uncertainty's second significant digit; negative for
/// tens and more.
fn places_of(u: f64) -> i32 {
    let exponent = u.log10().floor();
    // 0.0996 is 0.10, not 0.100.
    let carried = if (u / 10f64.powf(exponent - 1.0)).round() >= 100.0 { exponent + 1.0 } else { exponent };
    (1.0 - carried).clamp(-12.0, 12.0) as i32
}

/// Without an uncertainty: a thousandth of what is accepted.
fn places_between(low: Option<f64>, high: Option<f64>) -> Option<i32> {
    let width = match (low, high) {
        (Some(low), Some(high)) => (high - low).abs(),
        (Some(one), None) | (None, Some(one)) => one.abs(),
        (None, None) => return None,
    };
    (width > 0.0).then(|| (3.0 - width.log10().floor()).clamp(0.0, 12.0) as i32)
}

/// Two significant digits, in the value's unit where they have at most one zero
/// after the point.
fn uncertainty_text(u: f64, unit: &str, scale: &Scale) -> String {
    let in_scale = u * scale.factor;
    if in_scale >= 0.01 || !SCALABLE.contains(&unit) {
        return with_unit(&two_digits(in_scale), &scale.unit);
    }
    let own = Scale::fit(unit, std::iter::once(u));
    with_unit(&two_digits(u * own.factor), &own.unit)
}

fn two_digits(u: f64) -> String {
    rounded(u, places_of(u))
}

fn rounded(x: f64, places: i32) -> String {
    let unit = 10f64.powi(-places);
    match usize::try_from(places) {
        Ok(places) => format!("{x:.places$}"),
        Err(_) => format!("{:.0}", (x / unit).round() * unit),
    }
}

/// Rounded; with all its digits where rounding would move it across a limit.
fn on_its_side(x: f64, places: Option<i32>, low: Option<f64>, high: Option<f64>) -> String {
    let Some(places) = places else { return short(x) };
    let outside = |x: f64| [low.is_some_and(|low| x < low), high.is_some_and(|high| x > high)];
    (places..=12)
        .map(|places| rounded(x, places))
        .find(|text| text.parse().map(outside) == Ok(outside(x)))
        .map_or_else(|| exact(x), |text| if text.trim_matches(['-', '0', '.']).is_empty() { text.replace('-', "") } else { text })
}

fn trimmed(digits: String) -> String {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.').to_owned() } else { digits }
}

fn with_unit(digits: &str, unit: &str) -> String {
    if unit.is_empty() { digits.to_owned() } else { format!("{digits} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::tests::lead;

    fn figures(value: f64, u: Option<f64>, low: Option<f64>, high: Option<f64>, unit: &str) -> (String, String) {
        let m = Measurement { uncertainty: u, unit: unit.into(), ..lead(value, low, high) };
        let f = Figures::of(&m, Lang::En);
        (f.value_and_uncertainty(), f.limits().unwrap_or_default())
    }

    #[test]
    fn the_uncertainty_has_two_digits_and_the_value_ends_with_it() {
        let cases = [
            ((30.520_784_376, Some(1.414_213_562e-6), Some(30.0), None, "s"), ("30.5207844 s ± 1.4 µs", ">= 30 s")),
            ((8.408_821_428, Some(0.009_757_6), Some(8.0), Some(10.0), "A"), ("8.4088 A ± 9.8 mA", "8 .. 10 A")),
            ((5.003, Some(0.138_564), Some(4.0), None, "A"), ("5.00 A ± 0.14 A", ">= 4 A")),
            ((0.039_319_038, Some(2.236e-6), None, Some(0.1), "s"), ("39.3190 ms ± 2.2 µs", "<= 100 ms")),
            ((0.078_645_566, Some(0.037_027), None, Some(1.0), "s"), ("0.079 s ± 0.037 s", "<= 1 s")),
            ((-0.000_204_76, Some(0.000_692_8), Some(-0.005), Some(0.05), "A"), ("-0.20 mA ± 0.69 mA", "-5 .. 50 mA")),
            ((12.345, Some(0.0996), None, None, "V"), ("12.35 V ± 0.10 V", "")),
            ((1234.5, Some(140.0), None, None, "s"), ("1230 s ± 140 s", "")),
            ((14.2, None, Some(14.149_999_999_999_999), Some(14.25), "V"), ("14.2000 V", "14.15 .. 14.25 V")),
            ((-0.078_562_487, None, Some(-0.3), Some(0.05), "V"), ("-78.6 mV", "-300 .. 50 mV")),
            ((0.046, Some(0.138_564), Some(-0.3), Some(0.3), "A"), ("50 mA ± 140 mA", "-300 .. 300 mA")),
            ((23.25, Some(0.5), Some(15.0), Some(35.0), "°C"), ("23.25 °C ± 0.50 °C", "15 .. 35 °C")),
            ((0.0, None, None, None, "V"), ("0 V", "")),
        ];
        for ((value, u, low, high, unit), (shown, limits)) in cases {
            assert_eq!(figures(value, u, low, high, unit), (shown.to_owned(), limits.to_owned()));
        }
    }

    #[test]
    fn rounding_never_puts_a_value_on_the_other_side_of_its_limit() {
        let shown = |value, u, low, high| figures(value, Some(u), low, high, "s").0;
        assert_eq!(shown(29.999_999_6, 0.02, Some(30.0), None), "29.9999996 s ± 0.020 s");
        assert_eq!(shown(31.000_000_4, 0.02, None, Some(31.0)), "31.0000004 s ± 0.020 s");
        assert_eq!(shown(30.0, 0.02, Some(30.0), None), "30.000 s ± 0.020 s");
    }

    #[test]
    fn german_has_a_comma() {
        let f = Figures::of(&Measurement { uncertainty: Some(2e-5), ..lead(30.5, Some(29.5), None) }, Lang::De);
        assert_eq!((f.value_and_uncertainty().as_str(), f.limits().unwrap().as_str()), ("30,500000 s ± 20 µs", ">= 29,5 s"));
        assert_eq!(quantity(0.039_32, "s", Lang::De), "39,32 ms");
    }
}
