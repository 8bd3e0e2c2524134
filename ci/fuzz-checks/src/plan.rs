//! Plans, with a file that they include and the parameters of a bench.

use std::collections::{BTreeMap, BTreeSet};

use hil_model::{
    BenchValue, Diagnostic, FileId, Included, Limits, Plan, PlanContext, Product, Sources, Span, Value, load_includes, peek, read_plan_with,
};

use crate::files;

/// A plan is what is written or is refused with a reason, the same each time,
/// and what is judged of a bench that it fits has a place in it.
pub fn check(bytes: &[u8]) {
    let mut texts = files::texts(bytes);
    let Some(plan) = texts.next() else { return };
    let mut input = Input::new(plan, texts.next(), texts.next().unwrap_or_default());
    let (product, limits) = files::product();
    let read = input.read(Some(product), Some(limits));
    let again = input.read(Some(product), Some(limits));
    assert_eq!(read, again, "read twice");
    match read {
        Ok(plan) => input.is_sound(&plan),
        Err(list) => {
            assert!(!list.is_empty(), "refused without a reason");
            files::owes(&input.sources, &list);
        }
    }
    // What depends on what could not be read is not checked, and makes no noise.
    let alone = input.read(None, None).err().unwrap_or_default();
    files::owes(&input.sources, &alone);
    let named = peek(&input.sources, input.plan).product;
    named.iter().for_each(|(_, span)| files::within(&input.sources, *span));
}

struct Input {
    sources: Sources,
    plan: FileId,
    included: Option<String>,
    bench: BTreeMap<String, BenchValue>,
}

impl Input {
    /// `bench` has a parameter a line.
    fn new(plan: &str, included: Option<&str>, bench: &str) -> Self {
        let mut sources = Sources::default();
        let plan = sources.add("plan.toml", plan);
        let file = sources.add("bench.toml", bench);
        let value = |text: &str| BenchValue { text: text.trim().to_owned(), span: Span { file, start: 0, end: bench.len() } };
        let bench = bench.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.trim().to_owned(), value(v))).collect();
        Self { sources, plan, included: included.map(str::to_owned), bench }
    }

    fn read(&mut self, product: Option<&Product>, limits: Option<&Limits>) -> Result<Plan, Vec<Diagnostic>> {
        self.sources.0.truncate(2);
        let included = &self.included;
        let includes = load_includes(&mut self.sources, self.plan, &mut |_, path| match included {
            Some(text) => Ok(Included { name: path.to_owned(), text: text.clone() }),
            None => Err("there is none".into()),
        });
        let context = PlanContext { product, limits, overrides: &BTreeMap::new(), bench: &self.bench };
        read_plan_with(&self.sources, self.plan, context, &includes)
    }

    fn is_sound(&self, plan: &Plan) {
        assert!(!plan.steps.is_empty());
        let ids: BTreeSet<&str> = plan.steps.iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids.len(), plan.steps.len(), "an id twice");
        let finite = |value: &Value| value.quantity().is_none_or(|q| q.si.is_finite());
        assert!(plan.parameters.values().all(finite), "{:?}", plan.parameters);
        for step in &plan.steps {
            files::within(&self.sources, step.span);
            step.acts.iter().for_each(|act| files::within(&self.sources, act.span));
        }
        let abilities = files::bench().abilities(files::dialects());
        files::owes(&self.sources, &hil_engine::preflight::check(plan, &abilities));
        let kinds = files::product().0.signals.iter().map(|(id, s)| (id.clone(), s.kind.clone())).collect();
        let ratios = hil_engine::ratio::ratios(plan, &abilities, &kinds);
        files::owes(&self.sources, &hil_engine::ratio::too_small(plan, &ratios));
    }
}
