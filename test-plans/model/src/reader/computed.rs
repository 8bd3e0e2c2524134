//! Quantities that are known only when earlier values are: bounds and set
//! values such as `outputs-at-rest.vbat - 0.3 V`.

use crate::expression::Expression;
use crate::plan::Check;
use crate::quantity::Dimension;
use crate::reader::check::Written;
use crate::reader::expression;
use crate::reader::names::Names;
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::reader::value::Sort;

/// `text`, which is `node` or a part of it, as an expression.
pub(super) fn parsed(node: &Node<'_>, text: &str) -> Option<Expression> {
    match expression::parse(text) {
        Ok(found) => Some(found),
        Err(why) => {
            node.error(format!("{} is `{text}`, {why}, expected an expression", node.what), Some("as in `cut - warn`".to_owned()));
            None
        }
    }
}

/// The expression of a value that names something; `None` for any other, which
/// is then read as a constant: a lone word that names nothing is a slip there.
pub(super) fn named(names: &Names, node: &Node<'_>) -> Option<Expression> {
    let found = expression::parse(node.value.as_str()?).ok()?;
    match &found {
        Expression::Value(name) => (name.contains('.') || names.named(name).is_some()).then_some(found),
        _ => (!found.values().is_empty() || !found.edges().is_empty()).then_some(found),
    }
}

/// The same with its names looked up; it must be a quantity of this dimension.
pub(super) fn quantity(names: &mut Names, node: &Node<'_>, expression: Expression, dimension: Option<Dimension>) -> Option<Expression> {
    let typed = names.resolve(node, expression)?;
    if let Some(edge) = typed.expression.edges().first() {
        let hint = Some("judge it with `require`".to_owned());
        node.error(format!("{} depends on the edge `{edge}`, expected values only", node.what), hint);
        return None;
    }
    let found = match typed.sort? {
        Sort::Quantity(found) => found,
        Sort::Word(_) => {
            node.error(format!("{} is `{}`, which is no quantity", node.what, typed.expression), None);
            return None;
        }
    };
    if let Some(expected) = dimension.filter(|d| *d != found) {
        node.error(format!("{} is `{}`, {}, expected {}", node.what, typed.expression, found.noun(), expected.noun()), None);
        return None;
    }
    Some(typed.expression)
}

/// `min` and `max` where at least one names something.
pub(super) fn bounds(names: &mut Names, table: &Table<'_>, sort: Option<&Sort>) -> Written<Check> {
    let (min, max) = (table.peek("min"), table.peek("max"));
    let (low, high) = (min.and_then(|n| named(names, n)), max.and_then(|n| named(names, n)));
    let other = ["nominal", "tolerance", "limit", "equals"].iter().any(|key| table.peek(key).is_some());
    if low.is_none() && high.is_none() || other || matches!(sort, Some(Sort::Word(_))) {
        return Written::Absent;
    }
    let dimension = sort.and_then(Sort::dimension);
    let low = bound(names, min, low, dimension);
    let high = bound(names, max, high, dimension);
    let _ = (table.optional("min"), table.optional("max"));
    match (low, high) {
        (Ok(low), Ok(high)) => Written::Right(Check::Computed { low, high }),
        _ => Written::Wrong,
    }
}

/// What was written and is wrong, and was reported.
struct Wrong;

fn bound(
    names: &mut Names,
    node: Option<&Node<'_>>,
    found: Option<Expression>,
    dimension: Option<Dimension>,
) -> Result<Option<Expression>, Wrong> {
    let Some(node) = node else { return Ok(None) };
    match found {
        Some(expression) => quantity(names, node, expression, dimension),
        None => node.quantity(dimension).map(Expression::Literal),
    }
    .map_or(Err(Wrong), |e| Ok(Some(e)))
}
