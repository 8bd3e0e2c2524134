//! Plans whose steps stand in several files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hil_model::{Included, Plan, PlanContext, Sources, load_includes, read_limits, read_plan_with, read_product};

use crate::{LIMITS, PRODUCT};

const STEP: &str = "[[step]]\nid = \"more\"\ndo = [ { measure = \"led.active\", equals = \"on\" } ]\n";

/// A plan of two steps round an include, with other files beside it.
fn with_includes(files: &[(&str, &str)]) -> Result<Plan, String> {
    let step = |id| format!("[[step]]\nid = \"{id}\"\nexport = [\"v\"]\ndo = [ {{ read = \"battery.voltage\", as = \"v\" }} ]\n");
    let head = "[plan]\nid = \"p\"\ntitle = \"P\"\nproduct = \"smart-bms-12-200\"\n[parameters]\nlow = \"10 V\"\n";
    let text = format!("{head}{}[[step]]\ninclude = \"a.toml\"\n{}", step("first"), step("last"));
    let mut sources = Sources::default();
    let (product, limits) = (sources.add("product.toml", PRODUCT), sources.add("limits.toml", LIMITS));
    let plan = sources.add("plan.toml", text);
    let product = read_product(&sources, product).map_err(|e| format!("{e:?}"))?;
    let limits = read_limits(&sources, limits, Some(&product)).map_err(|e| format!("{e:?}"))?;
    let includes = load_includes(&mut sources, plan, &mut |_, path| {
        let found = files.iter().find(|(name, _)| *name == path).ok_or("no such file")?;
        Ok(Included { name: found.0.to_owned(), text: found.1.to_owned() })
    });
    let context = PlanContext { product: Some(&product), limits: Some(&limits), overrides: &BTreeMap::new(), bench: &BTreeMap::new() };
    read_plan_with(&sources, plan, context, &includes).map_err(|list| list.iter().map(|d| sources.render(d)).collect::<Vec<_>>().join("\n"))
}

#[test]
fn steps_may_stand_in_other_files() {
    let ids = |files: &[(&str, &str)]| with_includes(files).unwrap().steps.into_iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(ids(&[("a.toml", STEP)]), ["first", "more", "last"]);
    let nested = format!("[[step]]\ninclude = \"b.toml\"\n{}", STEP.replace("more", "after"));
    assert_eq!(ids(&[("a.toml", &nested), ("b.toml", STEP)]), ["first", "more", "after", "last"]);
    // Parameters and exports of the plan are known there.
    let uses = "[[step]]\nid = \"uses\"\ndo = [ { require = \"first.v\", min = \"parameters.low\" } ]\n";
    assert_eq!(ids(&[("a.toml", uses)]), ["first", "uses", "last"]);
}

#[test]
fn what_is_wrong_with_an_include_is_told_where_it_is() {
    let twice = STEP.replace("more", "first");
    let wrong = "[plan]\nid = \"b\"\n[[step]]\nid = \"b\"\ndo = [ { wait = \"1 V\" }, { require = \"last.v\", min = \"1 V\" } ]\n";
    let itself = "[[step]]\ninclude = \"a.toml\"\n";
    let round = ("b.toml", "[[step]]\ninclude = \"a.toml\"\n");
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("missing", &[]),
        ("itself", &[("a.toml", itself)]),
        ("in-a-circle", &[("a.toml", "[[step]]\ninclude = \"b.toml\"\n"), round]),
        ("an-id-twice", &[("a.toml", &twice)]),
        ("wrong-inside", &[("a.toml", wrong)]),
        ("empty", &[("a.toml", "")]),
        ("with-more-keys", &[("a.toml", "[[step]]\nid = \"x\"\ninclude = \"b.toml\"\n"), ("b.toml", STEP)]),
        ("no-toml", &[("a.toml", "[[step\n")]),
    ];
    let mut catalogue = String::new();
    for (name, files) in cases {
        let _ = writeln!(catalogue, "## {name}\n{}", with_includes(files).unwrap_err());
    }
    insta::assert_snapshot!("includes", catalogue);
}
