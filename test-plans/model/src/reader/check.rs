//! How a value is judged: `limit`, `min`/`max`, `nominal` + `tolerance`, `equals`.

use toml::de::DeValue;

use crate::limit::{Limit, LimitSource};
use crate::plan::Check;
use crate::quantity::{Dimension, Quantity, Unit};
use crate::reader::computed;
use crate::reader::context::Context;
use crate::reader::names::Names;
use crate::reader::node::Node;
use crate::reader::table::Table;
use crate::reader::value::{Sort, value};

/// Something that may not be written at all.
pub(super) enum Written<T> {
    /// Not written.
    Absent,
    /// Written and wrong; reported.
    Wrong,
    /// Written and right.
    Right(T),
}

impl<T> From<Option<T>> for Written<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Wrong, Self::Right)
    }
}

/// At least one is there.
pub(super) struct Bounds {
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
}

/// Reads `min`, `max`, `nominal` and `tolerance`. Plain numbers are in `unit`.
pub(super) fn bounds(table: &Table<'_>, dimension: Option<Dimension>, unit: Option<&Unit>) -> Written<Bounds> {
    let (min, max) = (table.optional("min"), table.optional("max"));
    let (nominal, tolerance) = (table.optional("nominal"), table.optional("tolerance"));
    let Some(first) = [&min, &max, &nominal, &tolerance].into_iter().flatten().next() else { return Written::Absent };
    match (&nominal, &tolerance) {
        (None, None) => range(min.as_ref(), max.as_ref(), dimension, unit).into(),
        (Some(nominal), Some(tolerance)) if min.is_none() && max.is_none() => around(nominal, tolerance, dimension, unit).into(),
        _ => {
            first.error("bounds are mixed or incomplete, expected `min` or `max`, or `nominal` with `tolerance`", None);
            Written::Wrong
        }
    }
}

fn range(min: Option<&Node<'_>>, max: Option<&Node<'_>>, dimension: Option<Dimension>, unit: Option<&Unit>) -> Option<Bounds> {
    // Both are read before either may end it, so that both are reported.
    let low = min.map(|n| in_unit(n, dimension, unit));
    let high = max.map(|n| in_unit(n, dimension, unit));
    let (low, high) = (optional(low)?, optional(high)?);
    if let (Some(l), Some(h), Some(node)) = (low, high, min) {
        if l.dimension != h.dimension {
            node.error(format!("`min` is {} and `max` is {}", l.dimension.noun(), h.dimension.noun()), None);
            return None;
        }
        if l.si > h.si {
            let hint = format!("write `min = \"{h}\"` and `max = \"{l}\"`");
            node.error(format!("`min` is {l}, `max` is {h}: the bounds are swapped, expected `min` <= `max`"), Some(hint));
            return None;
        }
    }
    Some(Bounds { low, high })
}

/// `None` for what was written and is wrong.
const fn optional(read: Option<Option<Quantity>>) -> Option<Option<Quantity>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(found) => Some(found),
    }
}

fn around(nominal: &Node<'_>, tolerance: &Node<'_>, dimension: Option<Dimension>, unit: Option<&Unit>) -> Option<Bounds> {
    let middle = in_unit(nominal, dimension, unit);
    let percent = |n: &Node<'_>| matches!(n.value, DeValue::String(s) if s.trim_end().ends_with('%'));
    // Of a signal in `%`, a tolerance in `%` is in points.
    let points = percent(nominal) || unit.is_some_and(|u| u.symbol == "%");
    let half = if percent(tolerance) && !points {
        let share = tolerance.quantity(Some(Dimension::NONE))?;
        middle.map(|m| Quantity::new(m.si.abs() * share.si, m.dimension))
    } else {
        difference(tolerance, middle.map(|m| m.dimension).or(dimension), unit)
    };
    let (middle, half) = (middle?, half?);
    if half.si <= 0.0 {
        tolerance.expected("more than 0", None);
        return None;
    }
    let bound = |si| Some(Quantity::new(si, middle.dimension));
    Some(Bounds { low: bound(middle.si - half.si), high: bound(middle.si + half.si) })
}

