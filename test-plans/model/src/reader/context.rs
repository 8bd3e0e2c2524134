//! What a plan is read against, and what of it was missing.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::diagnostic::{Diagnostic, Sources};
use crate::product::Product;
use crate::reader::include::Includes;
use crate::reader::names::Exports;
use crate::reader::node::Node;
use crate::reader::{Limits, PlanContext};
use crate::signal::{Role, Signal, SignalId};

/// What an action does with a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Sets it.
    Set,
    /// Reads or watches it.
    Observe,
}

pub(super) struct Context<'a> {
    pub sources: &'a Sources,
    pub given: PlanContext<'a>,
    incomplete: Cell<bool>,
    pub includes: &'a Includes,
    /// Errors in included files.
    pub elsewhere: RefCell<Vec<Diagnostic>>,
    /// What the steps read so far export.
    pub exports: RefCell<Rc<Exports>>,
    /// `continue-on-fail` of the plan.
    pub goes_on: Cell<Option<bool>>,
}

impl<'a> Context<'a> {
    pub fn new(sources: &'a Sources, given: PlanContext<'a>, includes: &'a Includes) -> Self {
        Self {
            sources,
            given,
            incomplete: Cell::new(false),
            includes,
            elsewhere: RefCell::default(),
            exports: RefCell::default(),
            goes_on: Cell::new(None),
        }
    }

    /// The product; without it the plan is not complete.
    pub fn product(&self) -> Option<&'a Product> {
        self.incomplete.set(self.incomplete.get() || self.given.product.is_none());
        self.given.product
    }

    /// The limits; without them a plan that uses one is not complete.
    pub fn limits(&self) -> Option<&'a Limits> {
        self.incomplete.set(self.incomplete.get() || self.given.limits.is_none());
        self.given.limits
    }

    /// True when something was needed and not there.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete.get()
    }

    /// The signal that a value names.
    pub fn signal(&self, node: &Node<'_>, purpose: Use) -> Option<&'a Signal> {
        self.signal_named(node, node.filled()?, purpose)
    }

    /// The signal `name`, which a value or a key contains.
    pub fn signal_named(&self, node: &Node<'_>, name: &str, purpose: Use) -> Option<&'a Signal> {
        let product = self.product()?;
        let fits = |s: &Signal| match purpose {
            Use::Set => s.role != Role::Observation,
            Use::Observe => s.role != Role::Stimulus,
        };
        match product.signals.get(&SignalId::new(name)) {
            Some(signal) if fits(signal) => Some(signal),
            Some(signal) => {
                let (cannot, role) = match purpose {
                    Use::Set => ("cannot be set", "observation"),
                    Use::Observe => ("cannot be observed", "stimulus"),
                };
                let other = if purpose == Use::Set { "stimulus" } else { "observation" };
                node.error(format!("signal `{}` is {role} only and {cannot}, expected `both` or `{other}`", signal.id), None);
                None
            }
            None => {
                node.unknown("signal", name, product.signals.values().filter(|s| fits(s)).map(|s| s.id.as_str()));
                None
            }
        }
    }
}
