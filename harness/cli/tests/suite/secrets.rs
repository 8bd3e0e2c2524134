//! No PIN and no key in anything that a run leaves behind or says.

use std::fs;
use std::path::Path;

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
    let out = scratch.0.join("runs").to_string_lossy().into_owned();
    // With every detail and all traffic; and with a unit that pairs with any PIN.
    for (id, defect) in [("good", None), ("bad", Some("ble.any-pin"))] {
        let defects = scratch.0.join("defects.toml");
        let mut args = vec!["run", "test-plans/eol.toml", "-vv", "--run-id", id, "--out", &out];
        let path = defects.to_string_lossy().into_owned();
        if let Some(defect) = defect {
            let text = format!("[[defect]]\nid = \"X\"\ntitle = \"any PIN\"\ncaught-by = []\nset = {{ \"{defect}\" = true }}\n");
            fs::write(&defects, text).expect("a defects file");
            args.extend(["--defects", &path]);
        }
        let (code, said) = hil(&args);
        assert_eq!(code, i32::from(defect.is_some()), "{said}");
        assert!(said.contains("ble.pin set to ***"), "the step ran");
        assert_discreet(&Path::new(&out).join(id), &said, &secrets);
    }
    let (_, said) = hil(&["run", "test-plans/eol.toml", "--dry-run"]);
    assert!(said.contains("ble.pin = ***") && !said.contains("123456"), "{said}");
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
