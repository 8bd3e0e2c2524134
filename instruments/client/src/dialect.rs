//! How one model wants to be spoken to, and how well it sets and measures:
//! `instruments/dialects/VENDOR-MODEL.toml`.
//!
//! Every command names its sources, and one whose sources are not enough says
//! `unverified`. Every figure names its source; `assumption = true` marks what no
//! document of the maker confirmed. Data only; what is done with it is in
//! [`crate::source`] and [`crate::meter`].

use std::collections::BTreeMap;
use std::time::Duration;

use hil_model::{Diagnostic, FileId, Quantity, Sources};

pub use crate::command::{Command, Source, SourceKind};
use crate::data_log_facts::DataLogFacts;
use crate::digitizer::DigitizerFacts;
pub use crate::identity::Identity;
use crate::link::LinkSettings;
pub use crate::quirks::Quirks;
use crate::template::Template;
pub use crate::verb::{Function, Verb};

/// One model's dialect, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Dialect {
    /// What kind of instrument it is.
    pub kind: Kind,
    /// All that an instrument of its kind needs is known for certain.
    pub verified: bool,
    /// How many channels it has; each is used like an instrument of its own.
    pub channels: u32,
    /// Who it is.
    pub identity: Model,
    /// How its link behaves.
    pub link: LinkFacts,
    /// At which temperature its accuracy holds; not known when absent.
    pub reference: Option<Reference>,
    /// What its commands are known from, by name.
    pub sources: BTreeMap<String, Source>,
    /// What to send for what.
    pub commands: BTreeMap<Verb, Command>,
    /// What can be set.
    pub sets: Vec<SetRange>,
    /// What can be read.
    pub reads: Vec<ReadRange>,
    /// How it digitizes, if it does.
    pub digitizer: Option<DigitizerFacts>,
    /// How it logs, if it does.
    pub data_log: Option<DataLogFacts>,
    /// Where it is unlike others.
    pub quirks: Quirks,
}

/// Kind of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Sources, and perhaps sinks, a voltage with current limits.
    Source,
    /// Sinks a current.
    Load,
    /// Measures.
    Meter,
    /// Shows how voltages go.
    Scope,
    /// Sees colours and brightness of LEDs. Does not speak SCPI.
    LedAnalyser,
}

impl Kind {
    /// Each with what a dialect file calls it.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("source", Self::Source),
        ("load", Self::Load),
        ("meter", Self::Meter),
        ("scope", Self::Scope),
        ("led-analyser", Self::LedAnalyser),
    ];

    /// What a dialect file calls it.
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, k)| *k == self).map_or("", |(word, _)| word)
    }

    /// Whether there is power at it that must be switched off.
    pub const fn has_output(self) -> bool {
        matches!(self, Self::Source | Self::Load)
    }

    /// The commands without which an instrument of this kind is of no use.
    pub const fn needs(self) -> &'static [Verb] {
        match self {
            Self::Source => &[
                Verb::Identify,
                Verb::QueryError,
                Verb::SetVoltage,
                Verb::QueryVoltage,
                Verb::SetSourceLimit,
                Verb::QuerySourceLimit,
                Verb::OutputOn,
                Verb::OutputOff,
                Verb::QueryOutput,
                Verb::ReadVoltage,
                Verb::ReadCurrent,
            ],
            Self::Load => &[
                Verb::Identify,
                Verb::QueryError,
                Verb::ModeCurrent,
                Verb::SetSinkLimit,
                Verb::QuerySinkLimit,
                Verb::OutputOn,
                Verb::OutputOff,
                Verb::QueryOutput,
                Verb::ReadVoltage,
                Verb::ReadCurrent,
            ],
            Self::Meter => &[
                Verb::Identify,
                Verb::QueryError,
                Verb::SetFunction,
                Verb::QueryFunction,
                Verb::SetRange,
                Verb::QueryRange,
                Verb::SetAperture,
                Verb::QueryAperture,
                Verb::Read,
            ],
            Self::Scope => &[
                Verb::Identify,
                Verb::QueryError,
                Verb::SetScale,
                Verb::QueryScale,
                Verb::SetTimebase,
                Verb::QueryTimebase,
                Verb::FetchWaveform,
            ],
            Self::LedAnalyser => &[Verb::Identify, Verb::Capture, Verb::ReadColour],
        }
    }
}

