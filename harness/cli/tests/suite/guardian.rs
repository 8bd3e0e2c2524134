//! The guardian, from outside: whatever becomes of a run, and of its guardian,
//! the bench is off soon, and the next run starts clean or is told why not.

#![expect(clippy::disallowed_methods, reason = "processes live in real time")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::spawn;
use std::time::{Duration, Instant};

use hil_cli::guardian::side_journal::{Deed, read};

use crate::served::{Served, plan, signal};
use crate::support::{Run, Scratch, finished, hil};

/// The event at which the step waits, with the battery on.
const WAITING: &str = "18";

/// The run's own account: its end is in the journal, or not.
fn ended(run: &Path) -> bool {
    fs::read_to_string(run.join("journal.jsonl")).is_ok_and(|j| j.contains("\"run-finished\""))
}

/// A run of the long plan that harms itself; until it has ended.
fn harmed(served: &Served, out: &Scratch, harm: &str) -> (Output, Duration) {
    let plan = plan(out, r#"{ wait = "600 s" }"#);
    let begun = Instant::now();
    let output = hil()
        .args(["run", &plan, "--run-id", harm, "--bench", &served.bench(), "--sabotage", &format!("{harm}@{WAITING}"), "--out"])
        .arg(&out.0)
        .stdin(Stdio::null())
        .output()
        .expect("hil starts");
    (output, begun.elapsed())
}

fn deeds(out: &Scratch, run: &str) -> Vec<Deed> {
    read(&out.0.join(run)).into_iter().map(|e| e.deed).collect()
}

/// Until the guardian of this run says that everything is off; why it acted.
fn guarded(out: &Scratch, run: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let deeds = deeds(out, run);
        if deeds.iter().any(|d| matches!(d, Deed::SafeState { confirmed: true, .. })) {
            assert!(deeds.iter().any(|d| matches!(d, Deed::Inhibited { done: true, .. })), "{deeds:?}");
            assert!(deeds.contains(&Deed::Fenced { ended: true }), "{deeds:?}");
            let why = deeds.iter().find_map(|d| if let Deed::TookOver { why } = d { Some(why.clone()) } else { None });
            return why.expect("a reason");
        }
        assert!(Instant::now() < deadline, "{deeds:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The next run passes; what its first attempt said on standard error.
fn next_run(served: &Served, plan: &str) -> String {
    let first = served.run(plan, &[]);
    let told = String::from_utf8_lossy(&first.output.stderr).into_owned();
    let next = if first.code == 0 { first } else { served.run_until_found(plan) };
    assert_eq!(next.code, 0, "{}", next.text());
    told
}

/// The next run knows nothing of the last.
fn next_starts_clean(served: &Served) {
    let scratch = Scratch::new("guardian-next");
    let told = next_run(served, &plan(&scratch, r#"{ wait = "100 ms" }"#));
    assert!(!told.contains("safe state first"), "{told}");
}

#[test]
fn a_run_that_dies_or_hangs_is_fenced_and_its_bench_switched_off() {
    for (harm, why) in [
        ("kill", "the run has ended without its safe state"),
        ("stop", "the run gave no sign of life for 2 s"),
        ("spin", "the run gave no sign of life for 2 s"),
        ("deadlock", "the run gave no sign of life for 2 s"),
    ] {
        // A server that would not do it by itself.
        let served = Served::begin("guardian", &["--watchdog", "60 s"]);
        let out = Scratch::new("guardian");
        let (output, _) = harmed(&served, &out, harm);
        assert_eq!(output.status.code(), None, "{harm}: killed, {output:?}");
        assert_eq!(guarded(&out, harm), why, "{harm}");
        assert!(served.state().dead(1.0), "{harm}: {:?}", served.state());
        assert_eq!(served.state().watchdog_trips, 0, "{harm}");
        assert!(!ended(&out.0.join(harm)), "nobody writes in a dead run's journal");
        let listed = hil().args(["runs", "--out"]).arg(&out.0).output().expect("hil starts");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains("aborted: cut short at outputs, 0 measured; its guardian switched off"), "{listed}");
        next_starts_clean(&served);
    }
}

#[test]
fn a_run_whose_guardian_is_gone_ends_as_a_tester_error() {
    for harm in ["kill-guardian", "stop-guardian"] {
        let served = Served::begin("guardian-gone", &["--watchdog", "60 s"]);
        let out = Scratch::new("guardian-gone");
        let (output, took) = harmed(&served, &out, harm);
        let run = finished(&out.0, output);
        assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{harm}: {}", run.text());
        assert!(run.text().contains("the bench's guardian is gone"), "{}", run.text());
        assert!(took < Duration::from_secs(40), "{harm}: not after 600 s of the step, {took:?}");
        assert!(served.state().dead(1.0), "{:?}", served.state());
        next_starts_clean(&served);
    }
}

#[test]
fn with_both_dead_the_server_switches_off() {
    let served = Served::begin("guardian-both", &["--watchdog", "400 ms"]);
    let out = Scratch::new("guardian-both");
    let (output, _) = harmed(&served, &out, "kill-both");
    assert_eq!(output.status.code(), None, "{output:?}");
    served.wait("still on", Duration::from_secs(10), |s| s.dead(1.0));
    assert_eq!((served.state().watchdog_trips, deeds(&out, "kill-both")), (1, Vec::new()));
    let scratch = Scratch::new("guardian-next");
    let told = next_run(&served, &plan(&scratch, r#"{ wait = "100 ms" }"#));
    assert!(told.contains("safe state first"), "{told}");
}

#[test]
fn signals_and_panics_need_no_guardian() {
    let served = Served::begin("guardian-signals", &["--watchdog", "60 s"]);
    for (signals, code) in [(&["TERM"][..], 4), (&["INT", "INT"], 4)] {
        let out = Scratch::new("guardian-signals");
        let child = served.long_run(&out);
        signals.iter().for_each(|name| signal(name, &child));
        let run = finished(&out.0, child.wait_with_output().expect("hil ends"));
        assert_eq!((run.code, run.confirmed_safe()), (code, Some(true)), "{signals:?}: {}", run.text());
        assert!(served.state().dead(1.0) && deeds(&out, "r").is_empty());
    }
    let scratch = Scratch::new("guardian-panic");
    let run = served.run(&plan(&scratch, r#"{ wait = "100 ms" }"#), &["--panic-on", "load-disconnect"]);
    assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{}", run.text());
    assert!(served.state().dead(1.0));
    next_starts_clean(&served);
}

/// A cable to one instrument, which can be pulled and put back.
struct Cable {
    port: u16,
    /// What is connected; `None` while it is pulled.
    plugged: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Cable {
    fn to(far: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let plugged = Arc::new(Mutex::new(Some(Vec::new())));
        let cable = Arc::clone(&plugged);
        spawn(move || {
            for near in listener.incoming().flatten() {
                let mut plugged = cable.lock().expect("a lock");
                let Some(streams) = plugged.as_mut() else { continue };
                let Ok(far) = TcpStream::connect(&far) else { continue };
                let clone = |s: &TcpStream| s.try_clone().expect("a descriptor");
                for (mut from, mut to) in [(clone(&near), clone(&far)), (clone(&far), clone(&near))] {
                    spawn(move || {
                        let mut bytes = [0; 4096];
                        while let Ok(n) = from.read(&mut bytes)
                            && n > 0
                            && to.write_all(&bytes[..n]).is_ok()
                        {}
                        let _ = to.shutdown(Shutdown::Both);
                    });
                }
                streams.extend([near, far]);
            }
        });
        Self { port, plugged }
    }

    fn pull(&self) {
        for stream in self.plugged.lock().expect("a lock").take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn put_back(&self) {
        *self.plugged.lock().expect("a lock") = Some(Vec::new());
    }
}

/// A served bench whose battery is behind a cable.
fn with_a_cable(served: &Served) -> (Cable, String) {
    let text = fs::read_to_string(served.bench()).expect("a bench file");
    let mut file: toml::Table = text.parse().expect("TOML");
    let instruments = file["instrument"].as_array_mut().expect("instruments");
    let battery = instruments.iter_mut().find(|i| i["name"].as_str() == Some("battery")).expect("a battery");
    let address = battery["address"].as_str().expect("an address").to_owned();
    let [_, host, port, _] = address.split("::").collect::<Vec<_>>()[..] else { panic!("{address}") };
    let cable = Cable::to(format!("{host}:{port}"));
    let mine = format!("TCPIP::127.0.0.1::{}::SOCKET", cable.port);
    let path = Path::new(&served.bench()).with_file_name("cable.toml");
    fs::write(&path, text.replace(&address, &mine)).expect("a bench file");
    (cable, path.to_string_lossy().into_owned())
}

/// What a served bench is called.
fn served_id(bench: &str) -> String {
    let file: toml::Table = fs::read_to_string(bench).expect("a bench file").parse().expect("TOML");
    file["bench"]["id"].as_str().expect("an id").to_owned()
}

/// A run under way, in whose step the cable is pulled.
fn pulled(served: &Served, out: &Scratch, cable: &Cable, bench: &str, then: impl FnOnce()) -> Run {
    let plan = plan(out, r#"{ wait = "30 s" }, { set = { "battery.voltage" = "12.9 V" } }"#);
    let child = hil()
        .args(["run", &plan, "--run-id", "r", "--bench", bench, "--out"])
        .arg(&out.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("hil starts");
    served.wait("the battery never went on", Duration::from_secs(60), |s| s.on());
    cable.pull();
    then();
    finished(&out.0, child.wait_with_output().expect("hil ends"))
}

#[test]
fn a_pulled_cable_is_a_tester_error_and_the_inhibit_switches_off() {
    let served = Served::begin("guardian-cable", &["--watchdog", "60 s"]);
    let (cable, bench) = with_a_cable(&served);
    let out = Scratch::new("guardian-cable");
    let run = pulled(&served, &out, &cable, &bench, || {});
    assert_eq!((run.code, run.confirmed_safe()), (6, Some(false)), "{}", run.text());
    // What the instrument could not be told, its inhibit input told it.
    assert!(served.state().dead(1.0), "{:?}", served.state());
    let scratch = Scratch::new("guardian-next");
    let short = plan(&scratch, r#"{ wait = "100 ms" }"#);
    let refused = hil().args(["run", &short, "--bench", &bench]).output().expect("hil starts");
    assert_eq!(refused.status.code(), Some(6), "broken until somebody has looked: {refused:?}");
    let id = served_id(&bench);
    let cleared = hil().args(["bench", "clear", &id, "--by", "test", "--why", "cable put back"]).output().expect("hil starts");
    assert!(cleared.status.success(), "{cleared:?}");
    cable.put_back();
    // What is not known to be off is switched off first.
    assert!(next_run(&served, &short).contains("safe state first"));
}

#[test]
fn a_cable_that_is_put_back_at_once_leaves_no_more_than_a_tester_error() {
    let served = Served::begin("guardian-cable-back", &["--watchdog", "60 s"]);
    let (cable, bench) = with_a_cable(&served);
    let out = Scratch::new("guardian-cable");
    let run = pulled(&served, &out, &cable, &bench, || cable.put_back());
    assert_eq!((run.code, run.confirmed_safe()), (3, Some(true)), "{}", run.text());
    assert!(served.state().dead(1.0), "{:?}", served.state());
    next_starts_clean(&served);
}

/// The bench file of `served` with its serial ports under names that can vanish.
fn with_device_files(served: &Served) -> (std::path::PathBuf, String) {
    let text = fs::read_to_string(served.bench()).expect("a bench file");
    let folder = Path::new(&served.bench()).with_file_name("dev");
    fs::create_dir(&folder).expect("a folder");
    let file: toml::Table = text.parse().expect("TOML");
    let mut ours = text.clone();
    for instrument in file["instrument"].as_array().expect("instruments") {
        let address = instrument["address"].as_str().expect("an address");
        let device = address.strip_prefix("ASRL").and_then(|a| a.strip_suffix("::INSTR")).expect("a serial port");
        let name = folder.join(instrument["name"].as_str().expect("a name"));
        std::os::unix::fs::symlink(device, &name).expect("a link");
        ours = ours.replace(address, &format!("ASRL{}::INSTR", name.display()));
    }
    let bench = Path::new(&served.bench()).with_file_name("named.toml");
    fs::write(&bench, ours).expect("a bench file");
    (folder, bench.to_string_lossy().into_owned())
}

#[test]
fn ports_are_handed_over_and_their_files_not_needed() {
    let served = Served::begin("guardian-ports", &["--watchdog", "60 s", "--link", "serial"]);
    let (devices, bench) = with_device_files(&served);
    let out = Scratch::new("guardian-ports");
    let mut run = served.long_run_on(&bench, &out);
    fs::remove_dir_all(devices).expect("a folder");
    run.kill().expect("it runs");
    run.wait().expect("it has ended");
    assert_eq!(guarded(&out, "r"), "the run has ended without its safe state");
    assert!(served.state().dead(1.0), "{:?}", served.state());
    next_starts_clean(&served);
}
