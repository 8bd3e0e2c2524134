//! What the twin takes over from a real bench besides its instruments: shunts,
//! the scaled fuse, and how fast and exact the fixture is.

use std::collections::BTreeMap;

use hil_bench::file::{ReadBinding, ReadFunction, Shunt};
use hil_bench::{BenchFile, Binding};
use hil_model::SignalId;
use hil_twin::{TwinConfig, lies};

/// The signal whose scale is that of the shunt in the fuse's place.
const THROUGH_THE_FUSE: &str = "alternator.current";

/// The fixture and the fuse, each as far off as the bench file allows; how far,
/// the seed says.
pub fn fixture(bench: &BenchFile, config: &mut TwinConfig) {
    let quality = &mut config.fixture;
    if let Some(time) = bench.relay_time {
        quality.relay_ms = time.as_secs_f64() * 1e3;
    }
    if let Some(line) = bench.line_accuracy {
        quality.line_ns = u64::try_from(line.as_nanos()).unwrap_or(u64::MAX);
    }
    quality.line_volts = bench.voltage_accuracy.unwrap_or_default();
    if let Some(scale) = bench.scales.get(&SignalId::new(THROUGH_THE_FUSE)) {
        config.fuse_scale = scale.factor * (1.0 + scale.tolerance * lies(config.seed, "fuse"));
    }
}

/// Resistance in ohm of the shunt that each meter lies over. `off`: within its
/// tolerance; otherwise nominal.
pub fn shunts(bench: &BenchFile, seed: u64, off: bool) -> BTreeMap<String, f64> {
    let own = bench.bindings.values().filter_map(|b| if let Binding::Instrument { read, .. } = b { read.as_ref() } else { None });
    let reads = own.chain(bench.routes.values().flatten().map(|route| &route.read));
    let shunt = |read: &ReadBinding| {
        let ReadFunction::DcVoltage { shunt: Some(Shunt { ohms, tolerance, .. }), .. } = read.function else { return None };
        let error = if off { tolerance * lies(seed, &read.instrument) } else { 0.0 };
        // A scope that times the signal lies over the same.
        let all = [Some(read.instrument.clone()), read.scope.as_ref().map(|s| s.instrument.clone())];
        Some(all.into_iter().flatten().map(move |name| (name, ohms * (1.0 + error))))
    };
    reads.filter_map(shunt).flatten().collect()
}