/// Maker and model, for people and as `*IDN?` tells them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// Maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// How the first field of `*IDN?` begins, in any case.
    pub idn_maker: String,
    /// How the second field of `*IDN?` begins, in any case.
    pub idn_model: String,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

impl Model {
    /// Whether whoever answered is of this model.
    pub fn is(&self, who: &Identity) -> bool {
        let begins = |text: &str, with: &str| text.get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with));
        begins(&who.maker, &self.idn_maker) && begins(&who.model, &self.idn_model)
    }

    /// What one of this serial number would answer, for messages.
    pub fn as_told(&self, serial: &str) -> String {
        format!("{} {}, serial {serial}", self.idn_maker, self.idn_model)
    }
}

/// How a link to the model behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkFacts {
    /// Transports it has, the usual one first.
    pub transports: Vec<String>,
    /// TCP port of its raw socket.
    pub port: Option<u16>,
    /// What ends a command.
    pub write_end: String,
    /// What ends a reply; one ASCII character.
    pub read_end: char,
    /// Least time from one message to the next.
    pub gap: Duration,
    /// Longest usual time from a command to its effect or reply.
    pub latency: Duration,
    /// After this a reply is taken for lost.
    pub reply_within: Duration,
    /// A line this long without a byte is quiet.
    pub quiet: Duration,
    /// Longest legal reply in bytes.
    pub max_reply: usize,
    /// `*OPC?` is answered only when the output has followed what was set.
    pub completes: Option<Fact>,
    /// It takes several questions before it has answered the first, and answers in order.
    pub pipelines: Option<Fact>,
    /// Where this is known from.
    pub source: String,
    /// Which of it is our assumption.
    pub assumption: Option<String>,
}

/// Something that is so of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

/// At which temperature a model's accuracy holds.
#[derive(Clone, PartialEq, Debug)]
pub struct Reference {
    /// Usually 23 °C.
    pub temperature: Quantity,
    /// And within ± this.
    pub within: Quantity,
    /// Beyond that, its error grows by so many percent of the reading a kelvin.
    pub percent_per_kelvin: f64,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

/// Something that can be set: SI units throughout.
#[derive(Clone, PartialEq, Debug)]
pub struct SetRange {
    /// What.
    pub function: Function,
    /// Smallest legal value.
    pub min: Quantity,
    /// Largest legal value.
    pub max: Quantity,
    /// A read-back may differ from what was set by this much.
    pub resolution: Quantity,
    /// How long the output needs to follow.
    pub settle: Duration,
    /// How well; not known when absent.
    pub accuracy: Option<Accuracy>,
    /// Channels that have it; all when empty.
    pub channels: Vec<u32>,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

/// Something that can be read: one range.
#[derive(Clone, PartialEq, Debug)]
pub struct ReadRange {
    /// What.
    pub function: Function,
    /// The range by its nominal value.
    pub range: Quantity,
    /// Largest value it still reads, of either sign.
    pub max: Quantity,
    /// Smallest step of a reading.
    pub resolution: Quantity,
    /// How well; not known when absent.
    pub accuracy: Option<Accuracy>,
    /// Channels that have it; all when empty.
    pub channels: Vec<u32>,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    pub assumption: bool,
}

/// Limits of an error.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Accuracy {
    /// Percent of the value.
    pub percent: f64,
    /// And this much.
    pub offset: Quantity,
}

const BUILT_IN: &[(&str, &str)] = &[
    ("bk-8600", include_str!("../../dialects/bk-8600.toml")),
    ("bk-9115", include_str!("../../dialects/bk-9115.toml")),
    ("chroma-62012p-80-60", include_str!("../../dialects/chroma-62012p-80-60.toml")),
    ("chroma-63206a-150-600", include_str!("../../dialects/chroma-63206a-150-600.toml")),
    ("ea-psb-10060-120", include_str!("../../dialects/ea-psb-10060-120.toml")),
    ("ea-psb-10060-340", include_str!("../../dialects/ea-psb-10060-340.toml")),
    ("ea-psb-10060-60", include_str!("../../dialects/ea-psb-10060-60.toml")),
    ("feasa-20-f", include_str!("../../dialects/feasa-20-f.toml")),
    ("itech-it6512c", include_str!("../../dialects/itech-it6512c.toml")),
    ("itech-it8512", include_str!("../../dialects/itech-it8512.toml")),
    ("keithley-2260b-30-36", include_str!("../../dialects/keithley-2260b-30-36.toml")),
    ("keithley-2281s-20-6", include_str!("../../dialects/keithley-2281s-20-6.toml")),
    ("keithley-2380-120-60", include_str!("../../dialects/keithley-2380-120-60.toml")),
    ("keithley-2450", include_str!("../../dialects/keithley-2450.toml")),
    ("keithley-dmm6500", include_str!("../../dialects/keithley-dmm6500.toml")),
    ("keysight-34465a", include_str!("../../dialects/keysight-34465a.toml")),
    ("keysight-dsox3024a", include_str!("../../dialects/keysight-dsox3024a.toml")),
    ("keysight-e36233a", include_str!("../../dialects/keysight-e36233a.toml")),
    ("keysight-e36312a", include_str!("../../dialects/keysight-e36312a.toml")),
    ("keysight-n6705c", include_str!("../../dialects/keysight-n6705c.toml")),
    ("keysight-n7972a", include_str!("../../dialects/keysight-n7972a.toml")),
    ("rigol-dl3021", include_str!("../../dialects/rigol-dl3021.toml")),
    ("rigol-dp832", include_str!("../../dialects/rigol-dp832.toml")),
    ("rigol-ds1054z", include_str!("../../dialects/rigol-ds1054z.toml")),
    ("rohde-schwarz-hmp4040", include_str!("../../dialects/rohde-schwarz-hmp4040.toml")),
    ("rohde-schwarz-ngm202", include_str!("../../dialects/rohde-schwarz-ngm202.toml")),
    ("siglent-sdl1020x", include_str!("../../dialects/siglent-sdl1020x.toml")),
    ("siglent-sds1104x-e", include_str!("../../dialects/siglent-sds1104x-e.toml")),
    ("siglent-spd3303x", include_str!("../../dialects/siglent-spd3303x.toml")),
];

impl Dialect {
    /// Reads a dialect file.
    ///
    /// # Errors
    /// All that is wrong with it, in the order of the file.
    pub fn read(sources: &Sources, file: FileId) -> Result<Self, Vec<Diagnostic>> {
        hil_model::reader::read_file(sources, file, crate::dialect_reader::read)
    }

