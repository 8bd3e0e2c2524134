//! Events: everything a run does, sees and decides, in order.

use std::collections::BTreeMap;

use serde::ser::Error;
use serde::{Deserialize, Serialize, Serializer};

use crate::datum::Datum;
use crate::decision::Decision;
use crate::outcome::{Disposition, Status};
use crate::verdict::Verdict;

/// The journal's schema version.
pub const SCHEMA: u32 = 1;

/// One event; one journal line.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// From 0, without gaps.
    pub seq: u64,
    /// Bench time in nanoseconds since the run began.
    #[serde(rename = "bench-ns")]
    pub bench_ns: u64,
    /// Wall clock, RFC 3339 in UTC.
    pub wall: String,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum EventKind {
    /// Always the first.
    RunStarted {
        /// [`SCHEMA`].
        schema: u32,
        /// The run's id.
        run: String,
        /// Plan id.
        plan: String,
        /// Plan title.
        title: String,
        /// Product id.
        product: String,
        /// As scanned; `None` when no serial was given.
        serial: Option<String>,
        /// Bench name.
        bench: String,
        /// Seeds noise and, on the virtual bench, the unit.
        seed: u64,
        /// Version of this program.
        version: String,
        /// SHA-256 in hex by what it is of: `plan`, `product`, `limits`, `bench`,
        /// `firmware` where the tester has it.
        digests: BTreeMap<String, String>,
        /// Plan parameters as text.
        parameters: BTreeMap<String, String>,
        /// Each instrument's calibration on that day.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        calibration: BTreeMap<String, String>,
        /// Who ran it, if that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        operator: Option<String>,
        /// Defects the virtual unit was given.
        defects: Vec<String>,
        /// Step ids, in order.
        steps: Vec<String>,
        /// The product's requirements: id to its clause in the manual.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        clauses: BTreeMap<String, String>,
    },
    /// The bench answered and is who it should be.
    BenchOpened {
        /// Everything that has an identity.
        parts: Vec<PartIdentity>,
        /// What guards people there: by what it is, what of it there is, `none`
        /// where there is none.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        safeguards: BTreeMap<String, String>,
    },
    /// Setup, recover or teardown begins.
    PhaseStarted {
        /// `setup`, `recover` or `teardown`.
        phase: String,
    },
    /// Setup, recover or teardown ended.
    PhaseFinished {
        /// `setup`, `recover` or `teardown`.
        phase: String,
        /// What went wrong.
        error: Option<String>,
    },
    /// A step begins.
    StepStarted {
        /// Step id.
        step: String,
        /// Its title.
        title: String,
        /// From 1.
        index: usize,
        /// How many steps the plan has.
        of: usize,
        /// From 1.
        attempt: u32,
        /// What it judges.
        requirements: Vec<String>,
        /// The step that it runs beside; every other begins when those before
        /// it have ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beside: Option<String>,
    },
    /// An action of a step or a phase begins. It ends when the next of the same
    /// step and branch begins, or when that branch, step or phase ends.
    ActionStarted {
        /// Step id, `setup`, `recover` or `teardown`.
        step: String,
        /// Index within it, from 0; in a branch that of its `together`.
        action: usize,
        /// One line for people.
        text: String,
        /// In which branch of a `together`, from 1, and in which of the one in
        /// it; empty outside.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        branch: Vec<usize>,
    },
    /// A branch of a `together` came to its end. One that was cancelled has no
    /// such event: it ended with its step.
    BranchFinished {
        /// Step id, `setup`, `recover` or `teardown`.
        step: String,
        /// Index of its `together`.
        action: usize,
        /// Which, as in `action-started`.
        branch: Vec<usize>,
    },
    /// A signal was set.
    Stimulus {
        /// Step id.
        step: String,
        /// Which signal.
        signal: String,
        /// To what.
        value: Datum,
        /// Unit of `value`; empty for text.
        unit: String,
        /// When it took effect, in bench nanoseconds.
        at_ns: u64,
        /// Uncertainty of `at-ns` (k = 2).
        uncertainty_ns: u64,
        /// How the time is known: `sense-contact`, `readback`, …
        source: String,
    },
    /// A raw reading, not judged.
    Reading {
        /// Step id.
        step: String,
        /// Name in the plan.
        name: String,
        /// Which signal.
        signal: String,
        /// What was read.
        value: Datum,
        /// Unit of `value`; empty for text.
        unit: String,
        /// When it was taken.
        at_ns: u64,
    },
    /// A watched edge was seen.
    Edge {
        /// Step id.
        step: String,
        /// Name in the plan.
        name: String,
        /// Which signal.
        signal: String,
        /// `becomes floating`.
        trigger: String,
        /// When.
        at_ns: u64,
        /// Uncertainty of `at-ns` (k = 2).
        uncertainty_ns: u64,
        /// `line`, `sense-contact`, `poll`, `readback`, `digitizer`, `data-log`,
        /// `scope`.
        source: String,
    },
    /// Samples round a watched edge, on which it was found; thinned out, for eyes.
    /// Follows its edge.
    Waveform {
        /// Step id.
        step: String,
        /// The edge's name in the plan.
        name: String,
        /// Which signal.
        signal: String,
        /// Unit of `values`.
        unit: String,
        /// When each was taken, in order.
        at_ns: Vec<u64>,
        /// As many.
        values: Vec<Datum>,
    },
    /// Something passed on an instrument's link; only where the user asks for it.
    Wire {
        /// Its name on the bench.
        instrument: String,
        /// Which way, or that it is a note.
        direction: Way,
        /// The bytes with control characters shown, long ones cut off; or a note's
        /// words.
        text: String,
    },
    /// A judged measurement.
    Measurement(Measurement),
    /// Something went wrong that is no measurement.
    Problem {
        /// Step id, `setup`, `recover`, `teardown`, or `None` for the run.
        step: Option<String>,
        /// Whose fault: fail is the unit's, error is the tester's.
        verdict: Verdict,
        /// `error:` line without the prefix; `caused by` lines follow.
        message: String,
    },
    /// A person, or the command line for one, answered a question.
    Answer {
        /// Step id.
        step: String,
        /// Name in the plan.
        name: String,
        /// What was asked.
        prompt: String,
        /// What was answered.
        value: Datum,
        /// Unit of `value`; empty for text.
        unit: String,
        /// `option` or `terminal`.
        by: String,
        /// When.
        at_ns: u64,
    },
    /// A program of the bench did something.
    Call {
        /// Step id, `setup`, `recover` or `teardown`.
        step: String,
        /// The program's name on the bench.
        program: String,
        /// What it did.
        action: String,
        /// What it was given, by name.
        arguments: BTreeMap<String, String>,
        /// All it gave.
        results: Vec<CallResult>,
        /// When it had done it, in bench nanoseconds.
        at_ns: u64,
    },
    /// A step is left out on purpose; its `step-finished` says skipped.
    StepExcluded {
        /// Step id.
        step: String,
        /// On whose word.
        by: Exclusion,
        /// Why.
        reason: String,
    },
    /// The attempt that just failed did so for a reason of the contact, not of
    /// the unit: the step runs once more. Its failure stays unless that passes.
    Retry {
        /// Step id.
        step: String,
        /// The attempt that failed.
        attempt: u32,
        /// `no-communication` or `open-contact`.
        failure: String,
    },
    /// A step ended.
    StepFinished {
        /// Step id.
        step: String,
        /// From 1.
        attempt: u32,
        /// The worst of its measurements and problems.
        verdict: Verdict,
        /// Why it was skipped, or what failed first.
        reason: Option<String>,
    },
    /// A person or a signal asked to stop.
    Interrupted {
        /// `SIGINT`, `SIGTERM`.
        by: String,
        /// How often so far, from 1.
        count: u32,
    },
    /// What permits power opened, and the hardware switched off by itself: the
    /// run ends here.
    InterlockOpened {
        /// `lid`, `emergency stop`.
        input: String,
        /// When.
        at_ns: u64,
        /// Uncertainty of `at-ns` (k = 2).
        uncertainty_ns: u64,
    },
    /// Outputs were switched off.
    SafeState {
        /// In the order in which they were switched.
        outputs: Vec<SafeOutput>,
        /// All off, each confirmed by readback.
        confirmed: bool,
        /// Bench time it took.
        took_ns: u64,
    },
    /// What became of the lock of the lid, after the safe state.
    Lid {
        /// Every stud was measured to be dead: the lid can be opened.
        unlocked: bool,
        /// Voltages by which that is known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        studs: Vec<StudVolts>,
        /// Why it stays locked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Always the last.
    RunFinished {
        /// What the unit is.
        disposition: Disposition,
        /// What the run was.
        status: Status,
        /// The bench was left safe.
        safe: bool,
        /// See [`crate::Outcome::exit_code`].
        exit_code: u8,
        /// Steps that passed only when they were tried again, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        retried: Vec<String>,
        /// Requirements of steps that the bench cannot judge, in order.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_judged: Vec<String>,
    },
}

/// Which way something passed on an instrument's link.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// To the instrument.
    Sent,
    /// From it.
    Received,
    /// Neither: a time-out, a clear.
    Note,
}

