//! What a plan's decision rule said of a measurement, as the journal holds it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// See [`hil_model::Decision`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Accepted; verdict pass.
    Pass,
    /// Within the limits by less than U: verdict pass, to be flagged.
    ConditionalPass,
    /// Beyond the limits by less than U: verdict inconclusive.
    ConditionalFail,
    /// Rejected; verdict fail.
    Fail,
    /// The uncertainty is not known or leaves nothing to accept: verdict
    /// inconclusive.
    Undecided,
}

impl From<hil_model::Decision> for Decision {
    fn from(decision: hil_model::Decision) -> Self {
        match decision {
            hil_model::Decision::Pass => Self::Pass,
            hil_model::Decision::ConditionalPass => Self::ConditionalPass,
            hil_model::Decision::ConditionalFail => Self::ConditionalFail,
            hil_model::Decision::Fail => Self::Fail,
            hil_model::Decision::Undecided => Self::Undecided,
        }
    }
}

impl fmt::Display for Decision {
    /// For people: `conditional pass`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::ConditionalPass => "conditional pass",
            Self::ConditionalFail => "conditional fail",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
        })
    }
}
