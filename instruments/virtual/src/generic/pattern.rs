//! A dialect's command as something that a message can be held against.
//!
//! The `scpi` crate's command trees are made at compile time (names are
//! `&'static`, and a header has no channel in it), so a dialect's are matched here,
//! with its tokenizer and its rule for short and long mnemonics.

use hil_client::template::{Piece, Template};
use scpi::error::ErrorCode;
use scpi::parser::mnemonic_match;
use scpi::parser::tokenizer::{Token, Tokenizer};

/// What a field becomes before the template is read.
const MARK: &str = "HILFIELD";

/// Mnemonics whose long form is said as well as the short one.
const LONG: &[&str] = &[
    "ABORt",
    "ACQuire",
    "APPLy",
    "BATTery",
    "BORDer",
    "CHANnel",
    "CLEar",
    "COMPlete",
    "CONFigure",
    "COUNt",
    "CURRent",
    "DATA",
    "DELay",
    "ERRor",
    "EVENt",
    "FETCh",
    "FORMat",
    "FUNCtion",
    "IMMediate",
    "INITiate",
    "INPut",
    "INSTrument",
    "LEVel",
    "LIMit",
    "LIST",
    "LOAD",
    "MEASure",
    "MODE",
    "NPLCycles",
    "NSELect",
    "NORMal",
    "OFFSet",
    "OUTPut",
    "PERiod",
    "POWer",
    "PROTection",
    "RANGe",
    "READ",
    "REMote",
    "RESistance",
    "SCALe",
    "SENSe",
    "SHORt",
    "SINK",
    "SOURce",
    "STATe",
    "STATus",
    "SYSTem",
    "TIMebase",
    "TRIGger",
    "TRIPped",
    "VOLTage",
    "WAVeform",
];

/// One command or query.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Unit {
    /// From the root.
    header: Vec<Vec<u8>>,
    query: bool,
    data: Vec<Datum>,
}

/// One piece of data.
#[derive(Clone, PartialEq, Debug)]
enum Datum {
    Word(Vec<u8>),
    Number(f64),
    Text(Vec<u8>),
    Expression(Vec<u8>),
    /// A value, in a pattern.
    Field,
}

impl Unit {
    /// The unit in `text`, which stands in a message after one with this path.
    ///
    /// # Errors
    /// The code of what is wrong with its form.
    pub(crate) fn read(text: &[u8], path: &[Vec<u8>]) -> Result<Self, ErrorCode> {
        let mut unit = Self { header: Vec::new(), query: false, data: Vec::new() };
        let mut absolute = false;
        for (at, token) in Tokenizer::new(text).enumerate() {
            match token? {
                Token::HeaderMnemonicSeparator => absolute |= at == 0,
                Token::ProgramMnemonic(word) => unit.header.push(word.to_vec()),
                Token::HeaderQuerySuffix => unit.query = true,
                Token::CharacterProgramData(word) => unit.data.push(Datum::Word(word.to_vec())),
                Token::DecimalNumericProgramData(digits) => unit.data.push(Datum::Number(number(digits)?)),
                // What these instruments take has no suffix.
                Token::DecimalNumericSuffixProgramData(..) => return Err(ErrorCode::SuffixNotAllowed),
                Token::NonDecimalNumericProgramData(n) => unit.data.push(Datum::Number(n as f64)),
                Token::StringProgramData(text) => unit.data.push(Datum::Text(text.to_vec())),
                Token::ExpressionProgramData(text) => unit.data.push(Datum::Expression(text.to_vec())),
                Token::ArbitraryBlockData(_) => return Err(ErrorCode::BlockDataNotAllowed),
                Token::ProgramHeaderSeparator | Token::ProgramDataSeparator => {}
                Token::ProgramMessageUnitSeparator => return Err(ErrorCode::SyntaxError),
            }
        }
        let common = unit.header.first().is_some_and(|word| word.starts_with(b"*"));
        if !absolute && !common && !path.is_empty() {
            unit.header.splice(0..0, path.iter().cloned());
        }
        Ok(unit)
    }

    /// The path that the next unit of the message goes on from.
    pub(crate) fn path(&self, before: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        match self.header.split_last() {
            Some((last, path)) if !last.starts_with(b"*") => path.to_vec(),
            _ => before,
        }
    }

    /// It asks.
    pub(crate) const fn is_question(&self) -> bool {
        self.query
    }

    /// As it was said.
    pub(crate) fn header(&self) -> Vec<u8> {
        self.header.join(&b':')
    }

    /// What stands first in its data, if that is a number.
    fn values<'u>(&'u self, said: &'u Self) -> impl Iterator<Item = f64> + 'u {
        let value = |(pattern, datum): (&Datum, &'u Datum)| match (pattern, datum) {
            (Datum::Field, Datum::Number(n)) => Some(*n),
            _ => None,
        };
        self.data.iter().zip(&said.data).filter_map(value)
    }
}

