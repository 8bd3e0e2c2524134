//! Puts a bench together: the virtual one, with instruments at the other end of
//! streams in memory, or one whose instruments and fixture are elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_bench::fixture::Fixture;
use hil_bench::{BenchFile, BenchKind, BoundBench, Connector, InstrumentSpec};
use hil_channel::{Bench, ChannelError, Fault};
use hil_client::prologix::Gateways;
use hil_client::{Address, Dialect, Kind, Stream, Trace, Ways};
use hil_socket::{Greeting, SocketFixture};
use hil_timebase::{Clock, Runtime};
use hil_twin::{FaultyFixture, Keys, Twin, TwinConfig};
use hil_virtual::{Identity, Instrument, Model, Probes, Terminals};

use crate::failure::Failure;
use crate::guardian::Ports;
use crate::likeness;
use crate::load::{Loaded, LoadedBench};
use crate::saboteur::Saboteur;
use crate::unit::VirtualUnit;

/// To connect to an instrument on the network, also in real time.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// Bytes that may be under way in one direction.
const PIPE: usize = 16 * 1024;

/// A bench that is bound to what it needs, but not opened.
pub struct Assembled {
    /// For the engine.
    pub bench: Rc<dyn Bench>,
    /// What is behind it, where that is in this process.
    pub twin: Option<Twin>,
    /// The virtual instruments of this process, by name.
    pub instruments: Instruments,
}

/// Virtual instruments under power, by their names on the bench.
pub type Instruments = BTreeMap<String, Rc<Instrument>>;

/// The virtual bench of `loaded`, with this unit clamped in. Noise and the
/// instruments' errors come from `seed`.
///
/// # Errors
/// A bench file that names what the twin has not.
pub fn virtual_bench(
    runtime: &Runtime,
    loaded: &Loaded,
    unit: &VirtualUnit,
    seed: u64,
    panic_on: Option<&str>,
    trace: Trace,
) -> Result<Assembled, Failure> {
    let World { twin, instruments, connector } = world(runtime, loaded, unit, seed)?;
    let bench = bound(loaded, twin.fixture(), connector, runtime.clock(), trace)?;
    Ok(Assembled { bench: sabotaged(bench, panic_on), twin: Some(twin), instruments })
}

/// The same, whose fixture and instruments can be told to suffer faults.
///
/// # Errors
/// A bench file that names what the twin has not.
pub fn faulty_bench(
    runtime: &Runtime,
    loaded: &Loaded,
    unit: &VirtualUnit,
    seed: u64,
    trace: Trace,
) -> Result<(Assembled, Rc<FaultyFixture>), Failure> {
    let world = world(runtime, loaded, unit, seed)?;
    let fixture = Rc::new(FaultyFixture::new(world.twin.fixture(), runtime.clock()));
    let (bench, instruments) =
        (bound(loaded, Rc::clone(&fixture) as Rc<dyn Fixture>, world.connector, runtime.clock(), trace)?, world.instruments);
    Ok((Assembled { bench: Rc::new(bench), twin: Some(world.twin), instruments }, fixture))
}

/// A twin, and instruments that are clamped to it.
struct World {
    twin: Twin,
    instruments: Instruments,
    connector: Connector,
}

fn world(runtime: &Runtime, loaded: &Loaded, unit: &VirtualUnit, seed: u64) -> Result<World, Failure> {
    let mut config =
        TwinConfig { seed, fixture_serial: loaded.bench.fixture_serial.clone(), keys: Keys::drawn(seed), ..TwinConfig::default() };
    if loaded.like {
        likeness::fixture(&loaded.bench, &mut config);
    }
    unit.apply(&mut config)?;
    let clock = runtime.clock();
    let twin = Twin::new(clock.clone(), &config);
    runtime.attach(twin.world());
    let instruments = powered_up(&loaded.bench, &loaded.dialects, loaded.like, &twin, &clock, seed);
    let connector = in_memory(instruments.clone());
    let instruments = instruments.into_iter().filter_map(|(name, it)| Some((name, it.ok()?))).collect();
    Ok(World { twin, instruments, connector })
}

