//! What is wrong with a journal, and with the first event of which.

/// The first thing wrong. Events count from 0, as `seq` does.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// The line that stands where this event should is none.
    #[error("event {event} was changed: its line is no event ({cause})")]
    NoEvent {
        /// Which.
        event: u64,
        /// What is wrong with it.
        cause: String,
    },
    /// Its hash is not what the journal or its record says.
    #[error("event {event} was changed after it was written")]
    Changed {
        /// Which.
        event: u64,
    },
    /// Two events do not fit, and nothing says which of them was changed.
    #[error("event {event} was changed after it was written, or the hash of it in event {}", event + 1)]
    ChangedOrNext {
        /// The first of both.
        event: u64,
    },
    /// It is not there.
    #[error("event {event} was removed: event {found} stands in its place")]
    Removed {
        /// Which.
        event: u64,
        /// What stands there.
        found: u64,
    },
    /// It stands elsewhere.
    #[error("event {event} was moved: event {found} stands in its place")]
    Moved {
        /// Which.
        event: u64,
        /// What stands there.
        found: u64,
    },
    /// An event stands there a second time.
    #[error("event {found} stands there twice, once in the place of event {event}")]
    Twice {
        /// In whose place.
        event: u64,
        /// Which.
        found: u64,
    },
    /// The record counts more events.
    #[error("event {event} and all after it were removed: the record counts {recorded} events")]
    CutShort {
        /// The first that is missing.
        event: u64,
        /// How many there should be.
        recorded: u64,
    },
    /// The record counts fewer events.
    #[error("event {event} was added: the record counts {event} events")]
    Added {
        /// The first that is too many.
        event: u64,
    },
}

impl Damage {
    /// The first event that is concerned; what stands before it is intact.
    pub const fn event(&self) -> u64 {
        match self {
            Self::NoEvent { event, .. }
            | Self::Changed { event }
            | Self::ChangedOrNext { event }
            | Self::Removed { event, .. }
            | Self::Moved { event, .. }
            | Self::Twice { event, .. }
            | Self::CutShort { event, .. }
            | Self::Added { event } => *event,
        }
    }
}