fn number(digits: &[u8]) -> Result<f64, ErrorCode> {
    std::str::from_utf8(digits).ok().and_then(|t| t.parse().ok()).ok_or(ErrorCode::NumericDataError)
}

/// A dialect's command.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pattern(Unit);

impl Pattern {
    /// `None` for what is not one SCPI unit, such as two commands in one.
    pub(crate) fn of(template: &Template) -> Option<Self> {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Field(_) => MARK.to_owned(),
        };
        let text: String = template.pieces().iter().map(text).collect();
        let mut unit = Unit::read(text.as_bytes(), &[]).ok()?;
        for datum in &mut unit.data {
            if *datum == Datum::Word(MARK.into()) {
                *datum = Datum::Field;
            }
        }
        unit.header = unit.header.into_iter().map(long).collect();
        Some(Self(unit))
    }

    /// The values in its fields, when `said` is this command.
    pub(crate) fn values(&self, said: &Unit) -> Option<Vec<f64>> {
        let Self(own) = self;
        let same_header = own.header.len() == said.header.len() && own.header.iter().zip(&said.header).all(|(own, said)| is(own, said));
        let same_data = own.data.len() == said.data.len() && own.data.iter().zip(&said.data).all(|(own, said)| fits(own, said));
        (same_header && own.query == said.query && same_data).then(|| own.values(said).collect())
    }
}

/// The mnemonic in the form that shows both its forms, with its number.
fn long(word: Vec<u8>) -> Vec<u8> {
    let digits = word.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (stem, number) = word.split_at(word.len() - digits);
    let found = LONG.iter().find(|l| {
        let short: String = l.chars().filter(char::is_ascii_uppercase).collect();
        stem.eq_ignore_ascii_case(short.as_bytes()) || stem.eq_ignore_ascii_case(l.as_bytes())
    });
    match found {
        Some(long) => [long.as_bytes(), number].concat(),
        None => word,
    }
}

fn is(own: &[u8], said: &[u8]) -> bool {
    own.eq_ignore_ascii_case(said) || (!own.starts_with(b"*") && mnemonic_match(own, said))
}

fn fits(own: &Datum, said: &Datum) -> bool {
    match (own, said) {
        (Datum::Field, Datum::Number(_)) => true,
        (Datum::Word(own), Datum::Word(said)) => own.eq_ignore_ascii_case(said) || long(own.clone()).eq_ignore_ascii_case(said),
        // ON is 1, and OFF is 0.
        (Datum::Word(word), Datum::Number(n)) | (Datum::Number(n), Datum::Word(word)) => {
            (word.eq_ignore_ascii_case(b"ON") && *n == 1.0) || (word.eq_ignore_ascii_case(b"OFF") && *n == 0.0)
        }
        (own, said) => own == said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, said: &str) -> Option<Vec<f64>> {
        let pattern = Pattern::of(&Template::parse(template).expect("a template").for_channel(2)).expect("a pattern");
        pattern.values(&Unit::read(said.as_bytes(), &[]).ok()?)
    }

    #[test]
    fn knows_its_own() {
        assert_eq!(values("VOLT {volts:.3},(@{channel})", "VOLT 1.5, (@2)"), Some(vec![1.5]));
        assert_eq!(values("VOLT {volts:.3},(@{channel})", "VOLTAGE 1.5,(@2)"), Some(vec![1.5]));
        assert_eq!(values(":SOUR{channel}:VOLT?", "SOURCE2:VOLT?"), Some(vec![]));
        assert_eq!(values(":OUTP CH{channel},ON", ":outp ch2,1"), Some(vec![]));
        assert_eq!(values("FUNC \"VOLT\"", "FUNC \"VOLT\""), Some(vec![]));
        assert_eq!(values("*IDN?", "*idn?"), Some(vec![]));
        for (template, said) in [
            ("VOLT {volts},(@{channel})", "VOLT 1.5,(@1)"),
            (":SOUR{channel}:VOLT?", "SOURCE1:VOLT?"),
            ("VOLT?", "VOLT 1"),
            ("VOLT {volts}", "VOLT?"),
            ("VOLT {volts}", "VOLT MAX"),
            ("VOLT {volts}", "VOLT 1,2"),
            ("OUTP ON", "OUTP OFF"),
        ] {
            assert_eq!(values(template, said), None, "{template}, {said}");
        }
    }

    #[test]
    fn goes_on_from_the_path_before() {
        let first = Unit::read(b"SENS:VOLT:RANG 10", &[]).expect("good");
        let path = first.path(Vec::new());
        let second = Unit::read(b"NPLC 1", &path).expect("good");
        let pattern = Pattern::of(&Template::parse("SENS:VOLT:NPLC {nplc}").expect("a template")).expect("a pattern");
        assert_eq!(pattern.values(&second), Some(vec![1.0]));
        assert_eq!(pattern.values(&Unit::read(b":NPLC 1", &path).expect("good")), None);
    }
}
