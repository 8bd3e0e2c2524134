//! One instrument without a bench: `hil instrument`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;

use hil_record::EventKind;

use crate::served::Served;
use crate::support::{Scratch, hil, run};

pub fn query(address: &str, args: &[&str]) -> (i32, String) {
    let output = hil().args(["instrument", "query", address]).args(args).output().expect("hil starts");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap_or(-1), text.replace(address, "ADDRESS"))
}

impl Served {
    /// Of its GPIB board, where it has one.
    fn gateway(&self) -> Option<String> {
        let file: toml::Table = fs::read_to_string(self.bench()).expect("a bench file").parse().expect("TOML");
        file.get("gpib").map(|boards| boards["GPIB0"].as_str().expect("an address").to_owned())
    }

    pub fn address(&self, name: &str) -> String {
        let file: toml::Table = fs::read_to_string(self.bench()).expect("a bench file").parse().expect("TOML");
        let all = file["instrument"].as_array().expect("instruments");
        let found = all.iter().find(|i| i["name"].as_str() == Some(name)).expect("there");
        found["address"].as_str().expect("an address").to_owned()
    }
}

#[test]
fn instruments_answer_over_every_link() {
    for link in ["socket", "hislip", "vxi11", "serial", "vxi11-gateway", "prologix"] {
        let served = Served::begin("query", &["--link", link]);
        let battery = served.address("battery");
        let gateway = served.gateway();
        let through: Vec<&str> = gateway.iter().flat_map(|gateway| ["--gateway", gateway]).collect();
        let query = |address: &str, args: &[&str]| query(address, &[args, &through].concat());
        let ea = ["--dialect", "ea-psb-10060-120"];
        let (code, text) = query(&battery, &["*IDN?", "MEAS:VOLT?"]);
        assert!(code == 0 && text.starts_with("EA Elektro-Automatik,PSB 10060-120,2810450001,") && text.ends_with("V\n"), "{link}: {text}");
        // Two commands and an answer, by the lock that this model wants.
        assert_eq!(query(&battery, &[&["VOLT 12.5", "VOLT?"], &ea[..]].concat()), (0, "12.499V\n".into()), "{link}");
        let refused = "error: instrument `ADDRESS`: refused `VOLT 12.5`: ";
        let (code, text) = query(&battery, &["VOLT 12.5"]);
        assert!(code == 3 && text.starts_with(refused), "{link}: {text}");
        let (code, text) = query(&battery, &[&["VOLT 1000", "VOLT?"], &ea[..]].concat());
        assert_eq!((code, &*text), (3, "error: instrument `ADDRESS`: refused `VOLT 1000`: -222,\"Data out of range\"\n"), "{link}");
        let (code, text) = query(&battery, &["BOGUS?", "--timeout", "300 ms"]);
        let (silent, why) = text.split_once("\n  ").unwrap_or_default();
        assert!(code == 3 && silent.starts_with("error: instrument `ADDRESS`: no answer to `BOGUS?` within 3"), "{link}: {text}");
        assert_eq!(why, "its error queue: -113,\"Undefined header\"\n", "{link}");
        let (code, text) = query(&battery, &["BOGUS", "--no-errors"]);
        assert_eq!((code, &*text), (0, ""), "{link}");
        let (code, text) = query(&battery, &["*OPC?"]);
        assert_eq!((code, &*text), (0, "1\nnote: in its error queue from before: -113,\"Undefined header\"\n"), "{link}");
    }
}

