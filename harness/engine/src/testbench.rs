//! A scripted bench in virtual time, for this crate's tests. Signals are lists
//! of values over time, which a set extends and reactions extend later, or
//! functions of other signals. Any part can be told to fail, hang or panic.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hil_channel::{
    Abilities, Bench, BoxFuture, Channel, ChannelError, Edge, EdgeSource, Fault, Interlock, Lid, Opening, PartId, Reading, SafePart,
    SafeReport, Watch,
};
use hil_model::{Call, Condition, LedState, Level, Quantity, SignalId, Trigger, Value};
use hil_timebase::{Clock, Nanos};

/// How a part behaves.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) enum Behave {
    #[default]
    Well,
    Fails,
    /// Fails, and is well after that.
    FailsOnce,
    /// Never answers, and sets no deadline.
    Hangs,
    Panics,
    /// Of the safe state: not confirmed.
    Unconfirmed,
    /// Of the safe state, and of a watch until it sees: takes 5 s.
    Slow,
}

type Derived = Box<dyn Fn(&World, Nanos) -> Value>;

/// When `signal` is set to `value`, `then` takes place `after` that.
struct Reaction {
    signal: String,
    value: Value,
    after: Duration,
    then: (String, Value),
}

/// What every channel of the bench shares.
#[derive(Default)]
pub(crate) struct World {
    lines: RefCell<BTreeMap<String, Vec<(Nanos, Value)>>>,
    derived: RefCell<BTreeMap<String, Derived>>,
    reactions: RefCell<Vec<Reaction>>,
    behaviour: RefCell<BTreeMap<String, Behave>>,
    /// Sets that took effect: `a = 1 V`.
    pub(crate) sets: RefCell<Vec<String>>,
    pub(crate) safe_calls: Cell<u32>,
    /// Values for which a path was chosen, and `usual` where it was brought back.
    pub(crate) selections: RefCell<Vec<String>>,
}

impl World {
    /// The value of a signal at a time.
    pub(crate) fn value(&self, signal: &str, at: Nanos) -> Value {
        if let Some(derived) = self.derived.borrow().get(signal) {
            return derived(self, at);
        }
        let lines = self.lines.borrow();
        let line = lines.get(signal).map_or(&[][..], Vec::as_slice);
        line.iter().rev().find(|(t, _)| *t <= at).map_or(Value::Text("unknown".into()), |(_, v)| v.clone())
    }

    fn add(&self, signal: &str, at: Nanos, value: Value) {
        let mut lines = self.lines.borrow_mut();
        let line = lines.entry(signal.to_owned()).or_default();
        line.push((at, value));
        line.sort_by_key(|(t, _)| *t);
    }

    fn set(&self, signal: &str, at: Nanos, value: &Value) {
        self.sets.borrow_mut().push(format!("{signal} = {value}"));
        self.add(signal, at, value.clone());
        for r in self.reactions.borrow().iter().filter(|r| r.signal == signal && r.value == *value) {
            self.add(&r.then.0, at + r.after, r.then.1.clone());
        }
    }

    /// From now on a part behaves so.
    pub(crate) fn behaves(&self, part: &str, behave: Behave) {
        self.behaviour.borrow_mut().insert(part.to_owned(), behave);
    }

    async fn behave(&self, part: &str) -> Result<(), ChannelError> {
        let behave = self.behaviour.borrow().get(part).copied().unwrap_or_default();
        if behave == Behave::FailsOnce {
            self.behaviour.borrow_mut().insert(part.to_owned(), Behave::Well);
        }
        match behave {
            Behave::Fails | Behave::FailsOnce => {
                Err(ChannelError::new(format!("part `{part}`"), Fault::LinkLost { cause: "cable pulled".into() }))
            }
            Behave::Hangs => std::future::pending().await,
            Behave::Panics => panic!("part `{part}` fell over"),
            Behave::Well | Behave::Unconfirmed | Behave::Slow => Ok(()),
        }
    }
}

/// The bench.
pub(crate) struct TestBench {
    clock: Clock,
    pub(crate) world: Rc<World>,
    held_up: Duration,
    late: Option<String>,
    channels: BTreeMap<SignalId, Rc<Fake>>,
    /// What the actions of its program give.
    actions: BTreeMap<String, BTreeMap<String, Value>>,
    interlock: Option<FakeInterlock>,
    lid: Option<Lid>,
}

