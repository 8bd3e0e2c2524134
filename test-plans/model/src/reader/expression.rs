//! Text to [`Expression`]: `cut - warn`, `return - dip[2]`, `(a + b) / 2`.
//!
//! A `-` with no space before it belongs to the name it stands in (`pre-alarm`).
//! Names are not looked up here, and units are not compared.

use crate::expression::{EdgeRef, Expression, Operator};
use crate::quantity::{Dimension, Quantity, UNITS};

/// Deeper nesting, or more operands, is no plan but an attack on the stack.
const MOST: usize = 32;

/// Reads an expression; every name without an index becomes a
/// [`Expression::Value`].
///
/// # Errors
/// What is wrong, lower case, to stand after `… is `text`, `.
pub fn parse(text: &str) -> Result<Expression, String> {
    let mut parser = Parser { rest: text.trim_start(), operands: 0, depth: 0 };
    let found = parser.sum()?;
    if parser.rest.is_empty() { Ok(found) } else { Err(format!("unexpected `{}`", parser.next_word())) }
}

/// Reads a quantity, or arithmetic over quantities.
///
/// # Errors
/// What is wrong, lower case.
pub fn constant(text: &str) -> Result<Quantity, String> {
    match Quantity::parse(text) {
        Ok(q) => Ok(q),
        Err(e) if [" + ", " - ", " * ", " / ", "("].iter().all(|op| !text.contains(op)) => Err(e.to_string()),
        Err(_) => evaluate(&parse(text)?),
    }
}

fn evaluate(expression: &Expression) -> Result<Quantity, String> {
    match expression {
        Expression::Literal(q) => Ok(*q),
        Expression::Value(name) => Err(format!("`{name}` is no number")),
        Expression::Edge(edge) => Err(format!("`{edge}` is no number")),
        Expression::Binary(a, op, b) => {
            let (a, b) = (evaluate(a)?, evaluate(b)?);
            let dimension = combine(a.dimension, *op, b.dimension)?;
            let si = match op {
                Operator::Add => a.si + b.si,
                Operator::Subtract => a.si - b.si,
                Operator::Multiply => a.si * b.si,
                Operator::Divide => a.si / b.si,
            };
            if si.is_finite() { Ok(Quantity::new(si, dimension)) } else { Err("not a finite number".to_owned()) }
        }
    }
}

/// The dimension of an operation.
///
/// # Errors
/// When unlike things are added or subtracted.
pub fn combine(a: Dimension, op: Operator, b: Dimension) -> Result<Dimension, String> {
    match op {
        Operator::Multiply => Ok(a.times(b)),
        Operator::Divide => Ok(a.per(b)),
        Operator::Add | Operator::Subtract if a == b => Ok(a),
        Operator::Add => Err(format!("adds {} to {}", b.noun(), a.noun())),
        Operator::Subtract => Err(format!("subtracts {} from {}", b.noun(), a.noun())),
    }
}

