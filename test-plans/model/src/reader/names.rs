//! The names of one step: edges and values, given by `as` and used by `require`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::diagnostic::Span;
use crate::expression::{EdgeRef, Expression, Operator};
use crate::quantity::Dimension;
use crate::reader::expression::combine;
use crate::reader::node::Node;
use crate::reader::report::one_of;
use crate::reader::table::Table;
use crate::reader::value::Sort;

/// What steps export, so far.
#[derive(Clone, Default)]
pub(super) struct Exports {
    /// Steps that were read, with what they export.
    pub steps: BTreeMap<String, BTreeMap<String, Named>>,
    /// Steps that were not.
    pub later: BTreeSet<String>,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Named {
    /// One edge.
    Edge,
    /// The edges of a profile, `name[0]` and on.
    Points(usize),
    /// A value.
    Value(Sort),
    /// Not known, because of an error that was reported.
    Unknown,
}

struct Entry {
    named: Named,
    span: Span,
    used: bool,
}

/// The names of one step, so far.
#[derive(Default)]
pub(super) struct Names {
    declared: BTreeMap<String, Entry>,
    /// All `as` of the step, also of actions still to come.
    coming: BTreeSet<String>,
    /// Something that may use names could not be read.
    pub unread: bool,
    /// Names of other branches, which may not have come yet.
    hidden: BTreeSet<String>,
    /// Names that the step exports.
    kept: BTreeSet<String>,
    exports: Rc<Exports>,
    /// `STEP.name` to `STEP`, for those that are used.
    imports: BTreeMap<String, String>,
}

/// An expression with every name looked up.
pub(super) struct Typed {
    pub expression: Expression,
    /// `None`: not known, because of an error that was reported.
    pub sort: Option<Sort>,
    /// How many moments it adds minus how many it subtracts: a difference of
    /// moments has none left, a sum of two has no meaning.
    moments: i32,
}

impl Names {
    /// The names of a step before which others exported theirs.
    pub fn after(exports: &Rc<Exports>) -> Self {
        Self { exports: Rc::clone(exports), ..Self::default() }
    }

    /// Names of actions still to come, so that messages can say so.
    pub fn expect(&mut self, coming: impl IntoIterator<Item = String>) {
        self.coming.extend(coming);
    }

    /// Names that only what comes after all branches may use.
    pub fn hide(&mut self, hidden: BTreeSet<String>) {
        self.hidden = hidden;
    }

    /// What a name of this step stands for.
    pub fn named(&self, name: &str) -> Option<&Named> {
        self.declared.get(name).map(|e| &e.named)
    }

    /// Whether a name is one of this step, or one that an earlier step might
    /// export.
    pub fn knows(&self, name: &str) -> bool {
        self.declared.contains_key(name) || name.split_once('.').is_some_and(|(step, _)| self.exports.steps.contains_key(step))
    }

    /// The names of this step.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    /// What is used of earlier steps: `STEP.name` to `STEP`.
    pub fn imports(&self) -> BTreeMap<String, String> {
        self.imports.clone()
    }

    /// A name that is still used after the step.
    pub fn keep_for_later(&mut self, name: &str) {
        self.kept.insert(name.to_owned());
    }

    /// Reads `as` and declares it.
    pub fn declare_as(&mut self, table: &Table<'_>, named: Named) -> Option<String> {
        let node = table.optional("as")?;
        let name = as_name(&node)?;
        self.declare(&node, name, named);
        Some(name.to_owned())
    }

    /// Declares `name`, which `node` gives.
    pub fn declare(&mut self, node: &Node<'_>, name: &str, named: Named) {
        let entry = Entry { named, span: node.span, used: self.kept.contains(name) };
        if self.declared.insert(name.to_owned(), entry).is_some() {
            let hint = Some("give one of them another name with `as`".to_owned());
            node.error(format!("the name `{name}` is taken twice in this step"), hint);
        }
    }

    /// Edges that nothing requires, with their places.
    pub fn unused_edges(&self) -> impl Iterator<Item = (&str, Span)> {
        let edge = |e: &Entry| matches!(e.named, Named::Edge | Named::Points(_)) && !e.used;
        self.declared.iter().filter(move |(_, e)| edge(e)).map(|(name, e)| (name.as_str(), e.span))
    }

    /// Looks up the names of an expression and checks its dimensions.
    pub fn resolve(&mut self, node: &Node<'_>, expression: Expression) -> Option<Typed> {
        let typed = self.typed(node, expression)?;
        if typed.moments != 0 {
            let hint = Some("subtract another edge, as in `cut - warn`".to_owned());
            node.error(format!("{} is `{}`, a moment, expected a duration", node.what, typed.expression), hint);
            return None;
        }
        Some(typed)
    }

    fn typed(&mut self, node: &Node<'_>, expression: Expression) -> Option<Typed> {
        match expression {
            Expression::Literal(q) => Some(Typed { expression, sort: Some(Sort::Quantity(q.dimension)), moments: 0 }),
            Expression::Value(name) => self.lookup(node, EdgeRef { name, index: None }),
            Expression::Edge(edge) => self.lookup(node, edge),
            Expression::Binary(a, op, b) => {
                // Both sides, so that the errors of both are reported.
                let (a, b) = (self.typed(node, *a), self.typed(node, *b));
                binary(node, a?, op, b?)
            }
        }
    }

