//! Quantities: a number in SI units with its dimension, read from and printed
//! as text such as `12.5 mV`, `20 mV/s` or `30 s`.
//!
//! Not a general unit system: it knows the units this field's plans use.

use std::fmt;

/// Exponents of volt, ampere, second and kelvin; enough for every quantity of
/// a bench (ohm = V/A, watt = V·A, hertz = 1/s). Ratios (`%`) and counts are
/// dimensionless.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Dimension {
    /// Exponent of volt.
    pub volt: i8,
    /// Exponent of ampere.
    pub ampere: i8,
    /// Exponent of second.
    pub second: i8,
    /// Exponent of kelvin.
    pub kelvin: i8,
}

impl Dimension {
    const fn new(volt: i8, ampere: i8, second: i8, kelvin: i8) -> Self {
        Self { volt, ampere, second, kelvin }
    }
    /// No dimension: a ratio or a count.
    pub const NONE: Self = Self::new(0, 0, 0, 0);
    /// Volt.
    pub const VOLTAGE: Self = Self::new(1, 0, 0, 0);
    /// Ampere.
    pub const CURRENT: Self = Self::new(0, 1, 0, 0);
    /// Second.
    pub const TIME: Self = Self::new(0, 0, 1, 0);
    /// Kelvin (°C is read with its offset).
    pub const TEMPERATURE: Self = Self::new(0, 0, 0, 1);
    /// Ohm.
    pub const RESISTANCE: Self = Self::new(1, -1, 0, 0);
    /// Watt.
    pub const POWER: Self = Self::new(1, 1, 0, 0);
    /// Hertz.
    pub const FREQUENCY: Self = Self::new(0, 0, -1, 0);
    /// Volt per second.
    pub const VOLTAGE_RATE: Self = Self::new(1, 0, -1, 0);
    /// Ampere per second.
    pub const CURRENT_RATE: Self = Self::new(0, 1, -1, 0);

    /// The dimension of a product.
    pub const fn times(self, o: Self) -> Self {
        Self::new(
            self.volt.saturating_add(o.volt),
            self.ampere.saturating_add(o.ampere),
            self.second.saturating_add(o.second),
            self.kelvin.saturating_add(o.kelvin),
        )
    }

    /// The dimension of a quotient.
    pub const fn per(self, o: Self) -> Self {
        Self::new(
            self.volt.saturating_sub(o.volt),
            self.ampere.saturating_sub(o.ampere),
            self.second.saturating_sub(o.second),
            self.kelvin.saturating_sub(o.kelvin),
        )
    }

    /// What a person calls it: `a voltage`, `a time`, or the exponents.
    pub fn noun(self) -> String {
        NOUNS
            .iter()
            .find(|(d, _)| *d == self)
            .map_or_else(|| format!("V^{} A^{} s^{} K^{}", self.volt, self.ampere, self.second, self.kelvin), |(_, n)| (*n).to_owned())
    }
}

const NOUNS: &[(Dimension, &str)] = &[
    (Dimension::NONE, "a plain number"),
    (Dimension::VOLTAGE, "a voltage"),
    (Dimension::CURRENT, "a current"),
    (Dimension::TIME, "a time"),
    (Dimension::TEMPERATURE, "a temperature"),
    (Dimension::RESISTANCE, "a resistance"),
    (Dimension::POWER, "a power"),
    (Dimension::FREQUENCY, "a frequency"),
    (Dimension::VOLTAGE_RATE, "a voltage rate"),
    (Dimension::CURRENT_RATE, "a current rate"),
];

/// A unit a person may write: SI value = number × `factor` + `offset`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Unit {
    /// As written, for example `mV`.
    pub symbol: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// To SI.
    pub factor: f64,
    /// To SI; only °C has one.
    pub offset: f64,
}

const fn unit(symbol: &'static str, dimension: Dimension, factor: f64) -> Unit {
    Unit { symbol, dimension, factor, offset: 0.0 }
}

