//! How one model wants to be spoken to, and how well it sets and measures:
//! `instruments/dialects/VENDOR-MODEL.toml`.
//!
//! Every figure names its source; `assumption = true` marks what no document
//! of the maker confirmed. Data only; what is done with it is in [`crate::source`]
//! and [`crate::meter`].

use std::collections::BTreeMap;
use std::time::Duration;

use hil_model::{Dimension, Quantity};
use serde::{Deserialize, Deserializer, de};

use crate::digitizer::DigitizerFacts;
pub use crate::identity::Identity;
use crate::link::LinkSettings;
pub use crate::quirks::Quirks;
use crate::template::Template;
pub use crate::verb::{Function, Verb};

/// One model's dialect, checked.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dialect {
    /// What kind of instrument it is.
    pub kind: Kind,
    /// Who it is.
    pub identity: Model,
    /// How its link behaves.
    pub link: LinkFacts,
    /// At which temperature its accuracy holds; not known when absent.
    pub reference: Option<Reference>,
    /// What to send for what.
    pub commands: BTreeMap<Verb, Template>,
    /// What can be set.
    #[serde(default, rename = "set")]
    pub sets: Vec<SetRange>,
    /// What can be read.
    #[serde(rename = "read")]
    pub reads: Vec<ReadRange>,
    /// How it digitizes, if it does.
    pub digitizer: Option<DigitizerFacts>,
    /// Where it is unlike others.
    #[serde(default)]
    pub quirks: Quirks,
}

/// Kind of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Sources, and perhaps sinks, a voltage with current limits.
    Source,
    /// Measures.
    Meter,
}

/// Maker and model, for people and as `*IDN?` tells them.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
    #[serde(default)]
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
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
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
    #[serde(deserialize_with = "duration")]
    pub gap: Duration,
    /// Longest usual time from a command to its effect or reply.
    #[serde(deserialize_with = "duration")]
    pub latency: Duration,
    /// After this a reply is taken for lost.
    #[serde(deserialize_with = "duration")]
    pub reply_within: Duration,
    /// A line this long without a byte is quiet.
    #[serde(deserialize_with = "duration")]
    pub quiet: Duration,
    /// Longest legal reply in bytes.
    pub max_reply: usize,
    /// Where this is known from.
    pub source: String,
    /// Which of it is our assumption.
    pub assumption: Option<String>,
}

/// At which temperature a model's accuracy holds.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reference {
    /// Usually 23 °C.
    #[serde(deserialize_with = "quantity")]
    pub temperature: Quantity,
    /// And within ± this.
    #[serde(deserialize_with = "quantity")]
    pub within: Quantity,
    /// Beyond that, its error grows by so many percent of the reading a kelvin.
    pub percent_per_kelvin: f64,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    #[serde(default)]
    pub assumption: bool,
}

/// Something that can be set: SI units throughout.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SetRange {
    /// What.
    pub function: Function,
    /// Smallest legal value.
    #[serde(deserialize_with = "quantity")]
    pub min: Quantity,
    /// Largest legal value.
    #[serde(deserialize_with = "quantity")]
    pub max: Quantity,
    /// A read-back may differ from what was set by this much.
    #[serde(deserialize_with = "quantity")]
    pub resolution: Quantity,
    /// How long the output needs to follow.
    #[serde(default, deserialize_with = "duration")]
    pub settle: Duration,
    /// Accuracy: percent of the value.
    pub percent: f64,
    /// Accuracy: and this much.
    #[serde(deserialize_with = "quantity")]
    pub offset: Quantity,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    #[serde(default)]
    pub assumption: bool,
}

/// Something that can be read: one range.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReadRange {
    /// What.
    pub function: Function,
    /// The range by its nominal value.
    #[serde(deserialize_with = "quantity")]
    pub range: Quantity,
    /// Largest value it still reads, of either sign.
    #[serde(deserialize_with = "quantity")]
    pub max: Quantity,
    /// Smallest step of a reading.
    #[serde(deserialize_with = "quantity")]
    pub resolution: Quantity,
    /// Accuracy: percent of the reading.
    pub percent: f64,
    /// Accuracy: and this much.
    #[serde(deserialize_with = "quantity")]
    pub offset: Quantity,
    /// Where this is known from.
    pub source: String,
    /// Not confirmed by the maker's documents.
    #[serde(default)]
    pub assumption: bool,
}

