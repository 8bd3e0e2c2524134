//! Accept and reject rates follow the decision rule: for ten limits a parameter
//! of the unit is swept across a bound, every reading gets normal noise of its
//! stated uncertainty, and the decisions are counted against the probabilities
//! that the rule has by then (JCGM 106, 8 and 9).
//!
//! Everything but the noise is the real thing: twin, virtual instruments over
//! SCPI, channels with their U, engine, decision rule. What the noiseless
//! reading was is kept beside each decision, so that a prediction needs no model
//! of the unit.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;

use hil_channel::{Abilities, Bench, BoxFuture, Channel, ChannelError, Edge, PartId, Reading, SafeReport, Watch};
use hil_cli::unit::VirtualUnit;
use hil_cli::{assemble, load};
use hil_engine::{Engine, RunHeader, Sinks};
use hil_model::decision::normal_cdf;
use hil_model::{Condition, Quantity, SignalId, Trigger, Value};
use hil_record::{Decision, Event, EventKind, EventSink, SinkError, Verdict};
use hil_timebase::{Nanos, Runtime};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use crate::support::{Scratch, root};

/// Decisions at each point of a sweep.
const TAKEN: usize = 60;

/// Points of a sweep: true values, in U from the bound; positive is outside.
const SWEEP: [f64; 7] = [-1.6, -1.1, -0.6, 0.0, 0.6, 1.1, 1.6];

/// How many standard deviations the sum over one limit may be off: 95 % for ten
/// limits and three rules together (two-sided, Bonferroni).
const FAMILY: f64 = 3.15;

/// One limit, and how its value is moved.
struct Case {
    limit: &'static str,
    signal: &'static str,
    /// Sets the unit's parameter; its value moves the signal one to one.
    path: &'static str,
    /// The parameter's value in a good unit.
    rest: f64,
    /// The bound that is crossed, in the unit of `path`.
    bound: f64,
    /// Outside is above it.
    upper: bool,
    /// What has to be set before.
    scene: &'static str,
    fuse: &'static str,
}

const CHARGING: &str = r#"{ set = { "battery.voltage" = "13.3 V", "alternator.source-limit" = "118 A", "alternator.voltage" = "14.4 V", "alternator.output" = "on" } },
    { wait = "4 s" }"#;
const CONSUMING: &str = r#"{ set = { "battery.voltage" = "12.8 V", "battery.meter-bypass" = "open" } }, { wait = "1 s" }"#;

const fn row(limit: &'static str, fuse: &'static str, bound: f64, upper: bool) -> Case {
    Case { limit, signal: "alternator.current", path: "limiter.offset", rest: 0.0, bound, upper, scene: CHARGING, fuse }
}

const CASES: [Case; 10] = [
    row("alternator-limit-2x7A5", "2x7.5A", 8.0, false),
    row("alternator-limit-2x10A", "2x10A", 13.0, true),
    row("alternator-limit-2x15A", "2x15A", 19.0, false),
    row("alternator-limit-2x20A", "2x20A", 26.25, true),
    row("alternator-limit-2x30A", "2x30A", 38.0, false),
    row("alternator-limit-60A", "60A", 52.5, true),
    row("alternator-limit-80A", "80A", 57.0, false),
    row("alternator-limit-100A", "100A", 94.5, true),
    row("alternator-limit-125A", "125A", 95.0, false),
    Case {
        limit: "consumption-on",
        signal: "battery.supply-current",
        path: "power.on",
        rest: 17.5,
        bound: 20.1,
        upper: true,
        scene: CONSUMING,
        fuse: "2x7.5A",
    },
];

/// What one reading was before its noise, in SI units, and its U.
type Truths = Rc<RefCell<Vec<(f64, f64)>>>;

/// A bench of which one signal is read with noise.
struct NoisyBench {
    bench: Rc<dyn Bench>,
    signal: SignalId,
    noise: Rc<RefCell<ChaCha8Rng>>,
    truths: Truths,
}

impl Bench for NoisyBench {
    fn name(&self) -> &str {
        self.bench.name()
    }
    fn channel(&self, signal: &SignalId) -> Option<Rc<dyn Channel>> {
        let channel = self.bench.channel(signal)?;
        if *signal != self.signal {
            return Some(channel);
        }
        Some(Rc::new(Noisy { channel, noise: Rc::clone(&self.noise), truths: Rc::clone(&self.truths) }))
    }
    fn open(&self) -> BoxFuture<'_, Result<Vec<PartId>, ChannelError>> {
        self.bench.open()
    }
    fn safe_state(&self) -> BoxFuture<'_, SafeReport> {
        self.bench.safe_state()
    }
}

