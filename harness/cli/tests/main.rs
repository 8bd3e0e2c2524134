//! The whole program, from outside: the `hil` binary on the virtual bench.

#[path = "suite/decision.rs"]
mod decision;
#[path = "suite/defects.rs"]
mod defects;
#[path = "suite/determinism.rs"]
mod determinism;
#[path = "suite/interrupts.rs"]
mod interrupts;
#[path = "suite/language.rs"]
mod language;
#[path = "suite/main_job.rs"]
mod main_job;
#[path = "suite/messages.rs"]
mod messages;
#[path = "suite/never_a_pass.rs"]
mod never_a_pass;
#[path = "suite/report.rs"]
mod report;
#[path = "suite/rooms.rs"]
mod rooms;
#[path = "suite/served.rs"]
mod served;
#[path = "suite/support.rs"]
mod support;
#[path = "suite/tur.rs"]
mod tur;
