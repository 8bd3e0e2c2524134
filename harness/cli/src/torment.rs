//! `hil torment`: runs of a plan under random faults, each held against what
//! every run promises.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use hil_campaign::fault::INSTRUMENT;
use hil_campaign::{Case, Catalog, Patients, Promise, Ran, Tally, Violation, Wires, violations};
use hil_client::Kind;
use hil_engine::RunHeader;
use hil_model::{Secrets, SignalId, SignalKind};
use hil_record::{EventKind, EventSink as _, JournalWriter};
use hil_timebase::Runtime;
use hil_twin::FaultyFixture;

use crate::args::TormentArguments;
use crate::assemble::{self, no_runtime};
use crate::failure::Failure;
use crate::load::{Loaded, load};
use crate::say;
use crate::unit::{VirtualUnit, known_defects};

/// A run takes a tenth of a second; one that has not ended after this hangs.
const WATCHDOG: Duration = Duration::from_secs(120);

/// Answers of the fixture: its lines at once, its status reader after the unit.
const LINE_DEADLINE: Duration = Duration::from_secs(1);
const STATUS_DEADLINE: Duration = Duration::from_secs(4);

/// Runs a campaign, or single cases, and returns the exit code: 0 when every
/// run kept every promise, else 1.
///
/// # Errors
/// Invalid input, or a plan that does not pass a good unit on a bench in order.
pub fn torment(arguments: &TormentArguments) -> Result<u8, Failure> {
    let loaded = load(&arguments.plan, &arguments.bench, &arguments.parameters)?;
    if loaded.bench.kind != hil_bench::BenchKind::Virtual || !loaded.lacking.is_empty() {
        let text = format!("torment: bench `{}`, expected a virtual one that judges every step", loaded.bench.id);
        return Err(Failure::invalid(text, Some("`--bench virtual` is one")));
    }
    let campaign = Campaign { deadlines: deadlines(&loaded), catalog: catalog(&loaded)?, loaded, arguments };
    if !arguments.case.is_empty() {
        return campaign.replay();
    }
    let tally = campaign.all()?;
    say(&format!("{tally}"));
    say(&format!(
        "{} runs of {}, seed {}: {} broke a promise; {} bad units escape without faults, too",
        tally.runs(),
        campaign.loaded.plan.id,
        arguments.seed,
        tally.broken,
        tally.escaped
    ));
    Ok(u8::from(tally.broken > 0))
}

struct Campaign<'a> {
    loaded: Loaded,
    arguments: &'a TormentArguments,
    catalog: Catalog,
    deadlines: BTreeMap<String, Duration>,
}

/// What is said of a run.
struct Judged {
    ran: Ran,
    violations: Vec<Violation>,
    /// Its bad unit passes without faults, too.
    escaped: bool,
}

