//! Engine cost a step: one `set` and one judged `measure` over SCPI, on the
//! virtual bench. The figure is the slope between 200 and 1,000 steps, which
//! leaves out start and end of a run: `ci/step-cost` prints it.

#![expect(missing_docs, reason = "criterion's macros make undocumented items")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use hil_cli::unit::VirtualUnit;
use hil_cli::{assemble, load};
use hil_engine::{Engine, RunHeader, Sinks};
use hil_record::{Event, EventSink, JournalWriter, SinkError};
use hil_timebase::Runtime;

fn plan(steps: usize) -> String {
    let mut text = "[plan]\nid = \"cost\"\ntitle = \"Cost of a step\"\nproduct = \"smart-bms-12-200\"\n\
         [setup]\ndo = [ { set = { \"battery.source-limit\" = \"10 A\", \"battery.output\" = \"on\" } } ]\n"
        .to_owned();
    for i in 0..steps {
        let volts = 12.0 + (i % 10) as f64 / 10.0;
        let _ = write!(
            text,
            "[[step]]\nid = \"s{i}\"\ndo = [ {{ set = {{ \"battery.voltage\" = \"{volts} V\" }} }}, {{ measure = \"battery.voltage\", min = \"0 V\" }} ]\n"
        );
    }
    text
}

/// The journal's cost is in, the disk's is not.
struct Journal(JournalWriter<Vec<u8>>);

impl EventSink for Journal {
    fn name(&self) -> &str {
        "journal"
    }
    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        self.0.handle(event)
    }
}

fn run_once(loaded: &load::Loaded) {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let assembled = assemble::virtual_bench(&runtime, loaded, &VirtualUnit::default(), 1, None, hil_cli::wire::trace()).expect("a bench");
    let (_control, receiver) = tokio::sync::mpsc::unbounded_channel();
    let sinks = Sinks { journal: Box::new(Journal(JournalWriter::new(Vec::new()))), others: Vec::new() };
    let mut engine = Engine::new(&loaded.plan, assembled.bench.as_ref(), runtime.clock(), sinks, RunHeader::default(), receiver);
    let outcome = runtime.block_on(engine.run()).expect("a run");
    assert!(outcome.safe, "{outcome:?}");
}

fn step_cost(c: &mut Criterion) {
    let mut group = c.benchmark_group("run");
    group.sample_size(10);
    for steps in [200, 1000] {
        let path = scratch(steps);
        std::fs::write(&path, plan(steps)).expect("a plan");
        let bench = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/benches/virtual.toml");
        let loaded = load::load(&path, &bench.to_string_lossy(), &[]).unwrap_or_else(|f| panic!("{}", f.text));
        group.bench_with_input(BenchmarkId::from_parameter(steps), &loaded, |b, loaded| b.iter(|| run_once(loaded)));
        let _ = std::fs::remove_file(path);
    }
    group.finish();
}

/// In the repository, so that the product is found.
fn scratch(steps: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/cost-{}-{steps}.toml", std::process::id()))
}

criterion_group!(benches, step_cost);
criterion_main!(benches);