/// A quantity; a plain number is in `unit`, if there is one.
fn in_unit(node: &Node<'_>, dimension: Option<Dimension>, unit: Option<&Unit>) -> Option<Quantity> {
    match unit {
        Some(unit) if node.is_number() => finite(node, node.number()?.mul_add(unit.factor, unit.offset), unit.dimension),
        _ => node.quantity(dimension),
    }
}

/// Like [`in_unit`], for differences: 5 °C is 5 K.
fn difference(node: &Node<'_>, dimension: Option<Dimension>, unit: Option<&Unit>) -> Option<Quantity> {
    match unit {
        Some(unit) if node.is_number() => finite(node, node.number()? * unit.factor, unit.dimension),
        _ => node.difference(dimension),
    }
}

fn finite(node: &Node<'_>, si: f64, dimension: Dimension) -> Option<Quantity> {
    if !si.is_finite() {
        node.expected("a finite number", None);
        return None;
    }
    Some(Quantity::new(si, dimension))
}

/// Reads the check of an action whose value is of this sort; `None` when the
/// sort is not known, because of an error that was reported.
pub(super) fn check(context: &Context<'_>, names: &mut Names, table: &Table<'_>, sort: Option<&Sort>) -> Written<Check> {
    match computed::bounds(names, table, sort) {
        Written::Absent => {}
        found => return found,
    }
    let limit = table.optional("limit");
    let equals = table.optional("equals");
    let bounds = bounds(table, sort.and_then(Sort::dimension), None);
    let written = [limit.is_some(), equals.is_some(), !matches!(bounds, Written::Absent)];
    if written.iter().filter(|w| **w).count() > 1 {
        let body = "judged in two ways, expected one of `equals`, `limit`, `min`/`max`, `nominal` with `tolerance`";
        table.error(body, None);
        return Written::Wrong;
    }
    match (limit, equals, bounds, sort) {
        (None, None, Written::Absent, _) => Written::Absent,
        (None, None, Written::Wrong, _) => Written::Wrong,
        (Some(node), _, _, Some(Sort::Word(_))) => {
            node.error("`limit` judges a quantity, and this is none, expected `equals`", None);
            Written::Wrong
        }
        (_, _, Written::Right(_), Some(Sort::Word(_))) => {
            table.error("bounds judge a quantity, and this is none, expected `equals`", None);
            Written::Wrong
        }
        (Some(node), ..) => named_limit(context, &node, sort).map(Check::Limit).into(),
        (_, Some(node), _, Some(Sort::Quantity(_))) => {
            let hint = "a reading never equals a quantity: write `min` and `max`".to_owned();
            node.error("`equals` is for levels, LEDs and words, expected `limit`, `min`/`max` or `nominal` with `tolerance`", Some(hint));
            Written::Wrong
        }
        (_, Some(node), _, Some(sort)) => value(&node, sort).map(Check::Equals).into(),
        (_, Some(_), _, None) => Written::Wrong,
        (_, _, Written::Right(Bounds { low, high }), _) => Written::Right(Check::Limit(Limit {
            id: None,
            low,
            high,
            source: LimitSource::Plan,
            owner: "plan".to_owned(),
            requirement: None,
        })),
    }
}

fn named_limit(context: &Context<'_>, node: &Node<'_>, sort: Option<&Sort>) -> Option<Limit> {
    let text = node.filled()?;
    let Some(id) = text.strip_prefix("limits.") else {
        node.expected("`limits.` and an id", None);
        return None;
    };
    let limits = context.limits()?;
    let Some(defined) = limits.by_id.get(id) else {
        node.unknown("limit", id, limits.by_id.keys().map(String::as_str));
        return None;
    };
    let found = defined.limit.low.or(defined.limit.high)?.dimension;
    let expected = sort.and_then(Sort::dimension);
    if expected.is_some_and(|d| d != found) {
        let noun = expected.map(Dimension::noun).unwrap_or_default();
        let hint = format!("it is defined at {}", context.sources.position(defined.span));
        node.error(format!("limit `{id}` is {}, {}, expected {noun}", defined.limit, found.noun()), Some(hint));
        return None;
    }
    Some(defined.limit.clone())
}