impl Campaign<'_> {
    fn all(&self) -> Result<Tally, Failure> {
        let numbers = self.arguments.only.map_or(0..self.arguments.n, |k| k..k + 1);
        let (next, total) = (AtomicU64::new(numbers.start), Mutex::new(Tally::default()));
        let failure = Mutex::new(None);
        std::thread::scope(|scope| {
            for _ in 0..self.arguments.jobs {
                scope.spawn(|| {
                    let mut own = Tally::default();
                    loop {
                        let k = next.fetch_add(1, Ordering::Relaxed);
                        if k >= numbers.end {
                            break;
                        }
                        if let Err(e) = self.one(k, &mut own) {
                            next.store(numbers.end, Ordering::Relaxed);
                            failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(e);
                        }
                    }
                    total.lock().unwrap_or_else(std::sync::PoisonError::into_inner).merge(&own);
                });
            }
        });
        match failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(failure) => Err(failure),
            None => Ok(total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)),
        }
    }

    fn one(&self, k: u64, tally: &mut Tally) -> Result<(), Failure> {
        let case = self.catalog.draw(self.arguments.seed, k);
        let judged = self.judge(&case, &format!("--seed {} --only {k}", self.arguments.seed))?;
        tally.add(&case, &judged.ran);
        tally.escaped += u64::from(judged.escaped);
        tally.broken += u64::from(!judged.violations.is_empty());
        let name = format!("{}-{k}", self.arguments.seed);
        if !judged.violations.is_empty() || self.arguments.only.is_some() {
            self.tell(&name, &case, &judged)?;
        }
        Ok(())
    }

    fn replay(&self) -> Result<u8, Failure> {
        let mut broken = 0;
        for path in &self.arguments.case {
            let text = crate::project::read(path, "case")?;
            let case = Case::read(&text).map_err(|e| Failure::invalid(format!("case `{}`: {e}", path.display()), None))?;
            let judged = self.judge(&case, &path.display().to_string())?;
            broken += u8::from(!judged.violations.is_empty());
            let name = path.file_stem().map_or_else(|| "case".into(), |s| s.to_string_lossy().into_owned());
            self.tell(&name, &case, &judged)?;
        }
        Ok(broken.min(1))
    }

    fn judge(&self, case: &Case, name: &str) -> Result<Judged, Failure> {
        let ran = self.watched(case, name)?;
        let mut violations = violations(&self.loaded.plan, case, &ran, &self.deadlines);
        let mut escaped = false;
        let doubted = |v: &Violation| matches!(v.promise, Promise::NoBadPasses | Promise::NoGoodFails);
        if violations.iter().any(doubted) && !case.faults.is_empty() {
            // Perhaps the plan, and not a fault, does that.
            let control = self.watched(&case.without_faults(), name)?;
            escaped = case.defect.is_some() && control.exit_code() == 0;
        } else if case.faults.is_empty() {
            escaped = case.defect.is_some() && ran.exit_code() == 0;
        }
        if escaped {
            violations.retain(|v| v.promise != Promise::NoBadPasses);
        }
        Ok(Judged { ran, violations, escaped })
    }

    /// Runs it on a thread of its own, so that a hang in real time is seen.
    fn watched(&self, case: &Case, name: &str) -> Result<Ran, Failure> {
        std::thread::scope(|scope| {
            let (sender, receiver) = channel();
            scope.spawn(move || {
                // Who waits has gone only with the program.
                let _ = sender.send(run_case(&self.loaded, case));
            });
            match receiver.recv_timeout(WATCHDOG) {
                Ok(ran) => ran,
                Err(RecvTimeoutError::Disconnected) => Err(Failure::tester(format!("torment: {name}: the run's thread died"), None)),
                Err(RecvTimeoutError::Timeout) => {
                    crate::screen::complain(&format!("error: torment: {name}: no end after {} s\n", WATCHDOG.as_secs()));
                    // A thread cannot be ended from outside.
                    std::process::exit(1);
                }
            }
        })
    }

    /// Says what a run did, and keeps its case and its journal.
    fn tell(&self, name: &str, case: &Case, judged: &Judged) -> Result<(), Failure> {
        let unit = case.defect.as_deref().unwrap_or("good unit");
        let mut text = format!("{name}: {unit}, seed {}: exit code {}\n", case.seed, judged.ran.exit_code());
        for (fault, suffered) in case.faults.iter().zip(&judged.ran.faults) {
            let begun = suffered.begun.map_or_else(|| "never came".into(), |at| format!("began at {:.3} s", at.0 as f64 / 1e9));
            text.push_str(&format!("  {fault} ({begun})\n"));
        }
        for event in &judged.ran.events {
            if let EventKind::Problem { message, verdict, .. } = &event.kind {
                text.push_str(&format!("  {:.3} s: {verdict}: {message}\n", event.bench_ns as f64 / 1e9));
            }
        }
        for violation in &judged.violations {
            text.push_str(&format!("  BROKEN: {}: {}\n", violation.promise, violation.found));
        }
        say(text.trim_end());
        keep(&self.arguments.out.join(name), case, &judged.ran)
            .map_err(|e| Failure::tester(format!("torment: cannot write to `{}`: {e}", self.arguments.out.display()), None))
    }
}

fn keep(folder: &Path, case: &Case, ran: &Ran) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("case.toml"), case.to_toml())?;
    let mut journal = JournalWriter::new(Vec::new());
    for event in &ran.events {
        journal.handle(event).map_err(std::io::Error::other)?;
    }
    fs::write(folder.join("journal.jsonl"), journal.into_inner())
}

fn run_case(loaded: &Loaded, case: &Case) -> Result<Ran, Failure> {
    let runtime = Runtime::virtual_time().map_err(|e| no_runtime(&e))?;
    let ids: Vec<String> = case.defect.iter().cloned().collect();
    let unit = VirtualUnit::choose(&loaded.project, &ids, None, case.seed)?;
    let wires = Wires::default();
    let (assembled, fixture) = assemble::faulty_bench(&runtime, loaded, &unit, case.seed, wires.trace())?;
    let twin = assembled.twin.as_ref().ok_or_else(|| Failure::tester("a virtual bench without a twin", None))?;
    let patients = Patients { instruments: assembled.instruments, fixture };
    let header = header(loaded, case);
    Ok(hil_campaign::run(&runtime, &loaded.plan, assembled.bench.as_ref(), header, case, (patients, twin, &wires)))
}