#[test]
fn a_bench_behind_a_gateway_is_a_bench() {
    for link in ["prologix", "vxi11-gateway"] {
        let served = Served::begin("gateway", &["--link", link]);
        let output = hil().args(["bench", "check", &served.bench(), "--self-test"]).output().expect("hil starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.ends_with(" 0 bad\n") && text.contains("self-test of `battery`"), "{link}: {text}");
    }
    let served = Served::begin("gateway-unnamed", &["--link", "prologix"]);
    let unnamed = served.scratch.0.join("unnamed.toml");
    fs::write(&unnamed, fs::read_to_string(served.bench()).expect("a bench file").replace("GPIB0 =", "GPIB1 =")).expect("written");
    let output = hil().args(["bench", "check"]).arg(&unnamed).output().expect("hil starts");
    let text = String::from_utf8_lossy(&output.stderr);
    let said = "instrument `battery`: `GPIB0::1::INSTR`, but `[gpib]` does not say which gateway `GPIB0` is";
    assert!(output.status.code() == Some(2) && text.contains(said), "{text}");
    let (code, text) = query("GPIB0::1::INSTR", &["*IDN?"]);
    assert!(code == 2 && text.contains("is behind a gateway, expected `--gateway`"), "{text}");
    let (code, text) = query("GPIB0::1::INSTR", &["*IDN?", "--gateway", "10.0.0.9"]);
    assert!(code == 2 && text.contains("--gateway: `10.0.0.9`, expected `PRLGX-TCPIP::HOST::PORT::INTFC`"), "{text}");
}

#[test]
fn a_block_goes_into_a_file() {
    let served = Served::begin("query-block", &[]);
    let file = served.scratch.0.join("block");
    let meter = served.address("dmm-battery");
    let (code, text) = query(&meter, &["FORM REAL", "READ?", "--out", &file.to_string_lossy()]);
    assert!(code == 0 && text.starts_with("10 bytes in "), "{text}");
    assert!(fs::read(&file).expect("a file").starts_with(b"#0"));
}

#[test]
fn what_is_no_address_or_nobody_is_said() {
    insta::assert_snapshot!(query("10.0.0.5", &["*IDN?"]).1);
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port").port();
    let (code, text) = query(&format!("TCPIP::127.0.0.1::{port}::SOCKET"), &["*IDN?"]);
    assert!(code == 3 && text.starts_with("error: ADDRESS: Connection refused"), "{text}");
    for (wrong, said) in [
        (&["*IDN?", "--timeout", "5"][..], "error: --timeout: `5`, expected a time from 1 ms to 3600 s"),
        (&["*IDN?", "--dialect", "ea-psb-10060-121"], "did you mean `ea-psb-10060-120`?"),
        (&["*IDN?", "--framing", "9N1"], "expected data bits, parity and stop bits, such as `8N1` or `7E1`"),
    ] {
        let (code, text) = query("TCPIP::127.0.0.1::9::SOCKET", wrong);
        assert!(code == 2 && text.contains(said), "{text}");
    }
}

/// An instrument that answers to every line what `answer` says, one client after
/// the other; nobody waits for its end.
fn scripted(answer: fn(&str) -> &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut out = stream.try_clone().expect("a socket");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if out.write_all(answer(&line)).is_err() {
                    break;
                }
            }
        }
    });
    format!("TCPIP::127.0.0.1::{port}::SOCKET")
}

#[test]
fn garbage_silence_and_a_closed_link_are_told_apart() {
    let garbage = scripted(|line| if line == "SYST:ERR?" { b"0,\"No error\"\n" } else { b"\xff\x00\x1b[2J\n" });
    let (code, text) = query(&garbage, &["*IDN?"]);
    assert_eq!(code, 3);
    insta::assert_snapshot!("garbage", text);
    let silent = scripted(|_| b"");
    let (code, text) = query(&silent, &["MEAS:VOLT?", "--timeout", "200 ms"]);
    assert!(code == 3 && text.starts_with("error: instrument `ADDRESS`: no answer to `SYST:ERR?` within 2"), "{text}");
    assert!(text.ends_with("\nhint: an instrument without such an error queue is asked with `--no-errors`\n"), "{text}");
    let (code, text) = query(&silent, &["MEAS:VOLT?", "--timeout", "200 ms", "--no-errors"]);
    assert!(code == 3 && text.starts_with("error: instrument `ADDRESS`: no answer to `MEAS:VOLT?` within 2"), "{text}");
    let twice = scripted(|line| if line == "SYST:ERR?" { b"0,\"No error\"\n" } else { b"1\n2\n" });
    let (code, text) = query(&twice, &["VOLT?"]);
    assert_eq!(code, 3);
    insta::assert_snapshot!("two_answers", text);
}

#[test]
fn a_trace_tells_what_passed() {
    let served = Served::begin("trace", &["--link", "hislip"]);
    let battery = served.address("battery");
    let file = served.scratch.0.join("trace.txt");
    let (code, _) = query(&battery, &["BOGUS?", "--timeout", "300 ms", &format!("--trace-scpi={}", file.display())]);
    assert_eq!(code, 3);
    let text = fs::read_to_string(file).expect("a trace");
    let said: Vec<&str> = text.lines().map(|l| l.split_once("INSTR ").expect("who").1).collect();
    let no_answer = said[3];
    assert!(no_answer.starts_with("-- no answer to `BOGUS?` within 3"), "{text}");
    let opening =
        ["-> SYST:ERR?\\n", "<- 0,\"No error\"\\n", "-> BOGUS?\\n", no_answer, "-- clearing the link", "-- device clear", "-> *IDN?\\n"];
    assert_eq!(said[..7], opening, "{text}");
    let (_, text) = query(&battery, &["*OPC?", "--trace-scpi"]);
    assert!(text.starts_with("1\n") && text.contains(" s  ADDRESS -> *OPC?\\n\n"), "{text}");
    let (code, text) = query(&battery, &["*OPC?", "--trace-scpi=journal"]);
    assert!(code == 2 && text.contains("only `hil run` has one"), "{text}");
}

