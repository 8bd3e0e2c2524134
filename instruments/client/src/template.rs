//! Command templates of a dialect: `VOLT {volts:.3},(@{channel})`.

/// The field that a dialect fills for one of its channels, counted from 1 …
const CHANNEL: &str = "channel";
/// … or from 0.
const CHANNEL_FROM_0: &str = "channel-from-0";

/// A command with values in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template {
    pieces: Vec<Piece>,
}

/// A part of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// A value.
    Field(Field),
}

/// Where a value goes, and how it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    name: String,
    form: Form,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// The shortest form that is exact.
    Exact,
    /// So many digits after the point.
    Places(usize),
    /// A whole number of at least so many digits.
    Padded(usize),
}

/// Why a text is no template.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("`{0}` has unpaired braces")]
    Braces(String),
    /// Not `{name}`, `{name:.digits}` or `{name:0digits}`.
    #[error("field `{0}` is not `name`, `name:.digits` or `name:0digits`")]
    Field(String),
    /// The same field twice.
    #[error("field `{0}` is there twice")]
    Twice(String),
    /// Not printable ASCII, or empty: it would break the wire.
    #[error("`{0}` is not a line of printable ASCII")]
    NotALine(String),
}

impl Field {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let wrong = || TemplateError::Field(text.to_owned());
        let digits = |digits: &str, most: usize| digits.parse().ok().filter(|n| (0..=most).contains(n)).ok_or_else(wrong);
        let (name, form) = match text.split_once(':') {
            None => (text, Form::Exact),
            Some((name, form)) => match (form.strip_prefix('.'), form.strip_prefix('0')) {
                (Some(places), _) => (name, Form::Places(digits(places, 12)?)),
                (_, Some(width)) => (name, Form::Padded(digits(width, 9)?)),
                _ => return Err(wrong()),
            },
        };
        let legal = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if legal { Ok(Self { name: name.to_owned(), form }) } else { Err(wrong()) }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn write(&self, value: f64) -> String {
        match self.form {
            Form::Exact => value.to_string(),
            Form::Places(places) => format!("{value:.places$}"),
            Form::Padded(width) => format!("{value:0width$.0}"),
        }
    }
}

impl Template {
    /// Reads one.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.is_empty() || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Err(TemplateError::NotALine(text.escape_default().to_string()));
        }
        let braces = || TemplateError::Braces(text.to_owned());
        let (mut pieces, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (field, after) = after.split_once('}').ok_or_else(braces)?;
            if before.contains('}') || field.contains('{') {
                return Err(braces());
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let field = Field::parse(field)?;
            if pieces.iter().any(|p| matches!(p, Piece::Field(f) if f.name == field.name)) {
                return Err(TemplateError::Twice(field.name));
            }
            pieces.push(Piece::Field(field));
            rest = after;
        }
        if rest.contains('}') {
            return Err(braces());
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self { pieces })
    }

    /// Its parts, in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The names of its fields; the two kinds of channel are both called `channel`.
    pub fn fields(&self) -> Vec<&str> {
        let name = |p| match p {
            &Piece::Text(_) => None,
            Piece::Field(f) if f.name == CHANNEL_FROM_0 => Some(CHANNEL),
            Piece::Field(f) => Some(f.name.as_str()),
        };
        self.pieces.iter().filter_map(name).collect()
    }

    /// The same for one channel, counted from 1.
    #[must_use]
    pub fn for_channel(&self, channel: u32) -> Self {
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let text = match piece {
                Piece::Text(text) => text.clone(),
                Piece::Field(f) if f.name == CHANNEL => f.write(f64::from(channel)),
                Piece::Field(f) if f.name == CHANNEL_FROM_0 => f.write(f64::from(channel) - 1.0),
                Piece::Field(_) => {
                    pieces.push(piece.clone());
                    continue;
                }
            };
            match pieces.last_mut() {
                Some(Piece::Text(before)) => before.push_str(&text),
                _ => pieces.push(Piece::Text(text)),
            }
        }
        Self { pieces }
    }

    /// The command with `value` in every field. One without a field ignores it.
    pub fn with(&self, value: f64) -> String {
        self.filled(|_| value)
    }

    /// The command with a value for each field.
    pub fn filled(&self, value: impl Fn(&str) -> f64) -> String {
        let write = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(field) => field.write(value(&field.name)),
        };
        self.pieces.iter().map(write).collect()
    }

    /// `value` as the instrument will get it, after rounding.
    pub fn rounded(&self, value: f64) -> f64 {
        let field = self.pieces.iter().find_map(|p| if let Piece::Field(f) = p { Some(f) } else { None });
        field.and_then(|f| f.write(value).parse().ok()).unwrap_or(value)
    }

    /// The command of a template without a field.
    pub fn text(&self) -> String {
        self.with(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_its_fields() {
        let t = Template::parse("VOLT {volts:.3}").expect("legal");
        assert_eq!((t.fields(), t.with(12.8).as_str(), t.rounded(1.23456)), (vec!["volts"], "VOLT 12.800", 1.235));
        assert_eq!(Template::parse("RANG {volts},1").expect("legal").with(0.1), "RANG 0.1,1");
        assert_eq!(Template::parse("*IDN?").expect("legal").text(), "*IDN?");
        assert_eq!(Template::parse("gethsi{fibre:02}").expect("legal").with(7.0), "gethsi07");
        let two = Template::parse("LIST {index},{volts:.1}").expect("legal");
        assert_eq!(two.filled(|f| if f == "index" { 3.0 } else { 1.25 }), "LIST 3,1.2");
    }

    #[test]
    fn is_cut_to_one_channel() {
        let t = Template::parse("VOLT {volts},(@{channel})").expect("legal");
        assert_eq!(t.fields(), ["volts", "channel"]);
        assert_eq!(t.for_channel(2), Template::parse("VOLT {volts},(@2)").expect("legal"));
        let zero = Template::parse("INST {channel-from-0}").expect("legal");
        assert_eq!((zero.fields(), zero.for_channel(1).text()), (vec!["channel"], "INST 0".to_owned()));
    }

    #[test]
    fn refuses_what_would_break_the_wire() {
        assert!(matches!(Template::parse("A\nB"), Err(TemplateError::NotALine(_))));
        assert!(matches!(Template::parse(""), Err(TemplateError::NotALine(_))));
        for text in ["A {b", "A b}", "A {b}}", "A {{b}"] {
            assert!(matches!(Template::parse(text), Err(TemplateError::Braces(_))), "{text}");
        }
        for text in ["A {}", "A {b:3}", "A {b:.}", "A {b:.99}", "A {B}", "A {b:0}"] {
            assert!(matches!(Template::parse(text), Err(TemplateError::Field(_))), "{text}");
        }
        assert!(matches!(Template::parse("A {b} {b}"), Err(TemplateError::Twice(_))));
    }
}
