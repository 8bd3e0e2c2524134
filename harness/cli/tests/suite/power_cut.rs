//! A power cut at every point of a run whose journal is synced: what was shown
//! or acted on before the cut is on the disk after it.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use hil_channel::{Abilities, Bench, BoxFuture, Channel, ChannelError, Edge, PartId, Reading, SafeReport, Watch};
use hil_cli::journal::{Medium, SyncedJournal, WrittenJournal};
use hil_cli::unit::VirtualUnit;
use hil_cli::{assemble, load};
use hil_engine::{Engine, RunHeader, Sinks};
use hil_model::{Condition, SignalId, Trigger, Value};
use hil_record::{Event, EventSink, SinkError, read_journal};
use hil_timebase::{Nanos, Runtime};
use hil_writers::{Console, ConsoleOptions};

use crate::support::Scratch;

/// Every kind of action, a step that fails and what follows from it.
const PLAN: &str = r#"
[plan]
id = "cut"
title = "All kinds of actions"
product = "smart-bms-12-200"
[setup]
do = [
    { set = { "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy", "remote.loop" = "closed" } },
    { set = { "battery.source-limit" = "10 A", "battery.sink-limit" = "10 A", "battery.voltage" = "12.8 V", "battery.output" = "on" } },
    { wait = "2 s" },
]
[recover]
do = [ { set = { "btv.atd" = "healthy" } } ]
[teardown]
do = [ { set = { "battery.output" = "off" } } ]
[[step]]
id = "edges"
timeout = "200 s"
do = [
    { watch = "load-disconnect", becomes = "floating", as = "cut" },
    { set = { "btv.pre-alarm" = "alarm" } },
    { wait = "5 s" },
    { set = { "btv.atd" = "open" }, as = "atd" },
    { require = "cut - atd", as = "delay", max = "60 s", within = "40 s" },
    { set = { "btv.atd" = "healthy", "btv.pre-alarm" = "healthy" } },
    { expect = { "load-disconnect" = "high" }, within = "60 s" },
]
[[step]]
id = "levels"
do = [
    { ramp = "battery.voltage", from = "12.8 V", to = "13 V", rate = "100 mV/s" },
    { profile = "battery.voltage", points = [["0 s", "13 V"], ["1 s", "12.8 V"]] },
    { settle = "battery.voltage", within = "20 mV", over = "1 s", timeout = "10 s" },
    { read = "battery.voltage", as = "v" },
    { measure = "battery.voltage", min = "12 V", max = "14 V" },
]
[[step]]
id = "fails"
continue-on-fail = true
do = [ { measure = "battery.voltage", min = "15 V" } ]
[[step]]
id = "left-out"
when = "parameters.never > 1 V"
do = [ { measure = "battery.voltage", min = "12 V" } ]
[parameters]
never = "0 V"
"#;

/// What happened, in order.
enum Entry {
    Wrote(Vec<u8>),
    Synced,
    /// Event, and how it was acknowledged.
    Acknowledged(u64, &'static str),
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Entry>>>);

impl Log {
    fn note(&self, entry: Entry) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }
}

/// Keeps what is synced; the rest may be lost.
struct Disk(Log);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.note(Entry::Wrote(bytes.to_owned()));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Medium for Disk {
    fn sync(&mut self) -> io::Result<()> {
        self.0.note(Entry::Synced);
        Ok(())
    }
    fn check_place(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The console, and who looks at it.
struct Watched {
    console: Console<Counted>,
    shown: Rc<Cell<usize>>,
    told: Rc<Cell<u64>>,
    log: Log,
}

struct Counted(Rc<Cell<usize>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl EventSink for Watched {
    fn name(&self) -> &str {
        "console"
    }
    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        let before = self.shown.get();
        self.console.handle(event)?;
        if self.shown.get() > before {
            self.log.note(Entry::Acknowledged(event.seq, "shown"));
        }
        if !event.kind.is_observation() {
            self.told.set(event.seq);
        }
        Ok(())
    }
}

/// A bench that notes that something was done with it: acted on the last event
/// that is no observation.
struct Acting {
    bench: Rc<dyn Bench>,
    told: Rc<Cell<u64>>,
    log: Log,
}

impl Acting {
    fn acts(&self) {
        self.log.note(Entry::Acknowledged(self.told.get(), "acted on"));
    }
}

impl Bench for Acting {
    fn name(&self) -> &str {
        self.bench.name()
    }
    fn channel(&self, signal: &SignalId) -> Option<Rc<dyn Channel>> {
        let mine = Self { bench: Rc::clone(&self.bench), told: Rc::clone(&self.told), log: self.log.clone() };
        Some(Rc::new(ActingChannel(self.bench.channel(signal)?, mine)))
    }
    fn open(&self) -> BoxFuture<'_, Result<Vec<PartId>, ChannelError>> {
        self.acts();
        self.bench.open()
    }
    fn safe_state(&self) -> BoxFuture<'_, SafeReport> {
        self.acts();
        self.bench.safe_state()
    }
}

