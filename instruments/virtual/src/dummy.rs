//! What an instrument is clamped to that is tried by itself.

use std::sync::{Mutex, PoisonError};

use hil_timebase::Nanos;

use crate::terminals::{Light, SourceState, Terminals};

/// One volt behind two ohms, and a green LED in front of every fibre.
#[derive(Default, Debug)]
pub struct Dummy(Mutex<SourceState>);

impl Dummy {
    /// What the source at it does.
    pub fn state(&self) -> SourceState {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminals for Dummy {
    fn drive(&self, state: SourceState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
    fn volts(&self) -> f64 {
        1.0 + self.amps() * 2.0
    }
    fn amps(&self) -> f64 {
        let s = self.state();
        if s.on { ((s.volts - 1.0) / 2.0).clamp(-s.sink_amps, s.source_amps) } else { 0.0 }
    }
    fn mean_volts(&self, _: Nanos) -> f64 {
        self.volts()
    }
    fn light(&self, _: u32) -> Option<Light> {
        Some(Light { hue: 120.0, saturation: 95.0, intensity: 6_000.0 })
    }
    fn constant_current(&self) -> bool {
        false
    }
}
