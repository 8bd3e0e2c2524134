//! Whatever is missing, cut or put where it does not belong: a message, never a panic
//! nor a plan.

use std::collections::BTreeMap;

use hil_model::{Diagnostic, Limits, PlanContext, Product, Sources, read_plan};

use crate::{LIMITS, PRODUCT, SAMPLE, read};

/// Reads a spoilt file; that it returns at all is the point.
fn survives(product: &str, limits: &str, plan: &str) {
    let files = read(product, limits, plan, &[]);
    if files.product.is_ok() && files.limits.is_ok() {
        assert_ne!(files.plan.as_ref().err(), Some(&Vec::new()), "refused without a reason:\n{plan}");
    }
    let lists = [files.product.err(), files.limits.err(), files.plan.err()];
    lists.into_iter().flatten().for_each(|list| owes(&files.sources, &list));
}

/// A spoilt plan against a product and limits that are read only once.
fn plan_survives(product: &Product, limits: &Limits, plan: &str) {
    let mut sources = Sources::default();
    let id = sources.add("plan.toml", plan);
    let context = PlanContext { product: Some(product), limits: Some(limits), overrides: &BTreeMap::new(), bench: &BTreeMap::new() };
    let Err(list) = read_plan(&sources, id, context) else { return };
    assert!(!list.is_empty(), "refused without a reason:\n{plan}");
    owes(&sources, &list);
}

/// What every message owes its reader.
fn owes(sources: &Sources, list: &[Diagnostic]) {
    for d in list {
        assert!(!d.message.is_empty() && !d.message.ends_with('.'), "{d:?}");
        assert!(d.span.start <= d.span.end && d.span.end <= sources.text(d.span.file).len(), "{d:?}");
        assert!(sources.render(d).contains("-->"), "{d:?}");
    }
}

/// The text without one of its tokens, for each of them.
fn without_each_token(text: &str) -> impl Iterator<Item = String> + '_ {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(|c: char| !c.is_whitespace())?;
        let rest = &text[at..];
        let end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let end = if end == 0 { rest.chars().next().map_or(1, char::len_utf8) } else { end };
        let start = at;
        at += end;
        Some(format!("{}{}", &text[..start], &text[at..]))
    })
}

#[test]
fn no_missing_token_makes_it_panic() {
    without_each_token(PRODUCT).for_each(|product| survives(&product, LIMITS, SAMPLE));
    without_each_token(LIMITS).for_each(|limits| survives(PRODUCT, &limits, SAMPLE));
    without_each_token(SAMPLE).for_each(|plan| survives(PRODUCT, LIMITS, &plan));
}

/// A plan without one of its lines is refused, unless the line was a comment,
/// a blank, an action or something that may be left out.
#[test]
fn no_missing_line_goes_unseen() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let optional = [
        "#",
        "  {",
        "title",
        "requirements",
        "timeout",
        "serial",
        "fraction",
        "for-each",
        "when",
        "repeat",
        "retries",
        "continue-on-fail",
        "always",
        "beside",
    ];
    for (i, line) in lines.iter().enumerate() {
        let rest: Vec<&str> = [&lines[..i], &lines[i + 1..]].concat();
        survives(PRODUCT, LIMITS, &rest.join("\n"));
        let plan = read(PRODUCT, LIMITS, &rest.join("\n"), &[]).plan;
        if !line.is_empty() && !optional.iter().any(|o| line.starts_with(o)) {
            assert!(plan.is_err(), "`{line}` is not missed");
        }
    }
}

#[test]
fn no_truncation_makes_it_panic() {
    for end in (0..SAMPLE.len()).step_by(7).filter(|i| SAMPLE.is_char_boundary(*i)) {
        survives(PRODUCT, LIMITS, &SAMPLE[..end]);
    }
}

/// The plans of this repository, if they are there: each is read without an
/// error, and again without each of its tokens.
#[test]
fn the_real_plan_survives_too() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let product = text("products/smart-bms-12-200.toml");
    let limits = text("limits/smart-bms-12-200.toml");
    let (Some(product), Some(limits), Some(plan)) = (product, limits, text("eol.toml")) else {
        eprintln!("skipped: no test-plans/eol.toml with its product and limits");
        return;
    };
    let include = "[[step]]\ninclude = \"include/calibration.toml\"\n";
    assert!(plan.contains(include));
    let plan = plan.replace(include, &text("include/calibration.toml").expect("what it includes"));
    let files = read(&product, &limits, &plan, &[]);
    assert!(files.plan.is_ok(), "{}", files.messages());
    let (Ok(product), Ok(limits)) = (files.product, files.limits) else { return };
    // One step at a time behind the head: whole plans would take ten times as long.
    let mut parts = plan.split_inclusive("\n[[step]]");
    let head = parts.next().unwrap_or_default();
    without_each_token(head).for_each(|head| plan_survives(&product, &limits, &head));
    for step in parts {
        without_each_token(step).for_each(|step| plan_survives(&product, &limits, &format!("{head}{step}")));
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]

    /// Characters that mean something to the language, put where they do not
    /// belong.
    #[test]
    fn no_insertion_makes_it_panic(at in 0.0_f64..1.0, what in "[-+*/().\\[\\]{}\"'=,#<>µ\\u{0}\\n0-9a-z ]{1,6}") {
        let mut at = (at * SAMPLE.len() as f64) as usize;
        while !SAMPLE.is_char_boundary(at) {
            at -= 1;
        }
        survives(PRODUCT, LIMITS, &format!("{}{what}{}", &SAMPLE[..at], &SAMPLE[at..]));
    }
}
