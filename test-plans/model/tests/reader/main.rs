//! The reader as its callers use it: good files become plans, wrong ones
//! become messages that name place, finding and remedy.

mod includes;
mod robust;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hil_model::{BenchValue, Diagnostic, Limits, Plan, PlanContext, Product, Sources, Span, peek, read_limits, read_plan, read_product};

const PRODUCT: &str = include_str!("../../testdata/product.toml");
const LIMITS: &str = include_str!("../../testdata/limits.toml");
const SAMPLE: &str = include_str!("../../testdata/sample.toml");

/// The three files of one check, read in the order in which they depend.
struct Files {
    sources: Sources,
    product: Result<Product, Vec<Diagnostic>>,
    limits: Result<Limits, Vec<Diagnostic>>,
    plan: Result<Plan, Vec<Diagnostic>>,
}

fn read(product: &str, limits: &str, plan: &str, overrides: &[(&str, &str)]) -> Files {
    read_on("", product, limits, plan, overrides)
}

/// With these `[parameters]` of a bench file, a line each.
fn read_on(bench: &str, product: &str, limits: &str, plan: &str, overrides: &[(&str, &str)]) -> Files {
    let mut sources = Sources::default();
    let product = sources.add("product.toml", product);
    let limits = sources.add("limits.toml", limits);
    let plan = sources.add("plan.toml", plan);
    let overrides: BTreeMap<String, String> = overrides.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let product = read_product(&sources, product);
    let limits = read_limits(&sources, limits, product.as_ref().ok());
    let file = sources.add("bench.toml", bench);
    let bench = bench.split_inclusive('\n').scan(0, |at, line| {
        let start = std::mem::replace(at, *at + line.len());
        let (name, text) = line.trim().split_once(" = ")?;
        let span = Span { file, start: start + name.len() + 3, end: start + line.trim_end().len() };
        Some((name.to_owned(), BenchValue { text: text.trim_matches('"').to_owned(), span }))
    });
    let bench: BTreeMap<String, BenchValue> = bench.collect();
    let context = PlanContext { product: product.as_ref().ok(), limits: limits.as_ref().ok(), overrides: &overrides, bench: &bench };
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
        acts(&format!("{} ({}) {:?} {:?}{}", s.id, s.title, s.requirements, s.timeout, course(&s.course)), &s.acts);
    }
    acts("recover", &plan.recover);
    acts("teardown", &plan.teardown);
    insta::assert_snapshot!(out);
}

/// What a step says about its course.
fn course(c: &hil_model::Course) -> String {
    let mut out = c.when.as_ref().map_or_else(String::new, |w| format!(" when {} {:?}", w.text, w.comparison));
    if !c.exports.is_empty() || !c.imports.is_empty() {
        let _ = write!(out, " exports {:?} imports {:?}", c.exports, c.imports);
    }
    if c.repeat != 1 || !c.retry_on.is_empty() || !c.continue_on_fail {
        let _ = write!(out, " repeat {} retry on {:?} goes on {}", c.repeat, c.retry_on, c.continue_on_fail);
    }
    if let Some(host) = &c.beside {
        let _ = write!(out, " beside {host}");
    }
    out
}

/// Which file a case spoils.
#[derive(Clone, Copy, PartialEq)]
enum File {
    Product,
    Limits,
    Plan,
}

/// The sample with every `(from, to)` of one file replaced.
fn spoiled(file: File, edits: &[(&str, &str)]) -> Files {
    let edit = |which: File, text: &str| {
        let mut text = text.to_owned();
        for (from, to) in edits.iter().filter(|_| which == file) {
            assert!(text.contains(from), "the sample has no `{from}`");
            text = text.replacen(from, to, 1);
        }
        text
    };
    read(&edit(File::Product, PRODUCT), &edit(File::Limits, LIMITS), &edit(File::Plan, SAMPLE), &[])
}

