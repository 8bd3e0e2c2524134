//! `hil virtual serve`: the virtual bench as a process of its own, in real time
//! or a multiple of it. It knows nothing of who uses it, and switches off by
//! itself when he falls silent.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use hil_bench::{BenchKind, InstrumentSpec};
use hil_channel::BoxFuture;
use hil_model::{Dimension, Quantity};
use hil_socket::{Server, Station, Stud};
use hil_timebase::{Clock, Runtime};
use hil_twin::{Twin, TwinConfig};
use hil_virtual::{Announcer, Identity, Instrument};
use rustix::fs::Mode;
use rustix::process::umask;
use tokio::net::UnixListener;

use crate::args::ServeArguments;
use crate::assemble::counterpart;
use crate::control;
use crate::failure::Failure;
use crate::load::{LoadedBench, load_bench};
use crate::say;
use crate::screen::complain;
use crate::serve_links::Links;
use crate::served_file::served_file;
use crate::unit::VirtualUnit;

/// The world is brought to the present so often in real time, while somebody may
/// wait for an edge; and while nobody does.
const TICK: Duration = Duration::from_millis(1);
const IDLE_TICK: Duration = Duration::from_millis(20);
/// A world that needs longer than this for one of them cannot keep up.
const BEHIND: Duration = Duration::from_millis(250);
/// Bench time a real time. Beyond it, every millisecond for which a busy computer
/// holds up the user is a tenth of a second of the bench, and a good unit may
/// fail for it.
const SPEEDS: RangeInclusive<f64> = 0.1..=100.0;
/// Longest watchdog, s.
const WATCHDOG_MAX: f64 = 3600.0;
/// After an inhibit, for a power stage to be off and studs to be told from the
/// outside.
const LAST_WORDS: Duration = Duration::from_millis(10);

/// Serves until a signal comes; returns the exit code.
///
/// # Errors
/// Invalid input (exit code 2), or what cannot be listened on (3).
pub fn serve(arguments: &ServeArguments) -> Result<u8, Failure> {
    let loaded = load_bench(&arguments.bench)?;
    if loaded.bench.kind != BenchKind::Virtual {
        return Err(Failure::invalid(format!("bench `{}` is real, expected a virtual one", loaded.bench.id), None));
    }
    let unit = VirtualUnit::choose(&loaded.project, &arguments.unit.defect, arguments.unit.defects.as_deref(), arguments.unit.seed)?;
    if !SPEEDS.contains(&arguments.speed) {
        return Err(Failure::invalid(
            format!("--speed: `{}`, expected a number from {} to {}", arguments.speed, SPEEDS.start(), SPEEDS.end()),
            Some("its user has to keep up in real time; `hil run` in memory is faster than any of them"),
        ));
    }
    let watchdog = watchdog(&arguments.watchdog)?;
    let mut config = TwinConfig { seed: arguments.unit.seed, fixture_serial: loaded.bench.fixture_serial.clone(), ..TwinConfig::default() };
    unit.apply(&mut config)?;

    let tester = |e: &dyn std::fmt::Display| Failure::tester(format!("cannot serve: {e}"), None);
    let runtime = Runtime::scaled(arguments.speed).map_err(|e| tester(&e))?;
    let (_ours, mut signals) = control::listen(&runtime.clock()).map_err(|e| tester(&e))?;
    let twin = Twin::new(runtime.clock(), &config);
    let ended = runtime.block_on(async {
        let served = Served::begin(arguments, &loaded, &twin, runtime.clock(), watchdog).await?;
        say("READY");
        signals.recv().await;
        served.end(&runtime.clock()).await;
        Ok(0)
    });
    ended.map_err(|halt| tester(&halt))?
}

/// What is to be taken back at the end.
struct Served {
    instruments: Vec<Rc<Instrument>>,
    socket: PathBuf,
    /// Ours, unless the user said where it goes.
    bench_file: Option<PathBuf>,
    /// Takes its announcements back when it goes.
    _announcer: Option<Announcer>,
}

