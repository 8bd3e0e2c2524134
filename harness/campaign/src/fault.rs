//! One fault of one part of the bench: what, when, and for how long.

use std::fmt;
use std::time::Duration;

use hil_model::{Dimension, Quantity};
use hil_twin::LineFault;
use hil_virtual::InstrumentFault;
use serde::{Deserialize, Serialize};

/// A fault that a run is to suffer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// `instrument battery`, `switch btv.atc`, `status`, `fixture`.
    pub part: String,
    /// What the part does wrong.
    pub what: What,
    /// The step or phase at whose beginning its time counts: a step's id, `open`,
    /// `setup` or `teardown`.
    pub at: String,
    /// It begins this long after that.
    pub after: Duration,
    /// How long it lasts; for good when `None`.
    pub lasting: Option<Duration>,
}

/// What a part does wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// Of an instrument.
    Instrument(InstrumentFault),
    /// Of a part of the fixture.
    Line(LineFault),
}

/// How the parts of a name that are instruments begin.
pub const INSTRUMENT: &str = "instrument ";

impl What {
    /// What it is called in data.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Instrument(fault) => fault.word(),
            Self::Line(fault) => fault.word(),
        }
    }

    /// Whether a part that suffers from it cannot be reached, or not be believed
    /// when it says that it is off.
    pub fn makes_unreachable(&self) -> bool {
        match self {
            Self::Instrument(fault) => match fault {
                InstrumentFault::Hang
                | InstrumentFault::Garbage
                | InstrumentFault::Previous
                | InstrumentFault::Half { .. }
                | InstrumentFault::Drop
                | InstrumentFault::Reboot { .. }
                | InstrumentFault::Refuse => true,
                InstrumentFault::Late { by } => *by >= Duration::from_millis(400),
                InstrumentFault::ConstantCurrent { .. } | InstrumentFault::NotANumber | InstrumentFault::NoValue => false,
            },
            Self::Line(fault) => match fault {
                LineFault::Hang | LineFault::Refuse | LineFault::Drop => true,
                LineFault::Late { by } => *by >= Duration::from_millis(400),
                LineFault::NotANumber => false,
            },
        }
    }
}

/// A row of a case's file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Row {
    part: String,
    kind: String,
    at: String,
    after: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lasting: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amps: Option<String>,
}

/// Why a row is no fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("fault of `{part}`: {key} is `{found}`, expected {legal}")]
pub struct FaultError {
    part: String,
    key: &'static str,
    found: String,
    legal: String,
}

impl Row {
    fn wrong(&self, key: &'static str, found: Option<&str>, legal: impl Into<String>) -> FaultError {
        FaultError { part: self.part.clone(), key, found: found.unwrap_or("missing").to_owned(), legal: legal.into() }
    }

    fn time(&self, key: &'static str, text: Option<&str>) -> Result<Duration, FaultError> {
        let quantity = text.and_then(|t| Quantity::parse(t).ok()).filter(|q| q.dimension == Dimension::TIME);
        let time = quantity.and_then(|q| Duration::try_from_secs_f64(q.si).ok());
        time.ok_or_else(|| self.wrong(key, text, "a time such as `120 ms`"))
    }

    fn milliamps(&self) -> Result<u32, FaultError> {
        let text = self.amps.as_deref();
        let quantity = text.and_then(|t| Quantity::parse(t).ok()).filter(|q| q.dimension == Dimension::CURRENT);
        let legal = quantity.map(|q| (q.si * 1e3).round()).filter(|ma| (0.0..=1e6).contains(ma));
        legal.map(|ma| ma as u32).ok_or_else(|| self.wrong("amps", text, "a current such as `4 A`"))
    }

    fn what(&self) -> Result<What, FaultError> {
        let by = || self.time("by", self.by.as_deref());
        if self.part.starts_with(INSTRUMENT) {
            return Ok(What::Instrument(match self.kind.as_str() {
                "hang" => InstrumentFault::Hang,
                "late" => InstrumentFault::Late { by: by()? },
                "garbage" => InstrumentFault::Garbage,
                "previous" => InstrumentFault::Previous,
                "half" => InstrumentFault::Half { ended: true },
                "half-without-end" => InstrumentFault::Half { ended: false },
                "drop" => InstrumentFault::Drop,
                "reboot" => InstrumentFault::Reboot { keeps_link: false },
                "reboot-on-link" => InstrumentFault::Reboot { keeps_link: true },
                "refuse" => InstrumentFault::Refuse,
                "constant-current" => InstrumentFault::ConstantCurrent { milliamps: self.milliamps()? },
                "nan" => InstrumentFault::NotANumber,
                "no-value" => InstrumentFault::NoValue,
                other => {
                    let legal = "one of constant-current, drop, garbage, half, half-without-end, hang, late, nan, no-value, previous, \
                                 reboot, reboot-on-link, refuse";
                    return Err(self.wrong("kind", Some(other), legal));
                }
            }));
        }
        Ok(What::Line(match self.kind.as_str() {
            "hang" => LineFault::Hang,
            "late" => LineFault::Late { by: by()? },
            "refuse" => LineFault::Refuse,
            "drop" => LineFault::Drop,
            "nan" => LineFault::NotANumber,
            other => return Err(self.wrong("kind", Some(other), "one of drop, hang, late, nan, refuse")),
        }))
    }
}

impl TryFrom<Row> for Fault {
    type Error = FaultError;
    fn try_from(row: Row) -> Result<Self, FaultError> {
        let lasting = row.lasting.as_deref().map(|text| row.time("lasting", Some(text))).transpose()?;
        Ok(Self { what: row.what()?, after: row.time("after", Some(&row.after))?, lasting, part: row.part, at: row.at })
    }
}

impl From<&Fault> for Row {
    fn from(fault: &Fault) -> Self {
        let (mut by, mut amps) = (None, None);
        match &fault.what {
            What::Instrument(InstrumentFault::Late { by: time }) | What::Line(LineFault::Late { by: time }) => by = Some(shown(*time)),
            What::Instrument(InstrumentFault::ConstantCurrent { milliamps }) => amps = Some(format!("{milliamps} mA")),
            What::Instrument(_) | What::Line(_) => {}
        }
        Self {
            part: fault.part.clone(),
            kind: fault.what.word().to_owned(),
            at: fault.at.clone(),
            after: shown(fault.after),
            lasting: fault.lasting.map(shown),
            by,
            amps,
        }
    }
}

fn shown(time: Duration) -> String {
    format!("{} ms", time.as_secs_f64() * 1e3)
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = Row::from(self);
        let how = row.by.or(row.amps).map_or_else(String::new, |how| format!(" {how}"));
        let lasting = row.lasting.map_or_else(|| "for good".to_owned(), |time| format!("for {time}"));
        write!(f, "{}: {}{how}, {} after `{}` began, {lasting}", row.part, row.kind, row.after, row.at)
    }
}
