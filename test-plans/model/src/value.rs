//! What a signal can be: a quantity, a level, an LED's state, or text.

use std::fmt;

use crate::quantity::Quantity;

/// A digital line as it is seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Driven high: reads high under a pull-up and a pull-down.
    High,
    /// Driven low: reads low under both.
    Low,
    /// Not driven: follows the bias.
    Floating,
}

/// What an observer of an LED sees over a while.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LedState {
    /// Lit all the time.
    On,
    /// Dark all the time.
    Off,
    /// Changes at least twice within the observation.
    Blinking,
}

/// A value of a signal.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Analog.
    Quantity(Quantity),
    /// Digital.
    Level(Level),
    /// LED.
    Led(LedState),
    /// Text, and choices from a list (`healthy`, `alarm`, `absent`).
    Text(String),
}

impl Level {
    /// All, with the word a plan uses.
    pub const WORDS: [(&'static str, Self); 3] = [("floating", Self::Floating), ("high", Self::High), ("low", Self::Low)];

    /// From the word a plan uses.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, l)| *l)
    }
}

impl LedState {
    /// All, with the word a plan uses.
    pub const WORDS: [(&'static str, Self); 3] = [("blinking", Self::Blinking), ("off", Self::Off), ("on", Self::On)];

    /// From the word a plan uses.
    pub fn parse(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(w, _)| *w == word).map(|(_, l)| *l)
    }
}

impl Value {
    /// The quantity, if it is one.
    pub const fn quantity(&self) -> Option<Quantity> {
        match self {
            Self::Quantity(q) => Some(*q),
            Self::Level(_) | Self::Led(_) | Self::Text(_) => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Low => "low",
            Self::Floating => "floating",
        })
    }
}

impl fmt::Display for LedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Blinking => "blinking",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(q) => q.fmt(f),
            Self::Level(l) => l.fmt(f),
            Self::Led(l) => l.fmt(f),
            Self::Text(t) => t.fmt(f),
        }
    }
}
