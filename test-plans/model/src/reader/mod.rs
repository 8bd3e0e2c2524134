//! Reads TOML into [`Product`], [`Limits`] and [`Plan`]: every error of a file
//! in one pass, each with its place, what was found and what is legal.
//!
//! Opens no files: the caller puts their texts into [`Sources`]. What a bench
//! can do is not known here; the engine checks that.
//!
//! [`table::Table`] and [`node::Node`] are for the readers of other files too.

pub mod expression;
pub mod include;
pub mod node;
pub mod report;
pub mod table;

mod action;
mod branches;
mod call;
mod check;
mod computed;
mod context;
mod course;
mod lanes;
mod limits;
mod memory;
mod names;
mod observe;
mod parameters;
mod plan;
mod product;
mod step;
mod substitute;
mod text;
mod value;

use std::collections::{BTreeMap, BTreeSet};

use toml::Spanned;
use toml::de::DeTable;

use crate::diagnostic::{Diagnostic, FileId, Sources, Span};
use crate::limit::Limit;
use crate::plan::Plan;
use crate::product::Product;

use context::Context;
use include::Includes;
use report::Report;
use table::Table;

/// The limits of one product, by id.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Limits {
    /// `alternator-start` to its limit.
    pub by_id: BTreeMap<String, DefinedLimit>,
}

/// A limit and where it is defined.
#[derive(Clone, PartialEq, Debug)]
pub struct DefinedLimit {
    /// The limit; its `id` is always there.
    pub limit: Limit,
    /// Its header in the limits file.
    pub span: Span,
}

/// What a plan is read against.
#[derive(Clone, Copy, Debug)]
pub struct PlanContext<'a> {
    /// `None` when it could not be read: then what depends on it is not checked.
    pub product: Option<&'a Product>,
    /// `None` when they could not be read; a product without a limits file has
    /// `Some(&Limits::default())`.
    pub limits: Option<&'a Limits>,
    /// `--set name=value`.
    pub overrides: &'a BTreeMap<String, String>,
    /// `[parameters]` of the bench file. Those that the plan has, it must list in
    /// `bench-parameters`.
    pub bench: &'a BTreeMap<String, BenchValue>,
}

/// What a bench file gives to a parameter of a plan.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BenchValue {
    /// The value as text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// Reads a product file.
///
/// # Errors
/// All that is wrong with it.
pub fn read_product(sources: &Sources, file: FileId) -> Result<Product, Vec<Diagnostic>> {
    read_file(sources, file, product::read)
}

/// Reads a limits file. Without a product, requirement ids are not checked.
///
/// # Errors
/// All that is wrong with it.
pub fn read_limits(sources: &Sources, file: FileId, product: Option<&Product>) -> Result<Limits, Vec<Diagnostic>> {
    read_file(sources, file, |root| limits::read(root, product))
}

/// Reads a plan.
///
/// # Errors
/// All that is wrong with it. The list is empty when nothing is wrong but the
/// product, or limits that it uses, could not be read.
pub fn read_plan(sources: &Sources, file: FileId, context: PlanContext<'_>) -> Result<Plan, Vec<Diagnostic>> {
    read_plan_with(sources, file, context, &Includes::default())
}

/// Reads a plan and the steps of the files that it includes, which
/// [`include::load_includes`] found.
///
/// # Errors
/// As [`read_plan`], of all these files.
pub fn read_plan_with(sources: &Sources, file: FileId, context: PlanContext<'_>, includes: &Includes) -> Result<Plan, Vec<Diagnostic>> {
    let context = Context::new(sources, context, includes);
    let plan = read_file(sources, file, |root| plan::read(root, &context));
    let mut elsewhere = context.elsewhere.take();
    match plan {
        Ok(plan) if elsewhere.is_empty() => Ok(plan),
        plan => {
            elsewhere.extend(plan.err().unwrap_or_default());
            elsewhere.sort_by_key(|d| d.span);
            Err(elsewhere)
        }
    }
}

/// What must be known of a plan before it can be read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Head {
    /// The product that it names, and where.
    pub product: Option<(String, Span)>,
    /// Names of its parameters.
    pub parameters: BTreeSet<String>,
}

/// A plan's head, without reading the rest; of a text that is no TOML as much as
/// there is of it.
pub fn peek(sources: &Sources, file: FileId) -> Head {
    let (root, _) = DeTable::parse_recoverable(sources.text(file));
    let product = || {
        let node = root.get_ref().get("plan")?.get_ref().get("product")?;
        let span = node.span();
        Some((node.get_ref().as_str()?.to_owned(), Span { file, start: span.start, end: span.end }))
    };
    let parameters = root.get_ref().get("parameters").and_then(|p| p.get_ref().as_table());
    Head { product: product(), parameters: parameters.into_iter().flatten().map(|(name, _)| name.get_ref().to_string()).collect() }
}

/// Reads a file of any kind: `read` gets its root table, reports what is wrong
/// through it, and calls `finish` on it.
///
/// # Errors
/// Syntax errors and all that `read` reported; empty when `read` returned
/// `None` without a reason of this file's own.
pub fn read_file<T>(sources: &Sources, file: FileId, read: impl FnOnce(Table<'_>) -> Option<T>) -> Result<T, Vec<Diagnostic>> {
    let text = sources.text(file);
    let (root, syntax): (Spanned<DeTable<'_>>, _) = DeTable::parse_recoverable(text);
    let report = Report::new(file, text, &syntax);
    let found = read(Table::root(&root, &report));
    let diagnostics = report.into_diagnostics();
    match found {
        Some(found) if diagnostics.is_empty() => Ok(found),
        _ => Err(diagnostics),
    }
}