#[test]
fn every_slip_is_named_with_its_remedy() {
    use File::{Limits, Plan, Product};
    let cases: &[(&str, File, &str, &str)] = &[
        // Keys, names and ids.
        ("unknown-key", Plan, "within = \"1 s\", for", "withn = \"1 s\", for"),
        ("unknown-table", Plan, "[teardown]", "[tear-down]"),
        ("missing-key", Plan, "title = \"A bit of everything\"\n", ""),
        ("step-without-id", Plan, "id = \"interrupted\"\n", ""),
        ("step-without-do", Plan, "do = [\n  { profile", "doo = [\n  { profile"),
        ("unknown-action", Plan, "{ wait = \"5 s\" }", "{ wiat = \"5 s\" }"),
        ("two-actions", Plan, "{ wait = \"5 s\" }", "{ wait = \"5 s\", read = \"ble.code\", as = \"c\" }"),
        ("duplicate-step", Plan, "id = \"interrupted\"", "id = \"alternator-start\""),
        ("step-id-with-spaces", Plan, "id = \"interrupted\"", "id = \"is interrupted\""),
        ("other-product", Plan, "product = \"smart-bms-12-200\"", "product = \"smart-bms-12-20\""),
        ("unknown-requirement", Plan, "[\"SBMS-ALT-10\"]", "[\"SBMS-ALT-11\"]"),
        // Signals and their values.
        ("unknown-signal", Plan, "settle = \"battery.voltage\"", "settle = \"batery.voltage\""),
        ("observation-is-set", Plan, "{ \"btv.pre-alarm\" = \"alarm\" }", "{ \"pre-alarm\" = \"high\" }"),
        ("stimulus-is-read", Plan, "watch = \"pre-alarm\", becomes = \"high\"", "watch = \"btv.pre-alarm\", becomes = \"alarm\""),
        ("unknown-word", Plan, "{ \"btv.pre-alarm\" = \"alarm\" }", "{ \"btv.pre-alarm\" = \"alram\" }"),
        ("unknown-level", Plan, "becomes = \"floating\"", "becomes = \"float\""),
        ("unknown-led-state", Plan, "\"led.active\" = \"on\"", "\"led.active\" = \"lit\""),
        ("signal-without-quotes", Plan, "{ \"btv.pre-alarm\" = \"alarm\" }", "{ btv.pre-alarm = \"alarm\" }"),
        ("plain-number", Plan, "to = \"12 V\", rate = \"1 V/s\"", "to = 12, rate = \"1 V/s\""),
        ("unknown-unit", Plan, "within = \"20 mV\"", "within = \"20 mVolt\""),
        ("wrong-dimension", Plan, "within = \"20 mV\"", "within = \"20 mA\""),
        ("not-a-number", Plan, "max = 2.5", "max = nan"),
        ("equals-a-quantity", Plan, "\"battery.voltage\" = \"12.7 V .. 12.9 V\"", "\"battery.voltage\" = \"12.8 V\""),
        ("at-least-in-expect", Plan, "\"< 50 mA\"", "\"<= 50 mA\""),
        ("swapped-range", Plan, "12.7 V .. 12.9 V", "12.9 V .. 12.7 V"),
        ("rate-without-time", Plan, "rate = \"50 mV/s\"", "rate = \"50 mV\""),
        ("falling-rate", Plan, "rate = \"1 V/s\"", "rate = \"-1 V/s\""),
        ("until-without-comparison", Plan, "until = \"alternator.current > 0.5 A\"", "until = \"alternator.current\""),
        ("becomes-of-a-quantity", Plan, "rises-through = \"0.5 A\"", "becomes = \"0.5 A\""),
        ("no-trigger", Plan, ", rises-through = \"0.5 A\"", ""),
        ("statistic-of-a-word", Plan, "load-disconnect\", equals = \"high\"", "load-disconnect\", over = \"1 s\", equals = \"high\""),
        // Times.
        ("zero-timeout", Plan, "timeout = \"2 min\"", "timeout = \"0 s\""),
        ("negative-wait", Plan, "wait = \"5 s\"", "wait = \"-5 s\""),
        ("timeout-below-waits", Plan, "{ wait = \"5 s\" }", "{ wait = \"3 min\" }"),
        ("points-not-from-zero", Plan, "[[\"0 s\", \"13.6 V\"], [\"9 s\"", "[[\"1 s\", \"13.6 V\"], [\"9 s\""),
        ("points-not-rising", Plan, "[\"9.5 s\", \"13.6 V\"]", "[\"8.5 s\", \"13.6 V\"]"),
        ("point-with-three-parts", Plan, "[\"9 s\", \"13.8 V\"]", "[\"9 s\", \"13.8 V\", \"14 V\"]"),
        // Judging.
        ("nothing-to-judge-by", Plan, ", equals = \"high\" }", " }"),
        ("judged-twice", Plan, "min = \"10 s\", max = \"11 s\"", "max = \"11 s\", limit = \"limits.pre-alarm-lead\""),
        ("tolerance-alone", Plan, "nominal = \"9 A\", tolerance", "tolerance"),
        ("unknown-limit", Plan, "limits.alternator-start", "limits.alternator-stat"),
        ("limit-of-other-dimension", Plan, "limit = \"limits.pre-alarm-lead\"", "limit = \"limits.alternator-start\""),
        ("limit-on-a-word", Plan, "equals = \"row.code\"", "max = \"3 V\""),
        ("peak-to-peak-of-one-reading", Plan, "over = \"500 ms\", ", ""),
        ("judges-nothing", Plan, ", limit = \"limits.alternator-start\"", ""),
        (
            "only-the-tester-is-judged",
            Plan,
            "limit = \"limits.pre-alarm-lead\", as = \"lead\" },\n  { require = \"lead - (cut - lost)\", min = \"0 s\", max = \"10 s\" }",
            "max = \"31 s\", blame = \"tester\" },\n  { require = \"cut - lost\", max = \"26 s\", blame = \"tester\" }",
        ),
        ("empty-do", Plan, "do = [\n  { set = { \"battery.output\" = \"off\" } },\n]", "do = []"),
        ("capture-without-until", Plan, "until = \"alternator.current > 0.5 A\", ", ""),
        (
            "as-without-capture",
            Plan,
            "capture = \"alternator.voltage\", as = \"start\", limit = \"limits.alternator-start\"",
            "as = \"start\"",
        ),
        // Edges, values and expressions.
        ("unknown-edge", Plan, "require = \"cut - warn\"", "require = \"cut - warm\""),
        ("edge-before-armed", Plan, "{ wait = \"5 s\" }", "{ require = \"lost - warn\", max = \"1 s\" }"),
        ("name-taken-twice", Plan, "as = \"cut\"", "as = \"warn\""),
        ("watch-without-require", Plan, "  { require = \"return - dip[2]\", min = \"10 s\", max = \"11 s\" },\n", ""),
        ("profile-without-index", Plan, "return - dip[2]", "return - dip"),
        ("index-too-high", Plan, "return - dip[2]", "return - dip[3]"),
        ("lone-moment", Plan, "require = \"cut - warn\"", "require = \"cut\""),
        ("minus-without-spaces", Plan, "require = \"cut - warn\"", "require = \"cut-warn\""),
        ("unlike-operands", Plan, "battery - ldo", "battery - 1 A"),
        ("no-bound-on-waiting", Plan, "min = \"10 s\", max = \"11 s\"", "min = \"10 s\""),
        ("broken-expression", Plan, "require = \"cut - warn\"", "require = \"cut - \""),
        ("required-dimension", Plan, "min = \"-50 mV\", max = \"300 mV\"", "min = \"-50 mV\", max = \"300 ms\""),
        // Parameters, rows and tables.
        ("unknown-parameter", Plan, "= \"parameters.battery\", \"battery.output\"", "= \"parameters.batery\", \"battery.output\""),
        ("unknown-cell", Plan, "\"btv.atd\" = \"row.atd\"", "\"btv.atd\" = \"row.atdd\""),
        ("cell-of-wrong-kind", Plan, "\"btv.atd\" = \"row.atd\"", "\"btv.atd\" = \"row.code\""),
        ("row-without-for-each", Plan, "\"btv.pre-alarm\" = \"alarm\"", "\"btv.pre-alarm\" = \"row.pre-alarm\""),
        ("unknown-rows", Plan, "tables.btv-decision", "tables.btv-decisions"),
        ("value-twice", Plan, "[\"2x7.5A\", \"2x10A\"]", "[\"2x10A\", \"2x10A\"]"),
        // The course of steps.
        ("use-of-something-else", Plan, "{ use = \"recover\" }", "{ use = \"teardown\" }"),
        ("use-with-more", Plan, "{ use = \"recover\" }", "{ use = \"recover\", as = \"x\" }"),
        ("use-outside-of-setup", Plan, "{ set = { \"battery.output\" = \"off\" } },\n]", "{ use = \"recover\" },\n]"),
        (
            "use-without-recover",
            Plan,
            "[recover]\ndo = [\n  { set = { \"btv.pre-alarm\" = \"healthy\", \"btv.atd\" = \"healthy\" } },\n]\n",
            "",
        ),
        ("wrong-in-recover", Plan, "{ \"btv.pre-alarm\" = \"healthy\"", "{ \"btv.pre-alarm\" = \"helthy\""),
        ("export-of-nothing", Plan, "export = [\"vbat\", \"code\"]", "export = [\"vbatt\", \"code\"]"),
        ("export-of-a-profile", Plan, "id = \"interrupted\"\n", "id = \"interrupted\"\nexport = [\"dip\"]\n"),
        ("export-of-rows", Plan, "id = \"big-fuse\"\n", "id = \"big-fuse\"\nexport = [\"x\"]\n"),
        ("not-exported", Plan, "identity.vbat > 12 V", "identity.vbatt > 12 V"),
        ("of-a-later-step", Plan, "min = \"parameters.battery + 0.5 V\"", "min = \"identity.vbat + 0.5 V\""),
        ("of-no-step", Plan, "identity.vbat > 12 V", "identitty.vbat > 12 V"),
        ("when-without-comparison", Plan, "identity.vbat > 12 V", "identity.vbat"),
        ("when-of-unlike-things", Plan, "identity.vbat > 12 V", "identity.vbat > 12 A"),
        ("when-a-quantity-equals", Plan, "identity.vbat > 12 V", "identity.vbat = 12 V"),
        ("when-a-word-is-above", Plan, "identity.code = none", "identity.code > 3 V"),
        ("when-a-word-of-nobody", Plan, "identity.code = none", "code = none"),
        ("bound-of-other-dimension", Plan, "min = \"identity.vbat - 0.3 V\"", "min = \"identity.vbat / 2 s\""),
        ("bound-of-an-edge", Plan, "min = \"0 s\", max = \"10 s\"", "min = \"cut - warn\""),
        ("bound-of-a-word", Plan, "min = \"identity.vbat - 0.3 V\"", "min = \"identity.code\""),
        ("set-to-other-dimension", Plan, "identity.vbat + 0.5 V", "identity.vbat * 2 A"),
        (
            "branch-alone",
            Plan,
            "    [ { wait = \"3 s\" }, { read = \"battery.voltage\", as = \"vbat\" } ],\n  ] },\n",
            "  ] },\n  { read = \"battery.voltage\", as = \"vbat\" },\n",
        ),
        ("branch-without-actions", Plan, "[ { wait = \"3 s\" }, { read", "[], [ { wait = \"3 s\" }, { read"),
        ("branches-set-one-signal", Plan, "[ { wait = \"3 s\" }, { read", "[ { set = { \"btv.pre-alarm\" = \"healthy\" } }, { read"),
        ("branch-uses-an-earlier-one", Plan, "[ { wait = \"3 s\" }, { read", "[ { require = \"warn - alarm\", max = \"1 s\" }, { read"),
        ("branch-uses-a-later-one", Plan, "{ require = \"warn - warn\", max = \"2 s\" }", "{ require = \"vbat\", min = \"2 V\" }"),
        ("branches-name-twice", Plan, "as = \"vbat\" } ],", "as = \"alarm\" } ],"),
        ("wrong-in-a-branch", Plan, "[ { wait = \"3 s\" }, { read", "[ { wait = \"3 V\" }, { read"),
        ("branches-longer-than-the-step", Plan, "[ { wait = \"3 s\" }, { read", "[ { wait = \"90 s\" }, { read"),
        ("call-of-no-action", Plan, "call = \"chamber.defrost\", with", "call = \"chamber\", with"),
        ("call-argument-unknown", Plan, "identity.vbat + 1 V", "identity.vbatt + 1 V"),
        ("call-argument-is-a-list", Plan, "times = 2", "times = [2]"),
        ("call-result-of-no-unit", Plan, "tank = \"%\", note", "tank = \"kg\", note"),
        ("call-result-twice", Plan, ", as = \"first\" }", " }"),
        ("call-as-without-results", Plan, "results = { tank = \"%\" } }", "as = \"second\" }"),
        ("call-result-has-no-name", Plan, "results = { tank = \"%\" }", "results = { \"2nd\" = \"%\" }"),
        ("call-result-judged-as-something-else", Plan, "max = \"5 %\"", "max = \"5 V\""),
        (
            "call-of-nothing-judged",
            Plan,
            "{ require = \"first.tank - tank\", max = \"5 %\" },\n  { require = \"first.note\", equals = \"done\" },",
            "",
        ),
        ("prompt-without-answers", Plan, "answers = [\"pass\", \"fail\"], as = \"label\"", "as = \"label\""),
        ("prompt-without-name", Plan, ", as = \"lot\"", ""),
        ("prompt-with-one-answer", Plan, "[\"pass\", \"fail\"]", "[\"pass\"]"),
        ("prompt-with-answer-twice", Plan, "[\"pass\", \"fail\"]", "[\"pass\", \"pass\"]"),
        ("prompt-expects-no-answer", Plan, "equals = \"blue\"", "equals = \"bleu\""),
        ("prompt-of-no-unit", Plan, "input = \"s\"", "input = \"kg\""),
        ("prompt-both-ways", Plan, "input = \"text\"", "input = \"text\", answers = [\"a\", \"b\"]"),
        ("repeat-never", Plan, "repeat = 3", "repeat = 0"),
        ("retries-of-a-safety-step", Plan, "timeout = \"2 min\"", "retries = { on = [\"no-communication\"] }"),
        ("retries-twice", Plan, "max = 1 }", "max = 2 }"),
        ("retries-on-anything", Plan, "on = [\"no-communication\", \"open-contact\"]", "on = [\"any\"]"),
        ("retries-on-nothing", Plan, "on = [\"no-communication\", \"open-contact\"]", "on = []"),
        ("retries-on-what-cannot-be", Plan, ", fails-as = \"open-contact\"", ""),
        ("retries-and-repeat", Plan, "repeat = 3", "repeat = 3\nretries = { on = [\"no-communication\"] }"),
        (
            "fails-as-of-a-read",
            Plan,
            "as = \"code\" },\n]\n\n[[step]]\nid = \"depends\"",
            "as = \"code\", fails-as = \"open-contact\" },\n]\n\n[[step]]\nid = \"depends\"",
        ),
        ("write-of-nothing", Plan, "write = { \"maker.gain\" = \"gain\", \"maker.serial\" = \"HQ1\" }", "write = {}"),
        ("write-to-no-memory", Plan, "write = { \"maker.gain\"", "write = { \"battery.voltage\" = \"1 V\", \"maker.gain\""),
        ("write-of-other-dimension", Plan, "write = { \"maker.gain\" = \"gain\"", "write = { \"maker.gain\" = \"reference\""),
        ("write-longer-than-the-step", Plan, "\"HQ1\" }, within = \"2 s\"", "\"HQ1\" }, within = \"2 min\""),
        (
            "beside-nothing-before-it",
            Plan,
            "beside = \"warned\"\ndo = [ { measure = \"battery",
            "beside = \"warnd\"\ndo = [ { measure = \"battery",
        ),
        ("beside-itself", Plan, "id = \"warned\"\n", "id = \"warned\"\nbeside = \"warned\"\n"),
        (
            "beside-what-it-sets",
            Plan,
            "do = [ { set = { \"battery.voltage\" = \"13 V\" } }",
            "do = [ { set = { \"btv.pre-alarm\" = \"healthy\" } }",
        ),
        (
            "beside-what-it-moves",
            Plan,
            "do = [ { set = { \"battery.voltage\" = \"13 V\" } }",
            "do = [ { set = { \"battery.voltage\" = \"9 V\" } }",
        ),
        (
            "beside-what-moves-it",
            Plan,
            "min = \"10 V\" } ]\n\n[[step]]\nid = \"asked",
            "min = \"10 V\" }, { read = \"load-disconnect.voltage\", as = \"l\" } ]\n\n[[step]]\nid = \"asked",
        ),
        (
            "beside-ramped-through",
            Plan,
            "do = [ { set = { \"battery.voltage\" = \"13 V\" } }",
            "do = [ { ramp = \"battery.voltage\", from = \"13 V\", to = \"9.9 V\", rate = \"1 V/s\" }",
        ),
        (
            "beside-with-retries",
            Plan,
            "beside = \"warned\"\ndo = [ { measure",
            "beside = \"warned\"\nretries = { on = [\"no-communication\"] }\ndo = [ { measure",
        ),
        (
            "beside-uses-its-host",
            Plan,
            "{ measure = \"battery.voltage\", min = \"10 V\" } ]\n\n[[step]]\nid = \"asked",
            "{ measure = \"battery.voltage\", min = \"warned.x\" } ]\n\n[[step]]\nid = \"asked",
        ),
        (
            "branches-that-disturb",
            Plan,
            "{ wait = \"3 s\" }, { read = \"battery.voltage\"",
            "{ wait = \"3 s\" }, { expect = { \"pre-alarm\" = \"high\" } }, { read = \"battery.voltage\"",
        ),
        ("beside-always", Plan, "beside = \"warned\"\ndo = [ { measure", "beside = \"warned\"\nalways = true\ndo = [ { measure"),
        ("influence-of-nothing", Product, "\"btv.pre-alarm\" = \"any\"", "\"btv.pre-alrm\" = \"any\""),
        ("influence-on-nothing", Product, "on = [\"alternator.*\"]", "on = [\"alternater.*\"]"),
        ("influence-of-no-word", Product, "\"btv.pre-alarm\" = \"any\"", "\"btv.pre-alarm\" = \"never\""),
        ("continue-on-fail-perhaps", Plan, "continue-on-fail = false", "continue-on-fail = \"no\""),
        // The other files.
        ("limit-swapped", Limits, "min = \"30 s\"\nmax = 31", "min = \"31 s\"\nmax = 30"),
        ("limit-unit", Limits, "min = \"30 s\"", "min = \"30 V\""),
        ("limit-source", Limits, "\"proposal\"", "\"propsal\""),
        ("limit-without-bounds", Limits, "min = \"30 s\"\nmax = 31\n", ""),
        ("limit-requirement", Limits, "requirement = \"SBMS-PRE-02\"", "requirement = \"SBMS-PRE-2\""),
        ("limit-infinite", Limits, "max = 31", "max = inf"),
        ("limit-twice", Limits, "id = \"alternator-start\"", "id = \"pre-alarm-lead\""),
        ("signal-kind", Product, "kind = \"text\"", "kind = \"txt\""),
        ("secret-too-short", Product, "words = [\"on\", \"off\"]\n", "words = [\"on\", \"off\"]\nsecret = true\n"),
        ("secret-quantity", Product, "unit = \"%\"\n", "unit = \"%\"\nsecret = true\n"),
        ("secret-no-boolean", Product, "kind = \"text\"", "kind = \"text\"\nsecret = \"yes\""),
        ("signal-without-unit", Product, "unit = \"%\"\n", ""),
        ("signal-twice", Product, "id = \"btv.atc\"", "id = \"btv.atd\""),
        ("memory-of-no-signal", Product, "\"maker.serial\" = \"exact\"", "\"maker.cereal\" = \"exact\""),
        ("memory-of-an-observation", Product, "\"maker.serial\" = \"exact\"", "\"maker.state\" = \"exact\""),
        ("memory-in-steps-of-words", Product, "\"maker.serial\" = \"exact\"", "\"maker.serial\" = \"1 mV\""),
        ("memory-in-no-steps", Product, "\"maker.gain\" = \"0.01 %\"", "\"maker.gain\" = \"0 %\""),
        ("memory-without-its-words", Product, "words = [\"discard\", \"write\"]", "words = [\"forget\", \"write\"]"),
        ("memory-without-state", Product, "state = \"maker.state\"\n", ""),
        ("row-without-id", Product, "{ id = \"atc-open\", ", "{ "),
    ];
    let mut catalogue = String::new();
    for (name, file, from, to) in cases {
        let messages = spoiled(*file, &[(from, to)]).messages();
        assert!(!messages.is_empty(), "{name}: no message");
        let _ = writeln!(catalogue, "## {name}\n{messages}");
    }
    insta::assert_snapshot!("catalogue", catalogue);
}

