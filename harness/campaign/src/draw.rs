//! Cases drawn from a seed.

use std::time::Duration;

use hil_twin::{FaultyFixture, LineFault};
use hil_virtual::InstrumentFault;
use rand::seq::IndexedRandom as _;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::case::Case;
use crate::fault::{Fault, INSTRUMENT, What};

/// What there is to draw from.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Catalog {
    /// Names of sources.
    pub sources: Vec<String>,
    /// Names of meters.
    pub meters: Vec<String>,
    /// Parts of the fixture that the bench uses, as [`FaultyFixture::names`] has
    /// them.
    pub lines: Vec<String>,
    /// Steps and phases, and how long each takes.
    pub places: Vec<(String, Duration)>,
    /// Defects of units.
    pub defects: Vec<String>,
}

/// How many faults a run has, by weight: none to three.
const HOW_MANY: [(usize, u32); 4] = [(0, 10), (1, 50), (2, 25), (3, 15)];

/// Shortest and longest fault that ends, ms.
const LASTING_MS: (f64, f64) = (2.0, 20_000.0);

/// How late an answer may be, ms.
const LATE_MS: (f64, f64) = (5.0, 4_000.0);

impl Catalog {
    /// The case of this number in the campaign of this seed.
    pub fn draw(&self, seed: u64, number: u64) -> Case {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let defect = if rng.random_bool(0.5) { self.defects.choose(&mut rng).cloned() } else { None };
        let many = HOW_MANY.choose_weighted(&mut rng, |(_, weight)| *weight).map_or(1, |(many, _)| *many);
        let seed = rng.random_range(1..1_000_000_000);
        let faults = (0..many).filter_map(|_| self.fault(&mut rng)).collect();
        Case { seed, defect, faults }
    }

    fn fault(&self, rng: &mut ChaCha8Rng) -> Option<Fault> {
        let (part, what) = match rng.random_range(0..10) {
            0..4 => {
                let name = self.sources.choose(rng)?;
                (format!("{INSTRUMENT}{name}"), What::Instrument(of_source(rng)))
            }
            4..6 => {
                let name = self.meters.choose(rng)?;
                (format!("{INSTRUMENT}{name}"), What::Instrument(of_meter(rng)))
            }
            _ => {
                let name = self.lines.choose(rng)?;
                (name.clone(), What::Line(of_line(name, rng)))
            }
        };
        let (at, takes) = self.places.choose(rng)?;
        let after = Duration::from_millis(rng.random_range(0..=takes.as_millis().max(50) as u64));
        let lasting = rng.random_bool(0.6).then(|| millis(LASTING_MS, rng));
        Some(Fault { part, what, at: at.clone(), after, lasting })
    }
}

/// Every order of magnitude alike.
fn millis((low, high): (f64, f64), rng: &mut ChaCha8Rng) -> Duration {
    Duration::from_millis(rng.random_range(low.ln()..=high.ln()).exp() as u64)
}

fn of_source(rng: &mut ChaCha8Rng) -> InstrumentFault {
    if rng.random_range(0..8) == 0 {
        return InstrumentFault::ConstantCurrent { milliamps: rng.random_range(0..20_000) };
    }
    of_meter(rng)
}

fn of_meter(rng: &mut ChaCha8Rng) -> InstrumentFault {
    match rng.random_range(0..10) {
        0 => InstrumentFault::Hang,
        1 => InstrumentFault::Late { by: millis(LATE_MS, rng) },
        2 => InstrumentFault::Garbage,
        3 => InstrumentFault::Previous,
        4 => InstrumentFault::Half { ended: rng.random_bool(0.7) },
        5 => InstrumentFault::Drop,
        6 | 7 => InstrumentFault::Reboot { keeps_link: rng.random_bool(0.5) },
        8 => InstrumentFault::Refuse,
        _ if rng.random_bool(0.5) => InstrumentFault::NotANumber,
        _ => InstrumentFault::NoValue,
    }
}

fn of_line(name: &str, rng: &mut ChaCha8Rng) -> LineFault {
    match rng.random_range(0..4) {
        0 => LineFault::Hang,
        1 => LineFault::Late { by: millis(LATE_MS, rng) },
        // What the reader of the status page refuses is the unit's refusal.
        2 if name != "status" && name != FaultyFixture::WHOLE => {
            if name.starts_with("meter ") && rng.random_bool(0.5) {
                LineFault::NotANumber
            } else {
                LineFault::Refuse
            }
        }
        _ => LineFault::Drop,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_case_is_drawn_by_seed_and_number_and_every_kind_comes() {
        let words = |all: &[&str]| all.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let catalog = Catalog {
            sources: words(&["battery"]),
            meters: words(&["dmm"]),
            lines: words(&["switch fuse", "status", "meter ripple", FaultyFixture::WHOLE]),
            places: vec![("open".into(), Duration::ZERO), ("a".into(), Duration::from_secs(2))],
            defects: words(&["D1"]),
        };
        let cases: Vec<Case> = (0..1000).map(|k| catalog.draw(1, k)).collect();
        assert_eq!(cases[17], catalog.draw(1, 17));
        assert_ne!(cases[17], catalog.draw(2, 17));
        let kinds: BTreeSet<(bool, &str)> =
            cases.iter().flat_map(|c| &c.faults).map(|f| (f.part.starts_with(INSTRUMENT), f.what.word())).collect();
        assert_eq!(kinds.len(), 13 + 5, "{kinds:?}");
        let refused = |c: &Case| c.faults.iter().any(|f| f.part == "status" && f.what.word() == "refuse");
        assert!(!cases.iter().any(refused));
        for case in cases {
            assert_eq!(Case::read(&case.to_toml()).as_ref(), Ok(&case));
        }
    }
}
