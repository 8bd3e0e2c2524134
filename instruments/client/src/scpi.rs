//! Reading what an instrument replies (SCPI-99 volume 1, IEEE 488.2 section 8).
//!
//! Nothing here panics on any bytes, and nothing turns what is no number into
//! one: overflow (9.9E37), not-a-number (9.91E37), NaN and infinity are errors.
//! Where a reply ends is the link's business: an indefinite-length block (`#0`)
//! has an end by the time it comes here.

use std::fmt;

/// Why a reply is not what was expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplyError {
    /// Nothing at all.
    #[error("nothing")]
    Empty,
    /// Not a number in NR1, NR2 or NR3 form.
    #[error("no number")]
    NotANumber,
    /// 9.9E37 or -9.9E37: beyond the range of the instrument.
    #[error("an overflow")]
    Overflow,
    /// 9.91E37: the instrument has no value.
    #[error("the sentinel for `not a number`")]
    NoValue,
    /// Another unit than expected.
    #[error("another unit")]
    Unit,
    /// Not 0, 1, ON or OFF.
    #[error("no boolean")]
    NotABoolean,
    /// Not a quoted string.
    #[error("no quoted string")]
    NotAString,
    /// Not a list: an empty element, or a quote without its partner.
    #[error("no list")]
    NotAList,
    /// Not an entry of an error queue.
    #[error("no error-queue entry")]
    NotAnErrorEntry,
    /// Not a block, or its length is wrong.
    #[error("no block")]
    NotABlock,
}

/// SCPI's infinity; a reading this large means overflow.
const OVERFLOW: f64 = 9.9e37;
/// SCPI's not-a-number.
const NO_VALUE: f64 = 9.91e37;

/// A number in NR1, NR2 or NR3 form, followed by `unit` (in any case, with or
/// without a space), as EA instruments reply (`48.00V`). An empty `unit` allows
/// none; without the one that is expected, a reply is cut off.
///
/// # Errors
/// When it is not exactly that, or one of SCPI's sentinels.
pub fn number(reply: &[u8], unit: &str) -> Result<f64, ReplyError> {
    let text = std::str::from_utf8(reply).map_err(|_| ReplyError::NotANumber)?.trim();
    if text.is_empty() {
        return Err(ReplyError::Empty);
    }
    let (digits, rest) = split_number(text).ok_or(ReplyError::NotANumber)?;
    let rest = rest.trim_start();
    // A sentinel may come without its unit.
    let value = sane(digits.parse().map_err(|_| ReplyError::NotANumber)?)?;
    if !rest.eq_ignore_ascii_case(unit) {
        return Err(if rest.bytes().all(|b| b.is_ascii_alphabetic()) { ReplyError::Unit } else { ReplyError::NotANumber });
    }
    Ok(value)
}

/// Whether a number has an exponent of at least two digits, as instruments that
/// always print one do: without it, a number is cut off.
pub fn has_exponent(reply: &[u8]) -> bool {
    let text = reply.trim_ascii();
    let Some(e) = text.iter().rposition(|b| b.eq_ignore_ascii_case(&b'E')) else { return false };
    let exponent = &text[e + 1..];
    let digits = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
    digits.len() >= 2 && digits.iter().all(u8::is_ascii_digit)
}

/// The value, unless it is none: NaN, infinite, or one of the sentinels.
pub(crate) fn sane(value: f64) -> Result<f64, ReplyError> {
    // Instruments print the sentinels with different numbers of digits.
    if !value.is_finite() {
        Err(ReplyError::NotANumber)
    } else if (value.abs() - NO_VALUE).abs() < 5e33 {
        Err(ReplyError::NoValue)
    } else if value.abs() >= OVERFLOW * 0.999 {
        Err(ReplyError::Overflow)
    } else {
        Ok(value)
    }
}

