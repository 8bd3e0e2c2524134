//! Where models are unlike others, as typed facts with their source.

use std::time::Duration;

use crate::template::Template;

/// Where a model is unlike others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Quirks {
    /// Obeys only who has taken its lock.
    pub remote_lock: Option<RemoteLock>,
    /// Replies carry units (`48.00V`).
    pub unit_suffix: Option<Quirk>,
    /// Closes the link when nothing was sent for a while.
    pub idle_close: Option<IdleClose>,
    /// Speaks several languages.
    pub language: Option<Language>,
    /// One voltage set value for sourcing and sinking.
    pub one_voltage_both_ways: Option<Quirk>,
    /// One current limit for sourcing and sinking.
    pub one_limit_both_ways: Option<Quirk>,
    /// Currents that it reads are positive into it.
    pub sink_is_positive: Option<Quirk>,
    /// Protection cannot be switched off: raise it before set values.
    pub protection_always_on: Option<Quirk>,
    /// A reading takes this many apertures (auto-zero).
    pub apertures_per_reading: Option<Apertures>,
    /// Serves one client at a time.
    pub one_client: Option<OneClient>,
    /// An output that was told to go off, and reads back off, goes off later.
    pub off_latency: Option<OffLatency>,
    /// Readings always have an exponent (`1.280001E+01`): one without is cut off.
    pub exponent: Option<Quirk>,
    /// Its status tells when something else than the set values limited its output.
    pub unregulated: Option<Unregulated>,
    /// How it says that its error queue is empty, where that is not `0,"No error"`.
    pub no_error: Option<NoError>,
    /// `*OPC?` is answered when commands were read, not when the output has settled.
    pub complete_means_parsed: Option<Quirk>,
}

/// An event that is latched when neither set value held the output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unregulated {
    /// Asks for the register, which forgets by that.
    pub query: Template,
    /// The bits that mean it.
    pub bits: u16,
    /// Where this is known from.
    pub source: String,
}

/// An instrument that serves one client at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneClient {
    /// What becomes of the second.
    pub second: SecondClient,
    /// Where this is known from.
    pub source: String,
}

/// What becomes of a second client while the first is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecondClient {
    /// It is connected, but nobody answers until the first has gone.
    Queued,
    /// Its connection is closed at once.
    Refused,
}

/// An output that goes off later than it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OffLatency {
    /// Longest time from the command to an output without power.
    pub after: Duration,
    /// Where this is known from.
    pub source: String,
}

/// A quirk that needs no more words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quirk {
    /// Where this is known from.
    pub source: String,
}

/// A lock that has to be taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteLock {
    /// Takes it.
    pub take: Template,
    /// Who has it.
    pub query: Template,
    /// The answer when we have it.
    pub ours: String,
    /// Gives it back.
    pub release: Template,
    /// Where this is known from.
    pub source: String,
}

/// A link that closes when idle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdleClose {
    /// After this long.
    pub after: Duration,
    /// Switches that off.
    pub disable: Template,
    /// Where this is known from.
    pub source: String,
}

/// A language that has to be SCPI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Language {
    /// Which one is it.
    pub query: Template,
    /// The answer that is right.
    pub expected: String,
    /// Where this is known from.
    pub source: String,
}

/// How many apertures a reading takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Apertures {
    /// Whole apertures.
    pub count: u32,
    /// Where this is known from.
    pub source: String,
}

/// What an empty error queue says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoError {
    /// The whole reply.
    pub reply: String,
    /// Where this is known from.
    pub source: String,
}
