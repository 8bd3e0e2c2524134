//! One command of a dialect, and where it is known from.

use std::collections::BTreeSet;

use crate::template::Template;
use crate::verb::Verb;

/// One command of a dialect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What is sent.
    pub send: Template,
    /// Names of [`Source`]s, each with its place there: `guide 4.5.1`.
    pub from: Vec<String>,
    /// Its sources are not enough to rely on it.
    pub unverified: bool,
    /// The answer that means yes, where that is not 1 or ON, or the one expected.
    pub answer: Option<String>,
    /// The answer is a register, and this bit of it, one for each channel, is meant.
    pub bits: Vec<u8>,
}

impl Command {
    /// The same for one channel, counted from 1.
    #[must_use]
    pub(crate) fn for_channel(&self, channel: u32) -> Self {
        let bit = channel.checked_sub(1).and_then(|at| self.bits.get(at as usize));
        Self { send: self.send.for_channel(channel), bits: bit.copied().into_iter().collect(), ..self.clone() }
    }
}

/// Something that commands are known from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// What kind of thing it is.
    pub kind: SourceKind,
    /// How a person finds it.
    pub title: String,
}

/// How far a source is to be trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SourceKind {
    /// The maker's programming guide or manual: enough by itself.
    Guide,
    /// A public driver, or a document that quotes the guide: two of them are enough.
    Driver,
    /// IEEE 488.2 or SCPI-99: enough for what they demand of every instrument.
    Standard,
    /// A conclusion from a sister model: never enough.
    Inference,
}

impl SourceKind {
    /// Each with what a dialect file calls it.
    pub const WORDS: [(&'static str, Self); 4] =
        [("guide", Self::Guide), ("driver", Self::Driver), ("standard", Self::Standard), ("inference", Self::Inference)];
}

impl Source {
    /// Whose it is: the title up to its first comma. Two drivers of one project are
    /// one witness.
    fn project(&self) -> &str {
        self.title.split(',').next().unwrap_or(&self.title)
    }
}

/// Whether these sources are enough for a command.
pub fn is_enough(sources: &[&Source], verb: Verb, send: &Template) -> bool {
    let of = |kind| sources.iter().filter(move |s| s.kind == kind);
    let drivers: BTreeSet<&str> = of(SourceKind::Driver).map(|s| s.project()).collect();
    let demanded_of_all = send.text().starts_with('*') || verb == Verb::QueryError;
    of(SourceKind::Guide).count() > 0 || drivers.len() > 1 || (demanded_of_all && of(SourceKind::Standard).count() > 0)
}
