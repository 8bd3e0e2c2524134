//! A virtual source on its own, and a link's settings for it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::LinkSettings;
use hil_timebase::{Clock, Nanos, Runtime};
use hil_virtual::{Identity, Instrument, Model, SourceState, Terminals};

/// Of studs that tell the time.
pub const VOLTS_AT_FIRST: f64 = 1.0;
pub const VOLTS_PER_SECOND: f64 = 2.0;

/// Studs with a volt across them, and more as time goes by if there is a clock.
struct Studs(Option<Clock>);

impl Terminals for Studs {
    fn drive(&self, _: SourceState) {}
    fn volts(&self) -> f64 {
        let seconds = self.0.as_ref().map_or(0.0, |clock| clock.now().since(Nanos::ZERO).as_secs_f64());
        VOLTS_AT_FIRST + VOLTS_PER_SECOND * seconds
    }
    fn amps(&self) -> f64 {
        0.0
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn constant_current(&self) -> bool {
        false
    }
}

/// A source under power.
pub struct Bench {
    pub psb: Rc<Instrument>,
}

impl Bench {
    pub fn new(clock: &Clock) -> Self {
        Self::on(Studs(None), clock)
    }

    pub fn telling_the_time(clock: &Clock) -> Self {
        Self::on(Studs(Some(clock.clone())), clock)
    }

    fn on(studs: Studs, clock: &Clock) -> Self {
        let identity = Identity::new("2810450001");
        let psb = Instrument::power_up(Model::EaPsb10060(120), &identity, Arc::new(studs), clock.clone(), 1, Duration::ZERO);
        Self { psb: Rc::new(psb) }
    }
}

pub fn settings() -> LinkSettings {
    LinkSettings { reply_within: Duration::from_millis(300), quiet: Duration::from_millis(20), max_reply: 4096, ..LinkSettings::default() }
}

pub fn in_real_time<T>(body: impl AsyncFnOnce(Clock) -> T) -> T {
    let runtime = Runtime::real_time().expect("a runtime");
    let clock = runtime.clock();
    runtime.block_on(body(clock)).expect("no halt")
}
