//! Verdicts of measurements and steps.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Of a measurement or a step. Fail is the unit's, Error is the tester's.
/// `Ord` is severity: the verdict of a whole is the largest of its parts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Not run, with a reason; never a pass.
    Skipped,
    /// Judged and good.
    Pass,
    /// Judged, but the evidence does not decide.
    Inconclusive,
    /// Cut short by a person or a signal.
    Aborted,
    /// Judged and bad; stays.
    Fail,
    /// The tester could not judge.
    Error,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Skipped => "skipped",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Aborted => "aborted",
            Self::Fail => "fail",
            Self::Error => "error",
        })
    }
}
