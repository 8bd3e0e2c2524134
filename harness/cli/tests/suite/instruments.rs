//! Instruments as data: `hil instrument check`, benches with dialects of their own,
//! with unverified ones, and with an LED analyser.

use std::fs;
use std::process::Output;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use hil_client::Dialect;
use hil_timebase::{Nanos, Runtime};
use hil_virtual::{Clients, Identity, Instrument, Model, SourceState, Terminals};
use tokio::net::TcpListener;

use crate::support::{Scratch, hil, root, run};

fn check(arguments: &[&str]) -> Output {
    hil().args(["instrument", "check"]).args(arguments).current_dir(root()).output().expect("hil starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_model_and_what_it_is_good_for() {
    let output = check(&["instruments/dialects/rigol-dl3021.toml"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    insta::assert_snapshot!("instrument_check", out(&output));
}

#[test]
fn every_file_of_the_project_passes_its_check() {
    for name in Dialect::built_in_names() {
        let output = check(&[&format!("instruments/dialects/{name}.toml")]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", out(&output));
    }
}

#[test]
fn a_wrong_file_and_a_channel_that_is_not_there() {
    let scratch = Scratch::new("wrong-dialect");
    let path = scratch.0.join("mine.toml");
    let good = fs::read_to_string(root().join("instruments/dialects/rigol-dp832.toml")).expect("it is there");
    fs::write(&path, good.replacen("set-voltage", "set-volts", 1)).expect("written");
    let output = check(&[&path.display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("unknown command `set-volts`") && said.contains("mine.toml:59:1") && said.contains("did you mean `set-voltage`"),
        "{said}"
    );
    let output = check(&["instruments/dialects/rigol-dp832.toml", "--channel", "4"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--channel is 4, expected 1 to 3"));
}

/// Half an ohm.
struct Wire;

impl Terminals for Wire {
    fn drive(&self, _: SourceState) {}
    fn volts(&self) -> f64 {
        0.5
    }
    fn amps(&self) -> f64 {
        0.0
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        0.5
    }
    fn constant_current(&self) -> bool {
        false
    }
}

/// The virtual instrument of a dialect on a port of this computer, for good.
fn served(name: &'static str) -> u16 {
    let (tell, port) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Runtime::real_time().expect("a runtime");
        let clock = runtime.clock();
        let serving = async {
            let model = Model::described(&Dialect::built_in(name).expect("listed").expect("good"));
            let instrument = Instrument::power_up(model, &Identity::new("4711"), Arc::new(Wire), clock.clone(), 1, Duration::ZERO);
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            tell.send(listener.local_addr().expect("bound").port()).expect("somebody listens");
            hil_virtual::listen(listener, Rc::new(instrument), Clients::Many, clock.clone()).await;
        };
        runtime.block_on(serving).expect("no halt");
    });
    port.recv().expect("a port")
}

#[test]
fn an_instrument_at_an_address() {
    let address = format!("TCPIP::127.0.0.1::{}::SOCKET", served("rigol-dp832"));
    let output = check(&["instruments/dialects/rigol-dp832.toml", "--address", &address]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    let said = out(&output);
    let (_, real) = said.split_once("the instrument at").expect("it was tried");
    assert!(real.contains("serial 4711") && !real.contains("  output"), "{real}");
    let output = check(&["instruments/dialects/rigol-dp832.toml", "--address", &address, "--power"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).rsplit_once("the instrument at").expect("it was tried").1.contains("  output"));
    // Another model's dialect: found by the first question.
    let output = check(&["instruments/dialects/bk-9115.toml", "--address", &address]);
    assert_eq!(output.status.code(), Some(3));
    assert!(out(&output).contains("WRONG  identity"), "{}", out(&output));
}

/// The virtual bench with these changes.
fn bench(scratch: &Scratch, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(root().join("fixtures/benches/virtual.toml")).expect("it is there");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let path = scratch.0.join("bench.toml");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// Instruments in the place of those of the virtual bench: a dialect's own file for
/// the meter at the battery, and an LED analyser for the hues.
const OTHERS: [(&str, &str); 4] = [
    (
        "dialect = \"keithley-dmm6500\"\naddress = \"virtual\"\nserial = \"04500001\"",
        "dialect = \"mine.toml\"\naddress = \"virtual\"\nserial = \"04500001\"",
    ),
    (
        "[[instrument]]\nname = \"battery\"",
        "[[instrument]]\nname = \"leds\"\ndialect = \"feasa-20-f\"\naddress = \"virtual\"\nserial = \"F20-1\"\nterminals = \"leds\"\n\n[[instrument]]\nname = \"battery\"",
    ),
    ("meter = \"led.active.hue\"", "read = { instrument = \"leds\", function = \"hue\", fibre = 3 }"),
    ("meter = \"led.over-temperature.hue\"", "read = { instrument = \"leds\", function = \"hue\", fibre = 2 }"),
];

#[test]
fn a_plan_runs_with_a_dialect_of_ones_own_and_an_led_analyser() {
    let scratch = Scratch::new("own-dialect");
    fs::copy(root().join("instruments/dialects/keysight-34465a.toml"), scratch.0.join("mine.toml")).expect("copied");
    let bench = bench(&scratch, &OTHERS);
    let run = run(&scratch, "test-plans/eol.toml", &["--serial", "HQ2247ABCDE", "--bench", &bench]);
    assert_eq!(run.code, 0, "{}", run.text());
    assert!(run.text().contains("PASS"), "{}", run.text());
}

#[test]
fn an_unverified_dialect_needs_a_word() {
    let scratch = Scratch::new("unverified");
    let from = "dialect = \"ea-psb-10060-120\"\naddress = \"virtual\"\nserial = \"2810450003\"";
    let to = |more: &str| format!("dialect = \"keithley-2450\"\n{more}address = \"virtual\"\nserial = \"2810450003\"");
    let said = |bench: &str| {
        let output = hil().args(["check", "test-plans/eol.toml", "--bench", bench]).current_dir(root()).output().expect("hil starts");
        String::from_utf8_lossy(&output.stderr).replace(&*scratch.0.to_string_lossy(), "…")
    };
    let refused = said(&bench(&scratch, &[(from, &to(""))]));
    assert!(
        refused.contains("nobody has confirmed `read-voltage`, `read-current`") && refused.contains("allow-unverified = true"),
        "{refused}"
    );
    let allowed = said(&bench(&scratch, &[(from, &to("allow-unverified = true\n"))]));
    assert!(!allowed.contains("confirmed"), "{allowed}");
}