fn header(loaded: &Loaded, case: &Case) -> RunHeader {
    let kinds: BTreeMap<SignalId, SignalKind> =
        loaded.product.signals.iter().map(|(id, signal)| (id.clone(), signal.kind.clone())).collect();
    RunHeader {
        run: "torment".into(),
        bench: loaded.bench.id.clone(),
        seed: case.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        digests: loaded.digests.clone(),
        defects: case.defect.iter().cloned().collect(),
        secrets: Secrets::of(&loaded.product, &loaded.plan),
        kinds,
        ..RunHeader::default()
    }
}

/// A good unit on a bench in order tells how long everything takes.
fn catalog(loaded: &Loaded) -> Result<Catalog, Failure> {
    let good = Case { seed: 1, defect: None, faults: Vec::new() };
    let ran = run_case(loaded, &good)?;
    if ran.exit_code() != 0 {
        let text = format!("torment: a good unit on a bench without faults ends with exit code {}, expected 0", ran.exit_code());
        return Err(Failure::invalid(text, Some("`hil run` says why")));
    }
    let names = |kind| {
        let of_kind = loaded.bench.instruments.iter().filter(move |i| loaded.dialects.get(&i.dialect).is_some_and(|d| d.kind == kind));
        of_kind.map(|i| i.name.clone()).collect()
    };
    Ok(Catalog {
        sources: names(Kind::Source),
        meters: names(Kind::Meter),
        lines: lines(loaded),
        places: places(&ran),
        defects: known_defects(&loaded.project, None)?.into_iter().map(|d| d.id).collect(),
    })
}

/// Parts of the fixture that the bench binds to a signal, the status reader and
/// the whole.
fn lines(loaded: &Loaded) -> Vec<String> {
    use hil_bench::Binding;
    let part = |binding: &Binding| match binding {
        Binding::Switch(name) => Some(format!("switch {name}")),
        Binding::Sense(name) | Binding::SenseVoltage(name) => Some(format!("sense {name}")),
        Binding::Led(name) | Binding::Blink(name, _) => Some(format!("led {name}")),
        Binding::Meter(name) => Some(format!("meter {name}")),
        Binding::TerminalVoltage(name) => Some(format!("voltage {name}")),
        Binding::Status(_) | Binding::Setting(_) => Some("status".to_owned()),
        Binding::Instrument { .. } | Binding::Extension { .. } => None,
    };
    let mut all: Vec<String> = loaded.bench.bindings.values().filter_map(part).collect();
    all.push(FaultyFixture::WHOLE.to_owned());
    all.sort();
    all.dedup();
    all
}

/// When each phase and step began, and how long it took.
fn places(ran: &Ran) -> Vec<(String, Duration)> {
    let mut all = Vec::new();
    let mut begun: BTreeMap<&str, u64> = [("open", 0)].into();
    for event in &ran.events {
        let ended = match &event.kind {
            EventKind::PhaseStarted { phase } => {
                begun.insert(phase, event.bench_ns);
                continue;
            }
            EventKind::StepStarted { step, .. } => {
                begun.insert(step, event.bench_ns);
                continue;
            }
            EventKind::BenchOpened { .. } => "open",
            // The safe state, too.
            EventKind::SafeState { .. } => "teardown",
            EventKind::PhaseFinished { phase, .. } if phase != "teardown" => phase,
            EventKind::StepFinished { step, .. } => step,
            _ => continue,
        };
        if let Some(from) = begun.remove(ended) {
            all.push((ended.to_owned(), Duration::from_nanos(event.bench_ns - from)));
        }
    }
    all
}

/// Until when each part must have answered: what it may take for a reading comes
/// on top.
fn deadlines(loaded: &Loaded) -> BTreeMap<String, Duration> {
    let instruments = loaded.bench.instruments.iter().filter_map(|spec| {
        let dialect = loaded.dialects.get(&spec.dialect)?;
        let reading = if dialect.kind == Kind::Meter { Duration::from_secs_f64(spec.nplc / 50.0) } else { Duration::ZERO };
        Some((format!("{INSTRUMENT}{}", spec.name), dialect.link.reply_within + reading))
    });
    let lines = lines(loaded).into_iter().map(|name| {
        let deadline = if name == "status" || name == FaultyFixture::WHOLE { STATUS_DEADLINE } else { LINE_DEADLINE };
        (name, deadline)
    });
    instruments.chain(lines).collect()
}
