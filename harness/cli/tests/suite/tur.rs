//! What `hil check` says of how well a bench can test a plan.

use std::fs;

use crate::support::{Scratch, hil, root};

const HEAD: &str = "[plan]\nid = \"x\"\ntitle = \"x\"\nproduct = \"smart-bms-12-200\"\nminimum-tur = 4\n";

/// Exit code, standard output and error of `hil check` of a plan on a bench.
fn check(plan: &str, bench: &str, more: &[&str]) -> (i32, String, String) {
    let scratch = Scratch::new("tur");
    let (plan_path, bench_path) = (scratch.0.join("plan.toml"), scratch.0.join("bench.toml"));
    fs::write(&plan_path, plan).expect("a plan");
    fs::write(&bench_path, bench).expect("a bench");
    let output = hil().arg("check").arg(&plan_path).arg("--bench").arg(&bench_path).args(more).output().expect("hil starts");
    let said = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(&*plan_path.to_string_lossy(), "plan.toml").replace(&*bench_path.to_string_lossy(), "bench.toml")
    };
    (output.status.code().unwrap_or(-1), said(&output.stdout), said(&output.stderr))
}

fn virtual_bench() -> String {
    fs::read_to_string(root().join("fixtures/benches/virtual.toml")).expect("the virtual bench")
}

fn plan(acts: &str) -> String {
    format!("{HEAD}[[step]]\nid = \"s\"\nrequirements = [\"SBMS-ALT-10\"]\ndo = [\n{acts}\n]\n")
}

#[test]
fn a_limit_finer_than_the_bench_is_refused_with_what_would_be_better() {
    let by_read_back = virtual_bench().replacen(
        "{ instrument = \"dmm-battery\", function = \"dc-voltage\", range = \"100 V\" }",
        "{ instrument = \"battery\", function = \"voltage\" }",
        1,
    );
    // Without that meter nobody can tell when the lid may be opened.
    let by_read_back = without_unused(&by_read_back, "dmm-battery").replace("lid-lock = \"lid-lock\"\n", "");
    let acts = "    { measure = \"battery.voltage\", as = \"threshold\", min = \"12.9 V\", max = \"13.1 V\" },\n    { measure = \"alternator.current\", as = \"leak\", min = \"-1 mA\" },";
    let (code, out, err) = check(&plan(acts), &by_read_back, &[]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    insta::assert_snapshot!("refused_ratios", err);
}

/// The bench without an instrument that no signal uses any more.
fn without_unused(bench: &str, name: &str) -> String {
    let kept: Vec<&str> = bench.split("\n[[instrument]]").filter(|t| !t.contains(&format!("name = \"{name}\"\n"))).collect();
    kept.join("\n[[instrument]]")
}

#[test]
fn the_table_has_each_limit_with_its_ratio() {
    let acts = "    { watch = \"load-disconnect\", becomes = \"floating\", as = \"cut\" },
    { set = { \"btv.atd\" = \"open\" }, as = \"lost\" },
    { require = \"cut - lost\", as = \"reaction\", min = \"0 s\", max = \"1 s\" },
    { ramp = \"alternator.voltage\", from = \"12.8 V\", to = \"13.2 V\", rate = \"20 mV/s\", until = \"alternator.current > 0.5 A\", capture = \"alternator.voltage\", as = \"start\", limit = \"limits.alternator-start\" },
    { measure = \"alternator.current\", as = \"amps\", limit = \"limits.alternator-limit-2x7A5\" },
    { measure = \"alternator.current\", as = \"none\", max = \"0 A\" },
    { read = \"ble.battery-voltage\", as = \"shown\" },
    { read = \"battery.voltage\", as = \"volts\" },
    { require = \"shown - volts\", limit = \"limits.status-voltage\" },";
    let (code, out, err) = check(&plan(acts), &virtual_bench(), &["--tur"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    insta::assert_snapshot!("table_of_ratios", out);
}

#[test]
fn an_overdue_instrument_is_an_error_unless_its_uncertainty_is_given_up() {
    let key = "serial = \"04500001\"\n";
    let bench = virtual_bench().replacen(
        key,
        &format!("{key}calibrated = \"2026-03-01\"\ninterval = \"365 days\"\ncertificate = \"K-2026-17\"\n"),
        1,
    );
    let plan = plan("    { measure = \"battery.voltage\", min = \"12 V\", max = \"14 V\" },");
    let on = |day: &str, more: &[&str]| {
        let day = format!("{day}T12:00:00Z");
        check(&plan, &bench, &[&["--wall-clock", day.as_str(), "--tur"], more].concat())
    };
    assert_eq!(on("2027-03-01", &[]).0, 0);
    let (code, _, err) = on("2027-04-01", &[]);
    assert_eq!(code, 2);
    insta::assert_snapshot!("overdue_calibration", err);
    let (code, out, err) = on("2027-04-01", &["--overdue-calibration"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.lines().any(|l| l.starts_with("s ") && l.contains(" -  ")), "{out}");
}
