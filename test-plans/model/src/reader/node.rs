//! One TOML value with its place, and how a person's text becomes a value.

use std::rc::Rc;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use crate::diagnostic::{Span, nearest};
use crate::quantity::{Dimension, Quantity, QuantityError, UNITS};
use crate::reader::expression;
use crate::reader::report::{Report, one_of};
use crate::reader::table::Table;

/// A value, where it stands and what messages call it. Every reading method
/// returns `None` after having reported why.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pub(crate) value: &'a DeValue<'a>,
    /// Where it stands.
    pub span: Span,
    /// ``timeout``, ``battery.voltage``, `item 2 of `points``.
    pub what: String,
    /// `step `lead``.
    pub place: Rc<str>,
    /// Where its errors go.
    pub report: &'a Report,
}

impl<'a> Node<'a> {
    pub(crate) fn new(value: &'a Spanned<DeValue<'a>>, what: String, place: Rc<str>, report: &'a Report) -> Self {
        Self { value: value.get_ref(), span: report.span(value.span()), what, place, report }
    }

    /// Reports something about this value.
    pub fn error(&self, body: impl Into<String>, hint: Option<String>) {
        self.report.error(&self.place, self.span, body, hint);
    }

    /// Reports that this value is not what was expected.
    pub fn expected(&self, legal: &str, hint: Option<String>) {
        self.error(format!("{} is {}, expected {legal}", self.what, self.found()), hint);
    }

