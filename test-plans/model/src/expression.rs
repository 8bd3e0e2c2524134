//! Arithmetic over edges and measurements: `cut - warn`, `return - dip[2]`.

use std::fmt;

/// A parsed expression; dimensions are checked by the reader.
#[derive(Clone, PartialEq, Debug)]
pub enum Expression {
    /// A literal with its unit.
    Literal(crate::Quantity),
    /// The value of a `measure`, `read`, `capture` or earlier `require`.
    Value(String),
    /// The time of an edge: `cut`, or `dip[2]` for a point of a profile.
    Edge(EdgeRef),
    /// Two operands of one dimension, or a product or quotient.
    Binary(Box<Expression>, Operator, Box<Expression>),
}

/// A named edge, or one of a profile's edges.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EdgeRef {
    /// The name given by `as`.
    pub name: String,
    /// `Some(i)` for `name[i]`.
    pub index: Option<usize>,
}

/// The four operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl Expression {
    /// Whether it names nothing, and so always comes to the same.
    pub fn is_constant(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Value(_) | Self::Edge(_) => false,
            Self::Binary(a, _, b) => a.is_constant() && b.is_constant(),
        }
    }

    /// The edges it names, in order of appearance.
    pub fn edges(&self) -> Vec<&EdgeRef> {
        match self {
            Self::Literal(_) | Self::Value(_) => Vec::new(),
            Self::Edge(e) => vec![e],
            Self::Binary(a, _, b) => {
                let mut all = a.edges();
                all.extend(b.edges());
                all
            }
        }
    }
}

impl Expression {
    /// The values it names, in order of appearance.
    pub fn values(&self) -> Vec<&str> {
        match self {
            Self::Literal(_) | Self::Edge(_) => Vec::new(),
            Self::Value(name) => vec![name],
            Self::Binary(a, _, b) => {
                let mut all = a.values();
                all.extend(b.values());
                all
            }
        }
    }
}

impl fmt::Display for EdgeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(i) => write!(f, "{}[{i}]", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(q) => write!(f, "{q}"),
            Self::Value(n) => f.write_str(n),
            Self::Edge(e) => write!(f, "{e}"),
            Self::Binary(a, op, b) => {
                // Only where leaving them out would mean something else.
                let weak = |e: &Self| matches!(e, Self::Binary(_, Operator::Add | Operator::Subtract, _));
                let strong = matches!(op, Operator::Multiply | Operator::Divide);
                let nested = matches!(**b, Self::Binary(..)) && (strong || *op == Operator::Subtract && weak(b));
                let left = bracketed(a, strong && weak(a));
                let right = bracketed(b, nested);
                let sign = match op {
                    Operator::Add => '+',
                    Operator::Subtract => '-',
                    Operator::Multiply => '*',
                    Operator::Divide => '/',
                };
                write!(f, "{left} {sign} {right}")
            }
        }
    }
}

fn bracketed(e: &Expression, brackets: bool) -> String {
    if brackets { format!("({e})") } else { e.to_string() }
}