/// An interlock that opens once.
struct FakeInterlock {
    clock: Clock,
    at: Nanos,
    /// Word of it comes later, unless somebody asks.
    told: Nanos,
    asked: Cell<bool>,
    lost: bool,
}

impl FakeInterlock {
    fn opening(&self) -> Opening {
        Opening { input: "lid".into(), at: self.at, uncertainty: UNCERTAINTY }
    }
}

impl Interlock for FakeInterlock {
    fn open_now(&self) -> BoxFuture<'_, Result<Option<Opening>, ChannelError>> {
        Box::pin(async {
            let open = self.clock.now() >= self.at;
            self.asked.set(self.asked.get() || open);
            Ok(open.then(|| self.opening()))
        })
    }

    fn opens(&self) -> BoxFuture<'_, Result<Opening, ChannelError>> {
        Box::pin(async {
            while self.clock.now() < self.told && !self.asked.get() {
                self.clock.sleep(Duration::from_millis(1)).await;
            }
            let lost = || ChannelError::new("fixture", Fault::LinkLost { cause: "cable pulled".into() });
            if self.lost { Err(lost()) } else { Ok(self.opening()) }
        })
    }

    fn wait_for_start<'a>(&'a self, _: &'a dyn Fn(&str)) -> BoxFuture<'a, Result<(), ChannelError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl TestBench {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            world: Rc::default(),
            held_up: Duration::ZERO,
            late: None,
            channels: BTreeMap::new(),
            actions: BTreeMap::new(),
            interlock: None,
            lid: None,
        }
    }

    /// Its interlock opens, and word of that comes `later`, in ms.
    pub(crate) fn opens(mut self, at: u64, later: u64) -> Self {
        let (at, told) = (Nanos(at * 1_000_000), Nanos((at + later) * 1_000_000));
        self.interlock = Some(FakeInterlock { clock: self.clock.clone(), at, told, asked: Cell::new(false), lost: false });
        self
    }

    /// Nobody knows its interlock any more from then on, in ms.
    pub(crate) fn loses_interlock(mut self, at: u64) -> Self {
        self = self.opens(1_000_000, 0);
        if let Some(interlock) = &mut self.interlock {
            (interlock.told, interlock.lost) = (Nanos(at * 1_000_000), true);
        }
        self
    }

    /// What becomes of its lid.
    pub(crate) fn lid(mut self, lid: Lid) -> Self {
        self.lid = Some(lid);
        self
    }

    /// Binds a signal that has a value from the beginning.
    pub(crate) fn signal(mut self, name: &str, value: &str) -> Self {
        self.world.add(name, Nanos::ZERO, val(value));
        self.bind(name);
        self
    }

    /// Binds a signal that is a function of the others and of time.
    pub(crate) fn derived(mut self, name: &str, f: impl Fn(&World, Nanos) -> Value + 'static) -> Self {
        self.world.derived.borrow_mut().insert(name.to_owned(), Box::new(f));
        self.bind(name);
        self
    }

    /// The signal has a second path.
    pub(crate) fn routed(mut self, name: &str, value: &str) -> Self {
        self = self.signal(name, value);
        if let Some(fake) = self.channels.get_mut(&SignalId::new(name)).and_then(Rc::get_mut) {
            fake.abilities.routes.push(hil_channel::Path { name: "route `fine`".into(), max: 1.0, budget: None });
        }
        self
    }

    /// Its program does `action`, which behaves as the part of that name and
    /// gives these results.
    pub(crate) fn program(mut self, action: &str, results: &[(&str, &str)]) -> Self {
        self.actions.insert(action.to_owned(), results.iter().map(|(name, value)| ((*name).to_owned(), val(value))).collect());
        self
    }

    fn bind(&mut self, name: &str) {
        let abilities = Abilities { set: true, read: true, watch: true, part: format!("part `{name}`"), ..Abilities::default() };
        let fake = Fake { name: name.to_owned(), abilities, clock: self.clock.clone(), world: Rc::clone(&self.world) };
        self.channels.insert(SignalId::new(name), Rc::new(fake));
    }

    /// A change at a time after the beginning.
    pub(crate) fn at(self, ms: u64, name: &str, value: &str) -> Self {
        self.world.add(name, Nanos(ms * 1_000_000), val(value));
        self
    }

    /// When `signal` is set to `value`, `then` becomes `becomes` after `ms`.
    pub(crate) fn reaction(self, signal: &str, value: &str, ms: u64, then: &str, becomes: &str) -> Self {
        let reaction =
            Reaction { signal: signal.into(), value: val(value), after: Duration::from_millis(ms), then: (then.into(), val(becomes)) };
        self.world.reactions.borrow_mut().push(reaction);
        self
    }

    /// The tester is held up.
    pub(crate) fn holds_up(self, ms: u64) -> Self {
        Self { held_up: Duration::from_millis(ms), ..self }
    }

    /// Something answers late.
    pub(crate) fn answers_late(self, what: &str) -> Self {
        Self { late: Some(what.to_owned()), ..self }
    }

    /// How a signal's channel, `open`, `proof` or `safe-state` behaves.
    pub(crate) fn behaves(self, part: &str, behave: Behave) -> Self {
        self.world.behaves(part, behave);
        self
    }
}