#[test]
fn all_errors_of_a_file_come_in_one_pass() {
    let plan = [
        ("within = \"20 mV\"", "within = \"20 Volt\""),
        ("becomes = \"floating\"", "becomes = \"floatin\""),
        ("timeout = \"2 min\"", "timeout = 120"),
        ("to = \"14 V\", rate = \"50 mV/s\"", "to = \"14 A\", rate = \"50 mA/s\""),
        ("row.load-disconnect", "row.ldo"),
        ("max = 2.5", "maximum = 2.5"),
    ];
    insta::assert_snapshot!("several-in-a-plan", spoiled(File::Plan, &plan).messages());
    let syntax = [
        ("title = \"A bit of everything\"", "title = A bit of everything"),
        ("becomes = \"high\"", "becomes = \"hihg\""),
        ("wait = \"1 s\"", "wait = "),
    ];
    insta::assert_snapshot!("several-after-a-syntax-error", spoiled(File::Plan, &syntax).messages());
    let limits = [
        ("max = 31", "max = \"31 V\""),
        ("owner", "ower"),
        ("tolerance = \"100 mV\"", "tolerance = \"0 mV\""),
        ("unit = \"A\"", "unit = \"Amp\""),
    ];
    insta::assert_snapshot!("several-in-limits", spoiled(File::Limits, &limits).messages());
    let product = [
        ("role = \"both\"", "role = \"all\""),
        ("unit = \"V\"", "unit = \"Volt\""),
        ("clause", "clauses"),
        ("[codes]", "[code]"),
        ("serial-max-length = 32", "serial-max-length = 0"),
    ];
    insta::assert_snapshot!("several-in-a-product", spoiled(File::Product, &product).messages());
}

