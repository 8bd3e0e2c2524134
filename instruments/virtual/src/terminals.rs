//! What a virtual instrument is clamped to.

use std::sync::Arc;
use std::time::Duration;

use hil_timebase::Nanos;

/// What a two-quadrant source presents to the outside.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SourceState {
    /// Output on.
    pub on: bool,
    /// Set voltage in V; above the outside's it sources, below it sinks.
    pub volts: f64,
    /// Largest current out of it, in A, not negative.
    pub source_amps: f64,
    /// Largest current into it, in A, not negative.
    pub sink_amps: f64,
}

/// What a fibre in front of an LED sees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Light {
    /// From 0 to 360 degrees.
    pub hue: f64,
    /// In percent.
    pub saturation: f64,
    /// As the analyser counts it.
    pub intensity: f64,
}

/// The electrical world at one instrument's terminals; implemented by the
/// twin. Every call first brings the world to the present.
pub trait Terminals: Send + Sync {
    /// The source's state from now on; slew and regulation are the world's.
    fn drive(&self, state: SourceState);

    /// The inhibit input of a source is pulled, or was since this was last asked:
    /// the world has switched it off already.
    fn inhibited(&self) -> bool {
        false
    }

    /// Voltage at the terminals (or sense wires) at present, in V.
    fn volts(&self) -> f64;

    /// Current out of the instrument's positive terminal at present, in A.
    fn amps(&self) -> f64;

    /// Mean voltage from `since` to the present, in V; for a meter's aperture.
    /// A world may answer with the mean of the ends.
    fn mean_volts(&self, since: Nanos) -> f64;

    /// Mean voltages of `count` intervals one after the other, the first of which
    /// begins at `first`, all of them past, in V; for a digitizer. A world without
    /// a memory answers with the present.
    fn samples(&self, _first: Nanos, _interval: Duration, count: usize) -> Vec<f64> {
        vec![self.volts(); count]
    }

    /// The same of the current out of the instrument's positive terminal, in A; for a
    /// source's data log.
    fn current_samples(&self, _first: Nanos, _interval: Duration, count: usize) -> Vec<f64> {
        vec![self.amps(); count]
    }

    /// What an LED analyser's fibre, counted from 1, sees; nothing when dark.
    fn light(&self, _fibre: u32) -> Option<Light> {
        None
    }

    /// What a scope's channel, counted from 1, has its probe on.
    fn probe(&self, _channel: u32) -> Option<Arc<dyn Terminals>> {
        None
    }

    /// True while a source's current limit, not its voltage, decides.
    fn constant_current(&self) -> bool;
}

/// A scope's probes, from its first channel on.
pub struct Probes(pub Vec<Arc<dyn Terminals>>);

impl Terminals for Probes {
    fn drive(&self, _state: SourceState) {}

    fn volts(&self) -> f64 {
        self.0.first().map_or(0.0, |probe| probe.volts())
    }

    fn amps(&self) -> f64 {
        0.0
    }

    fn mean_volts(&self, since: Nanos) -> f64 {
        self.0.first().map_or(0.0, |probe| probe.mean_volts(since))
    }

    fn probe(&self, channel: u32) -> Option<Arc<dyn Terminals>> {
        channel.checked_sub(1).and_then(|n| self.0.get(n as usize)).map(Arc::clone)
    }

    fn constant_current(&self) -> bool {
        false
    }
}
