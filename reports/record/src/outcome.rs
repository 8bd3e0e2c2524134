//! The two results of a run: what the unit is, and what the run was.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the unit is. A fail stays, also when the run was aborted after it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Every step was judged and passed.
    Pass,
    /// Nothing failed, but something could not be decided.
    Inconclusive,
    /// At least one step failed.
    Fail,
    /// Not judged to the end and nothing failed.
    None,
}

/// What the run was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// To its end.
    Completed,
    /// Cut short by a person or a signal.
    Aborted,
    /// The tester was at fault.
    TesterError,
}

/// Both, and whether the bench was left safe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What the unit is.
    pub disposition: Disposition,
    /// What the run was.
    pub status: Status,
    /// All outputs off, confirmed by readback.
    pub safe: bool,
}

impl Outcome {
    /// The exit code: 0 pass, 1 the unit failed, 3 tester error, 4 aborted,
    /// 5 inconclusive, 6 safe state not confirmed; precedence 6, 3, 1, 4, 5, 0.
    pub const fn exit_code(self) -> u8 {
        match (self.safe, self.status, self.disposition) {
            (false, _, _) => 6,
            (true, Status::TesterError, _) => 3,
            (true, _, Disposition::Fail) => 1,
            (true, Status::Aborted, _) => 4,
            (true, Status::Completed, Disposition::Pass) => 0,
            (true, Status::Completed, Disposition::Inconclusive | Disposition::None) => 5,
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
            Self::None => "none",
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "completed",
            Self::Aborted => "aborted",
            Self::TesterError => "tester-error",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_is_6_3_1_4_5_0() {
        let code = |disposition, status, safe| Outcome { disposition, status, safe }.exit_code();
        assert_eq!(code(Disposition::Fail, Status::TesterError, false), 6);
        assert_eq!(code(Disposition::Fail, Status::TesterError, true), 3);
        assert_eq!(code(Disposition::Fail, Status::Aborted, true), 1);
        assert_eq!(code(Disposition::None, Status::Aborted, true), 4);
        assert_eq!(code(Disposition::Inconclusive, Status::Completed, true), 5);
        assert_eq!(code(Disposition::None, Status::Completed, true), 5);
        assert_eq!(code(Disposition::Pass, Status::Completed, true), 0);
    }
}
