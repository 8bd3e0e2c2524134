//! No PIN and no key in anything that a run leaves behind or says.

use std::fs;
use std::path::Path;

use crate::served::Served;
use crate::support::{Scratch, hil, root};

/// The PINs of the product file; read from there, so that new ones count too.
fn pins() -> Vec<String> {
    let text = fs::read_to_string(root().join("test-plans/products/smart-bms-12-200.toml")).expect("the product");
    let product: toml::Table = text.parse().expect("TOML");
    let signals = product["signal"].as_array().expect("signals");
    let secret = signals.iter().filter(|s| s.get("secret").and_then(toml::Value::as_bool) == Some(true));
    let words = secret.flat_map(|s| s["words"].as_array().expect("words")).filter_map(|w| w.as_str());
    words.filter(|w| *w != "none").map(str::to_owned).collect()
}

/// Whether the digits stand there on their own, not within a longer number.
fn says(text: &str, secret: &str) -> bool {
    text.match_indices(secret).any(|(at, _)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_hexdigit());
        let before = text[..at].chars().next_back();
        !digit(before) && before != Some('.') && !digit(text[at + secret.len()..].chars().next())
    })
}

fn assert_discreet(folder: &Path, said: &str, secrets: &[String]) {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a run folder").flatten() {
        let text = String::from_utf8_lossy(&fs::read(entry.path()).expect("a file")).into_owned();
        for secret in secrets {
            assert!(!says(&text, secret), "{} says {secret}", entry.path().display());
        }
        files += 1;
    }
    assert!(files >= 6, "only {files} files");
    for secret in secrets {
        let line = said.lines().find(|line| says(line, secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[test]
fn no_pin_and_no_key_is_said_anywhere() {
    let scratch = Scratch::new("secrets");
    let hil = |args: &[&str]| {
        let output = hil().env("XDG_DATA_HOME", scratch.0.join("data")).args(args).output().expect("hil starts");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code().unwrap_or(-1), said)
    };
    assert_eq!(hil(&["station", "init"]).0, 0);
    let key = fs::read_to_string(scratch.0.join("data/hil/station/secret.key")).expect("a key");
    let key = key.lines().nth(1).expect("a key's line").to_owned();
    let mut secrets = pins();
    assert_eq!(secrets, ["000000", "123456"]);
    secrets.push(key);
    // The station's key for the unit, whatever it is written as.
    let unit_key = "00c1d2e3f405162738495a6b7c8d9eaf";
    let key_file = scratch.0.join("unit.key");
    fs::write(&key_file, unit_key).expect("a key");
    let key_option = format!("unit-key={}", key_file.display());
    secrets.extend([unit_key.to_owned(), unit_key.to_uppercase()]);
    let out = scratch.0.join("runs").to_string_lossy().into_owned();
    // With every detail and all traffic; and with a unit that pairs with any PIN.
    for (id, defect) in [("good", None), ("bad", Some("ble.any-pin"))] {
        let defects = scratch.0.join("defects.toml");
        let mut args = vec!["run", "test-plans/eol.toml", "-vv", "--key", &key_option, "--run-id", id, "--out", &out];
        let path = defects.to_string_lossy().into_owned();
        if let Some(defect) = defect {
            let text = format!("[[defect]]\nid = \"X\"\ntitle = \"any PIN\"\ncaught-by = []\nset = {{ \"{defect}\" = true }}\n");
            fs::write(&defects, text).expect("a defects file");
            args.extend(["--defects", &path]);
        }
        let (code, said) = hil(&args);
        assert_eq!(code, i32::from(defect.is_some()), "{said}");
        assert!(said.contains("ble.pin set to ***") && said.contains("unit-key"), "the steps ran");
        assert_discreet(&Path::new(&out).join(id), &said, &secrets);
        let folder = Path::new(&out).join(id).to_string_lossy().into_owned();
        for again in [vec!["report", &folder, "--lang", "de"], vec!["verify", &folder], vec!["runs", &out]] {
            assert_discreet(Path::new(&folder), &hil(&again).1, &secrets);
        }
    }
    // A panic is told by the runtime, not by the run.
    let (code, said) = hil(&["run", "test-plans/eol.toml", "-vv", "--panic-on", "ble.pin", "--run-id", "panic", "--out", &out]);
    assert!(code == 3 && said.contains("asked to panic when set"), "{said}");
    assert_discreet(&Path::new(&out).join("panic"), &said, &secrets);
    let (_, said) = hil(&["run", "test-plans/eol.toml", "--dry-run"]);
    assert!(said.contains("ble.pin = ***") && !said.contains("123456"), "{said}");
}

/// A program that is told a PIN, and repeats it wherever it can.
const CHATTERBOX: &str = r#"
import json, sys, time
for line in sys.stdin:
    ask = json.loads(line)
    print("asked:", line, file=sys.stderr, flush=True)
    reply, value = {"id": ask["id"]}, ask.get("value")
    if ask["do"] == "hello":
        pin = {"name": "pin", "kind": "choice", "words": ["000000", "123456", "none"], "can": ["set", "read"]}
        reply["hello"] = {"protocol": 1, "name": "phone", "model": "P-1", "serial": "1", "version": "1", "signals": [pin]}
    elif ask["do"] == "ping":
        reply["time"] = f"{time.monotonic():.6f} s"
    elif ask["do"] == "set" and value == "123456":
        reply["error"] = f"no unit opens with {value}"
    elif ask["do"] == "set":
        reply["value"] = value
    elif ask["do"] == "safe-state":
        reply.update(safe=True, state="the last PIN was 123456")
    print(json.dumps(reply), flush=True)
"#;

#[test]
fn a_program_that_is_told_a_pin_cannot_have_it_said() {
    if !crate::programs::python() {
        return;
    }
    let scratch = Scratch::new("secrets-program");
    let (program, bench, plan) = (scratch.0.join("phone.py"), scratch.0.join("bench.toml"), scratch.0.join("plan.toml"));
    fs::write(&program, CHATTERBOX).expect("a program");
    let text = fs::read_to_string(root().join("fixtures/benches/virtual.toml")).expect("the bench");
    let bound = text.replacen("switch = \"ble.pin\"", "extension = { program = \"phone\", signal = \"pin\" }", 1);
    let extension =
        "\n[[extension]]\nname = \"phone\"\nprogram = [\"python3\", \"phone.py\"]\nexpect = { model = \"P-1\", serial = \"1\" }\n";
    fs::write(&bench, bound + extension).expect("a bench");
    fs::write(
        &plan,
        "[plan]\nid = \"p\"\ntitle = \"PINs\"\nproduct = \"smart-bms-12-200\"\n[[step]]\nid = \"pairs\"\ndo = [\n\
         { set = { \"ble.pin\" = \"000000\" } },\n{ measure = \"battery.voltage\", max = \"60 V\" },\n{ set = { \"ble.pin\" = \"123456\" } } ]\n",
    )
    .expect("a plan");
    let out = scratch.0.join("runs");
    let output = hil().arg("run").arg(&plan).arg("--bench").arg(&bench).args(["-vv", "--run-id", "r", "--out"]).arg(&out).output();
    let output = output.expect("hil starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{said}");
    let journal = fs::read_to_string(out.join("r/journal.jsonl")).expect("a journal");
    assert!(said.contains("no unit opens with ***") && journal.contains("the last PIN was ***"), "{said}");
    assert_discreet(&out.join("r"), &said, &pins());
}

#[test]
fn neither_end_of_a_served_bench_says_a_pin() {
    let served = Served::begin("secrets-served", &["-vv"]);
    let scratch = Scratch::new("secrets-served");
    let plan = scratch.0.join("plan.toml");
    fs::write(
        &plan,
        "[plan]\nid = \"p\"\ntitle = \"PINs\"\nproduct = \"smart-bms-12-200\"\n[[step]]\nid = \"pairs\"\ndo = [\n\
         { set = { \"ble.pin\" = \"123456\" } },\n{ measure = \"battery.voltage\", max = \"60 V\" } ]\n",
    )
    .expect("a plan");
    let out = scratch.0.join("runs");
    let output = hil().arg("run").arg(&plan).args(["--bench", &served.bench(), "-vv", "--run-id", "r", "--out"]).arg(&out).output();
    let output = output.expect("hil starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("ble.pin set to ***") || said.contains("ble.pin = ***"), "{said}");
    assert_discreet(&out.join("r"), &said, &pins());
    let end = served.end();
    let server = String::from_utf8_lossy(&end.stderr).into_owned();
    assert!(server.contains("outputs off"), "{server}");
    assert!(pins().iter().all(|pin| !says(&server, pin)), "{server}");
}

/// A PIN that only the plan knows, in a parameter, and one that is refused.
#[test]
fn a_plans_own_pin_is_not_said_either() {
    let scratch = Scratch::new("own-pin");
    let plan = scratch.0.join("plan.toml");
    let text = "[plan]\nid = \"p\"\ntitle = \"Pairs with 123456\"\nproduct = \"smart-bms-12-200\"\n[parameters]\npin = \"123456\"\n\
         [setup]\ndo = [ { set = { \"battery.source-limit\" = \"10 A\", \"battery.voltage\" = \"12.8 V\", \"battery.output\" = \"on\" } } ]\n\
         [[step]]\nid = \"pairs\"\ntitle = \"123456 opens it\"\ndo = [ { set = { \"ble.pin\" = \"parameters.pin\" } }, { expect = { \"ble.pairing\" = \"accepted\" }, within = \"4 s\" } ]\n";
    fs::write(&plan, text).expect("a plan");
    let out = scratch.0.join("runs");
    let output = hil().arg("run").arg(&plan).args(["-vv", "--run-id", "r", "--out"]).arg(&out).output().expect("hil starts");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("*** opens it"), "{said}");
    assert_discreet(&out.join("r"), &said, &pins());
}
