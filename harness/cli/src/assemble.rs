//! Puts a bench together: here the virtual one, with instruments at the other
//! end of streams in memory.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use hil_bench::{BenchFile, BenchKind, BoundBench, Connector, InstrumentSpec};
use hil_channel::{Bench, ChannelError, Fault};
use hil_client::Stream;
use hil_timebase::{Clock, Runtime};
use hil_twin::{Keys, Twin, TwinConfig};
use hil_virtual::{Identity, Model};

use crate::failure::Failure;
use crate::likeness;
use crate::load::Loaded;
use crate::saboteur::Saboteur;
use crate::unit::VirtualUnit;
use crate::wire;

/// Bytes that may be under way in one direction.
const PIPE: usize = 16 * 1024;

/// A bench that is bound to what it needs, but not opened.
pub struct Assembled {
    /// For the engine.
    pub bench: Rc<dyn Bench>,
    /// What is behind it.
    pub twin: Twin,
}

/// The virtual bench of `loaded`, with this unit clamped in. Noise and the
/// instruments' errors come from `seed`.
///
/// # Errors
/// A bench file that is not virtual, or names what the twin has not.
pub fn virtual_bench(
    runtime: &Runtime,
    loaded: &Loaded,
    unit: &VirtualUnit,
    seed: u64,
    panic_on: Option<&str>,
) -> Result<Assembled, Failure> {
    if loaded.bench.kind != BenchKind::Virtual && !loaded.like {
        return Err(Failure::invalid(
            format!("bench `{}` is not virtual, and this version drives virtual benches only", loaded.bench.id),
            Some(&format!("use `--bench virtual`, or `--like {}` for a virtual bench with its instruments", loaded.bench.id)),
        ));
    }
    let mut config =
        TwinConfig { seed, fixture_serial: loaded.bench.fixture_serial.clone(), keys: Keys::drawn(seed), ..TwinConfig::default() };
    if loaded.like {
        likeness::fixture(&loaded.bench, &mut config);
    }
    unit.apply(&mut config)?;
    let clock = runtime.clock();
    let twin = Twin::new(clock.clone(), &config);
    runtime.attach(twin.world());
    let shunts = likeness::shunts(&loaded.bench, seed, loaded.like);
    let connector = in_memory(twin.clone(), clock.clone(), seed, shunts);
    let bound = BoundBench::bind(loaded.bench.clone(), &loaded.dialects, twin.fixture(), connector, clock, Some(wire::trace()));
    let bound = bound.map_err(|errors| {
        let text: String = errors.iter().map(|e| format!("error: bench `{}`: {e}\n", loaded.bench.id)).collect();
        Failure { text, code: 2 }
    })?;
    let bench: Rc<dyn Bench> = Rc::new(bound.serving(loaded.product.signals.clone()));
    Ok(Assembled {
        bench: match panic_on {
            Some(signal) => Rc::new(Saboteur::new(bench, signal)),
            None => bench,
        },
        twin,
    })
}

/// Instruments of a real bench of which nobody knows where they are clamped, or
/// where the twin has nothing, or that have no virtual model.
///
/// # Errors
/// All of them, for `--like`.
pub fn unplaced(bench: &BenchFile) -> Result<(), Failure> {
    let wrong = |spec: &InstrumentSpec| match spec.terminals.as_deref() {
        _ if Model::from_dialect(&spec.dialect).is_none() => Some(format!("there is no virtual `{}`", spec.dialect)),
        Some(name) if Twin::TERMINALS.contains(&name) => None,
        Some(name) => Some(format!("the twin has no terminals `{name}`, expected one of {}", Twin::TERMINALS.join(", "))),
        None => Some("does not say where it is clamped, expected `terminals`".to_owned()),
    };
    let line = |spec: &InstrumentSpec| Some(format!("error: --like: instrument `{}`: {}\n", spec.name, wrong(spec)?));
    let text: String = bench.instruments.iter().filter_map(line).collect();
    if text.is_empty() { Ok(()) } else { Err(Failure { text, code: 2 }) }
}

/// Opens a pipe in memory with a virtual instrument at its other end.
fn in_memory(twin: Twin, clock: Clock, seed: u64, shunts: BTreeMap<String, f64>) -> Connector {
    Rc::new(move |spec: &InstrumentSpec| {
        let opened = power_up(&twin, &clock, seed, spec, shunts.get(&spec.name).copied());
        Box::pin(async move { opened })
    })
}

fn power_up(twin: &Twin, clock: &Clock, seed: u64, spec: &InstrumentSpec, shunt: Option<f64>) -> Result<Box<dyn Stream>, ChannelError> {
    let lost = |cause: String| ChannelError::new(format!("instrument `{}`", spec.name), Fault::LinkLost { cause });
    let model = Model::from_dialect(&spec.dialect).ok_or_else(|| lost(format!("there is no virtual `{}`", spec.dialect)))?;
    let name = spec.terminals.as_deref().unwrap_or(&spec.name);
    let terminals = twin
        .terminals_with(name, shunt)
        .ok_or_else(|| lost(format!("the twin has no terminals `{name}`, expected one of {}", Twin::TERMINALS.join(", "))))?;
    let (near, far) = tokio::io::duplex(PIPE);
    let terminals = Arc::clone(&terminals);
    tokio::task::spawn_local(hil_virtual::serve(far, model, Identity::new(&spec.serial), terminals, clock.clone(), seed));
    Ok(Box::new(near))
}