/// A bench of instruments on the network and a fixture behind a local socket,
/// and the runtime by whose clock it is used.
///
/// # Errors
/// A bench file that names what this program cannot open (exit code 2); a
/// fixture that does not answer, or whose clock cannot be followed (3).
pub fn real_bench(loaded: &Loaded, panic_on: Option<&str>, trace: Trace) -> Result<(Runtime, Assembled), Failure> {
    let (runtime, fixture) = fixture_behind_its_socket(&loaded.bench)?;
    let clock = runtime.clock();
    let bench = bound(loaded, Rc::new(fixture), on_the_network(&loaded.bench, clock.clone()), clock, trace)?;
    Ok((runtime, Assembled { bench: sabotaged(bench, panic_on), twin: None, instruments: Instruments::new() }))
}

/// A bench without a plan, and the runtime by whose clock it is used: nominal and
/// in memory if it is virtual.
///
/// # Errors
/// As [`virtual_bench`] and [`real_bench`].
pub fn bench_alone(loaded: &LoadedBench, trace: Trace) -> Result<(Runtime, BoundBench), Failure> {
    let LoadedBench { bench, dialects, .. } = loaded;
    match bench.kind {
        BenchKind::Virtual => {
            let runtime = Runtime::virtual_time().map_err(|e| no_runtime(&e))?;
            let clock = runtime.clock();
            let config = TwinConfig { fixture_serial: bench.fixture_serial.clone(), ..TwinConfig::default() };
            let twin = Twin::new(clock.clone(), &config);
            runtime.attach(twin.world());
            let connector = in_memory(powered_up(bench, dialects, false, &twin, &clock, config.seed));
            Ok((runtime, bind(bench, dialects, twin.fixture(), connector, clock, trace)?))
        }
        BenchKind::Real => {
            let (runtime, fixture) = fixture_behind_its_socket(bench)?;
            let clock = runtime.clock();
            Ok((runtime, bind(bench, dialects, Rc::new(fixture), on_the_network(bench, clock.clone()), clock, trace)?))
        }
    }
}

/// The fixture of a real bench, and the runtime by whose clock it is used.
fn fixture_behind_its_socket(bench: &BenchFile) -> Result<(Runtime, SocketFixture), Failure> {
    for spec in &bench.instruments {
        spec.address.parse::<Address>().map_err(|e| {
            Failure::invalid(
                format!("bench `{}`: instrument `{}`: address is {e}", bench.id, spec.name),
                Some(e.hint().as_deref().unwrap_or("other transports are not supported yet")),
            )
        })?;
    }
    let Some(socket) = &bench.fixture_socket else {
        return Err(Failure::invalid(
            format!("bench `{}`: no `socket` in `[fixture]`, expected the local socket of the process that has the lines", bench.id),
            Some("`hil virtual serve` is such a process, and writes a bench file"),
        ));
    };
    let greeting = Greeting::with(Path::new(socket)).map_err(|e| {
        Failure::tester(format!("bench `{}`: fixture: {e}", bench.id), Some("is the process that serves it still running?"))
    })?;
    let runtime = Runtime::scaled(greeting.time_scale()).map_err(|e| no_runtime(&e))?;
    let clock = runtime.clock();
    let tester = |e: &dyn std::fmt::Display| Failure::tester(format!("bench `{}`: {e}", bench.id), None);
    let fixture = runtime.block_on(greeting.open(clock.clone())).map_err(|halt| tester(&halt))?.map_err(|e| tester(&e))?;
    let (known, promised) = (fixture.synchrony(), bench.line_accuracy);
    if let Some(promised) = promised.filter(|p| *p < known) {
        return Err(Failure::tester(
            format!(
                "bench `{}`: the fixture's clock is known to {} us, `line-accuracy` promises {} us",
                bench.id,
                known.as_micros(),
                promised.as_micros()
            ),
            Some("a busy computer, or a bench file of another speed"),
        ));
    }
    Ok((runtime, fixture))
}