/// Splits after sign, digits with at most one point, and an exponent that has
/// digits. `None` when there is no digit before the exponent.
fn split_number(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let run = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = run(end);
    end += whole;
    let mut fraction = 0;
    if bytes.get(end) == Some(&b'.') {
        fraction = run(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = run((end + 1 + sign).min(bytes.len()));
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    Some(text.split_at(end))
}

/// A register: a whole number, decimal or hexadecimal (`0x31`, `#H31`).
///
/// # Errors
/// When it is none that 32 bits hold.
pub fn register(reply: &[u8]) -> Result<u32, ReplyError> {
    let text = std::str::from_utf8(reply).map_err(|_| ReplyError::NotANumber)?.trim();
    let hex = ["0x", "0X", "#H", "#h"].iter().find_map(|begin| text.strip_prefix(begin));
    let found = match hex {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    found.map_err(|_| if text.is_empty() { ReplyError::Empty } else { ReplyError::NotANumber })
}

/// `0`, `1`, `OFF` or `ON`.
///
/// # Errors
/// When it is none of them.
pub fn boolean(reply: &[u8]) -> Result<bool, ReplyError> {
    match reply.trim_ascii() {
        b"" => Err(ReplyError::Empty),
        b"0" => Ok(false),
        b"1" => Ok(true),
        word if word.eq_ignore_ascii_case(b"OFF") => Ok(false),
        word if word.eq_ignore_ascii_case(b"ON") => Ok(true),
        _ => Err(ReplyError::NotABoolean),
    }
}

/// The text of a string in double or single quotes; a doubled quote inside
/// stands for one.
///
/// # Errors
/// When it is not exactly one string.
pub fn string(reply: &[u8]) -> Result<String, ReplyError> {
    let text = std::str::from_utf8(reply.trim_ascii()).map_err(|_| ReplyError::NotAString)?;
    let (string, rest) = leading_string(text)?;
    if rest.is_empty() { Ok(string) } else { Err(ReplyError::NotAString) }
}

fn leading_string(text: &str) -> Result<(String, &str), ReplyError> {
    let quote = text.chars().next().ok_or(ReplyError::Empty)?;
    if !matches!(quote, '"' | '\'') {
        return Err(ReplyError::NotAString);
    }
    let mut out = String::new();
    let mut rest = &text[1..];
    loop {
        let at = rest.find(quote).ok_or(ReplyError::NotAString)?;
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix(quote) {
            Some(after) => {
                out.push(quote);
                rest = after;
            }
            None => return Ok((out, rest)),
        }
    }
}

/// One entry of an instrument's error queue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErrorEntry {
    /// 0 is "no error"; negative ones are SCPI's, positive the maker's.
    pub code: i32,
    /// The instrument's words.
    pub text: String,
}

impl ErrorEntry {
    /// The queue was empty.
    pub const fn is_none(&self) -> bool {
        self.code == 0
    }
}

impl fmt::Display for ErrorEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},\"{}\"", self.code, self.text)
    }
}

/// An error-queue reply: `0,"No error"`, `+0,"No error"`, `0,No Error`, and
/// with further fields after a semicolon or comma (`-113,"Undefined
/// header;1;2026/01/01"`). The number decides; a reply without one is an error,
/// never "no error".
///
/// # Errors
/// No whole number at the start, or something else than a comma after it.
pub fn error_entry(reply: &[u8]) -> Result<ErrorEntry, ReplyError> {
    let text = String::from_utf8_lossy(reply.trim_ascii());
    if text.is_empty() {
        return Err(ReplyError::Empty);
    }
    let (code, words) = text.split_once(',').unwrap_or((&text, ""));
    let code = code.trim();
    let digits = code.strip_prefix(['+', '-']).unwrap_or(code);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ReplyError::NotAnErrorEntry);
    }
    let code = code.parse().map_err(|_| ReplyError::NotAnErrorEntry)?;
    let words = words.trim();
    let text = match leading_string(words) {
        Ok((text, _)) => text,
        // Begun and not ended: the reply is cut off.
        Err(_) if words.starts_with(['"', '\'']) => return Err(ReplyError::NotAnErrorEntry),
        Err(_) => words.to_owned(),
    };
    Ok(ErrorEntry { code, text })
}

/// A whole number in NR1 form, as registers and counts are given. One in another
/// form is none, even if its value is whole.
///
/// # Errors
/// When it is not exactly that, or beyond 64 bits.
pub fn whole(reply: &[u8]) -> Result<i64, ReplyError> {
    let text = reply.trim_ascii();
    if text.is_empty() {
        return Err(ReplyError::Empty);
    }
    // Not all of what Rust reads is NR1, but all of NR1 is read by it.
    let text = std::str::from_utf8(text).map_err(|_| ReplyError::NotANumber)?;
    text.parse().map_err(|_| number(text.as_bytes(), "").err().unwrap_or(ReplyError::NotANumber))
}