    /// Reports that `found`, this value or a part of it, is none of `legal`.
    pub fn none_of<'n>(&self, found: &str, legal: impl IntoIterator<Item = &'n str>) {
        let legal: Vec<&str> = legal.into_iter().collect();
        let hint = nearest(found, legal.iter().copied()).map(|name| format!("did you mean `{name}`"));
        self.error(format!("{} is `{found}`, expected {}", self.what, one_of(found, &legal)), hint);
    }

    /// Reports a name that is none of `legal`, with the nearest one.
    pub fn unknown<'n>(&self, what: &str, found: &str, legal: impl IntoIterator<Item = &'n str>) {
        self.report.unknown(&self.place, self.span, what, found, legal);
    }

    /// What stands there, for messages.
    pub fn found(&self) -> String {
        match self.value {
            DeValue::String(s) => format!("`{s}`"),
            DeValue::Integer(i) => format!("the number `{i}`"),
            DeValue::Float(f) => format!("the number `{f}`"),
            DeValue::Boolean(b) => format!("`{b}`"),
            DeValue::Datetime(d) => format!("the date `{d}`"),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    /// A string.
    pub fn text(&self) -> Option<&'a str> {
        if let DeValue::String(s) = self.value {
            return Some(s.as_ref());
        }
        let hint = matches!(self.value, DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_));
        self.expected("a string", hint.then(|| "put it in quotes".to_owned()));
        None
    }

    /// This place with another text, which is a part of it.
    pub(crate) fn part<'p>(&'p self, value: &'p DeValue<'p>) -> Node<'p> {
        Node { value, span: self.span, what: self.what.clone(), place: self.place.clone(), report: self.report }
    }

    /// A string that is not blank.
    pub fn filled(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.error(format!("{} is empty", self.what), None);
            return None;
        }
        Some(text)
    }

    /// A name: ASCII letters, digits, `-` and `_`.
    pub fn name(&self) -> Option<&'a str> {
        let text = self.filled()?;
        if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            self.expected("a name of letters, digits, `-` and `_`", None);
            return None;
        }
        Some(text)
    }

    /// One of `words`.
    pub fn word<'w>(&self, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text()?;
        let found = words.iter().find(|w| **w == text).copied();
        if found.is_none() {
            self.none_of(text, words.iter().copied());
        }
        found
    }

    /// A whole number of at least `least`.
    pub fn count(&self, least: usize) -> Option<usize> {
        let found = match self.value {
            DeValue::Integer(i) => usize::from_str_radix(i.as_str(), i.radix()).ok(),
            _ => None,
        };
        let found = found.filter(|n| *n >= least);
        if found.is_none() {
            self.expected(&format!("a whole number of at least {least}"), None);
        }
        found
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        let found = self.value.as_bool();
        if found.is_none() {
            self.expected("`true` or `false`", None);
        }
        found
    }

    /// A quantity; with `Some`, of that dimension. A plain TOML number is
    /// dimensionless.
    pub fn quantity(&self, dimension: Option<Dimension>) -> Option<Quantity> {
        match self.value {
            DeValue::String(text) => self.quantity_in(text, dimension),
            DeValue::Integer(_) | DeValue::Float(_) => {
                let found = Quantity::new(self.number()?, Dimension::NONE);
                let fits = dimension.is_none_or(|d| d == Dimension::NONE);
                if !fits {
                    self.expected(&expected_quantity(dimension), unit_hint(dimension));
                }
                fits.then_some(found)
            }
            _ => {
                self.expected(&expected_quantity(dimension), unit_hint(dimension));
                None
            }
        }
    }

    /// The quantity in `text`, which is a part of this value.
    pub fn quantity_in(&self, text: &str, dimension: Option<Dimension>) -> Option<Quantity> {
        let text = text.trim();
        let found = match expression::constant(text) {
            Ok(q) => q,
            Err(why) => {
                self.no_quantity(text, &why, dimension);
                return None;
            }
        };
        if dimension.is_some_and(|d| d != found.dimension) {
            let body = format!("{} is `{text}`, {}, expected {}", self.what, found.dimension.noun(), expected_quantity(dimension));
            self.error(body, unit_hint(dimension));
            return None;
        }
        Some(found)
    }

    /// Like [`Node::quantity`], for differences: a tolerance of `5 °C` is 5 K.
    pub fn difference(&self, dimension: Option<Dimension>) -> Option<Quantity> {
        let found = self.quantity(dimension)?;
        let text = self.value.as_str().unwrap_or("").trim_end();
        let offset = UNITS.iter().find(|u| u.offset != 0.0 && text.ends_with(u.symbol)).map_or(0.0, |u| u.offset);
        Some(Quantity::new(found.si - offset, found.dimension))
    }

    /// A plain TOML number that is finite.
    pub fn number(&self) -> Option<f64> {
        let found = match self.value {
            DeValue::Integer(i) => i64::from_str_radix(i.as_str(), i.radix()).ok().map(|n| n as f64),
            DeValue::Float(f) => f.as_str().parse().ok(),
            _ => None,
        };
        let found = found.filter(|x: &f64| x.is_finite());
        if found.is_none() {
            self.expected("a finite number", None);
        }
        found
    }

    /// True for a plain TOML number.
    pub const fn is_number(&self) -> bool {
        matches!(self.value, DeValue::Integer(_) | DeValue::Float(_))
    }

    /// A time of at least 0 s.
    pub fn duration(&self) -> Option<Duration> {
        let q = self.quantity(Some(Dimension::TIME))?;
        let found = Duration::try_from_secs_f64(q.si).ok();
        if found.is_none() {
            self.expected("a time of at least 0 s", None);
        }
        found
    }

    /// A time above 0 s.
    pub fn positive_duration(&self) -> Option<Duration> {
        let found = self.duration()?;
        if found.is_zero() {
            self.expected("a time above 0 s", None);
            return None;
        }
        Some(found)
    }

    /// An array's items.
    pub fn items(&self) -> Option<Vec<Self>> {
        let DeValue::Array(items) = self.value else {
            self.expected("an array", None);
            return None;
        };
        let item = |(i, v)| Node::new(v, format!("item {} of {}", i + 1, self.what), self.place.clone(), self.report);
        Some(items.iter().enumerate().map(item).collect())
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'a>> {
        let DeValue::Table(table) = self.value else {
            self.expected("a table", None);
            return None;
        };
        Some(Table::new(table, self.span, self.what.clone(), self.place.clone(), self.report))
    }

    fn no_quantity(&self, text: &str, why: &str, dimension: Option<Dimension>) {
        let symbols = UNITS.iter().filter(|u| dimension.is_none_or(|d| d == u.dimension)).map(|u| u.symbol);
        let hint = match Quantity::parse(text) {
            Err(QuantityError::UnknownUnit(unit)) => nearest(&unit, symbols).map(|u| format!("did you mean `{u}`")),
            _ => None,
        };
        let body = format!("{} is `{text}`, {why}, expected {}", self.what, expected_quantity(dimension));
        self.error(body, hint.or_else(|| unit_hint(dimension)));
    }
}

fn expected_quantity(dimension: Option<Dimension>) -> String {
    dimension.map_or_else(|| "a quantity".to_owned(), Dimension::noun)
}

/// `units of a time: `h`, `min`, `ms`, `s``.
pub fn unit_hint(dimension: Option<Dimension>) -> Option<String> {
    let dimension = dimension?;
    let mut symbols: Vec<&str> = UNITS.iter().filter(|u| u.dimension == dimension).map(|u| u.symbol).collect();
    symbols.sort_unstable();
    let list = symbols.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", ");
    (!list.is_empty() && dimension != Dimension::NONE).then(|| format!("units of {}: {list}", dimension.noun()))
}