/// A bench that is only to be switched off, by `ports` and by links of its own. Its clock need
/// not be known well, and nobody's calibration matters.
///
/// # Errors
/// A fixture that does not answer, or a bench file that it does not fit.
pub fn to_switch_off(loaded: &LoadedBench, ports: &Rc<Ports>, trace: Trace) -> Result<(Runtime, BoundBench), Failure> {
    let LoadedBench { bench, dialects, .. } = loaded;
    let tester = |e: &dyn std::fmt::Display| Failure::tester(format!("bench `{}`: {e}", bench.id), None);
    let socket = bench.fixture_socket.as_deref().ok_or_else(|| tester(&"no `socket` in `[fixture]`"))?;
    let greeting = Greeting::with(Path::new(socket)).map_err(|e| tester(&e))?;
    let runtime = Runtime::scaled(greeting.time_scale()).map_err(|e| no_runtime(&e))?;
    let clock = runtime.clock();
    let opened = clock.clone();
    let fixture = runtime.block_on(async { greeting.open_at_once(opened) }).map_err(|halt| tester(&halt))?.map_err(|e| tester(&e))?;
    let connector = by_ports(Rc::clone(ports), on_the_network(bench, clock.clone()));
    let bound = bind(bench, dialects, Rc::new(fixture), connector, clock, trace)?;
    Ok((runtime, bound))
}

/// There is no runtime.
pub fn no_runtime(e: &std::io::Error) -> Failure {
    Failure::tester(format!("cannot make a runtime: {e}"), None)
}

fn bind(
    bench: &BenchFile,
    dialects: &BTreeMap<String, Dialect>,
    fixture: Rc<dyn Fixture>,
    connector: Connector,
    clock: Clock,
    trace: Trace,
) -> Result<BoundBench, Failure> {
    BoundBench::bind(bench.clone(), dialects, fixture, connector, clock, Some(trace)).map_err(|errors| {
        let text: String = errors.iter().map(|e| format!("error: bench `{}`: {e}\n", bench.id)).collect();
        Failure { text, code: 2 }
    })
}

fn bound(loaded: &Loaded, fixture: Rc<dyn Fixture>, connector: Connector, clock: Clock, trace: Trace) -> Result<BoundBench, Failure> {
    let bound = bind(&loaded.bench, &loaded.dialects, fixture, connector, clock, trace)?;
    Ok(bound.serving(loaded.product.signals.clone()))
}

fn sabotaged(bench: BoundBench, panic_on: Option<&str>) -> Rc<dyn Bench> {
    let bench: Rc<dyn Bench> = Rc::new(bench);
    match panic_on {
        Some(signal) => Rc::new(Saboteur::new(bench, signal)),
        None => bench,
    }
}

/// Instruments of a real bench of which nobody knows where they are clamped, or
/// where the twin has nothing.
///
/// # Errors
/// All of them, for `--like`.
pub fn unplaced(bench: &BenchFile) -> Result<(), Failure> {
    let wrong = |spec: &InstrumentSpec| match spec.terminals.as_deref() {
        Some(names) => probes(names).find(|name| !Twin::TERMINALS.contains(name)).map(no_terminals),
        None => Some("does not say where it is clamped, expected `terminals`".to_owned()),
    };
    let line = |spec: &InstrumentSpec| Some(format!("error: --like: instrument `{}`: {}\n", spec.name, wrong(spec)?));
    let text: String = bench.instruments.iter().filter_map(line).collect();
    if text.is_empty() { Ok(()) } else { Err(Failure { text, code: 2 }) }
}

/// Where an instrument is clamped: a scope has a probe for each of its channels, in
/// order, apart by commas.
fn probes(names: &str) -> impl Iterator<Item = &str> {
    names.split(',').map(str::trim)
}

fn no_terminals(name: &str) -> String {
    format!("the twin has no terminals `{name}`, expected one of {}", Twin::TERMINALS.join(", "))
}

