//! The whole program, from outside: the `hil` binary on the virtual bench.

#[path = "suite/bench_time.rs"]
mod bench_time;
#[path = "suite/bench_tools.rs"]
mod bench_tools;
#[path = "suite/calibration.rs"]
mod calibration;
#[path = "suite/data_log.rs"]
mod data_log;
#[path = "suite/decision.rs"]
mod decision;
#[path = "suite/defects.rs"]
mod defects;
#[path = "suite/determinism.rs"]
mod determinism;
#[path = "suite/digitizer.rs"]
mod digitizer;
#[path = "suite/durability.rs"]
mod durability;
#[path = "suite/guardian.rs"]
mod guardian;
#[path = "suite/instrument.rs"]
mod instrument;
#[path = "suite/instruments.rs"]
mod instruments;
#[path = "suite/interrupts.rs"]
mod interrupts;
#[path = "suite/language.rs"]
mod language;
#[path = "suite/likeness.rs"]
mod likeness;
#[path = "suite/locks.rs"]
mod locks;
#[path = "suite/main_job.rs"]
mod main_job;
#[path = "suite/messages.rs"]
mod messages;
#[path = "suite/never_a_pass.rs"]
mod never_a_pass;
#[path = "suite/power_cut.rs"]
mod power_cut;
#[path = "suite/programs.rs"]
mod programs;
#[path = "suite/report.rs"]
mod report;
#[path = "suite/rooms.rs"]
mod rooms;
#[path = "suite/runs.rs"]
mod runs;
#[path = "suite/safe_end.rs"]
mod safe_end;
#[path = "suite/scope.rs"]
mod scope;
#[path = "suite/secrets.rs"]
mod secrets;
#[path = "suite/served.rs"]
mod served;
#[path = "suite/stand.rs"]
mod stand;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/torment.rs"]
mod torment;
#[path = "suite/tur.rs"]
mod tur;
#[path = "suite/verify.rs"]
mod verify;