impl Bench for TestBench {
    fn name(&self) -> &str {
        "scripted"
    }

    fn channel(&self, signal: &SignalId) -> Option<Rc<dyn Channel>> {
        self.channels.get(signal).map(|c| Rc::clone(c) as Rc<dyn Channel>)
    }

    fn held_up(&self, _since: Nanos) -> BoxFuture<'_, Result<Duration, ChannelError>> {
        Box::pin(async {
            self.world.behave("held-up").await?;
            Ok(self.held_up)
        })
    }

    fn late(&self, _since: Nanos) -> BoxFuture<'_, Option<String>> {
        Box::pin(std::future::ready(self.late.clone()))
    }

    fn prove(&self, _since: Nanos) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(self.world.behave("proof"))
    }

    fn release(&self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(async {
            self.world.selections.borrow_mut().push("released".into());
            self.world.behave("release").await
        })
    }

    fn open(&self) -> BoxFuture<'_, Result<Vec<PartId>, ChannelError>> {
        Box::pin(async {
            self.world.behave("open").await?;
            Ok(vec![PartId {
                name: "script".into(),
                model: "none".into(),
                serial: "1".into(),
                firmware: String::new(),
                calibration: String::new(),
            }])
        })
    }

    fn offers(&self, call: &Call) -> Result<(), ChannelError> {
        let what = format!("do `{}`: the bench has no such program", call.action);
        let known = self.actions.contains_key(&call.action);
        if known { Ok(()) } else { Err(ChannelError::new(format!("program `{}`", call.program), Fault::Unsupported { what })) }
    }

    fn call<'a>(
        &'a self,
        call: &'a Call,
        arguments: &'a BTreeMap<String, Value>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Value>, ChannelError>> {
        Box::pin(async {
            self.world.behave(&call.action).await?;
            self.clock.sleep(Duration::from_millis(3)).await;
            let given: Vec<String> = arguments.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            self.world.sets.borrow_mut().push(format!("{} {}", call.action, given.join(", ")));
            Ok(self.actions.get(&call.action).cloned().unwrap_or_default())
        })
    }

    fn interlock(&self) -> Option<&dyn Interlock> {
        self.interlock.as_ref().map(|i| i as &dyn Interlock)
    }

    fn release_lid(&self) -> BoxFuture<'_, Option<Lid>> {
        Box::pin(std::future::ready(self.lid.clone()))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(self.world.behave("close"))
    }

    fn safe_state(&self) -> BoxFuture<'_, SafeReport> {
        Box::pin(async {
            self.world.safe_calls.set(self.world.safe_calls.get() + 1);
            let behave = self.world.behaviour.borrow().get("safe-state").copied().unwrap_or_default();
            // Its only failure is a report that says so.
            let off = behave != Behave::Unconfirmed && self.world.behave("safe-state").await.is_ok();
            let took = if behave == Behave::Slow { Duration::from_secs(5) } else { Duration::from_millis(20) };
            self.clock.sleep(took).await;
            SafeReport {
                parts: vec![SafePart { name: "supply".into(), off, readback: if off { "OFF".into() } else { "ON".into() } }],
                took,
            }
        })
    }
}

struct Fake {
    name: String,
    abilities: Abilities,
    clock: Clock,
    world: Rc<World>,
}

