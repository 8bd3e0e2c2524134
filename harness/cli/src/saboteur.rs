//! A bench that panics when one signal is used: proves that a panic in a step
//! leaves the real bench safe. Reached only by a hidden option.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use hil_channel::{Abilities, Bench, BoxFuture, Channel, ChannelError, Edge, Interlock, Lid, PartId, Reading, SafeReport, Watch};
use hil_model::{Call, Condition, SignalId, Trigger, Value};
use hil_timebase::Nanos;

/// `bench`, but for the signal that panics.
pub struct Saboteur {
    bench: Rc<dyn Bench>,
    signal: SignalId,
}

impl Saboteur {
    /// Panics whenever a step uses `signal`.
    pub fn new(bench: Rc<dyn Bench>, signal: &str) -> Self {
        Self { bench, signal: SignalId::new(signal) }
    }
}

impl Bench for Saboteur {
    fn name(&self) -> &str {
        self.bench.name()
    }
    fn channel(&self, signal: &SignalId) -> Option<Rc<dyn Channel>> {
        let channel = self.bench.channel(signal)?;
        if *signal == self.signal { Some(Rc::new(Mine(channel))) } else { Some(channel) }
    }
    fn clock_accuracy(&self) -> f64 {
        self.bench.clock_accuracy()
    }
    fn release(&self) -> BoxFuture<'_, Result<(), ChannelError>> {
        self.bench.release()
    }
    fn held_up(&self, since: Nanos) -> BoxFuture<'_, Result<Duration, ChannelError>> {
        self.bench.held_up(since)
    }
    fn late(&self, since: Nanos) -> BoxFuture<'_, Option<String>> {
        self.bench.late(since)
    }
    fn prove(&self, since: Nanos) -> BoxFuture<'_, Result<(), ChannelError>> {
        self.bench.prove(since)
    }
    fn open(&self) -> BoxFuture<'_, Result<Vec<PartId>, ChannelError>> {
        self.bench.open()
    }
    fn offers(&self, call: &Call) -> Result<(), ChannelError> {
        self.bench.offers(call)
    }
    fn call<'a>(
        &'a self,
        call: &'a Call,
        arguments: &'a BTreeMap<String, Value>,
    ) -> BoxFuture<'a, Result<BTreeMap<String, Value>, ChannelError>> {
        self.bench.call(call, arguments)
    }
    fn interlock(&self) -> Option<&dyn Interlock> {
        self.bench.interlock()
    }
    fn release_lid(&self) -> BoxFuture<'_, Option<Lid>> {
        self.bench.release_lid()
    }
    fn safeguards(&self) -> BTreeMap<String, String> {
        self.bench.safeguards()
    }
    fn close(&self) -> BoxFuture<'_, Result<(), ChannelError>> {
        self.bench.close()
    }
    fn safe_state(&self) -> BoxFuture<'_, SafeReport> {
        self.bench.safe_state()
    }
}

struct Mine(Rc<dyn Channel>);

impl Channel for Mine {
    fn abilities(&self) -> &Abilities {
        self.0.abilities()
    }
    fn set<'a>(&'a self, _: &'a Value) -> BoxFuture<'a, Result<Edge, ChannelError>> {
        panic!("asked to panic when set")
    }
    fn read(&self) -> BoxFuture<'_, Result<Reading, ChannelError>> {
        panic!("asked to panic when read")
    }
    fn wait_for<'a>(&'a self, _: &'a Condition, _: Nanos) -> BoxFuture<'a, Result<Reading, ChannelError>> {
        panic!("asked to panic when awaited")
    }
    fn watch(&self, _: &Trigger) -> Result<Box<dyn Watch>, ChannelError> {
        panic!("asked to panic when watched")
    }
}