impl Served {
    async fn begin(
        arguments: &ServeArguments,
        loaded: &LoadedBench,
        twin: &Twin,
        clock: Clock,
        watchdog: Duration,
    ) -> Result<Self, Failure> {
        let mut instruments = Vec::new();
        let mut addresses = BTreeMap::new();
        let mut links = Links::new(arguments, clock.clone())?;
        for spec in &loaded.bench.instruments {
            let instrument = power_up(arguments, loaded, twin, &clock, spec)?;
            let address = links.attach(spec, loaded.dialects.get(&spec.dialect), Rc::clone(&instrument)).await;
            let failed = |e: std::io::Error| {
                let what = format!("instrument `{}`: cannot be served: {e}", spec.name);
                if e.kind() == ErrorKind::InvalidInput { Failure::invalid(what, None) } else { Failure::tester(what, None) }
            };
            let address = address.map_err(failed)?;
            say(&format!("instrument {} {address}", spec.name));
            instruments.push(instrument);
            addresses.insert(spec.name.clone(), address);
        }
        let board = links.board();
        if let Some(gateway) = &board {
            say(&format!("gateway GPIB0 {gateway}"));
        }
        let announcer = links.complete().await.map_err(|e| Failure::tester(format!("cannot serve: {e}"), None))?;
        let socket = arguments.socket.clone().unwrap_or_else(|| place().join(format!("hil-virtual-{}.sock", std::process::id())));
        let socket = std::path::absolute(&socket).unwrap_or(socket);
        let listener = open_socket(&socket)?;
        say(&format!("fixture {}", socket.display()));
        let bench_file = arguments.bench_file.clone().unwrap_or_else(|| socket.with_extension("toml"));
        let text = served_file(&loaded.text, (&addresses, board.as_ref()), &socket, arguments.speed, watchdog)
            .map_err(|e| Failure::tester(e, None))?;
        // Where the user says, as he says; it may be no file.
        let written = if arguments.bench_file.is_some() { fs::write(&bench_file, text) } else { write_anew(&bench_file, &text) };
        written.map_err(|e| Failure::tester(format!("cannot write `{}`: {e}", bench_file.display()), None))?;
        say(&format!("bench-file {}", bench_file.display()));

        let seen = twin.clone();
        let studs = move || seen.power().map(|s| Stud { name: s.name.to_owned(), on: s.on, volts: s.volts }).into();
        let wired = instruments.clone();
        let pull = move || -> BoxFuture<'static, ()> {
            let wired = wired.clone();
            Box::pin(async move { inhibit_all(&wired).await })
        };
        let server = Server::new(twin.fixture(), clock.clone(), Some(watchdog), studs).inhibiting(pull);
        let server = Rc::new(server.with_station(station(twin)).pulling(loaded.bench.inhibit.clone()));
        tokio::task::spawn_local(Rc::clone(&server).listen(listener));
        tokio::task::spawn_local(keep_up(twin.clone(), Rc::clone(&server), clock));
        tokio::task::spawn_local(guard(server, instruments.clone(), watchdog));
        Ok(Self { instruments, socket, bench_file: arguments.bench_file.is_none().then_some(bench_file), _announcer: announcer })
    }

    /// Outputs off, nothing left behind.
    async fn end(self, clock: &Clock) {
        inhibit_all(&self.instruments).await;
        clock.sleep(clock.real(LAST_WORDS)).await;
        for path in std::iter::once(&self.socket).chain(&self.bench_file) {
            if let Err(error) = fs::remove_file(path) {
                tracing::warn!(path = %path.display(), %error, "left behind");
            }
        }
        complain("outputs off, the bench is gone\n");
    }
}