    /// Reads a dialect's text.
    ///
    /// # Errors
    /// All that is wrong with it, as a person sees it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut sources = Sources::default();
        let file = sources.add("dialect", text);
        Self::read(&sources, file).map_err(|errors| errors.iter().map(|e| sources.render(e)).collect())
    }

    /// A dialect that comes with this program, by its file's name without
    /// `.toml`.
    pub fn built_in(name: &str) -> Option<Result<Self, String>> {
        BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, text)| Self::parse(text))
    }

    /// Names of the dialects that come with this program, sorted.
    pub fn built_in_names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(n, _)| *n).collect()
    }

    /// What is sent for `verb`.
    pub fn template(&self, verb: Verb) -> Option<&Template> {
        self.commands.get(&verb).map(|c| &c.send)
    }

    /// Whether it has a command for `verb`.
    pub fn can(&self, verb: Verb) -> bool {
        self.commands.contains_key(&verb)
    }

    /// Which of these commands it has, but not from sources that are enough.
    pub fn unverified(&self, verbs: impl IntoIterator<Item = Verb>) -> Vec<Verb> {
        verbs.into_iter().filter(|v| self.commands.get(v).is_some_and(|c| c.unverified)).collect()
    }

    /// What each of its channels is to a bench: an instrument of its own, under the
    /// dialect's `name`, or [`Self::channel_name`]. A scope is one with all of them.
    pub fn channels_of(self, name: &str) -> Vec<(String, Self)> {
        if self.kind == Kind::Scope {
            return vec![(name.to_owned(), self)];
        }
        (1..=self.channels).map(|c| (Self::channel_name(name, c as usize), self.for_channel(c))).collect()
    }

    /// How one of a dialect's channels, counted from 1, is called.
    pub fn channel_name(name: &str, channel: usize) -> String {
        if channel == 1 { name.to_owned() } else { format!("{name}:{channel}") }
    }

    /// The dialect of one of its channels, counted from 1, as of an instrument
    /// with one channel.
    #[must_use]
    pub fn for_channel(&self, channel: u32) -> Self {
        let has = |channels: &[u32]| channels.is_empty() || channels.contains(&channel);
        Self {
            channels: 1,
            commands: self.commands.iter().map(|(verb, command)| (*verb, command.for_channel(channel))).collect(),
            sets: self.sets.iter().filter(|r| has(&r.channels)).cloned().collect(),
            reads: self.reads.iter().filter(|r| has(&r.channels)).cloned().collect(),
            data_log: self.data_log.as_ref().map(|log| log.for_channel(channel)),
            ..self.clone()
        }
    }

    /// What a link to this model needs to know.
    pub fn link_settings(&self) -> LinkSettings {
        LinkSettings {
            write_end: self.link.write_end.clone().into_bytes(),
            read_end: self.link.read_end as u8,
            gap: self.link.gap,
            reply_within: self.link.reply_within,
            quiet: self.link.quiet,
            max_reply: self.link.max_reply,
            identify: self.template(Verb::Identify).map_or_else(|| "*IDN?".into(), Template::text),
            error_query: match (self.template(Verb::QueryError), self.kind) {
                (Some(query), _) => query.text(),
                (None, Kind::LedAnalyser) => String::new(),
                (None, _) => "SYST:ERR?".into(),
            },
            may_reopen: self.quirks.one_client.is_none(),
            pipelines: self.link.pipelines.is_some(),
        }
    }

    /// How `function` can be set.
    pub fn set_range(&self, function: Function) -> Option<&SetRange> {
        self.sets.iter().find(|r| r.function == function)
    }

    /// How long the output needs at most to follow what `function` was set to.
    pub fn settling(&self, function: Function) -> Duration {
        self.link.latency + self.set_range(function).map_or(Duration::ZERO, |r| r.settle)
    }

    /// The smallest range of `function` whose nominal value is at least `range`
    /// (in SI units); any range for a function that has but one.
    pub fn read_range(&self, function: Function, range: f64) -> Option<&ReadRange> {
        self.reads
            .iter()
            .filter(|r| r.function == function && r.range.si >= range * (1.0 - 1e-9))
            .min_by(|a, b| a.range.si.total_cmp(&b.range.si))
    }

    /// Expanded uncertainty (k = 2) of a reading, in SI units: the accuracy is
    /// taken for the limit of a rectangular distribution, so U = 2·a/√3
    /// (JCGM 100, 4.3.7). `None` when there is no such range, or its accuracy is
    /// not known.
    pub fn reading_uncertainty(&self, function: Function, range: f64, value: f64) -> Option<f64> {
        self.read_range(function, range)?.accuracy.map(|a| expanded(a, value))
    }

    /// The same of a set value.
    pub fn setting_uncertainty(&self, function: Function, value: f64) -> Option<f64> {
        self.set_range(function)?.accuracy.map(|a| expanded(a, value))
    }
}

