//! A plan as it runs: every name resolved, every unit checked, every row of a
//! table its own step. Made only by the reader, so it cannot be wrong.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Have a program of the bench do something.
    Call(Call),
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

/// A call of an action of a program of the bench.
#[derive(Clone, PartialEq, Debug)]
pub struct Call {
    /// The program's name on the bench.
    pub program: String,
    /// The action, by the program's own name for it.
    pub action: String,
    /// What it is given, by name, in the order written. A fixed one is the text
    /// as written: what it stands for only the program knows.
    pub arguments: Vec<(String, Setpoint)>,
    /// What is taken of its results, in the order written.
    pub results: Vec<Wanted>,
}

/// A result that a plan takes.
#[derive(Clone, PartialEq, Debug)]
pub struct Wanted {
    /// The program's own name for it.
    pub result: String,
    /// The plan's name for it: a value.
    pub name: String,
    /// A quantity of this unit's dimension; `None`: a word or a text.
    pub unit: Option<&'static Unit>,
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
        let acts = self.acts().into_iter();
        acts.filter_map(|(place, act)| match &act.action {
            Action::Prompt { name, asked, .. } => Some((format!("{place}.{name}"), asked)),
            _ => None,
        })
        .collect()
    }

    /// Every call of a program, with its act and the step or phase it belongs to.
    pub fn calls(&self) -> Vec<(&str, &Act, &Call)> {
        let acts = self.acts().into_iter();
        acts.filter_map(|(place, act)| if let Action::Call(call) = &act.action { Some((place, act, call)) } else { None }).collect()
    }

    /// Every signal that it sets or observes.
    pub fn signals(&self) -> BTreeSet<&SignalId> {
        self.acts().into_iter().flat_map(|(_, act)| act.action.signals()).collect()
    }

    /// Every act with the step or phase it belongs to, those of branches too.
    fn acts(&self) -> Vec<(&str, &Act)> {
        let before = [("setup", &self.setup), ("recover", &self.recover)];
        let steps = self.steps.iter().map(|s| (s.id.as_str(), &s.acts));
        let places = before.into_iter().chain(steps).chain([("teardown", &self.teardown)]);
        places.flat_map(|(place, acts)| flat(acts).into_iter().map(move |act| (place, act))).collect()
    }
}

fn flat(acts: &[Act]) -> Vec<&Act> {
    let mut all = Vec::new();
    for act in acts {
        all.push(act);
        if let Action::Together { branches } = &act.action {
            all.extend(branches.iter().flat_map(|acts| flat(acts)));
        }
    }
    all
}

impl Action {
    /// The signals that it sets or observes itself; not those of branches.
    pub fn signals(&self) -> Vec<&SignalId> {
        match self {
            Self::Set { assignments, .. } => assignments.iter().map(|(s, _)| s).collect(),
            Self::Ramp { signal, until, capture, .. } => {
                std::iter::once(signal).chain(until.iter().map(|(s, _)| s)).chain(capture).collect()
            }
            Self::Expect { conditions, .. } => conditions.iter().map(|(s, _)| s).collect(),
            Self::Write { entries, commit, state, .. } => entries.iter().map(|e| &e.signal).chain([commit, state]).collect(),
            Self::Profile { signal, .. }
            | Self::Settle { signal, .. }
            | Self::Measure { signal, .. }
            | Self::Watch { signal, .. }
            | Self::Read { signal, .. } => vec![signal],
            Self::Wait { .. } | Self::Require { .. } | Self::Prompt { .. } | Self::Call(_) | Self::Together { .. } => Vec::new(),
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