/// Why a dialect is not usable.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DialectError {
    /// Not TOML, an unknown key, a missing one, or a value that cannot be.
    #[error("{0}")]
    Toml(String),
    /// A command that a driver of this kind needs is missing.
    #[error("command `{0}` is missing")]
    MissingCommand(String),
    /// A command's template has another field than its verb's.
    #[error("command `{verb}` has field `{found}`, expected `{expected}`")]
    WrongField {
        /// Which command.
        verb: String,
        /// The field it has, or `none`.
        found: String,
        /// The field it must have, or `none`.
        expected: String,
    },
    /// A figure that makes no sense: a wrong dimension or sign.
    #[error("`{key}` of `{function}` is {found}, expected {expected}")]
    Figure {
        /// The key.
        key: &'static str,
        /// Of which set or read range.
        function: String,
        /// As found.
        found: String,
        /// What would make sense.
        expected: String,
    },
    /// A link's figure, or a digitizer's, that makes no sense.
    #[error("{0}")]
    Link(&'static str),
}

const BUILT_IN: &[(&str, &str)] = &[
    ("ea-psb-10060-120", include_str!("../../dialects/ea-psb-10060-120.toml")),
    ("ea-psb-10060-340", include_str!("../../dialects/ea-psb-10060-340.toml")),
    ("ea-psb-10060-60", include_str!("../../dialects/ea-psb-10060-60.toml")),
    ("keithley-dmm6500", include_str!("../../dialects/keithley-dmm6500.toml")),
];

const FOR_SOURCES: &[Verb] = &[
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
];

const FOR_METERS: &[Verb] = &[
    Verb::Identify,
    Verb::QueryError,
    Verb::SetFunction,
    Verb::QueryFunction,
    Verb::SetRange,
    Verb::QueryRange,
    Verb::SetAperture,
    Verb::QueryAperture,
    Verb::Read,
];

impl Dialect {
    /// Reads and checks a dialect file's text.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        let dialect: Self = toml::from_str(text).map_err(|e| DialectError::Toml(e.to_string()))?;
        dialect.check()?;
        Ok(dialect)
    }

    /// A dialect that comes with this program, by its file's name without
    /// `.toml`.
    pub fn built_in(name: &str) -> Option<Result<Self, DialectError>> {
        BUILT_IN.iter().find(|(n, _)| *n == name).map(|(_, text)| Self::parse(text))
    }

    /// Names of the dialects that come with this program, sorted.
    pub fn built_in_names() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(n, _)| *n).collect()
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
            identify: self.commands.get(&Verb::Identify).map_or_else(|| "*IDN?".into(), |t| t.text().to_owned()),
            error_query: self.commands.get(&Verb::QueryError).map_or_else(|| "SYST:ERR?".into(), |t| t.text().to_owned()),
            may_reopen: self.quirks.one_client.is_none(),
        }
    }

    /// How `function` can be set.
    pub fn set_range(&self, function: Function) -> Option<&SetRange> {
        self.sets.iter().find(|r| r.function == function)
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
    /// (JCGM 100, 4.3.7). `None` when there is no such range.
    pub fn reading_uncertainty(&self, function: Function, range: f64, value: f64) -> Option<f64> {
        self.read_range(function, range).map(|r| expanded(r.percent, r.offset, value))
    }

    /// The same of a set value.
    pub fn setting_uncertainty(&self, function: Function, value: f64) -> Option<f64> {
        self.set_range(function).map(|r| expanded(r.percent, r.offset, value))
    }

    fn check(&self) -> Result<(), DialectError> {
        self.check_commands()?;
        if !self.link.read_end.is_ascii() || self.link.write_end.is_empty() {
            return Err(DialectError::Link("link: `write-end` must not be empty and `read-end` must be ASCII"));
        }
        if self.link.reply_within.is_zero() || self.link.quiet.is_zero() || self.link.max_reply == 0 {
            return Err(DialectError::Link("link: `reply-within`, `quiet` and `max-reply` must not be zero"));
        }
        if let Some(problem) = self.digitizer.as_ref().and_then(DigitizerFacts::problem) {
            return Err(DialectError::Link(problem));
        }
        self.check_reference()?;
        for r in &self.sets {
            for (key, q) in [("min", r.min), ("max", r.max), ("resolution", r.resolution), ("offset", r.offset)] {
                figure(r.function, key, q, key == "min")?;
            }
            percent(r.function, r.percent)?;
            if r.min.si >= r.max.si {
                return Err(wrong(r.function, "min", r.min.to_string(), format!("less than {}", r.max)));
            }
        }
        for r in &self.reads {
            for (key, q) in [("range", r.range), ("max", r.max), ("resolution", r.resolution), ("offset", r.offset)] {
                figure(r.function, key, q, false)?;
            }
            percent(r.function, r.percent)?;
        }
        Ok(())
    }

    fn check_reference(&self) -> Result<(), DialectError> {
        let Some(reference) = &self.reference else { return Ok(()) };
        for (key, q) in [("temperature", reference.temperature), ("within", reference.within)] {
            if q.dimension != Dimension::TEMPERATURE || q.si < 0.0 {
                return Err(DialectError::Figure {
                    key,
                    function: "Reference".into(),
                    found: q.to_string(),
                    expected: "a temperature".into(),
                });
            }
        }
        if (0.0..=1.0).contains(&reference.percent_per_kelvin) {
            return Ok(());
        }
        let found = reference.percent_per_kelvin.to_string();
        Err(DialectError::Figure { key: "percent-per-kelvin", function: "Reference".into(), found, expected: "0 to 1".into() })
    }

    fn check_commands(&self) -> Result<(), DialectError> {
        let needed = match self.kind {
            Kind::Source => FOR_SOURCES,
            Kind::Meter => FOR_METERS,
        };
        if let Some(verb) = needed.iter().find(|v| !self.commands.contains_key(v)) {
            return Err(DialectError::MissingCommand(verb.words()));
        }
        for (verb, template) in &self.commands {
            if template.field() != verb.field() {
                let name = |f: Option<&str>| f.unwrap_or("none").to_owned();
                return Err(DialectError::WrongField { verb: verb.words(), found: name(template.field()), expected: name(verb.field()) });
            }
        }
        Ok(())
    }
}

