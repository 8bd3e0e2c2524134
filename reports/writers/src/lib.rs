//! Reports, each a fold over a run's events: the console while it runs; HTML,
//! Markdown, JUnit and CSV from its journal.
//!
//! Nobody here opens a file, asks for the time or decides a verdict: what a
//! report says, an event has said.

pub mod console;
mod critical;
pub mod csv;
pub mod html;
mod integrity;
pub mod junit;
pub mod lang;
mod letters;
mod margin;
pub mod markdown;
mod number;
pub mod run;
mod strings;
mod text;
mod timing;

pub use console::{Console, ConsoleOptions};
pub use critical::{Piece, critical_path};
pub use csv::{Csv, write_csv};
pub use html::write_html;
pub use integrity::Integrity;
pub use junit::{write_junit, write_unfinished_junit};
pub use lang::Lang;
pub use markdown::write_markdown;
pub use run::Run;
