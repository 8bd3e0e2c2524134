//! The reader as its callers use it: good files become plans, wrong ones
//! become messages that name place, finding and remedy.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hil_model::{Diagnostic, Limits, Plan, PlanContext, Product, Sources, read_limits, read_plan, read_product};

const PRODUCT: &str = include_str!("../testdata/product.toml");
const LIMITS: &str = include_str!("../testdata/limits.toml");
const SAMPLE: &str = include_str!("../testdata/sample.toml");

/// The three files of one check, read in the order in which they depend.
struct Files {
    sources: Sources,
    product: Result<Product, Vec<Diagnostic>>,
    limits: Result<Limits, Vec<Diagnostic>>,
    plan: Result<Plan, Vec<Diagnostic>>,
}

fn read(product: &str, limits: &str, plan: &str, overrides: &[(&str, &str)]) -> Files {
    let mut sources = Sources::default();
    let product = sources.add("product.toml", product);
    let limits = sources.add("limits.toml", limits);
    let plan = sources.add("plan.toml", plan);
    let overrides: BTreeMap<String, String> = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let product = read_product(&sources, product);
    let limits = read_limits(&sources, limits, product.as_ref().ok());
    let context = PlanContext { product: product.as_ref().ok(), limits: limits.as_ref().ok(), overrides: &overrides };
    let plan = read_plan(&sources, plan, context);
    Files { product, limits, plan, sources }
}

impl Files {
    /// Every message, as a person sees them.
    fn messages(&self) -> String {
        let lists = [self.product.as_ref().err(), self.limits.as_ref().err(), self.plan.as_ref().err()];
        lists.into_iter().flatten().flatten().map(|d| self.sources.render(d)).collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn the_sample_is_read() {
    let files = read(PRODUCT, LIMITS, SAMPLE, &[("battery", "13.0 V")]);
    let Ok(plan) = &files.plan else { panic!("{}", files.messages()) };
    let mut out = format!("{} for {}: {}\n{:?}\n", plan.id, plan.product, plan.title, plan.parameters);
    let mut acts = |name: &str, acts: &[hil_model::Act]| {
        let _ = writeln!(out, "{name}");
        acts.iter().for_each(|a| writeln!(out, "  {}", a.text).unwrap());
    };
    acts("setup", &plan.setup);
    for s in &plan.steps {
        acts(&format!("{} ({}) {:?} {:?}", s.id, s.title, s.requirements, s.timeout), &s.acts);
    }
    acts("teardown", &plan.teardown);
    insta::assert_snapshot!(out);
}
