//! Command templates of a dialect: `VOLT {volts:.3}`.

use serde::Deserialize;

/// A command with at most one value in it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Template {
    before: String,
    field: Option<Field>,
    after: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Field {
    name: String,
    /// Digits after the point; `None`: the shortest form that is exact.
    places: Option<usize>,
}

/// Why a text is no template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner, or a second field.
    #[error("`{0}` has unpaired braces or more than one field")]
    Braces(String),
    /// Neither `{name}` nor `{name:.digits}`.
    #[error("field `{0}` is not `name` or `name:.digits`")]
    Field(String),
    /// Not printable ASCII, or empty: it would break the wire.
    #[error("`{0}` is not a line of printable ASCII")]
    NotALine(String),
}

impl TryFrom<String> for Template {
    type Error = TemplateError;
    fn try_from(text: String) -> Result<Self, TemplateError> {
        if text.is_empty() || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(TemplateError::NotALine(text.escape_default().to_string()));
        }
        let Some((before, rest)) = text.split_once('{') else {
            return if text.contains('}') {
                Err(TemplateError::Braces(text))
            } else {
                Ok(Self { before: text, field: None, after: String::new() })
            };
        };
        let Some((field, after)) = rest.split_once('}') else { return Err(TemplateError::Braces(text)) };
        if before.contains('}') || after.contains(['{', '}']) {
            return Err(TemplateError::Braces(text));
        }
        Ok(Self { before: before.to_owned(), field: Some(Field::parse(field)?), after: after.to_owned() })
    }
}

impl Field {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let wrong = || TemplateError::Field(text.to_owned());
        let (name, places) = match text.split_once(":.") {
            Some((name, digits)) => (name, Some(digits.parse().ok().filter(|p| *p <= 12).ok_or_else(wrong)?)),
            None => (text, None),
        };
        let legal = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        if legal { Ok(Self { name: name.to_owned(), places }) } else { Err(wrong()) }
    }
}

impl Template {
    /// The name of its field, if it has one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_ref().map(|f| f.name.as_str())
    }

    /// The command with `value` in its field. A template without a field
    /// ignores it.
    pub fn with(&self, value: f64) -> String {
        let Self { before, after, .. } = self;
        match &self.field {
            Some(Field { places: Some(places), .. }) => format!("{before}{value:.places$}{after}"),
            Some(_) => format!("{before}{value}{after}"),
            None => before.clone(),
        }
    }

    /// `value` as the instrument will get it, after rounding.
    pub fn rounded(&self, value: f64) -> f64 {
        match self.field.as_ref().and_then(|f| f.places) {
            Some(places) => format!("{value:.places$}").parse().unwrap_or(value),
            None => value,
        }
    }

    /// The command of a template without a field.
    pub fn text(&self) -> &str {
        &self.before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<Template, TemplateError> {
        Template::try_from(text.to_owned())
    }

    #[test]
    fn fills_its_field() {
        let t = template("VOLT {volts:.3}").expect("legal");
        assert_eq!((t.field(), t.with(12.8).as_str(), t.rounded(1.23456)), (Some("volts"), "VOLT 12.800", 1.235));
        assert_eq!(template("RANG {volts},1").expect("legal").with(0.1), "RANG 0.1,1");
        assert_eq!(template("*IDN?").expect("legal").text(), "*IDN?");
    }

    #[test]
    fn refuses_what_would_break_the_wire() {
        assert!(matches!(template("A\nB"), Err(TemplateError::NotALine(_))));
        assert!(matches!(template(""), Err(TemplateError::NotALine(_))));
        for text in ["A {b", "A b}", "A {b} {c}", "A {b}}"] {
            assert!(matches!(template(text), Err(TemplateError::Braces(_))), "{text}");
        }
        for text in ["A {}", "A {b:3}", "A {b:.}", "A {b:.99}", "A {B}"] {
            assert!(matches!(template(text), Err(TemplateError::Field(_))), "{text}");
        }
    }
}