/// Opens the address of the bench file.
pub fn on_the_network(bench: &BenchFile, clock: Clock) -> Connector {
    let gateways = Gateways::new(bench.gateways.clone());
    Rc::new(move |spec: &InstrumentSpec| {
        let (clock, part, address) = (clock.clone(), format!("instrument `{}`", spec.name), spec.address.parse::<Address>());
        let ways = Ways { line: spec.line, gateways: gateways.clone() };
        Box::pin(async move {
            let lost = |cause: String| ChannelError::new(&*part, Fault::LinkLost { cause });
            let address = address.map_err(|e| lost(e.to_string()))?;
            let limit = clock.patience(CONNECT_WITHIN, CONNECT_WITHIN);
            address.open(ways, &clock, limit).await.map_err(lost)
        })
    })
}

/// Takes the port of an instrument that has one, and opens the others.
fn by_ports(ports: Rc<Ports>, others: Connector) -> Connector {
    Rc::new(move |spec: &InstrumentSpec| match ports.adopt(&spec.name) {
        None | Some(Err(_)) => others(spec),
        Some(Ok(port)) => Box::pin(std::future::ready(Ok(Box::new(port) as Box<dyn Stream>))),
    })
}

/// All instruments of a virtual bench, or why there is none such.
fn powered_up(
    bench: &BenchFile,
    dialects: &BTreeMap<String, Dialect>,
    like: bool,
    twin: &Twin,
    clock: &Clock,
    seed: u64,
) -> BTreeMap<String, Result<Rc<Instrument>, String>> {
    let shunts = likeness::shunts(bench, seed, like);
    let power_up = |spec: &InstrumentSpec| {
        let (model, terminals) = counterpart(twin, spec, dialects, shunts.get(&spec.name).copied())?;
        let identity = Identity::new(&spec.serial);
        Ok(Rc::new(Instrument::power_up(model, &identity, terminals, clock.clone(), seed, Duration::ZERO)))
    };
    bench.instruments.iter().map(|spec| (spec.name.clone(), power_up(spec))).collect()
}

/// Opens a pipe in memory with a virtual instrument at its other end, which
/// outlives it.
fn in_memory(instruments: BTreeMap<String, Result<Rc<Instrument>, String>>) -> Connector {
    Rc::new(move |spec: &InstrumentSpec| {
        let lost = |cause: String| ChannelError::new(format!("instrument `{}`", spec.name), Fault::LinkLost { cause });
        let found = instruments.get(&spec.name).cloned().unwrap_or_else(|| Err("there is no such instrument".into()));
        let opened = found.map_err(lost).and_then(|instrument| {
            if !instrument.reachable() {
                return Err(lost("connection refused".into()));
            }
            let (near, far) = tokio::io::duplex(PIPE);
            tokio::task::spawn_local(async move { instrument.attend(far).await });
            Ok(Box::new(near) as Box<dyn Stream>)
        });
        Box::pin(std::future::ready(opened))
    })
}

/// Which virtual model an instrument is, and what it is clamped to.
///
/// # Errors
/// The words of what there is none of.
pub fn counterpart(
    twin: &Twin,
    spec: &InstrumentSpec,
    dialects: &BTreeMap<String, Dialect>,
    shunt: Option<f64>,
) -> Result<(Model, Arc<dyn Terminals>), String> {
    let dialect = dialects.get(&spec.dialect).ok_or_else(|| format!("there is no dialect `{}`", spec.dialect))?;
    let model = Model::of(&spec.dialect, dialect);
    let names = spec.terminals.as_deref().unwrap_or(&spec.name);
    let one = |name: &str| twin.terminals_with(name, shunt).ok_or_else(|| no_terminals(name));
    if dialect.kind == Kind::Scope {
        return Ok((model, Arc::new(Probes(probes(names).map(one).collect::<Result<_, _>>()?))));
    }
    Ok((model, one(names)?))
}