fn expanded(accuracy: Accuracy, value: f64) -> f64 {
    2.0 * (value.abs() * accuracy.percent / 100.0 + accuracy.offset.si) / 3_f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn psb() -> Dialect {
        Dialect::built_in("ea-psb-10060-120").expect("listed").expect("good")
    }

    #[test]
    fn all_built_in_dialects_are_good() {
        let wrong = |name: &&str| Some(format!("{name}: {}", Dialect::built_in(name).expect("listed").err()?));
        let wrong: Vec<String> = Dialect::built_in_names().iter().filter_map(wrong).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(Dialect::built_in("none").is_none());
    }

    #[test]
    fn uncertainty_is_that_of_a_rectangle() {
        let dmm = Dialect::built_in("keithley-dmm6500").expect("listed").expect("good");
        let u = dmm.reading_uncertainty(Function::DcVoltage, 100.0, -14.0).expect("has the range");
        assert!((u - 2.0 * (14.0 * 40e-6 + 0.6e-3) / 3_f64.sqrt()).abs() < 1e-12, "{u}");
        assert_eq!(dmm.reading_uncertainty(Function::DcVoltage, 2000.0, 1.0), None);
        assert_eq!(dmm.read_range(Function::DcVoltage, 20.0).map(|r| r.range.si), Some(100.0));
        let u = psb().setting_uncertainty(Function::Voltage, 12.0).expect("can be set");
        assert!((u - 0.06 / 3_f64.sqrt()).abs() < 1e-12);
    }
}
