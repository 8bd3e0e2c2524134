//! Arithmetic over edges and values, with dimensions and uncertainty.
//!
//! Sums and differences add uncertainties as a root sum of squares, products
//! and quotients their relative ones. Operands of different instruments count
//! as independent, those of one as [`Form`] says.

use hil_model::expression::{EdgeRef, Expression, Operator};
use hil_model::{Dimension, Quantity};
use hil_timebase::Nanos;

use crate::names::Names;
use crate::uncertainty::Form;

/// What an expression comes to.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Evaluated {
    pub(crate) quantity: Quantity,
    /// `None` when one operand's is unknown.
    pub(crate) uncertainty: Option<Form>,
    /// When its last operand was taken.
    pub(crate) at: Nanos,
}

/// Why an expression has no value; always the tester's fault, since the reader
/// has checked names and dimensions.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum EvaluateError {
    /// The edge has not come.
    #[error("edge `{0}` has not been seen")]
    NoEdge(EdgeRef),
    /// No such value.
    #[error("value `{0}` has not been taken")]
    NoValue(String),
    /// A level or a text.
    #[error("`{name}` is `{found}`, expected a quantity")]
    NoQuantity {
        /// The value's name.
        name: String,
        /// What it is.
        found: String,
    },
    /// A sum of unlike things.
    #[error("cannot add {left} and {right}")]
    Dimensions {
        /// Of the left operand.
        left: String,
        /// Of the right operand.
        right: String,
    },
}

/// The value of `expression` where all its names are known.
pub(crate) fn evaluate(expression: &Expression, names: &Names) -> Result<Evaluated, EvaluateError> {
    let mut out = walk(expression, names)?;
    // The clock counts whole nanoseconds; without this, a difference of two
    // edges could miss a limit by the last bit of a double.
    if out.quantity.dimension == Dimension::TIME && !expression.edges().is_empty() {
        out.quantity.si = (out.quantity.si * 1e9).round() / 1e9;
    }
    Ok(out)
}

fn walk(expression: &Expression, names: &Names) -> Result<Evaluated, EvaluateError> {
    match expression {
        Expression::Literal(q) => Ok(Evaluated { quantity: *q, uncertainty: Some(Form::default()), at: names.origin }),
        Expression::Value(name) => value(name, names),
        Expression::Edge(edge) => {
            let moment = names.edge(edge).ok_or_else(|| EvaluateError::NoEdge(edge.clone()))?;
            let quantity = Quantity::seconds(moment.at.seconds_after(names.origin));
            // Of each edge its own: where in its interval a poll saw it is chance.
            let form = Form::single(&format!("edge {edge}"), moment.uncertainty.as_secs_f64());
            Ok(Evaluated { quantity, uncertainty: Some(form), at: moment.at })
        }
        Expression::Binary(a, operator, b) => combine(walk(a, names)?, *operator, walk(b, names)?),
    }
}

fn value(name: &str, names: &Names) -> Result<Evaluated, EvaluateError> {
    let known = names.value(name).ok_or_else(|| EvaluateError::NoValue(name.to_owned()))?;
    let quantity =
        known.value.quantity().ok_or_else(|| EvaluateError::NoQuantity { name: name.to_owned(), found: known.value.to_string() })?;
    Ok(Evaluated { quantity, uncertainty: known.uncertainty.clone(), at: known.at })
}

fn combine(a: Evaluated, operator: Operator, b: Evaluated) -> Result<Evaluated, EvaluateError> {
    let (x, y) = (a.quantity, b.quantity);
    // Sensitivities: by how much each operand's error enters.
    let (quantity, by_a, by_b) = match operator {
        Operator::Add => (Quantity::new(x.si + y.si, same(x, y)?), 1.0, 1.0),
        Operator::Subtract => (Quantity::new(x.si - y.si, same(x, y)?), 1.0, -1.0),
        Operator::Multiply => (Quantity::new(x.si * y.si, x.dimension.times(y.dimension)), y.si, x.si),
        Operator::Divide => (Quantity::new(x.si / y.si, x.dimension.per(y.dimension)), 1.0 / y.si, -x.si / (y.si * y.si)),
    };
    let uncertainty = a.uncertainty.zip(b.uncertainty).map(|(u, v)| u.scaled(by_a).and(v.scaled(by_b)));
    Ok(Evaluated { quantity, uncertainty, at: a.at.max(b.at) })
}

fn same(x: Quantity, y: Quantity) -> Result<Dimension, EvaluateError> {
    if x.dimension == y.dimension {
        Ok(x.dimension)
    } else {
        Err(EvaluateError::Dimensions { left: x.dimension.noun(), right: y.dimension.noun() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hil_model::Value;
    use proptest::prelude::*;

    use super::*;
    use crate::names::{Known, Moment};

    fn edge(name: &str) -> Expression {
        Expression::Edge(EdgeRef { name: name.into(), index: None })
    }

    fn binary(a: Expression, operator: Operator, b: Expression) -> Expression {
        Expression::Binary(Box::new(a), operator, Box::new(b))
    }

    fn names(edges: &[(&str, u64)]) -> Names {
        let mut names = Names::new(Nanos::ZERO);
        for (name, at) in edges {
            names.add_edge(name, Moment { at: Nanos(*at), uncertainty: Duration::from_millis(3) });
        }
        names
    }

    proptest! {
        #[test]
        fn a_difference_of_edges_is_exact(start in 0_u64..1_000_000_000_000_000, length in 0_u64..100_000_000_000_000) {
            let names = names(&[("a", start), ("b", start + length)]);
            let out = evaluate(&binary(edge("b"), Operator::Subtract, edge("a")), &names).unwrap();
            prop_assert_eq!(out.quantity.si, length as f64 / 1e9);
        }
    }

    #[test]
    fn uncertainties_add_as_squares() {
        let mut names = names(&[("a", 0), ("b", 4_000_000_000)]);
        names.add_value("v", Known { value: Value::Quantity(Quantity::volts(2.0)), uncertainty: None, at: Nanos(7) });
        let span = binary(edge("b"), Operator::Subtract, edge("a"));
        let out = evaluate(&span, &names).unwrap();
        assert!((out.uncertainty.unwrap().expanded() - 0.003 * 2_f64.sqrt()).abs() < 1e-12);
        assert_eq!(out.at, Nanos(4_000_000_000));
        let rate = evaluate(&binary(Expression::Value("v".into()), Operator::Divide, span), &names).unwrap();
        assert_eq!((rate.quantity.si, rate.quantity.dimension, rate.uncertainty), (0.5, Dimension::VOLTAGE_RATE, None));
        let half = evaluate(&binary(Expression::Literal(Quantity::volts(2.0)), Operator::Divide, edge("b")), &names).unwrap();
        assert!((half.uncertainty.unwrap().expanded() - 2.0 * 0.003 / 16.0).abs() < 1e-12);
    }

    #[test]
    fn says_why_there_is_no_value() {
        let mut names = names(&[("a", 5)]);
        names.add_value("word", Known { value: Value::Text("on".into()), uncertainty: None, at: Nanos(7) });
        let sum = |b| evaluate(&binary(edge("a"), Operator::Add, b), &names).unwrap_err().to_string();
        assert_eq!(sum(edge("cut")), "edge `cut` has not been seen");
        assert_eq!(sum(Expression::Value("x".into())), "value `x` has not been taken");
        assert_eq!(sum(Expression::Value("word".into())), "`word` is `on`, expected a quantity");
        assert_eq!(sum(Expression::Literal(Quantity::volts(1.0))), "cannot add a time and a voltage");
    }
}