/// The elements of a list, without the spaces round them: commas inside quotes
/// and parentheses do not part. An empty reply is an empty list; an empty element
/// is none.
///
/// # Errors
/// A quote or parenthesis without its partner, or an empty element.
pub fn list(reply: &[u8]) -> Result<Vec<&[u8]>, ReplyError> {
    if reply.trim_ascii().is_empty() {
        return Ok(Vec::new());
    }
    let (mut elements, mut from, mut quote, mut depth) = (Vec::new(), 0, None, 0_usize);
    for (at, byte) in reply.iter().enumerate() {
        match (quote, byte) {
            (Some(q), b) if q == *b => quote = None,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.checked_sub(1).ok_or(ReplyError::NotAList)?,
            (None, b',') if depth == 0 => {
                elements.push(reply[from..at].trim_ascii());
                from = at + 1;
            }
            _ => {}
        }
    }
    elements.push(reply[from..].trim_ascii());
    let whole = quote.is_none() && depth == 0 && elements.iter().all(|e| !e.is_empty());
    if whole { Ok(elements) } else { Err(ReplyError::NotAList) }
}

/// A list of numbers.
///
/// # Errors
/// As [`list`], and as [`number`] for the first that is none.
pub fn numbers(reply: &[u8], unit: &str) -> Result<Vec<f64>, ReplyError> {
    list(reply)?.into_iter().map(|element| number(element, unit)).collect()
}

/// The bytes of a block: of definite length, `#<n><length><bytes>`, or `#0<bytes>`
/// up to the reply's end.
///
/// # Errors
/// When it is not exactly one.
pub fn block(reply: &[u8]) -> Result<&[u8], ReplyError> {
    match block_end(reply) {
        BlockEnd::At { body, end } if reply.len() == end => Ok(&reply[body..end]),
        BlockEnd::Indefinite => Ok(&reply[2..]),
        _ => Err(ReplyError::NotABlock),
    }
}

/// Where a block that begins at the first byte ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockEnd {
    /// These bytes do not begin one.
    NoBlock,
    /// Not known yet: its header is not complete.
    Unknown,
    /// `#0`: it ends with the reply, and only the link knows where that is.
    Indefinite,
    /// Its body and end; may lie beyond the bytes at hand.
    At {
        /// First byte of the body.
        body: usize,
        /// One past its last.
        end: usize,
    },
}