struct Parser<'t> {
    /// Never begins with a space.
    rest: &'t str,
    operands: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn sum(&mut self) -> Result<Expression, String> {
        let mut left = self.product()?;
        loop {
            let op = match self.rest.bytes().next() {
                Some(b'+') => Operator::Add,
                Some(b'-') => Operator::Subtract,
                _ => return Ok(left),
            };
            self.skip(1);
            left = Expression::Binary(Box::new(left), op, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Expression, String> {
        let mut left = self.operand()?;
        loop {
            let op = match self.rest.bytes().next() {
                Some(b'*') => Operator::Multiply,
                Some(b'/') => Operator::Divide,
                _ => return Ok(left),
            };
            self.skip(1);
            left = Expression::Binary(Box::new(left), op, Box::new(self.operand()?));
        }
    }

    fn operand(&mut self) -> Result<Expression, String> {
        self.operands += 1;
        if self.operands > MOST || self.depth > MOST {
            return Err(format!("longer than {MOST} operands"));
        }
        match self.rest.bytes().next() {
            None => Err("an operand is missing at the end".to_owned()),
            Some(b'(') => self.group(),
            Some(b'0'..=b'9' | b'.' | b'+' | b'-') => self.literal(),
            Some(b) if b.is_ascii_alphabetic() || b == b'_' => self.name(),
            Some(_) => Err(format!("unexpected `{}`", self.next_word())),
        }
    }

    fn group(&mut self) -> Result<Expression, String> {
        self.skip(1);
        self.depth += 1;
        let inner = self.sum()?;
        self.depth -= 1;
        if !self.rest.starts_with(')') {
            return Err("`)` is missing".to_owned());
        }
        self.skip(1);
        Ok(inner)
    }

    fn literal(&mut self) -> Result<Expression, String> {
        let (number, after) = crate::quantity::split_number(self.rest);
        let after_space = after.trim_start();
        let unit = UNITS
            .iter()
            .filter(|u| after_space.strip_prefix(u.symbol).is_some_and(|r| !r.starts_with(char::is_alphanumeric)))
            .max_by_key(|u| u.symbol.len());
        let symbol = match unit {
            Some(unit) => unit.symbol,
            None if after_space.starts_with(|c: char| c.is_alphabetic() || matches!(c, '°' | '_')) => {
                self.rest = after_space;
                return Err(format!("unknown unit `{}`", self.next_word()));
            }
            None => "",
        };
        let text = format!("{number} {symbol}");
        self.rest = after_space[symbol.len()..].trim_start();
        Quantity::parse(&text).map(Expression::Literal).map_err(|e| e.to_string())
    }

    fn name(&mut self) -> Result<Expression, String> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let end = self.rest.find(|c| !legal(c)).unwrap_or(self.rest.len());
        let name = self.rest[..end].trim_end_matches(['-', '.']).to_owned();
        self.rest = &self.rest[name.len()..];
        if !self.rest.starts_with('[') {
            self.skip(0);
            return Ok(Expression::Value(name));
        }
        let (index, after) = self.rest[1..].split_once(']').ok_or("`]` is missing")?;
        let index = index.trim().parse().map_err(|_| format!("`{index}` is no index"))?;
        self.rest = after.trim_start();
        Ok(Expression::Edge(EdgeRef { name, index: Some(index) }))
    }

    /// Drops `bytes` ASCII bytes and the spaces after them.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start();
    }

    fn next_word(&self) -> &'t str {
        self.rest.split_whitespace().next().unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        parse(text).map_or_else(|e| format!("error: {e}"), |e| e.to_string())
    }

    #[test]
    fn reads_names_indices_and_literals() {
        assert_eq!(printed("cut - warn"), "cut - warn");
        assert_eq!(printed("return - dip[2]"), "return - dip[2]");
        assert_eq!(printed("pre-alarm - 0.3 V"), "pre-alarm - 300 mV");
        assert_eq!(printed("alternator.current*2"), "alternator.current * 2");
        assert_eq!(printed("a -0.3V"), "a - 300 mV");
        assert_eq!(printed("-5 mV/s + r"), "-5 mV/s + r");
        assert_eq!(printed("1 V/0.5 A"), "1 V / 500 mA");
        assert_eq!(printed("80 % * a"), "0.8 * a");
    }

    #[test]
    fn prints_brackets_where_they_matter() {
        assert_eq!(printed("a - (b - c)"), "a - (b - c)");
        assert_eq!(printed("(a - b) - c"), "a - b - c");
        assert_eq!(printed("(a + b) / 2"), "(a + b) / 2");
        assert_eq!(printed("a / (b * c)"), "a / (b * c)");
        assert_eq!(printed("(a * b) + c"), "a * b + c");
        for text in ["a - (b - c)", "(a + b) / 2", "a / (b * c)", "a - b * (c + d) / e"] {
            assert_eq!(parse(&printed(text)), parse(text), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(printed(""), "error: an operand is missing at the end");
        assert_eq!(printed("cut -"), "error: an operand is missing at the end");
        assert_eq!(printed("cut warn"), "error: unexpected `warn`");
        assert_eq!(printed("(cut - warn"), "error: `)` is missing");
        assert_eq!(printed("dip[2"), "error: `]` is missing");
        assert_eq!(printed("dip[x]"), "error: `x` is no index");
        assert_eq!(printed("dip[-1]"), "error: `-1` is no index");
        assert_eq!(printed("cut - 3 Volt"), "error: unknown unit `Volt`");
        assert_eq!(printed("µ"), "error: unexpected `µ`");
        assert_eq!(printed("1e999 V"), "error: not a finite number");
        assert_eq!(printed(&"(".repeat(100_000)), "error: longer than 32 operands");
        assert_eq!(printed(&"a-".repeat(100_000)), "error: an operand is missing at the end");
        assert_eq!(printed(&"a + ".repeat(100_000)), "error: longer than 32 operands");
    }

    #[test]
    fn constants_are_folded() {
        assert_eq!(constant("12.8 V - 0.3 V").unwrap().to_string(), "12.5 V");
        assert_eq!(constant("(1 V + 2 V) / 2").unwrap(), Quantity::volts(1.5));
        assert_eq!(constant("1 V / 0 A"), Err("not a finite number".to_owned()));
        assert_eq!(constant("1 V + 1 A"), Err("adds a current to a voltage".to_owned()));
        assert_eq!(constant("12.8 Volt"), Err("unknown unit `Volt`".to_owned()));
        assert_eq!(constant("cut - 1 s"), Err("`cut` is no number".to_owned()));
    }
}
