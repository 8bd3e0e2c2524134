//! Plans and their language: quantities with units, signals, limits, the plan
//! itself and the product it is for, and the reader that turns TOML into them.
//!
//! This room knows nobody: it does no I/O, has no clock and no bench.

pub mod condition;
pub mod course;
pub mod decision;
pub mod diagnostic;
pub mod expression;
pub mod independence;
pub mod limit;
pub mod plan;
pub mod product;
pub mod quantity;
pub mod reader;
pub mod secrets;
pub mod signal;
pub mod value;

/// The JSON Schema of a plan (draft 2020-12), for editors and other tools. It
/// knows the structure; names, units and dimensions only the reader knows.
pub const PLAN_SCHEMA: &str = include_str!("../../plan.schema.json");

pub use condition::{Condition, Trigger};
pub use course::{Comparison, Course, FailureKind, When};
pub use decision::{Decided, Decision, DecisionRule, Judging};
pub use diagnostic::{Diagnostic, FileId, SourceFile, Sources, Span};
pub use independence::Influence;
pub use limit::{Judgement, Limit, LimitSource};
pub use plan::{Act, Action, Asked, Blame, Call, Check, Entry, Plan, Setpoint, Statistic, Step, Wanted};
pub use product::{Memory, Product};
pub use quantity::{Dimension, Quantity};
pub use reader::include::{Included, Includes, load_includes};
pub use reader::{DefinedLimit, Limits, Head, PlanContext, peek, read_limits, read_plan, read_plan_with, read_product};
pub use secrets::Secrets;
pub use signal::{Role, Signal, SignalId, SignalKind};
pub use value::{LedState, Level, Value};