/// Where the block ends that begins with these bytes, if it is one.
pub fn block_end(bytes: &[u8]) -> BlockEnd {
    let Some((b'#', rest)) = bytes.split_first() else { return BlockEnd::NoBlock };
    let Some(n) = rest.first() else { return BlockEnd::Unknown };
    if *n == b'0' {
        return BlockEnd::Indefinite;
    }
    if !(b'1'..=b'9').contains(n) {
        return BlockEnd::NoBlock;
    }
    let width = usize::from(n - b'0');
    let digits = &rest[1..];
    let have = digits.len().min(width);
    if !digits[..have].iter().all(u8::is_ascii_digit) {
        return BlockEnd::NoBlock;
    }
    if have < width {
        return BlockEnd::Unknown;
    }
    let length = digits[..width].iter().fold(0_usize, |n, d| n * 10 + usize::from(d - b'0'));
    let body = 2 + width;
    BlockEnd::At { body, end: body + length }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_with_and_without_units() {
        for (reply, unit, expected) in [
            ("12", "", Ok(12.0)),
            ("+1.280001E+01", "", Ok(12.80001)),
            ("-.5", "", Ok(-0.5)),
            ("5.", "", Ok(5.0)),
            ("1e3", "", Ok(1000.0)),
            ("48.00V", "V", Ok(48.0)),
            (" -0.5 a ", "A", Ok(-0.5)),
            ("48.00V", "", Err(ReplyError::Unit)),
            ("48.00V", "A", Err(ReplyError::Unit)),
            ("48.00mV", "V", Err(ReplyError::Unit)),
            ("", "V", Err(ReplyError::Empty)),
            ("V", "V", Err(ReplyError::NotANumber)),
            (".", "", Err(ReplyError::NotANumber)),
            ("-", "", Err(ReplyError::NotANumber)),
            ("1.2.3", "", Err(ReplyError::NotANumber)),
            ("1,2", "", Err(ReplyError::NotANumber)),
            ("12e", "", Err(ReplyError::Unit)),
            // Cut off.
            ("48.0", "V", Err(ReplyError::Unit)),
            ("NaN", "", Err(ReplyError::NotANumber)),
            ("inf", "", Err(ReplyError::NotANumber)),
            ("1e999", "", Err(ReplyError::NotANumber)),
            ("9.9E37", "", Err(ReplyError::Overflow)),
            ("-9.900000E+37", "", Err(ReplyError::Overflow)),
            ("9.91E37", "", Err(ReplyError::NoValue)),
            ("9.91E37", "V", Err(ReplyError::NoValue)),
            ("+9.91000000E+37", "", Err(ReplyError::NoValue)),
            ("1E38", "", Err(ReplyError::Overflow)),
        ] {
            assert_eq!(number(reply.as_bytes(), unit), expected, "{reply}");
        }
        assert_eq!(number(b"12\xff", ""), Err(ReplyError::NotANumber));
    }

    #[test]
    fn a_number_without_the_exponent_that_it_should_have_is_cut_off() {
        let has = ["1.2800010E+01", "-9.9e-06 ", "1E05"].map(|text| has_exponent(text.as_bytes()));
        let has_not = ["1.28000", "1.2800010E", "1.2800010E+", "1.2800010E+0", ""].map(|text| has_exponent(text.as_bytes()));
        assert_eq!((has, has_not), ([true; 3], [false; 5]));
    }

    #[test]
    fn booleans_and_strings() {
        assert_eq!(boolean(b" on"), Ok(true));
        assert_eq!(boolean(b"0"), Ok(false));
        assert_eq!(boolean(b"2"), Err(ReplyError::NotABoolean));
        assert_eq!(string(br#""VOLT:DC""#), Ok("VOLT:DC".into()));
        assert_eq!(string(br#""a""b""#), Ok("a\"b".into()));
        assert_eq!(string(b"'a'"), Ok("a".into()));
        assert_eq!(string(br#""a"#), Err(ReplyError::NotAString));
        assert_eq!(string(br#""a" b"#), Err(ReplyError::NotAString));
    }

    #[test]
    fn whole_numbers() {
        for (reply, expected) in [
            ("0", Ok(0)),
            (" +65535 ", Ok(65_535)),
            ("-113", Ok(-113)),
            ("007", Ok(7)),
            ("", Err(ReplyError::Empty)),
            ("1.0", Err(ReplyError::NotANumber)),
            ("1E2", Err(ReplyError::NotANumber)),
            ("9.91E37", Err(ReplyError::NoValue)),
            ("9.9E37", Err(ReplyError::Overflow)),
            ("1V", Err(ReplyError::Unit)),
            ("99999999999999999999", Err(ReplyError::NotANumber)),
            ("one", Err(ReplyError::NotANumber)),
        ] {
            assert_eq!(whole(reply.as_bytes()), expected, "{reply}");
        }
    }

    #[test]
    fn lists_and_what_is_in_them() {
        let texts =
            |reply: &str| list(reply.as_bytes()).map(|all| all.iter().map(|e| String::from_utf8_lossy(e).into_owned()).collect::<Vec<_>>());
        for (reply, expected) in [
            ("", Ok(vec![])),
            ("1", Ok(vec!["1"])),
            ("1 , 2.5,3E1", Ok(vec!["1", "2.5", "3E1"])),
            (r#""a,b",'c"',"d""e""#, Ok(vec![r#""a,b""#, r#"'c"'"#, r#""d""e""#])),
            ("(@1,2:4),5", Ok(vec!["(@1,2:4)", "5"])),
            ("1,,2", Err(ReplyError::NotAList)),
            ("1,", Err(ReplyError::NotAList)),
            (",", Err(ReplyError::NotAList)),
            (r#""a,b"#, Err(ReplyError::NotAList)),
            ("(1,2", Err(ReplyError::NotAList)),
            ("1)", Err(ReplyError::NotAList)),
        ] {
            assert_eq!(texts(reply), expected.map(|all| all.into_iter().map(str::to_owned).collect()), "{reply}");
        }
        assert_eq!(numbers(b"1,-2.5,3E+01", ""), Ok(vec![1.0, -2.5, 30.0]));
        assert_eq!(numbers(b"1 V,2V", "V"), Ok(vec![1.0, 2.0]));
        assert_eq!(numbers(b"1,9.91E37", ""), Err(ReplyError::NoValue));
        assert_eq!(numbers(b"-9.9E37,1", ""), Err(ReplyError::Overflow));
        assert_eq!(numbers(b"1,nan", ""), Err(ReplyError::NotANumber));
    }

    #[test]
    fn error_entries_of_several_makers() {
        let entry = |code, text: &str| Ok(ErrorEntry { code, text: text.into() });
        for (reply, expected) in [
            (r#"+0,"No error""#, entry(0, "No error")),
            (r#"0,"No error;0;0 0""#, entry(0, "No error;0;0 0")),
            ("0,No Error", entry(0, "No Error")),
            ("0", entry(0, "")),
            ("0  No Error", Err(ReplyError::NotAnErrorEntry)),
            (r#"0,"No er"#, Err(ReplyError::NotAnErrorEntry)),
            (r#"-222,"Data out of range""#, entry(-222, "Data out of range")),
            (r#"-113,"Undefined header;1;2026/01/01 12:00:00.000""#, entry(-113, "Undefined header;1;2026/01/01 12:00:00.000")),
            (r#"-113,"Undefined header",7,"BEEPER""#, entry(-113, "Undefined header")),
            ("No error", Err(ReplyError::NotAnErrorEntry)),
            ("", Err(ReplyError::Empty)),
            ("0.0,\"No error\"", Err(ReplyError::NotAnErrorEntry)),
            ("99999999999,x", Err(ReplyError::NotAnErrorEntry)),
            ("+-0,x", Err(ReplyError::NotAnErrorEntry)),
        ] {
            assert_eq!(error_entry(reply.as_bytes()), expected, "{reply}");
        }
    }

    #[test]
    fn blocks() {
        assert_eq!(block(b"#15hello"), Ok(&b"hello"[..]));
        assert_eq!(block(b"#3005hello"), Ok(&b"hello"[..]));
        assert_eq!(block(b"#10"), Ok(&b""[..]));
        assert_eq!(block(b"#0hel\nlo"), Ok(&b"hel\nlo"[..]));
        assert_eq!(block(b"#0"), Ok(&b""[..]));
        for wrong in [&b"#15hell"[..], b"#15hello!", b"0hello", b"#", b"#2", b"#9999999999", b"hello", b"#1x"] {
            assert_eq!(block(wrong), Err(ReplyError::NotABlock), "{}", wrong.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let value = number(&bytes, "V");
            prop_assert!(value.is_err() || value.is_ok_and(|v| v.is_finite() && v.abs() < 9.9e37));
            let _ = (boolean(&bytes), string(&bytes), error_entry(&bytes), block(&bytes), block_end(&bytes));
            let _ = (whole(&bytes), list(&bytes), numbers(&bytes, "V"));
        }

        #[test]
        fn no_text_like_a_reply_panics(text in "[-+0-9.eE,;\"'#VA \\u{e9}]{0,24}") {
            let bytes = text.as_bytes();
            let _ = (number(bytes, "V"), boolean(bytes), string(bytes), error_entry(bytes), block(bytes));
        }

        #[test]
        fn every_number_survives(value in -1e30..1e30_f64, places in 0..12_usize) {
            let text = format!("{value:.places$e}V");
            let expected: f64 = text.trim_end_matches('V').parse().expect("a number");
            prop_assert_eq!(number(text.as_bytes(), "V"), Ok(expected));
        }

        #[test]
        fn every_string_survives(text in "[ -~]{0,20}") {
            let quoted = format!("\"{}\"", text.replace('"', "\"\""));
            prop_assert_eq!(string(quoted.as_bytes()), Ok(text));
        }

        #[test]
        fn every_block_survives(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reply = format!("#3{:03}", bytes.len()).into_bytes();
            reply.extend_from_slice(&bytes);
            prop_assert_eq!(block(&reply), Ok(bytes.as_slice()));
        }
    }
}