fn power_up(
    arguments: &ServeArguments,
    loaded: &LoadedBench,
    twin: &Twin,
    clock: &Clock,
    spec: &InstrumentSpec,
) -> Result<Rc<Instrument>, Failure> {
    let invalid = |e: String| Failure::invalid(format!("bench `{}`: instrument `{}`: {e}", loaded.bench.id, spec.name), None);
    let (model, terminals) = counterpart(twin, spec, &loaded.dialects, None).map_err(invalid)?;
    let dialect = loaded.dialects.get(&spec.dialect);
    let off_latency = dialect.and_then(|d| d.quirks.off_latency.as_ref()).map_or(Duration::ZERO, |q| q.after);
    let identity = Identity::new(&spec.serial);
    Ok(Rc::new(Instrument::power_up(model, &identity, terminals, clock.clone(), arguments.unit.seed, off_latency)))
}

/// Whoever stands at the twin's station.
fn station(twin: &Twin) -> Station {
    let (seen, hand) = (twin.clone(), twin.clone());
    let words = |(part, how): (&str, &str)| (part.to_owned(), how.to_owned());
    Station {
        look: Box::new(move || seen.station().into_iter().map(words).collect()),
        operate: Box::new(move |part, to| hand.operate(part, to)),
    }
}

/// Where a socket lies that the user gave no place: in a folder that is his alone,
/// where the system has one.
fn place() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|p| p.is_absolute() && p.is_dir());
    own.unwrap_or_else(std::env::temp_dir)
}

/// Not through a link that somebody else has laid in a folder for all.
fn write_anew(path: &Path, text: &str) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// A socket for this user only. One that a dead server has left is taken over.
fn open_socket(path: &Path) -> Result<UnixListener, Failure> {
    let failed = |e: std::io::Error| {
        Failure::tester(format!("fixture: cannot listen on `{}`: {e}", path.display()), Some("its place is set with `--socket`"))
    };
    if UnixStream::connect(path).is_err_and(|e| e.kind() == ErrorKind::ConnectionRefused) {
        fs::remove_file(path).map_err(failed)?;
    }
    // From its first moment: permissions that are set later leave a gap.
    let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let listener = UnixListener::bind(path);
    umask(before);
    listener.map_err(failed)
}

async fn inhibit_all(instruments: &[Rc<Instrument>]) {
    join_all(instruments.iter().map(|i| i.inhibit())).await;
}

/// The watchdog relay, which pulls every instrument's inhibit input.
async fn guard(server: Rc<Server>, instruments: Vec<Rc<Instrument>>, limit: Duration) {
    let instruments = &instruments;
    let trip = |silent: Duration| async move {
        complain(&format!(
            "watchdog: nobody spoke to the fixture for {:.2} s with outputs on; all outputs switched off\n",
            silent.as_secs_f64()
        ));
        inhibit_all(instruments).await;
    };
    hil_socket::watchdog::watch(&server, limit, trip).await;
}

/// Brings the world to the present again and again, so that edges are heard.
async fn keep_up(twin: Twin, server: Rc<Server>, clock: Clock) {
    let mut told = false;
    loop {
        let state = server.state();
        clock.sleep(clock.real(if state.clients > 0 || state.on() { TICK } else { IDLE_TICK })).await;
        let begun = clock.now();
        twin.advance();
        let took = clock.now().since(begun).div_f64(clock.scale());
        if took > BEHIND && !told {
            told = true;
            complain(&format!("behind: the world needed {} ms to reach the present; choose a lower --speed\n", took.as_millis()));
        }
    }
}

fn watchdog(text: &str) -> Result<Duration, Failure> {
    let seconds = Quantity::parse(text).ok().filter(|q| q.dimension == Dimension::TIME).map(|q| q.si);
    seconds.filter(|s| (0.05..=WATCHDOG_MAX).contains(s)).map(Duration::from_secs_f64).ok_or_else(|| {
        Failure::invalid(format!("--watchdog: `{text}`, expected a time from 50 ms to {WATCHDOG_MAX} s"), Some("write --watchdog '2 s'"))
    })
}
