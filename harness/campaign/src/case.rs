//! A case: one unit and the faults of one run, as data that can be kept and run
//! again.

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultError, Row};

/// What one run is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Seeds noise, the instruments' errors and a good unit's parameters.
    pub seed: u64,
    /// The unit's defect; a good unit without.
    pub defect: Option<String>,
    /// In any order.
    pub faults: Vec<Fault>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    defect: Option<String>,
    #[serde(default, rename = "fault")]
    faults: Vec<Row>,
}

/// Why a text is no case.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaseError {
    /// Not TOML, an unknown key, or a missing one.
    #[error("{0}")]
    Form(String),
    /// A fault that there is none of.
    #[error(transparent)]
    Fault(#[from] FaultError),
}

impl Case {
    /// Reads a case's file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(text: &str) -> Result<Self, CaseError> {
        let File { seed, defect, faults } = toml::from_str(text).map_err(|e| CaseError::Form(e.to_string()))?;
        let faults = faults.into_iter().map(Fault::try_from).collect::<Result<_, _>>()?;
        Ok(Self { seed, defect, faults })
    }

    /// The same unit on a bench without faults.
    pub fn without_faults(&self) -> Self {
        Self { faults: Vec::new(), ..self.clone() }
    }

    /// As a file.
    pub fn to_toml(&self) -> String {
        let file = File { seed: self.seed, defect: self.defect.clone(), faults: self.faults.iter().map(Row::from).collect() };
        toml::to_string(&file).unwrap_or_else(|e| format!("# not written: {e}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"seed = 7
defect = "D46"

[[fault]]
part = "instrument battery"
kind = "late"
at = "alternator-start"
after = "120 ms"
lasting = "2500 ms"
by = "300 ms"

[[fault]]
part = "instrument alternator"
kind = "constant-current"
at = "open"
after = "0 ms"
amps = "4000 mA"

[[fault]]
part = "status"
kind = "drop"
at = "teardown"
after = "1 ms"
"#;

    #[test]
    fn what_is_written_is_read_again() {
        let case = Case::read(TEXT).expect("a case");
        assert_eq!(case.to_toml(), TEXT);
        assert_eq!(case.faults[0].to_string(), "instrument battery: late 300 ms, 120 ms after `alternator-start` began, for 2500 ms");
        assert_eq!(case.faults[2].to_string(), "status: drop, 1 ms after `teardown` began, for good");
    }

    #[test]
    fn what_is_none_is_told() {
        let wrong = |from: &str, to: &str| Case::read(&TEXT.replace(from, to)).unwrap_err().to_string();
        assert_eq!(wrong("\"drop\"", "\"reboot\""), "fault of `status`: kind is `reboot`, expected one of drop, hang, late, nan, refuse");
        assert_eq!(wrong("by = \"300 ms\"\n", ""), "fault of `instrument battery`: by is `missing`, expected a time such as `120 ms`");
        assert_eq!(wrong("4000 mA", "4 V"), "fault of `instrument alternator`: amps is `4 V`, expected a current such as `4 A`");
        assert!(wrong("amps", "volts").contains("unknown field `volts`"));
    }
}
