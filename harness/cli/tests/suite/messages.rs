//! What wrong files get, as a person sees it: everything in one pass, before
//! anything is switched on.

use std::fs;

use crate::support::{Scratch, hil};

const HEAD: &str = "[plan]\nid = \"x\"\ntitle = \"x\"\nproduct = \"smart-bms-12-200\"\n";

/// What `hil check` says of a plan, with the scratch folder's path taken out.
fn check(text: &str, more: &[&str]) -> String {
    let scratch = Scratch::new("messages");
    let path = scratch.0.join("plan.toml");
    fs::write(&path, text).expect("a plan");
    let output = hil().arg("check").arg(&path).args(more).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).replace(&*path.to_string_lossy(), "plan.toml")
}

fn step(acts: &str) -> String {
    format!("{HEAD}[[step]]\nid = \"s\"\nrequirements = [\"SBMS-ALT-10\"]\ndo = [\n{acts}\n]\n")
}

macro_rules! says {
    ($name:ident, $text:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), check(&$text, &[]));
        }
    };
}

says!(an_unknown_signal_names_the_nearest, step("{ measure = \"alternator.curent\", min = \"1 A\" }"));
says!(an_unknown_key_names_the_nearest, step("{ measure = \"alternator.current\", minn = \"1 A\" }"));
says!(an_unknown_unit_lists_the_legal_ones, step("{ measure = \"alternator.current\", min = \"1 Ampere\" }"));
says!(a_limit_of_another_dimension, step("{ measure = \"alternator.current\", min = \"1 V\" }"));
says!(swapped_bounds, step("{ measure = \"alternator.current\", min = \"2 A\", max = \"1 A\" }"));
says!(a_voltage_beyond_the_bench, step("{ set = { \"battery.voltage\" = \"43 V\" } },\n{ measure = \"battery.voltage\", min = \"1 V\" }"));
says!(
    a_time_that_polling_cannot_resolve,
    step(
        "{ watch = \"alternator.current\", rises-through = \"1 A\", as = \"on\" },\n{ set = { \"btv.atc\" = \"open\" }, as = \"atc\" },\n{ require = \"on - atc\", max = \"5 ms\" }"
    )
);
says!(an_edge_that_nobody_armed, step("{ set = { \"btv.atc\" = \"open\" }, as = \"atc\" },\n{ require = \"cut - atc\", max = \"1 s\" }"));
says!(
    a_watch_that_nobody_judges,
    step("{ watch = \"load-disconnect\", becomes = \"floating\", as = \"cut\" },\n{ measure = \"battery.voltage\", min = \"1 V\" }")
);
says!(
    an_unknown_requirement,
    format!("{HEAD}[[step]]\nid = \"s\"\nrequirements = [\"SBMS-ALT-99\"]\ndo = [ {{ measure = \"battery.voltage\", min = \"1 V\" }} ]\n")
);
says!(an_unknown_limit, step("{ measure = \"alternator.current\", limit = \"limits.alternator-strat\" }"));
says!(an_illegal_word, step("{ set = { \"btv.atc\" = \"opened\" } },\n{ measure = \"battery.voltage\", min = \"1 V\" }"));
says!(
    setting_what_can_only_be_read,
    step("{ set = { \"alternator.current\" = \"1 A\" } },\n{ measure = \"battery.voltage\", min = \"1 V\" }")
);
says!(
    an_unknown_product,
    "[plan]\nid = \"x\"\ntitle = \"x\"\nproduct = \"smart-bms-12-201\"\n[[step]]\nid = \"s\"\ndo = [ { wait = \"1 s\" } ]\n"
);
says!(no_toml, "[plan\nid = 1");
says!(
    several_errors_in_one_pass,
    format!(
        "{HEAD}[[step]]\nid = \"s\"\ntimout = \"1 s\"\ndo = [ {{ wait = \"5 Volt\" }}, {{ mesure = \"battery.voltage\" }} ]\n[[step]]\nid = \"s\"\ndo = []\n"
    )
);
says!(
    several_errors_of_signals,
    step(
        "{ set = { \"battery.voltage\" = \"open\", \"btv.atd\" = \"1 V\", \"led.active\" = \"on\" } },\n{ expect = { \"load-disconnect\" = \"hihg\", \"alternator.current\" = \"> 1 V\" } }"
    )
);
says!(
    several_errors_of_names,
    step(
        "{ read = \"battery.voltage\", as = \"v\" },\n{ read = \"battery.voltage\", as = \"v\" },\n{ require = \"v - w\", min = \"0 V\" },\n{ require = \"v - later\", min = \"0 V\" },\n{ read = \"battery.voltage\", as = \"later\" }"
    )
);

/// A bench file with several errors, checked with the shipped plan.
#[test]
fn a_wrong_bench() {
    let scratch = Scratch::new("bench");
    let text = fs::read_to_string(crate::support::root().join("fixtures/benches/virtual.toml")).expect("the virtual bench");
    let wrong = text
        .replacen("dialect = \"ea-psb-10060-120\"", "dialect = \"ea-psb-1006-120\"", 1)
        .replacen("[bench]", "[bench]\ncolour = \"red\"", 1)
        .replacen("name = \"alternator.voltage\"", "name = \"battery.voltage\"", 1);
    let path = scratch.0.join("bench.toml");
    fs::write(&path, wrong).expect("a bench");
    let output = hil().args(["check", "test-plans/eol.toml", "--bench"]).arg(&path).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).replace(&*path.to_string_lossy(), "bench.toml");
    insta::assert_snapshot!("a_wrong_bench", text);
}

/// What is tested, and against what, is not the bench's to choose.
#[test]
fn a_bench_that_sets_serial_and_firmware() {
    let scratch = Scratch::new("bench-parameters");
    let text = fs::read_to_string(crate::support::root().join("fixtures/benches/virtual.toml")).expect("the virtual bench");
    let path = scratch.0.join("bench.toml");
    fs::write(&path, format!("{text}\n[parameters]\nunit-serial = \"HQ2247ABCDF\"\nfirmware = \"v1.07\"\nresistance-least = \"98 A\"\n"))
        .expect("a bench");
    let output = hil().args(["check", "test-plans/eol.toml", "--bench"]).arg(&path).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stderr).replace(&*path.to_string_lossy(), "bench.toml");
    insta::assert_snapshot!("a_bench_that_sets_serial_and_firmware", text);
}

#[test]
fn a_missing_plan_says_what_exists() {
    let output = hil().args(["run", "test-plans/eool.toml"]).output().expect("hil starts");
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!("a_missing_plan", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_unknown_defect_names_the_nearest() {
    let scratch = Scratch::new("unknown-defect");
    let run = crate::support::run(&scratch, "test-plans/eol.toml", &["--defect", "D46x"]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!("an_unknown_defect", String::from_utf8_lossy(&run.output.stderr));
}
