//! Files of the twin: defects, populations, memories, keys.

use hil_model::Sources;
use hil_twin::{KeyError, Keys, Memory, Population, UnitConfig, read_defects};

use crate::files;

/// One text for all readers. What was read can be put into a unit.
pub fn check(bytes: &[u8]) {
    let Some(text) = files::texts(bytes).next() else { return };
    defects(text);
    population(text);
    if let Ok(memory) = Memory::read(text) {
        assert_eq!(Memory::read(&memory.to_string()), Ok(memory));
    }
    let mut keys = Keys::default();
    if let Err(error) = keys.add("key", text) {
        assert_eq!(error.to_string(), KeyError.to_string(), "what is no key is not told");
    }
}

fn defects(text: &str) {
    let mut sources = Sources::default();
    sources.add("defects.toml", text);
    match read_defects(text) {
        Ok(defects) => {
            for defect in defects {
                let mut unit = UnitConfig::default();
                assert_eq!(defect.apply(&mut unit), Ok(()), "{defect:?}");
            }
        }
        Err(error) => {
            assert!(!error.diagnostics.is_empty() && !error.to_string().is_empty(), "refused without a reason");
            files::owes(&sources, &error.diagnostics);
        }
    }
}

fn population(text: &str) {
    match Population::read(text) {
        Ok(population) => {
            for seed in 0..4 {
                let mut unit = UnitConfig::default();
                assert_eq!(population.apply(seed, &mut unit), Ok(()), "{population:?}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
