//! Who an instrument says it is.

use std::fmt;

/// Who an instrument says it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// Serial number.
    pub serial: String,
    /// Firmware version.
    pub firmware: String,
}

impl Identity {
    /// The four fields of an `*IDN?` reply; a fourth field may have commas in
    /// it. `None` when there are fewer.
    pub fn parse(reply: &str) -> Option<Self> {
        let mut fields = reply.splitn(4, ',').map(|f| f.trim().trim_matches('"').to_owned());
        Some(Self { maker: fields.next()?, model: fields.next()?, serial: fields.next()?, firmware: fields.next()? })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, serial {}, firmware {}", self.maker, self.model, self.serial, self.firmware)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        let id = Identity::parse("MAKER , MODEL,1,V1, of 2026").expect("four fields");
        assert_eq!(id.to_string(), "MAKER MODEL, serial 1, firmware V1, of 2026");
        assert_eq!(Identity::parse("12.8,V,1"), None);
    }
}
