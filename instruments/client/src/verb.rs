//! What can be asked of an instrument, and of what quantity.

use hil_model::Dimension;
use serde::Deserialize;

/// What can be asked of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Who are you.
    Identify,
    /// Clears status and error queue.
    Clear,
    /// Oldest entry of the error queue.
    QueryError,
    /// The standard event status: power was switched on, a command was refused.
    QueryEvents,
    /// Set voltage.
    SetVoltage,
    /// Its read-back.
    QueryVoltage,
    /// Largest current out of it.
    SetSourceLimit,
    /// Its read-back.
    QuerySourceLimit,
    /// Largest current into it.
    SetSinkLimit,
    /// Its read-back.
    QuerySinkLimit,
    /// Output on.
    OutputOn,
    /// Output off.
    OutputOff,
    /// Is it on.
    QueryOutput,
    /// Over-voltage protection.
    SetOverVoltage,
    /// Its read-back.
    QueryOverVoltage,
    /// Over-current protection.
    SetOverCurrent,
    /// Its read-back.
    QueryOverCurrent,
    /// Over-current protection while sinking.
    SetSinkOverCurrent,
    /// Its read-back.
    QuerySinkOverCurrent,
    /// Voltage at the terminals or sense wires.
    ReadVoltage,
    /// Current out of it.
    ReadCurrent,
    /// Makes a meter a DC voltmeter.
    SetFunction,
    /// Its read-back.
    QueryFunction,
    /// A meter's range.
    SetRange,
    /// Its read-back.
    QueryRange,
    /// A meter's aperture in power line cycles.
    SetAperture,
    /// Its read-back.
    QueryAperture,
    /// Takes one reading.
    Read,
}

impl Verb {
    /// The field its template must have.
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::SetVoltage | Self::SetOverVoltage | Self::SetRange => Some("volts"),
            Self::SetSourceLimit | Self::SetSinkLimit | Self::SetOverCurrent | Self::SetSinkOverCurrent => Some("amps"),
            Self::SetAperture => Some("nplc"),
            _ => None,
        }
    }

    /// What a person calls it.
    pub fn words(self) -> String {
        format!("{self:?}").chars().enumerate().fold(String::new(), |mut out, (i, c)| {
            if c.is_uppercase() && i > 0 {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
            out
        })
    }
}

/// What is set or read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// A source's voltage.
    Voltage,
    /// A source's current; positive out of it.
    Current,
    /// A source's largest current out of it.
    SourceLimit,
    /// A source's largest current into it.
    SinkLimit,
    /// A source's over-voltage protection.
    OverVoltage,
    /// A source's over-current protection, both directions.
    OverCurrent,
    /// A meter's DC voltage.
    DcVoltage,
}

impl Function {
    /// What it measures.
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Voltage | Self::OverVoltage | Self::DcVoltage => Dimension::VOLTAGE,
            Self::Current | Self::SourceLimit | Self::SinkLimit | Self::OverCurrent => Dimension::CURRENT,
        }
    }

    /// Its unit's symbol.
    pub const fn unit(self) -> &'static str {
        if self.dimension().volt == 1 { "V" } else { "A" }
    }
}