#[test]
fn a_run_has_its_trace_in_its_journal() {
    let scratch = Scratch::new("trace-run");
    let run = run(&scratch, "test-plans/eol.toml", &["--step", "alternator-start", "--trace-scpi=journal"]);
    assert_eq!(run.code, 5, "{}", run.text());
    let wires = run.events.iter().filter_map(|e| match &e.kind {
        EventKind::Wire { instrument, direction, text } => Some(format!("{instrument} {} {text}", direction.arrow())),
        _ => None,
    });
    let wires: Vec<String> = wires.collect();
    let at = |line: &str| wires.iter().position(|w| w == line).unwrap_or_else(|| panic!("no `{line}`"));
    assert!(at("battery -> *IDN?\\n") < at("battery -> OUTP ON\\n"));
    let last_off = wires.iter().rposition(|w| w == "battery -> OUTP OFF\\n").expect("switched off");
    assert!(wires.iter().rposition(|w| w == "battery -> OUTP ON\\n").expect("switched on") < last_off);
    // Its reports are those of a run without.
    let again = hil().arg("report").arg(&run.folder).output().expect("hil starts");
    assert!(again.status.success());
    let file = scratch.0.join("t.txt");
    let traced =
        crate::support::run(&scratch, "test-plans/eol.toml", &["--step", "alternator-start", &format!("--trace-scpi={}", file.display())]);
    assert!(!traced.events.iter().any(|e| matches!(e.kind, EventKind::Wire { .. })));
    let text = fs::read_to_string(file).expect("a trace");
    let lines: Vec<&str> = text.lines().filter(|l| l.contains(" battery ")).collect();
    let same: Vec<&String> = wires.iter().filter(|w| w.starts_with("battery ")).collect();
    assert!(lines.len() >= same.len() && lines.iter().zip(&same).all(|(l, w)| l.ends_with(w["battery ".len()..].trim_end())), "{text}");
}

/// Nobody else's announcements: a port of this test's own.
fn own_port(n: u32) -> String {
    (20_000 + std::process::id() % 10_000 * 4 + n).to_string()
}

fn discover(args: &[&str]) -> Vec<serde_json::Value> {
    let output = hil().args(["instrument", "discover", "--interface", "127.0.0.1", "--json"]).args(args).output().expect("hil starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn who_announces_himself_is_found() {
    for (n, link) in (0..).zip(["socket", "hislip", "vxi11"]) {
        let port = own_port(n);
        let served = Served::begin("discover", &["--link", link, "--announce", "--mdns-port", &port]);
        let found = discover(&["--mdns-port", &port, "--within", "4 s"]);
        for name in ["battery", "dmm-system"] {
            let address = served.address(name);
            let one = found.iter().find(|f| f["address"] == address.as_str()).unwrap_or_else(|| panic!("{link}: no {address}: {found:?}"));
            let expected = if name == "battery" { "2810450001" } else { "04500003" };
            assert!(one["identity"].as_str().is_some_and(|i| i.contains(expected)) && one["by"] == "mdns", "{one}");
            assert!(one["says"].as_str().is_some_and(|s| s.starts_with(&format!("{name} {expected}: "))), "{one}");
        }
        let quiet = discover(&["--mdns-port", &port, "--within", "2 s", "--no-idn"]);
        assert!(quiet.iter().all(|f| f["identity"].is_null()), "{quiet:?}");
    }
    let nobody = discover(&["--mdns-port", &own_port(3), "--within", "200 ms"]);
    assert!(nobody.iter().all(|f| f["by"] != "mdns"), "{nobody:?}");
}

/// Whether this user may listen at port 111; in CI he must.
fn may_map_ports() -> bool {
    match TcpListener::bind("127.0.0.1:111") {
        Ok(_) => true,
        Err(error) => {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "no port 111: {error}");
            eprintln!("not run here: VXI-11 portmapper ({error})");
            false
        }
    }
}

#[test]
fn a_portmapper_tells_the_port() {
    if !may_map_ports() {
        return;
    }
    let served = Served::begin("portmapper", &["--link", "vxi11", "--portmapper"]);
    let (battery, alternator) = (served.address("battery"), served.address("alternator"));
    assert_eq!((&*battery, &*alternator), ("TCPIP::127.0.0.1::inst0::INSTR", "TCPIP::127.0.0.2::inst0::INSTR"));
    let (code, text) = query(&alternator, &["*IDN?"]);
    assert!(code == 0 && text.contains("2810450002"), "{text}");
    let found = discover(&["--mdns-port", &own_port(3), "--within", "1 s"]);
    let one = found.iter().find(|f| f["address"] == alternator.as_str()).unwrap_or_else(|| panic!("{found:?}"));
    assert!(one["by"] == "vxi-11" && one["identity"].as_str().is_some_and(|i| i.contains("2810450002")), "{one}");
}

#[test]
fn who_announces_himself_and_answers_a_broadcast_is_one() {
    if !may_map_ports() {
        return;
    }
    let port = own_port(2);
    let served =
        Served::begin("both-ways", &["--link", "vxi11", "--portmapper", "--announce", "--mdns-port", &port, "--listen", "127.0.0.40"]);
    let found = discover(&["--mdns-port", &port, "--within", "4 s"]);
    for serial in ["2810450001", "04500003"] {
        let same: Vec<_> = found.iter().filter(|f| f["identity"].as_str().is_some_and(|i| i.contains(serial))).collect();
        assert_eq!(same.len(), 1, "{serial}: {found:#?}");
    }
    drop(served);
}
