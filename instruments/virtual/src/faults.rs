//! Faults of a virtual instrument as data. How each shows on the wire is in
//! [`crate::ailments`].
//!
//! Not here: a reading that is wrong and of which nothing else tells (a drift, an
//! old reading sent again as a new one). Nobody can tell it from the truth.

use std::time::Duration;

/// What an instrument does wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InstrumentFault {
    /// Obeys nothing and answers nothing; what it is sent waits.
    Hang,
    /// Every answer comes this much later.
    Late {
        /// By so much.
        by: Duration,
    },
    /// Bytes without any sense instead of an answer.
    Garbage,
    /// Its answers have fallen one behind: each query gets the answer to the one
    /// before. Afterwards the one that is left over comes with the next.
    Previous,
    /// The first half of an answer, with or without its end.
    Half {
        /// With its terminator.
        ended: bool,
    },
    /// The link breaks. It can be made anew when the fault is over.
    Drop,
    /// It starts anew: output off, set values, remote lock and protection as
    /// when it is switched on. It takes the fault's time for that.
    Reboot {
        /// The link outlives it, as one through a converter does.
        keeps_link: bool,
    },
    /// Refuses every command with an entry in its error queue.
    Refuse,
    /// Its power stage gives and takes no more than this, whatever is set (too
    /// hot, too little mains). It says so in its questionable status.
    ConstantCurrent {
        /// In mA.
        milliamps: u32,
    },
    /// `NAN` instead of a reading.
    NotANumber,
    /// SCPI's 9.91E37 instead of a reading.
    NoValue,
}

impl InstrumentFault {
    /// What it is called in data.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Hang => "hang",
            Self::Late { .. } => "late",
            Self::Garbage => "garbage",
            Self::Previous => "previous",
            Self::Half { ended: true } => "half",
            Self::Half { ended: false } => "half-without-end",
            Self::Drop => "drop",
            Self::Reboot { keeps_link: false } => "reboot",
            Self::Reboot { keeps_link: true } => "reboot-on-link",
            Self::Refuse => "refuse",
            Self::ConstantCurrent { .. } => "constant-current",
            Self::NotANumber => "nan",
            Self::NoValue => "no-value",
        }
    }

    /// While it lasts, nobody can make a link.
    pub(crate) const fn cuts(&self) -> bool {
        matches!(self, Self::Drop | Self::Reboot { keeps_link: false })
    }
}