/// What a line's edges and a fake's readings are good for.
const UNCERTAINTY: Duration = Duration::from_micros(10);

impl Fake {
    fn now(&self) -> Reading {
        let at = self.clock.now();
        Reading { value: self.world.value(&self.name, at), at, uncertainty: Some(0.001) }
    }
}

impl Channel for Fake {
    fn abilities(&self) -> &Abilities {
        &self.abilities
    }

    fn set<'a>(&'a self, value: &'a Value) -> BoxFuture<'a, Result<Edge, ChannelError>> {
        Box::pin(async move {
            self.world.behave(&self.name).await?;
            self.clock.sleep(Duration::from_millis(2)).await;
            let at = self.clock.now();
            self.world.set(&self.name, at, value);
            Ok(Edge { at, uncertainty: UNCERTAINTY, source: EdgeSource::Readback, value: value.clone() })
        })
    }

    fn read(&self) -> BoxFuture<'_, Result<Reading, ChannelError>> {
        Box::pin(async {
            self.world.behave(&self.name).await?;
            Ok(self.now())
        })
    }

    fn wait_for<'a>(&'a self, condition: &'a Condition, deadline: Nanos) -> BoxFuture<'a, Result<Reading, ChannelError>> {
        Box::pin(async move {
            self.world.behave(&self.name).await?;
            loop {
                let reading = self.now();
                if condition.holds(&reading.value) || reading.at >= deadline {
                    return Ok(reading);
                }
                self.clock.sleep(Duration::from_millis(1)).await;
            }
        })
    }

    fn select(&self, at: Option<f64>) -> BoxFuture<'_, Result<(), ChannelError>> {
        self.world.selections.borrow_mut().push(at.map_or_else(|| "usual".into(), |at| at.to_string()));
        Box::pin(async move {
            self.clock.sleep(Duration::from_millis(5)).await;
            self.world.behave("select").await
        })
    }

    fn watch(&self, trigger: &Trigger) -> Result<Box<dyn Watch>, ChannelError> {
        if self.world.behaviour.borrow().get(&self.name) == Some(&Behave::Fails) {
            return Err(ChannelError::new(format!("part `{}`", self.name), Fault::Unsupported { what: "watch".into() }));
        }
        let reading = self.now();
        let slow = self.world.behaviour.borrow().get(&self.name) == Some(&Behave::Slow);
        Ok(Box::new(FakeWatch {
            sees: reading.at + Duration::from_secs(if slow { 5 } else { 0 }),
            name: self.name.clone(),
            clock: self.clock.clone(),
            world: Rc::clone(&self.world),
            trigger: trigger.clone(),
            next: reading.at,
            before: reading.value,
        }))
    }
}

struct FakeWatch {
    sees: Nanos,
    name: String,
    clock: Clock,
    world: Rc<World>,
    trigger: Trigger,
    next: Nanos,
    before: Value,
}

impl Watch for FakeWatch {
    fn armed(&mut self) -> BoxFuture<'_, Result<(), ChannelError>> {
        Box::pin(async {
            self.clock.sleep_until(self.sees).await;
            (self.next, self.before) = (self.sees, self.world.value(&self.name, self.sees));
            Ok(())
        })
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Edge, ChannelError>> {
        Box::pin(async {
            let after = self.trigger.afterwards();
            loop {
                // Looks at every millisecond that has passed since the last look.
                while self.next <= self.clock.now() {
                    let at = self.next;
                    let value = self.world.value(&self.name, at);
                    let came = after.holds(&value) && !after.holds(&self.before);
                    self.before = value.clone();
                    self.next = at + Duration::from_millis(1);
                    if came {
                        return Ok(Edge { at, uncertainty: UNCERTAINTY, source: EdgeSource::Line, value });
                    }
                }
                self.clock.sleep_until(self.next).await;
            }
        })
    }
}

/// A value from what a plan would say: `12 V`, `high`, `on`, or text.
pub(crate) fn val(text: &str) -> Value {
    if text == "NaN" {
        return Value::Quantity(Quantity::volts(f64::NAN));
    }
    Quantity::parse(text)
        .map(Value::Quantity)
        .ok()
        .or_else(|| Level::parse(text).map(Value::Level))
        .or_else(|| LedState::parse(text).map(Value::Led))
        .unwrap_or_else(|| Value::Text(text.into()))
}