    fn lookup(&mut self, node: &Node<'_>, edge: EdgeRef) -> Option<Typed> {
        if self.hidden.contains(&edge.name) {
            let hint = Some("use it after `together`, or arm and take it before".to_owned());
            node.error(format!("{} uses `{}` of another branch, which may not have come by then", node.what, edge.name), hint);
            return None;
        }
        let named = match self.declared.get_mut(&edge.name) {
            Some(entry) => {
                entry.used = true;
                entry.named.clone()
            }
            None => self.import(node, &edge.name)?,
        };
        let time = || Some(Sort::Quantity(Dimension::TIME));
        let (sort, moments) = match (&named, edge.index) {
            (Named::Edge, None) => (time(), 1),
            (Named::Points(n), Some(i)) if i < *n => (time(), 1),
            (Named::Value(sort), None) => {
                return Some(Typed { expression: Expression::Value(edge.name), sort: Some(sort.clone()), moments: 0 });
            }
            (Named::Unknown, None) => {
                return Some(Typed { expression: Expression::Value(edge.name), sort: None, moments: 0 });
            }
            (Named::Unknown, Some(_)) => (None, 0),
            (Named::Points(n), _) => {
                let list: Vec<String> = (0..*n).map(|i| format!("`{}[{i}]`", edge.name)).collect();
                let hint = edge.index.is_some().then(|| "the first point is number 0".to_owned());
                node.error(format!("{} names `{edge}`, expected one of {}", node.what, list.join(", ")), hint);
                return None;
            }
            (Named::Edge | Named::Value(_), Some(_)) => {
                let body = format!("{} names `{edge}`, but `{}` is no profile, expected `{}`", node.what, edge.name, edge.name);
                node.error(body, None);
                return None;
            }
        };
        Some(Typed { expression: Expression::Edge(edge), sort, moments })
    }

    /// `STEP.name`, of an earlier step that exports it.
    fn import(&mut self, node: &Node<'_>, name: &str) -> Option<Named> {
        let Some((step, own)) = name.split_once('.') else {
            self.not_declared(node, name);
            return None;
        };
        let Some(exported) = self.exports.steps.get(step) else {
            if self.exports.later.contains(step) {
                node.error(format!("{} uses `{name}`, but step `{step}` comes later", node.what), None);
            } else {
                self.not_declared(node, name);
            }
            return None;
        };
        let Some(named) = exported.get(own) else {
            let legal: Vec<&str> = exported.keys().map(String::as_str).collect();
            let hint = Some(format!("write `export = [\"{own}\"]` in step `{step}`"));
            node.error(format!("step `{step}` does not export `{own}`, expected {}", one_of(own, &legal)), hint);
            return None;
        };
        self.imports.insert(name.to_owned(), step.to_owned());
        Some(named.clone())
    }

    fn not_declared(&self, node: &Node<'_>, name: &str) {
        if self.coming.contains(name) {
            let hint = Some(format!("move the action with `as = \"{name}\"` before this one"));
            node.error(format!("{} uses `{name}` before it is armed or taken", node.what), hint);
        } else if name.split('-').count() > 1 && name.split('-').all(|part| self.declared.contains_key(part)) {
            let hint = Some(format!("to subtract, put spaces round it: `{}`", name.replace('-', " - ")));
            node.error(format!("unknown name `{name}`: a `-` without spaces belongs to the name"), hint);
        } else {
            let of_steps = self.exports.steps.iter().flat_map(|(step, names)| names.keys().map(move |own| format!("{step}.{own}")));
            let all: Vec<String> = self.declared.keys().cloned().chain(of_steps).collect();
            node.unknown("name", name, all.iter().map(String::as_str));
        }
    }
}

/// The name that an `as` gives.
pub(super) fn as_name<'a>(node: &Node<'a>) -> Option<&'a str> {
    let name = node.name()?;
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || name.ends_with('-') {
        node.expected("a name that begins with a letter and does not end with `-`", None);
        return None;
    }
    Some(name)
}

fn binary(node: &Node<'_>, a: Typed, op: Operator, b: Typed) -> Option<Typed> {
    let moments = match op {
        Operator::Add => a.moments + b.moments,
        Operator::Subtract => a.moments - b.moments,
        Operator::Multiply | Operator::Divide if a.moments != 0 || b.moments != 0 => {
            let hint = Some("subtract another edge first, as in `(cut - warn) / 2`".to_owned());
            node.error(format!("{} multiplies or divides a moment", node.what), hint);
            return None;
        }
        Operator::Multiply | Operator::Divide => 0,
    };
    let sort = match (&a.sort, &b.sort) {
        (Some(Sort::Quantity(x)), Some(Sort::Quantity(y))) => match combine(*x, op, *y) {
            Ok(d) => Some(Sort::Quantity(d)),
            Err(why) => {
                node.error(format!("{} {why}, expected two of one kind", node.what), None);
                return None;
            }
        },
        (Some(Sort::Word(_)), _) | (_, Some(Sort::Word(_))) => {
            node.error(format!("{} calculates with something that is no quantity", node.what), None);
            return None;
        }
        (None, _) | (_, None) => None,
    };
    let expression = Expression::Binary(Box::new(a.expression), op, Box::new(b.expression));
    Some(Typed { expression, sort, moments })
}