/// Every legal unit, in the order in which messages list them.
pub const UNITS: &[Unit] = &[
    unit("V", Dimension::VOLTAGE, 1.0),
    unit("mV", Dimension::VOLTAGE, 1e-3),
    unit("uV", Dimension::VOLTAGE, 1e-6),
    unit("µV", Dimension::VOLTAGE, 1e-6),
    unit("A", Dimension::CURRENT, 1.0),
    unit("mA", Dimension::CURRENT, 1e-3),
    unit("uA", Dimension::CURRENT, 1e-6),
    unit("µA", Dimension::CURRENT, 1e-6),
    unit("s", Dimension::TIME, 1.0),
    unit("ms", Dimension::TIME, 1e-3),
    unit("us", Dimension::TIME, 1e-6),
    unit("µs", Dimension::TIME, 1e-6),
    unit("min", Dimension::TIME, 60.0),
    unit("h", Dimension::TIME, 3600.0),
    unit("ohm", Dimension::RESISTANCE, 1.0),
    unit("Ω", Dimension::RESISTANCE, 1.0),
    unit("mohm", Dimension::RESISTANCE, 1e-3),
    unit("kohm", Dimension::RESISTANCE, 1e3),
    unit("Mohm", Dimension::RESISTANCE, 1e6),
    unit("W", Dimension::POWER, 1.0),
    unit("Hz", Dimension::FREQUENCY, 1.0),
    unit("kHz", Dimension::FREQUENCY, 1e3),
    unit("V/s", Dimension::VOLTAGE_RATE, 1.0),
    unit("mV/s", Dimension::VOLTAGE_RATE, 1e-3),
    unit("A/s", Dimension::CURRENT_RATE, 1.0),
    unit("%", Dimension::NONE, 0.01),
    unit("deg", Dimension::NONE, 1.0),
    unit("dBm", Dimension::NONE, 1.0),
    Unit { symbol: "°C", dimension: Dimension::TEMPERATURE, factor: 1.0, offset: 273.15 },
    Unit { symbol: "degC", dimension: Dimension::TEMPERATURE, factor: 1.0, offset: 273.15 },
    unit("K", Dimension::TEMPERATURE, 1.0),
];

/// The unit with this symbol.
pub fn find_unit(symbol: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|u| u.symbol == symbol)
}

/// A number in SI units and what it measures. May be NaN when it comes from an
/// instrument; [`Quantity::parse`] never makes one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Quantity {
    /// In SI units.
    pub si: f64,
    /// What it measures.
    pub dimension: Dimension,
}

/// Why a text is no quantity.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuantityError {
    /// No number at the start.
    #[error("no number")]
    NoNumber,
    /// Overflow, NaN or infinity.
    #[error("not a finite number")]
    NotFinite,
    /// Unknown unit; the text as written.
    #[error("unknown unit `{0}`")]
    UnknownUnit(String),
}

impl Quantity {
    /// `si` in SI units.
    pub const fn new(si: f64, dimension: Dimension) -> Self {
        Self { si, dimension }
    }
    /// Volts.
    pub const fn volts(v: f64) -> Self {
        Self::new(v, Dimension::VOLTAGE)
    }
    /// Amperes.
    pub const fn amperes(a: f64) -> Self {
        Self::new(a, Dimension::CURRENT)
    }
    /// Seconds.
    pub const fn seconds(s: f64) -> Self {
        Self::new(s, Dimension::TIME)
    }

    /// Reads `12.5 mV`, `12.5mV`, `-3 A` or a plain number. A number without a
    /// unit is dimensionless.
    ///
    /// # Errors
    /// No number, not finite, or a unit that is not in [`UNITS`].
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let text = text.trim();
        let (number, symbol) = split_number(text);
        let number: f64 = number.parse().map_err(|_| QuantityError::NoNumber)?;
        let unit = match symbol.trim() {
            "" => &unit("", Dimension::NONE, 1.0),
            s => find_unit(s).ok_or_else(|| QuantityError::UnknownUnit(s.to_owned()))?,
        };
        let si = number.mul_add(unit.factor, unit.offset);
        if si.is_finite() { Ok(Self::new(si, unit.dimension)) } else { Err(QuantityError::NotFinite) }
    }

    /// As a number of `unit`s, for reports with a fixed unit a column.
    pub fn in_unit(self, unit: &Unit) -> f64 {
        (self.si - unit.offset) / unit.factor
    }
}

/// Where the number ends: digits, sign, point and an exponent that has digits.
pub(crate) fn split_number(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let digits = |mut i: usize| {
        while bytes.get(i).is_some_and(u8::is_ascii_digit) {
            i += 1;
        }
        i
    };
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    end = digits(end);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    text.split_at(end)
}

