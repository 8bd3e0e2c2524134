//! The limits file: every acceptance range with its source and owner.

use crate::limit::{Limit, LimitSource};
use crate::product::Product;
use crate::reader::check::{Bounds, Written, bounds};
use crate::reader::node::Node;
use crate::reader::product::unit;
use crate::reader::table::Table;
use crate::reader::{DefinedLimit, Limits};

pub(super) fn read(root: Table<'_>, product: Option<&Product>) -> Option<Limits> {
    let mut limits = Limits::default();
    for table in root.tables("limit", "id") {
        let (span, place, report) = (table.span, table.place.clone(), table.report);
        let Some((id, limit)) = limit(table, product) else { continue };
        if limits.by_id.insert(id.clone(), DefinedLimit { limit, span }).is_some() {
            report.error(&place, span, format!("the id `{id}` is taken twice"), None);
        }
    }
    root.finish();
    Some(limits)
}

fn limit(table: Table<'_>, product: Option<&Product>) -> Option<(String, Limit)> {
    let id = table.required("id").and_then(|n| n.name());
    let unit = table.required("unit").and_then(|n| unit(&n));
    let bounds = bounds(&table, unit.map(|u| u.dimension), unit);
    let source = table.required("source").and_then(|n| source(&n));
    let owner = table.string("owner");
    let requirement = table.optional("requirement").and_then(|n| requirement(&n, product));
    if matches!(bounds, Written::Absent) {
        table.absence("no bounds, expected `min` or `max`, or `nominal` with `tolerance`", None);
    }
    table.finish();
    let Written::Right(Bounds { low, high }) = bounds else { return None };
    let id = id?.to_owned();
    Some((id.clone(), Limit { id: Some(id), low, high, source: source?, owner: owner?.to_owned(), requirement }))
}

fn source(node: &Node<'_>) -> Option<LimitSource> {
    let text = node.filled()?;
    match text.strip_prefix("manual ") {
        Some(clause) if !clause.trim().is_empty() => Some(LimitSource::Manual(clause.trim().to_owned())),
        _ => match text {
            "proposal" => Some(LimitSource::Proposal),
            "golden-unit" => Some(LimitSource::GoldenUnit),
            _ => {
                node.none_of(text, ["golden-unit", "manual §…", "proposal"]);
                None
            }
        },
    }
}

/// A requirement id; must exist when the product is known.
pub(super) fn requirement(node: &Node<'_>, product: Option<&Product>) -> Option<String> {
    let id = node.filled()?;
    if let Some(product) = product
        && !product.requirements.contains_key(id)
    {
        node.unknown("requirement", id, product.requirements.keys().map(String::as_str));
        return None;
    }
    Some(id.to_owned())
}