fn expanded(percent: f64, offset: Quantity, value: f64) -> f64 {
    2.0 * (value.abs() * percent / 100.0 + offset.si) / 3_f64.sqrt()
}

fn wrong(function: Function, key: &'static str, found: String, expected: String) -> DialectError {
    DialectError::Figure { key, function: format!("{function:?}"), found, expected }
}

fn figure(function: Function, key: &'static str, q: Quantity, may_be_negative: bool) -> Result<(), DialectError> {
    if q.dimension != function.dimension() {
        return Err(wrong(function, key, q.to_string(), function.dimension().noun()));
    }
    let positive = if matches!(key, "offset" | "min") { q.si >= 0.0 } else { q.si > 0.0 };
    if positive || may_be_negative { Ok(()) } else { Err(wrong(function, key, q.to_string(), "a positive value".into())) }
}

fn percent(function: Function, percent: f64) -> Result<(), DialectError> {
    if (0.0..=100.0).contains(&percent) { Ok(()) } else { Err(wrong(function, "percent", percent.to_string(), "0 to 100".into())) }
}

fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
    let text = String::deserialize(deserializer)?;
    Quantity::parse(&text).map_err(|e| de::Error::custom(format!("`{text}`: {e}")))
}

pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let q = quantity(deserializer)?;
    if q.dimension != Dimension::TIME {
        return Err(de::Error::custom(format!("{q} is not a time")));
    }
    Duration::try_from_secs_f64(q.si).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn psb() -> Dialect {
        Dialect::built_in("ea-psb-10060-120").expect("listed").expect("good")
    }

    fn broken(from: &str, to: &str) -> String {
        let text = BUILT_IN[0].1;
        assert!(text.contains(from), "{from}");
        Dialect::parse(&text.replacen(from, to, 1)).expect_err("broken").to_string()
    }

    #[test]
    fn all_built_in_dialects_are_good() {
        for name in Dialect::built_in_names() {
            let dialect = Dialect::built_in(name).expect("listed");
            assert_eq!(dialect.as_ref().err(), None, "{name}");
        }
        assert!(Dialect::built_in("none").is_none());
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(broken("kind =", "kinds =").contains("kinds"));
        assert!(broken("set-voltage =", "set-volts =").contains("set-volts"));
        assert_eq!(broken("output-off = \"OUTP OFF\"\n", ""), "command `output off` is missing");
        assert_eq!(broken("VOLT {volts:.3}", "VOLT {amps:.3}"), "command `set voltage` has field `amps`, expected `volts`");
        assert_eq!(broken("max = \"61.2 V\"", "max = \"61.2 A\""), "`max` of `Voltage` is 61.2 A, expected a voltage");
        assert_eq!(broken("min = \"0 V\"", "min = \"70 V\""), "`min` of `Voltage` is 70 V, expected less than 61.2 V");
        assert!(broken("gap = \"10 ms\"", "gap = \"10 V\"").contains("10 V is not a time"));
        assert_eq!(broken("quiet = \"50 ms\"", "quiet = \"0 s\""), "link: `reply-within`, `quiet` and `max-reply` must not be zero");
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
