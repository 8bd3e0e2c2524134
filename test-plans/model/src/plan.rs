//! A plan as it runs: every name resolved, every unit checked, every row of a
//! table its own step. Made only by the reader, so it cannot be wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use crate::condition::{Condition, Trigger};
use crate::course::{Course, FailureKind};
use crate::decision::Judging;
use crate::diagnostic::Span;
use crate::expression::Expression;
use crate::limit::Limit;
use crate::quantity::{Quantity, Unit};
use crate::signal::SignalId;
use crate::value::Value;

/// One plan, ready to run.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// `eol`.
    pub id: String,
    /// For people.
    pub title: String,
    /// The product's id.
    pub product: String,
    /// How its limits are decided, and how good the bench must be.
    pub judging: Judging,
    /// Parameters with the values they have in this run (`--set` included).
    pub parameters: BTreeMap<String, Value>,
    /// Runs before the first step; a failure there is an error of the bench.
    pub setup: Vec<Act>,
    /// Runs after a step that failed, before the next begins: brings the bench
    /// back to where a step expects it. A failure there is an error of the bench.
    pub recover: Vec<Act>,
    /// In order; `for-each` is already expanded.
    pub steps: Vec<Step>,
    /// Runs after the last step, whatever happened.
    pub teardown: Vec<Act>,
}

/// One action or check of a plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Unique: `pre-alarm-lead`, or `btv-table[atc-open]` for a row.
    pub id: String,
    /// For people.
    pub title: String,
    /// Ids of the product's requirements that this step judges.
    pub requirements: Vec<String>,
    /// The longest it may take.
    pub timeout: Duration,
    /// What it does, in order.
    pub acts: Vec<Act>,
    /// Whether and how often it runs.
    pub course: Course,
    /// Where its header stands.
    pub span: Span,
}

/// An action with its place in the plan.
#[derive(Clone, PartialEq, Debug)]
pub struct Act {
    /// What to do.
    pub action: Action,
    /// Where it stands.
    pub span: Span,
    /// One line for people: `set btv.atd = open`.
    pub text: String,
    /// What kind of failure it is when this act fails, if not the unit's.
    pub fails_as: Option<FailureKind>,
}

/// What a step can do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Set signals, in order. `name` is the time of the last one's edge.
    Set {
        /// In the order written.
        assignments: Vec<(SignalId, Setpoint)>,
        /// The unit may keep another value than it is told (`allow-refusal`);
        /// otherwise that fails it.
        refusable: bool,
        /// `as`: an edge.
        name: Option<String>,
    },
    /// Ramp one signal linearly.
    Ramp {
        /// What is ramped.
        signal: SignalId,
        /// Starts here; from the present value when `None`.
        from: Option<Quantity>,
        /// Ends here at the latest.
        to: Quantity,
        /// Positive, in units of the signal a second.
        rate: Quantity,
        /// Stop as soon as this signal satisfies this.
        until: Option<(SignalId, Condition)>,
        /// What to measure when `until` holds.
        capture: Option<SignalId>,
        /// `as`: the captured value.
        name: Option<String>,
        /// Judges the captured value. If the ramp ends without `until`, the
        /// measurement was not taken and the unit fails.
        check: Option<Check>,
    },
    /// Step or slide through points; each holds until the next.
    Profile {
        /// What is driven.
        signal: SignalId,
        /// Offsets from the start, rising, the first at 0 s.
        points: Vec<(Duration, Value)>,
        /// Slide linearly from point to point instead of stepping.
        linear: bool,
        /// `as`: the edges `name[0]`, `name[1]`, …, one a point.
        name: Option<String>,
    },
    /// Let time pass.
    Wait {
        /// How long.
        duration: Duration,
    },
    /// Wait until a signal stays within a band.
    Settle {
        /// What to observe.
        signal: SignalId,
        /// Width of the band, peak to peak.
        within: Quantity,
        /// How long it must stay in the band.
        over: Duration,
        /// Give up after this; the unit fails.
        timeout: Duration,
    },
    /// Take one judged measurement.
    Measure {
        /// What to measure.
        signal: SignalId,
        /// `as`; the signal's name when absent.
        name: String,
        /// How several readings become one value.
        statistic: Statistic,
        /// Take readings for this long; one reading when zero.
        over: Duration,
        /// Judges the value.
        check: Check,
        /// Whose fault a bad value is.
        blame: Blame,
    },
    /// Arm an edge; it stays armed to the end of the step.
    Watch {
        /// What to observe.
        signal: SignalId,
        /// The change.
        trigger: Trigger,
        /// `as`: an edge.
        name: String,
    },
    /// Judge an expression over edges and values; waits for its edges.
    Require {
        /// What is judged.
        expression: Expression,
        /// `as`; the expression's text when absent.
        name: String,
        /// Judges the value.
        check: Check,
        /// Wait at most this long for edges that have not come; a missing edge
        /// fails the unit. The reader derives it from `max` when not written.
        within: Duration,
        /// Whose fault a bad value is.
        blame: Blame,
    },
    /// Signals must reach these states within a time and keep them.
    Expect {
        /// All at once.
        conditions: Vec<(SignalId, Condition)>,
        /// To reach them.
        within: Duration,
        /// To keep them after that; zero: not observed further.
        hold: Duration,
    },
    /// Record a raw reading without judging it.
    Read {
        /// What to read.
        signal: SignalId,
        /// `as`: a value.
        name: String,
    },
    /// Ask a person.
    Prompt {
        /// What is asked.
        text: String,
        /// What would be an answer.
        asked: Asked,
        /// `as`: a value; `STEP.name` is the id of `--answer`.
        name: String,
        /// Judges the answer, if anything does.
        check: Option<Check>,
    },
    /// Write to the unit's memory so that all of it counts, or none, and read
    /// all of it back.
    Write {
        /// In the order written.
        entries: Vec<Entry>,
        /// Makes them valid.
        commit: SignalId,
        /// Says when they are.
        state: SignalId,
        /// How long that may take.
        within: Duration,
    },
    /// Branches side by side; goes on when all have ended. The first that fails
    /// cancels the others. No two set one signal.
    Together {
        /// At least two, none empty.
        branches: Vec<Vec<Act>>,
    },
}

