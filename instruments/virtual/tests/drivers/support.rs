//! What the drivers are tried against.

use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use hil_client::{ClientError, Dialect, ErrorKind, Link, Meter, Protection, Source, Trace};
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Model, SourceState, Terminals, serve};

pub const SERIAL: &str = "2810450001";

/// A battery behind a resistor: what the source is clamped to.
pub struct Resistor {
    pub emf: f64,
    pub ohm: f64,
    state: Mutex<SourceState>,
}

impl Resistor {
    pub fn new(emf: f64, ohm: f64) -> Arc<Self> {
        Arc::new(Self { emf, ohm, state: Mutex::default() })
    }
    pub fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().expect("no panic")
    }
}

impl Terminals for Resistor {
    fn drive(&self, state: SourceState) {
        *self.state() = state;
    }
    fn amps(&self) -> f64 {
        let s = *self.state();
        if s.on { ((s.volts - self.emf) / self.ohm).clamp(-s.sink_amps, s.source_amps) } else { 0.0 }
    }
    fn volts(&self) -> f64 {
        self.emf + self.amps() * self.ohm
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn constant_current(&self) -> bool {
        let s = *self.state();
        s.on && (self.volts() - s.volts).abs() > 1e-9
    }
}

/// A bench with one virtual instrument.
pub struct Bench {
    pub clock: Clock,
    pub world: Arc<Resistor>,
    pub link: Link,
    pub dialect: Rc<Dialect>,
}

impl Bench {
    pub fn new(clock: Clock, dialect: &str, world: Arc<Resistor>, seed: u64, trace: Option<Trace>) -> Self {
        let (ours, theirs) = tokio::io::duplex(4096);
        let model = Model::of(dialect, &Dialect::built_in(dialect).expect("listed").expect("good"));
        let terminals: Arc<dyn Terminals> = Arc::clone(&world) as Arc<dyn Terminals>;
        tokio::task::spawn_local(serve(theirs, model, Identity::new(SERIAL), terminals, clock.clone(), seed));
        let dialect = Rc::new(Dialect::built_in(dialect).expect("listed").expect("good"));
        let link = Link::spawn("battery", ours, dialect.link_settings(), clock.clone(), trace);
        Self { clock, world, link, dialect }
    }

    pub fn source(&self) -> Source {
        let protection = Protection { over_voltage: Some(17.0), over_current: Some(30.0) };
        Source::new(self.link.clone(), Rc::clone(&self.dialect), SERIAL, protection)
    }

    pub fn meter(&self) -> Meter {
        Meter::new(self.link.clone(), Rc::clone(&self.dialect), SERIAL, 1.0)
    }
}

pub fn on_bench<T, F: Future<Output = T>>(dialect: &str, world: Arc<Resistor>, body: impl FnOnce(Bench) -> F) -> T {
    let runtime = Runtime::virtual_time().expect("runtime");
    let clock = runtime.clock();
    runtime.block_on(async { body(Bench::new(clock, dialect, world, 7, None)).await }).expect("no halt")
}

pub fn kind<T: std::fmt::Debug>(result: Result<T, ClientError>) -> ErrorKind {
    result.expect_err("an error").kind
}

pub fn in_virtual_time<T, F: Future<Output = T>>(body: impl FnOnce(Clock) -> F) -> T {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    runtime.block_on(body(clock)).expect("no halt")
}
