//! The guardian: a process of its own that does nothing while all is well, and
//! switches the bench off when the run cannot.
//!
//! It hears a beat from the run's own thread ([`keeper`]). When that stops, when
//! the run dies or asks for it, the guardian ([`process`])
//! 1. kills the run, and pulls the hardware inhibit at once;
//! 2. waits for the run's end, so that nobody else commands the bench ([`fence`]);
//! 3. takes the serial ports it was handed ([`ports`]), opens other links of its
//!    own, switches off in the bench's order, confirms by
//!    readback, again and again until it is confirmed or its time is over;
//! 4. writes what it did beside the run's journal ([`side_journal`]), and marks
//!    the bench as broken if it is not known to be off.
//!
//! It holds the bench's lock together with the run: nobody gets the bench before
//! it is done. Against a hang of both there is the fixture's watchdog; none of
//! them is the protection, which is in the instruments' limits and in fuses.
//! A virtual bench in memory ends with its process and needs none.

mod fence;
pub mod keeper;
mod ports;
pub mod process;
pub mod side_journal;
mod words;

use std::time::Duration;

pub use fence::lives;
pub use keeper::{Heart, Keeper, Progress};
pub use ports::Ports;
pub use words::Brief;

/// Between two beats, in real time.
const BEAT: Duration = Duration::from_millis(50);

/// Without a beat for so long in real time the run counts as hung: forty beats,
/// and more than a disk may keep the journal waiting now and then.
const SILENCE: Duration = Duration::from_secs(2);