#[test]
fn a_plan_says_how_it_is_judged() {
    use hil_model::{DecisionRule, Judging};
    let plan = spoiled(File::Plan, &[]).plan.expect("the sample");
    assert_eq!(plan.judging, Judging { rule: DecisionRule::Simple, minimum_tur: None });
    for (word, rule) in DecisionRule::WORDS {
        let keys = format!("id = \"sample\"\ndecision-rule = \"{word}\"\nminimum-tur = 4");
        let plan = spoiled(File::Plan, &[("id = \"sample\"", &keys)]).plan.expect("a plan");
        assert_eq!(plan.judging, Judging { rule, minimum_tur: Some(4.0) });
    }
    let keys = "id = \"sample\"\ndecision-rule = \"gaurded\"\nminimum-tur = 0";
    insta::assert_snapshot!("judging", spoiled(File::Plan, &[("id = \"sample\"", keys)]).messages());
}

#[test]
fn an_override_must_name_a_parameter_and_keep_its_kind() {
    let overrides = [("batery", "13 V"), ("battery", "13 A"), ("fraction", "many"), ("serial", "anything")];
    insta::assert_snapshot!("overrides", read(PRODUCT, LIMITS, SAMPLE, &overrides).messages());
}

/// Another serial or firmware than the plan's is not the bench's to choose.
#[test]
fn a_bench_sets_only_what_the_plan_says_depends_on_it() {
    let plan = |list: &str| SAMPLE.replacen("id = \"sample\"\n", &format!("id = \"sample\"\nbench-parameters = {list}\n"), 1);
    let battery = |files: &Files| files.plan.as_ref().ok().map(|p| p.parameters["battery"].to_string());
    let read = |bench, list, set: &[_]| read_on(bench, PRODUCT, LIMITS, &plan(list), set);
    let bench = "battery = \"13.1 V\"\n";
    assert_eq!(battery(&read(bench, "[\"battery\"]", &[])).as_deref(), Some("13.1 V"));
    assert_eq!(battery(&read(bench, "[\"battery\"]", &[("battery", "13.2 V")])).as_deref(), Some("13.2 V"));
    assert_eq!(battery(&read("of-another-plan = \"1 V\"\n", "[]", &[])).as_deref(), Some("12.8 V"));
    let bench = "battery = \"13 A\"\nserial = \"0002\"\nfraction = \"many\"\n";
    insta::assert_snapshot!("bench-parameters", read(bench, "[\"battery\", \"fraction\"]", &[("serial", "0003")]).messages());
    insta::assert_snapshot!("bench-parameters-none", read(bench, "[]", &[]).messages());
    insta::assert_snapshot!("bench-parameters-unknown", read(bench, "[\"batery\", 3, \"serial\", \"serial\"]", &[]).messages());
    insta::assert_snapshot!("bench-parameters-no-list", read(bench, "\"battery\"", &[]).messages());
}

#[test]
fn what_could_not_be_read_makes_no_noise() {
    let files = spoiled(File::Product, &[("serial-max-length = 32", "serial-max-length = 0")]);
    assert_eq!(files.plan, Err(Vec::new()), "{}", files.messages());
    let files = spoiled(File::Limits, &[("\"proposal\"", "\"propsal\"")]);
    assert_eq!(files.plan, Err(Vec::new()), "{}", files.messages());
}

#[test]
fn the_product_of_a_plan_is_found_without_reading_it() {
    let mut sources = Sources::default();
    let good = sources.add("plan.toml", SAMPLE);
    let (name, span) = peek(&sources, good).product.unwrap();
    assert_eq!((name.as_str(), sources.position(span).as_str()), ("smart-bms-12-200", "plan.toml:5:11"));
    let bad = sources.add("bad.toml", "plan = 3");
    assert_eq!(peek(&sources, bad), hil_model::Head::default());
}
