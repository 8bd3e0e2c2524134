//! The languages a report can be written in.

/// A language; says how numbers are written. Words are in
/// [`crate::strings`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Lang {
    /// English, decimal point.
    #[default]
    En,
    /// German, decimal comma.
    De,
}

impl Lang {
    /// A number that was written with a point.
    pub(crate) fn number(self, digits: &str) -> String {
        match self {
            Self::En => digits.to_owned(),
            Self::De => digits.replace('.', ","),
        }
    }

    /// As in HTML's `lang`.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }
}