impl Way {
    /// An arrow, as traces have it.
    pub const fn arrow(self) -> &'static str {
        match self {
            Self::Sent => "->",
            Self::Received => "<-",
            Self::Note => "--",
        }
    }
}

/// A voltage at a stud after the safe state.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StudVolts {
    /// Which signal was measured.
    pub signal: String,
    /// Volts.
    pub value: Datum,
}

/// One result of a call.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallResult {
    /// The program's name for it.
    pub result: String,
    /// The plan's name for it, if it takes it.
    pub name: Option<String>,
    /// What it is.
    pub value: Datum,
    /// Unit of `value`; empty for text.
    pub unit: String,
}

impl EventKind {
    /// Something was done or seen, and nothing follows from it before another
    /// event says what: nobody acts on it, and it is shown only to whoever asks
    /// for every detail.
    pub const fn is_observation(&self) -> bool {
        match self {
            Self::Stimulus { .. } | Self::Reading { .. } | Self::Edge { .. } | Self::Waveform { .. } | Self::Wire { .. } => true,
            Self::RunStarted { .. }
            | Self::BenchOpened { .. }
            | Self::PhaseStarted { .. }
            | Self::PhaseFinished { .. }
            | Self::StepStarted { .. }
            | Self::ActionStarted { .. }
            | Self::Measurement(_)
            | Self::Problem { .. }
            | Self::Answer { .. }
            | Self::Call { .. }
            | Self::BranchFinished { .. }
            | Self::StepExcluded { .. }
            | Self::Retry { .. }
            | Self::StepFinished { .. }
            | Self::Interrupted { .. }
            | Self::InterlockOpened { .. }
            | Self::SafeState { .. }
            | Self::Lid { .. }
            | Self::RunFinished { .. } => false,
        }
    }
}