struct Noisy {
    channel: Rc<dyn Channel>,
    noise: Rc<RefCell<ChaCha8Rng>>,
    truths: Truths,
}

impl Channel for Noisy {
    fn abilities(&self) -> &Abilities {
        self.channel.abilities()
    }
    fn set<'a>(&'a self, value: &'a Value) -> BoxFuture<'a, Result<Edge, ChannelError>> {
        self.channel.set(value)
    }
    fn read(&self) -> BoxFuture<'_, Result<Reading, ChannelError>> {
        Box::pin(async {
            let reading = self.channel.read().await?;
            let (Some(truth), Some(u)) = (reading.value.quantity(), reading.uncertainty) else { return Ok(reading) };
            self.truths.borrow_mut().push((truth.si, u));
            let z: f64 = self.noise.borrow_mut().sample(StandardNormal);
            Ok(Reading { value: Value::Quantity(Quantity::new(truth.si + z * u / 2.0, truth.dimension)), ..reading })
        })
    }
    fn wait_for<'a>(&'a self, condition: &'a Condition, deadline: Nanos) -> BoxFuture<'a, Result<Reading, ChannelError>> {
        self.channel.wait_for(condition, deadline)
    }
    fn watch(&self, trigger: &Trigger) -> Result<Box<dyn Watch>, ChannelError> {
        self.channel.watch(trigger)
    }
}

type Decided = (Verdict, Option<Decision>);

/// Keeps what was decided.
struct Decisions(Rc<RefCell<Vec<Decided>>>);

impl EventSink for Decisions {
    fn name(&self) -> &str {
        "decisions"
    }
    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        if let EventKind::Measurement(m) = &event.kind {
            self.0.borrow_mut().push((m.verdict, m.decision));
        }
        if let EventKind::Problem { message, .. } = &event.kind {
            panic!("{message}");
        }
        Ok(())
    }
}

fn plan(case: &Case, rule: &str) -> String {
    let mut text = format!(
        r#"[plan]
id = "sweep"
title = "Sweep"
product = "smart-bms-12-200"
decision-rule = "{rule}"
[setup]
do = [
    {{ set = {{ "fuse" = "{}", "battery.source-limit" = "25 A", "battery.sink-limit" = "118 A", "battery.voltage" = "12.8 V", "battery.output" = "on", "remote.loop" = "closed" }} }},
    {{ set = {{ "btv.cable" = "detected", "btv.pre-alarm" = "healthy", "btv.atc" = "healthy", "btv.atd" = "healthy" }} }},
    {{ wait = "2 s" }},
    {}
]
"#,
        case.fuse, case.scene
    );
    for i in 0..TAKEN {
        let _ = write!(text, "[[step]]\nid = \"s{i}\"\ndo = [ {{ measure = \"{}\", limit = \"limits.{}\" }} ]\n", case.signal, case.limit);
    }
    text
}

/// A decision beside the noiseless reading it was made on, and its U.
type Judged = ((f64, f64), Decided);