struct ActingChannel(Rc<dyn Channel>, Acting);

impl Channel for ActingChannel {
    fn abilities(&self) -> &Abilities {
        self.0.abilities()
    }
    fn set<'a>(&'a self, value: &'a Value) -> BoxFuture<'a, Result<Edge, ChannelError>> {
        self.1.acts();
        self.0.set(value)
    }
    fn read(&self) -> BoxFuture<'_, Result<Reading, ChannelError>> {
        self.1.acts();
        self.0.read()
    }
    fn wait_for<'a>(&'a self, condition: &'a Condition, until: Nanos) -> BoxFuture<'a, Result<Reading, ChannelError>> {
        self.1.acts();
        self.0.wait_for(condition, until)
    }
    fn watch(&self, trigger: &Trigger) -> Result<Box<dyn Watch>, ChannelError> {
        self.1.acts();
        self.0.watch(trigger)
    }
}

/// Runs the plan with this journal; what happened, in order.
fn happened(log: &Log, journal: Box<dyn EventSink>, verbose: bool) {
    let scratch = Scratch::new("power-cut");
    let path = scratch.0.join("plan.toml");
    fs::write(&path, PLAN).expect("a plan");
    let loaded = load::load(&path, "virtual", &[]).unwrap_or_else(|f| panic!("{}", f.text));
    let runtime = Runtime::virtual_time().expect("a runtime");
    let assembled = assemble::virtual_bench(&runtime, &loaded, &VirtualUnit::default(), 1, None, hil_cli::wire::trace()).expect("a bench");
    let (shown, told) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let console = Console::new(Counted(Rc::clone(&shown)), ConsoleOptions { colour: false, verbose });
    let watched = Watched { console, shown, told: Rc::clone(&told), log: log.clone() };
    let bench = Acting { bench: assembled.bench, told, log: log.clone() };
    let (_control, receiver) = tokio::sync::mpsc::unbounded_channel();
    let sinks = Sinks { journal, others: vec![Box::new(watched)] };
    let mut engine = Engine::new(&loaded.plan, &bench, runtime.clock(), sinks, RunHeader::default(), receiver);
    let outcome = runtime.block_on(engine.run()).expect("a run");
    assert_eq!((outcome.exit_code(), engine.sink_failures()), (1, vec![]));
}

/// Cuts the power after every entry, with what was not synced lost, and with
/// half of it kept and garbage behind. What is missing then of what had been
/// acknowledged; and how many acknowledgements there were.
fn losses(log: &Log) -> (Vec<String>, usize) {
    let (mut on_disk, mut unsynced, mut acknowledged) = (Vec::new(), Vec::new(), Vec::new());
    let mut lost = Vec::new();
    for entry in log.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        match entry {
            Entry::Wrote(bytes) => unsynced.extend_from_slice(bytes),
            Entry::Synced => on_disk.append(&mut unsynced),
            Entry::Acknowledged(seq, how) => acknowledged.push((*seq, *how)),
        }
        let half = [&on_disk[..], &unsynced[..unsynced.len() / 2], &[0; 40]].concat();
        for bytes in [&on_disk, &half] {
            let found = read_journal(bytes.as_slice()).unwrap_or_else(|e| panic!("{e}")).events.len() as u64;
            let missing = acknowledged.iter().filter(|(seq, _)| *seq >= found);
            lost.extend(missing.map(|(seq, how)| format!("event {seq}, {how}, of {found} on the disk")));
        }
    }
    (lost, acknowledged.len())
}

#[test]
fn a_power_cut_takes_nothing_that_was_shown_or_acted_on() {
    for verbose in [false, true] {
        let log = Log::default();
        let journal = SyncedJournal::new(Disk(log.clone()), "journal".into(), verbose).expect("a thread");
        happened(&log, Box::new(journal), verbose);
        let (lost, acknowledged) = losses(&log);
        assert!(lost.is_empty(), "verbose {verbose}: {}", lost.join("\n"));
        assert!(acknowledged > 80, "only {acknowledged}");
    }
}

/// Proves that the test above would notice.
#[test]
fn without_sync_it_would() {
    let log = Log::default();
    happened(&log, Box::new(WrittenJournal::new(Disk(log.clone()), "journal".into())), false);
    assert!(losses(&log).0.len() > 80);
}
