//! Whether what a report is made from is what the run wrote. Whoever reads the
//! journal finds out; here it is only said.

use crate::strings::Strings;
use crate::text::plain;

/// Of a run's journal and record.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Integrity {
    /// Nobody looked.
    #[default]
    Unknown,
    /// The chain of hashes holds to the end that the record says.
    Holds {
        /// How many.
        events: usize,
        /// Station and key, if a signature of that key holds too. Whose key it
        /// is, only `hil verify` can say.
        signed: Option<String>,
    },
    /// The chain holds as far as it goes, and nothing says that it ends there.
    Open {
        /// How many.
        events: usize,
    },
    /// Something was changed after the run.
    Broken {
        /// What, and where first.
        what: String,
    },
}

impl Integrity {
    /// One line; `None` where nobody looked.
    pub(crate) fn line(&self, s: &Strings) -> Option<String> {
        let line = match self {
            Self::Unknown => return None,
            Self::Holds { events, signed: Some(by) } => format!("{events} {}, {} {by}", s.chain_holds, s.signed_by),
            Self::Holds { events, signed: None } => format!("{events} {}, {}", s.chain_holds, s.not_signed),
            Self::Open { events } => format!("{events} {}, {}", s.chain_holds, s.chain_open),
            Self::Broken { what } => format!("{} {what}", s.chain_broken),
        };
        Some(plain(&line))
    }

    pub(crate) const fn is_broken(&self) -> bool {
        matches!(self, Self::Broken { .. })
    }
}