/// All decisions of one run with the parameter at `value`.
fn run(scratch: &Scratch, case: &Case, loaded: &load::Loaded, value: f64, seed: u64) -> Vec<Judged> {
    let defects = scratch.0.join("defects.toml");
    let text =
        format!("[[defect]]\nid = \"X\"\ntitle = \"swept\"\ncaught-by = [\"SBMS-ALT-09\"]\nset = {{ \"{}\" = {value:?} }}\n", case.path);
    std::fs::write(&defects, text).expect("a defects file");
    let unit = VirtualUnit::choose(&loaded.project, &[], Some(&defects), seed).unwrap_or_else(|f| panic!("{}", f.text));
    let runtime = Runtime::virtual_time().expect("a runtime");
    let bench =
        assemble::virtual_bench(&runtime, loaded, &unit, seed, None, hil_cli::wire::trace()).unwrap_or_else(|f| panic!("{}", f.text)).bench;
    let truths = Truths::default();
    let noise = Rc::new(RefCell::new(ChaCha8Rng::seed_from_u64(seed)));
    let bench = NoisyBench { bench, signal: SignalId::new(case.signal), noise, truths: Rc::clone(&truths) };
    let decided = Rc::default();
    let sinks = Sinks { journal: Box::new(Decisions(Rc::clone(&decided))), others: Vec::new() };
    let (_control, receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut engine = Engine::new(&loaded.plan, &bench, runtime.clock(), sinks, RunHeader::default(), receiver);
    let outcome = runtime.block_on(engine.run()).expect("a run");
    assert!(outcome.safe, "{}: {outcome:?}", case.limit);
    let all: Vec<Judged> = truths.borrow().iter().copied().zip(decided.borrow().iter().copied()).collect();
    assert_eq!(all.len(), TAKEN, "{}", case.limit);
    all
}

/// Observed minus expected, and the variance, over many decisions.
#[derive(Clone, Copy, Default)]
struct Score {
    off: f64,
    variance: f64,
}

impl Score {
    fn add(&mut self, happened: bool, probability: f64) {
        self.off += f64::from(u8::from(happened)) - probability;
        self.variance += probability * (1.0 - probability);
    }
    fn z(self) -> f64 {
        if self.variance < 1e-9 { self.off * 1e4 } else { self.off / self.variance.sqrt() }
    }
}

/// Probability that a reading of `truth` with normal noise of U/2 lies on the
/// good side of the bound moved inwards by `guard`·U.
fn accepted(case: &Case, scale: f64, truth: f64, u: f64, guard: f64) -> f64 {
    let side = if case.upper { 1.0 } else { -1.0 };
    let distance = side * (case.bound * scale - truth) - guard * u;
    normal_cdf(distance / (u / 2.0))
}

/// The sweep of one limit by one rule: for each decision of the rule, how far
/// the count is from its prediction; and from that of another guard band.
fn sweep(scratch: &Scratch, case: &Case, rule: &str, number: u64) -> (Vec<Score>, Score) {
    let path = scratch.0.join("plan.toml");
    std::fs::write(&path, plan(case, rule)).expect("a plan");
    let bench = root().join("fixtures/benches/virtual.toml");
    let loaded = load::load(&path, &bench.to_string_lossy(), &[]).unwrap_or_else(|f| panic!("{}", f.text));
    let scale = if case.path == "power.on" { 1e-3 } else { 1.0 };
    let pilot = run(scratch, case, &loaded, case.rest, 1000 * number);
    let (base, u) = pilot[TAKEN / 2].0;
    let side = if case.upper { 1.0 } else { -1.0 };
    let (mut scores, mut other) = (vec![Score::default(); 4], Score::default());
    for (i, at) in SWEEP.iter().enumerate() {
        let target = case.bound * scale + side * at * u;
        let value = case.rest + (target - base) / scale;
        for ((truth, u), (verdict, decision)) in run(scratch, case, &loaded, value, 1000 * number + 1 + i as u64) {
            let within = |guard| accepted(case, scale, truth, u, guard);
            let is = |wanted| decision == Some(wanted);
            match rule {
                "simple" => {
                    scores[0].add(verdict == Verdict::Pass, within(0.0));
                    assert_eq!(decision, None);
                }
                "guarded" => scores[0].add(is(Decision::Pass), within(1.0)),
                _ => {
                    scores[0].add(is(Decision::Pass), within(1.0));
                    scores[1].add(is(Decision::ConditionalPass), within(0.0) - within(1.0));
                    scores[2].add(is(Decision::ConditionalFail), within(-1.0) - within(0.0));
                    scores[3].add(is(Decision::Fail), 1.0 - within(-1.0));
                    assert_eq!(verdict == Verdict::Inconclusive, is(Decision::ConditionalFail));
                }
            }
            other.add(verdict == Verdict::Pass, within(0.5));
        }
    }
    (scores, other)
}

#[test]
fn accept_and_reject_rates_are_those_of_the_rule() {
    let scratch = Scratch::new("decision");
    let (mut squares, mut count, mut told) = (0.0, 0.0, String::new());
    let mut distinguished = 0;
    for (rule_number, rule) in ["simple", "guarded", "ilac-g8"].iter().enumerate() {
        for (i, case) in CASES.iter().enumerate() {
            let number = (rule_number * CASES.len() + i + 1) as u64;
            let (scores, other) = sweep(&scratch, case, rule, number);
            for (k, score) in scores.iter().enumerate().filter(|(_, s)| s.variance > 0.0) {
                let z = score.z();
                let _ = writeln!(told, "{rule} {} [{k}]: {z:+.2} standard deviations", case.limit);
                assert!(z.abs() <= FAMILY, "{told}");
                // Of four shares that sum to one, three are free.
                if k < 3 {
                    squares += z * z;
                    count += 1.0;
                }
            }
            distinguished += usize::from(other.z().abs() > FAMILY);
        }
    }
    // The shares of one sweep are correlated a little; the bound is that of
    // independent ones (Wilson and Hilferty's quantile of chi-square, 95 %).
    let quantile: f64 = count * (1.0_f64 - 2.0 / (9.0 * count) + 1.644_9 * (2.0 / (9.0 * count)).sqrt()).powi(3);
    assert!(squares <= quantile, "chi-square {squares:.1} of {count}, expected at most {quantile:.1}\n{told}");
    // The sweep is sharp enough to tell a guard band from half of it.
    assert!(distinguished >= 25, "{distinguished} of 30 sweeps tell a guard band of U/2 from what the rule says");
}