/// One thing that is written to memory.
#[derive(Clone, PartialEq, Debug)]
pub struct Entry {
    /// What.
    pub signal: SignalId,
    /// Its value.
    pub setpoint: Setpoint,
    /// The memory keeps quantities in steps of this; words as they are.
    pub step: Option<Quantity>,
}

/// What would be an answer of a person.
#[derive(Clone, PartialEq, Debug)]
pub enum Asked {
    /// One of these words, in the order written; at least two.
    Words(Vec<String>),
    /// A quantity of this unit's dimension; a plain number is in this unit.
    Quantity(&'static Unit),
    /// Any text that is not blank.
    Text,
}

impl Asked {
    /// The value that a text stands for.
    ///
    /// # Errors
    /// What was expected, to stand after `… is `text`, `.
    pub fn understand(&self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        match self {
            Self::Words(words) if words.iter().any(|w| w == text) => Ok(Value::Text(text.to_owned())),
            Self::Words(words) => Err(format!("expected one of `{}`", words.join("`, `"))),
            Self::Text if text.is_empty() => Err("expected a text".to_owned()),
            Self::Text => Ok(Value::Text(text.to_owned())),
            Self::Quantity(unit) => {
                let plain = text.parse::<f64>().ok().map(|x| Quantity::new(x.mul_add(unit.factor, unit.offset), unit.dimension));
                let found = plain.or_else(|| Quantity::parse(text).ok()).filter(|q| q.dimension == unit.dimension && q.si.is_finite());
                found.map(Value::Quantity).ok_or_else(|| format!("expected {} in `{}`", unit.dimension.noun(), unit.symbol))
            }
        }
    }
}

impl Plan {
    /// Where in [`Self::steps`] each group begins and ends: a step that runs
    /// alone, or one with those that run beside it.
    pub fn groups(&self) -> Vec<Range<usize>> {
        let mut groups: Vec<Range<usize>> = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if step.course.beside.is_some() => group.end = index + 1,
                _ => groups.push(index..index + 1),
            }
        }
        groups
    }

    /// Every question of the plan with the id that `--answer` calls it by.
    pub fn prompts(&self) -> Vec<(String, &Asked)> {
        let phases = [("setup", &self.setup), ("recover", &self.recover), ("teardown", &self.teardown)];
        let steps = self.steps.iter().map(|s| (s.id.as_str(), &s.acts));
        let mut found = Vec::new();
        phases.into_iter().chain(steps).for_each(|(place, acts)| prompts(place, acts, &mut found));
        found
    }
}

fn prompts<'p>(place: &str, acts: &'p [Act], found: &mut Vec<(String, &'p Asked)>) {
    for act in acts {
        match &act.action {
            Action::Prompt { name, asked, .. } => found.push((format!("{place}.{name}"), asked)),
            Action::Together { branches } => branches.iter().for_each(|acts| prompts(place, acts, found)),
            _ => {}
        }
    }
}

/// What a signal is set to.
#[derive(Clone, PartialEq, Debug)]
pub enum Setpoint {
    /// Known when the plan is read.
    Fixed(Value),
    /// Known when earlier values are.
    Computed(Expression),
}

/// How a value is judged.
#[derive(Clone, PartialEq, Debug)]
pub enum Check {
    /// A quantity against a range.
    Limit(Limit),
    /// A quantity against bounds that depend on earlier values; at least one
    /// is present.
    Computed {
        /// Lowest accepted value.
        low: Option<Expression>,
        /// Highest accepted value.
        high: Option<Expression>,
    },
    /// A level, LED state or text against one value.
    Equals(Value),
}

impl fmt::Display for Setpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(value) => value.fmt(f),
            Self::Computed(expression) => expression.fmt(f),
        }
    }
}

/// Whose fault a bad value is: `blame = "tester"` marks a check that guards the
/// measurement itself, such as a source that must not be the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Blame {
    /// A bad value fails the unit.
    #[default]
    Unit,
    /// A bad value is an error of the tester.
    Tester,
}

/// How several readings become one value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Statistic {
    /// Arithmetic mean (of one reading: the reading).
    #[default]
    Mean,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// Largest minus smallest.
    PeakToPeak,
}