/// The units printing chooses from, largest first.
const PRINTED: &[&str] =
    &["V", "mV", "µV", "A", "mA", "µA", "s", "ms", "µs", "Mohm", "kohm", "ohm", "mohm", "W", "kHz", "Hz", "V/s", "mV/s", "A/s"];

impl fmt::Display for Quantity {
    /// Up to six significant digits in the largest unit that leaves at least
    /// one before the point: `12.5 mV`, `30 s`, `NaN V`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dimension == Dimension::TEMPERATURE {
            return write!(f, "{} °C", significant(self.si - 273.15, DIGITS));
        }
        let candidates = || PRINTED.iter().filter_map(|s| find_unit(s)).filter(|u| u.dimension == self.dimension);
        let fits = candidates().find(|u| (self.si / u.factor).abs() >= 0.9999995);
        let base = || candidates().find(|u| u.factor == 1.0);
        let chosen = if self.si == 0.0 || !self.si.is_finite() { base() } else { fits.or_else(|| candidates().next_back()) };
        match chosen {
            Some(unit) => write!(f, "{} {}", significant(self.si / unit.factor, DIGITS), unit.symbol),
            None if self.dimension == Dimension::NONE => write!(f, "{}", significant(self.si, DIGITS)),
            None => write!(f, "{} {}", significant(self.si, DIGITS), self.dimension.noun()),
        }
    }
}

/// Significant digits that people read.
const DIGITS: u8 = 6;

/// So many significant digits, at most 12 after the point, without trailing zeros.
pub fn significant(x: f64, digits: u8) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{}", if x == 0.0 { 0.0 } else { x });
    }
    let places = (i32::from(digits) - 1 - x.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{x:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(Quantity::parse("12.5 mV").unwrap(), Quantity::volts(0.0125));
        assert_eq!(Quantity::parse("-3A").unwrap(), Quantity::amperes(-3.0));
        assert_eq!(Quantity::parse("1e3 V").unwrap(), Quantity::volts(1000.0));
        assert_eq!(Quantity::parse("20 mV/s").unwrap().dimension, Dimension::VOLTAGE_RATE);
        assert_eq!(Quantity::parse("80 %").unwrap().si, 0.8);
        assert_eq!(Quantity::parse("volt"), Err(QuantityError::NoNumber));
        assert_eq!(Quantity::parse("1e999 V"), Err(QuantityError::NotFinite));
        assert_eq!(Quantity::parse("3 Volt"), Err(QuantityError::UnknownUnit("Volt".into())));
        assert_eq!(Quantity::parse("nan V"), Err(QuantityError::NoNumber));
    }

    #[test]
    fn prints_what_people_read() {
        for (q, text) in [
            (Quantity::volts(0.0125), "12.5 mV"),
            (Quantity::volts(12.8), "12.8 V"),
            (Quantity::seconds(30.0), "30 s"),
            (Quantity::amperes(0.0), "0 A"),
            (Quantity::amperes(-0.005), "-5 mA"),
            (Quantity::amperes(0.99999999), "1 A"),
            (Quantity::volts(f64::NAN), "NaN V"),
            (Quantity::new(120.0, Dimension::NONE), "120"),
        ] {
            assert_eq!(q.to_string(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_printed_is_read_again(number in -1e7_f64..1e7, scale in -6_i32..4, unit in 0..UNITS.len()) {
            let unit = &UNITS[unit];
            let q = Quantity::new((number * 10_f64.powi(scale)).mul_add(unit.factor, unit.offset), unit.dimension);
            let printed = q.to_string();
            let again = Quantity::parse(&printed).unwrap();
            proptest::prop_assert_eq!(again.dimension, q.dimension);
            // Six digits of what is printed: of °C, not of kelvin.
            let shown = if q.dimension == Dimension::TEMPERATURE { q.si - 273.15 } else { q.si };
            let tolerance = (shown.abs() * 5.1e-6).max(1e-12);
            proptest::prop_assert!((again.si - q.si).abs() <= tolerance, "{} {} {}", printed, again.si, q.si);
            proptest::prop_assert_eq!(again.to_string(), printed);
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+ 0-9.eEmVAs%°µ/x]{0,12}|.{0,12}") {
            if let Ok(q) = Quantity::parse(&text) {
                proptest::prop_assert!(q.si.is_finite());
                let _ = q.to_string();
            }
        }
    }
}
