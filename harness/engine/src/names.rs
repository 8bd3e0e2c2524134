//! The names of one step: edges and values as they became known.

use std::collections::BTreeMap;
use std::time::Duration;

use hil_model::Value;
use hil_model::expression::EdgeRef;
use hil_timebase::Nanos;

use crate::uncertainty::Form;

/// When an edge was, and how well that is known (k = 2).
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Nanos,
    pub(crate) uncertainty: Duration,
}

/// A value that was read or measured.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Known {
    pub(crate) value: Value,
    /// `None` where it is not known.
    pub(crate) uncertainty: Option<Form>,
    pub(crate) at: Nanos,
}

/// What one step gives to later ones.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Exported {
    Edge(Moment),
    Value(Known),
}

/// What is known by name.
pub(crate) struct Names {
    /// Times of lone edges count from here.
    pub(crate) origin: Nanos,
    edges: BTreeMap<String, Vec<Moment>>,
    values: BTreeMap<String, Known>,
}

impl Names {
    pub(crate) const fn new(origin: Nanos) -> Self {
        Self { origin, edges: BTreeMap::new(), values: BTreeMap::new() }
    }

    pub(crate) fn add_edge(&mut self, name: &str, moment: Moment) {
        self.edges.entry(name.to_owned()).or_default().push(moment);
    }

    pub(crate) fn add_value(&mut self, name: &str, known: Known) {
        self.values.insert(name.to_owned(), known);
    }

    /// The edge, if it has come.
    pub(crate) fn edge(&self, edge: &EdgeRef) -> Option<Moment> {
        self.edges.get(&edge.name)?.get(edge.index.unwrap_or(0)).copied()
    }

    /// What other steps exported, by `STEP.name`.
    pub(crate) fn import(&mut self, exported: &BTreeMap<String, Exported>) {
        for (name, exported) in exported {
            match exported {
                Exported::Edge(moment) => self.add_edge(name, *moment),
                Exported::Value(known) => self.add_value(name, known.clone()),
            }
        }
    }

    /// What later steps may use under this name, if it is known.
    pub(crate) fn export(&self, name: &str) -> Option<Exported> {
        let edge = || self.edges.get(name)?.first().copied().map(Exported::Edge);
        self.values.get(name).cloned().map(Exported::Value).or_else(edge)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Known> {
        self.values.get(name)
    }
}