/// Why a step is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// The plan's: its `when` does not hold, so it does not apply to this unit.
    Condition,
    /// Of whoever started the run: then no unit passes.
    Selection,
    /// The bench's, which lacks what the step needs: then no unit passes.
    Bench,
}

/// Who a part of the bench says it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartIdentity {
    /// Its name on the bench.
    pub name: String,
    /// Maker and model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Firmware version; empty when it has none.
    pub firmware: String,
    /// When it was calibrated, until when that holds, and by which certificate,
    /// as the bench file says; empty when it says nothing.
    #[serde(default)]
    pub calibration: String,
}

/// One judged value with everything a record needs to be re-judged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Measurement {
    /// Step id.
    pub step: String,
    /// From 1.
    pub attempt: u32,
    /// Name in the plan.
    pub name: String,
    /// Signal or expression.
    pub of: String,
    /// What was measured.
    pub value: Datum,
    /// Unit of `value`, `uncertainty`, `low` and `high`; empty for text.
    pub unit: String,
    /// Expanded uncertainty (k = 2) in `unit`, where it is known.
    #[serde(serialize_with = "finite")]
    pub uncertainty: Option<f64>,
    /// Lowest accepted value.
    #[serde(serialize_with = "finite")]
    pub low: Option<f64>,
    /// Highest accepted value.
    #[serde(serialize_with = "finite")]
    pub high: Option<f64>,
    /// Expected text, for what is no quantity.
    pub expected: Option<String>,
    /// Lowest value that passes without a condition, by the plan's decision
    /// rule; `None` under simple acceptance, where that is `low`.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    pub accept_low: Option<f64>,
    /// Highest value that passes without a condition.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    pub accept_high: Option<f64>,
    /// What the plan's decision rule says; `None` under simple acceptance and
    /// for what is no quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Probability that the true value is within the limits, 0 to 1, for a
    /// normal distribution; `None` where the uncertainty is not known.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    pub conformance: Option<f64>,
    /// The verdict.
    pub verdict: Verdict,
    /// The limit is our proposal, not the manual's.
    pub provisional: bool,
    /// The limit's id.
    pub limit: Option<String>,
    /// The limit's source: `manual §2.2`, `proposal`, `golden-unit`, `plan`.
    pub source: String,
    /// Who answers for the limit.
    pub owner: String,
    /// What it judges.
    pub requirements: Vec<String>,
    /// When the value was taken, bench nanoseconds.
    pub at_ns: u64,
}

/// JSON writes `null` for what is not finite, and a limit would be gone when the
/// journal is read: better no journal line, which ends the run.
fn finite<S: Serializer>(x: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match x {
        Some(x) if !x.is_finite() => Err(S::Error::custom(format!("limit or uncertainty: {x}, expected a finite number"))),
        x => x.serialize(serializer),
    }
}

/// One output after the safe state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SafeOutput {
    /// Its name on the bench.
    pub part: String,
    /// Confirmed off.
    pub off: bool,
    /// What the readback said, or why there is none.
    pub readback: String,
}
