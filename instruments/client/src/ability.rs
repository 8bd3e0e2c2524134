//! What a model can be used for, as far as its dialect has the commands for it.

use crate::dialect::{Dialect, Kind, Verb};

/// A use of an instrument, and the commands without which there is none.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// What a person calls it.
    pub name: &'static str,
    /// Kinds of instruments that may have it.
    pub kinds: &'static [Kind],
    /// All of these …
    pub all: &'static [Verb],
    /// … and one of these, if there are any.
    pub one_of: &'static [Verb],
    /// Whether a bench can use it; of the others only the commands are known.
    pub driven: bool,
}

const POWER: &[Kind] = &[Kind::Source, Kind::Load];
const EVERY: &[Kind] = &[Kind::Source, Kind::Load, Kind::Meter, Kind::Scope];

/// The uses whose facts are a table of their own.
const DIGITIZER: &str = "digitizer";
const DATA_LOG: &str = "data log";

/// Beyond what its kind needs.
pub const USES: &[Use] = &[
    driven("proof after a step", EVERY, &[Verb::QueryEvents]),
    driven("sinking", &[Kind::Source], &[Verb::SetSinkLimit, Verb::QuerySinkLimit]),
    driven("over-voltage protection", &[Kind::Source], &[Verb::SetOverVoltage, Verb::QueryOverVoltage]),
    driven("over-current protection", POWER, &[Verb::SetOverCurrent, Verb::QueryOverCurrent]),
    known("constant voltage", &[Kind::Load], &[Verb::ModeVoltage, Verb::SetLoadVoltage]),
    known("constant resistance", &[Kind::Load], &[Verb::ModeResistance, Verb::SetLoadResistance]),
    known("constant power", &[Kind::Load], &[Verb::ModePower, Verb::SetLoadPower]),
    Use { one_of: &[Verb::StartList, Verb::ArmList, Verb::Trigger], ..known("lists", POWER, &[]) },
    known("watchdog", POWER, &[Verb::SetWatchdog, Verb::EnableWatchdog]),
    driven(DIGITIZER, &[Kind::Meter], &[]),
    driven(DATA_LOG, POWER, &[]),
    known("pulsed light", &[Kind::LedAnalyser], &[Verb::CapturePulsed]),
];

const fn known(name: &'static str, kinds: &'static [Kind], all: &'static [Verb]) -> Use {
    Use { name, kinds, all, one_of: &[], driven: false }
}

const fn driven(name: &'static str, kinds: &'static [Kind], all: &'static [Verb]) -> Use {
    Use { driven: true, ..known(name, kinds, all) }
}

/// How far a dialect has what a use needs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// All, from sources that are enough.
    Verified,
    /// All, but these nobody has confirmed; none in particular where it has no command.
    Unverified(Vec<Verb>),
    /// These are missing; as above.
    Missing(Vec<Verb>),
}

impl Dialect {
    /// How far it has these commands.
    pub fn standing(&self, verbs: &[Verb]) -> Standing {
        let missing: Vec<Verb> = verbs.iter().copied().filter(|v| !self.can(*v)).collect();
        if !missing.is_empty() {
            return Standing::Missing(missing);
        }
        let unverified = self.unverified(verbs.iter().copied());
        if unverified.is_empty() { Standing::Verified } else { Standing::Unverified(unverified) }
    }

    /// How far it can be used so.
    pub fn ability(&self, wanted: &Use) -> Standing {
        let of_its_own = match wanted.name {
            DIGITIZER => Some(self.digitizer.as_ref().map(|facts| facts.assumption)),
            DATA_LOG => Some(self.data_log.as_ref().map(|facts| facts.assumption)),
            _ => None,
        };
        match of_its_own {
            Some(None) => return Standing::Missing(Vec::new()),
            Some(Some(true)) => return Standing::Unverified(Vec::new()),
            Some(Some(false)) => return Standing::Verified,
            None => {}
        }
        let lists = wanted.name == "lists";
        // A list has points one by one, or as a whole.
        let points = [Verb::SetListPoint, Verb::SetListVoltage, Verb::SetListCurrent, Verb::SelectProgram];
        let first = |verbs: &[Verb]| verbs.iter().copied().find(|v| self.can(*v)).or(verbs.first().copied());
        let mut needed = wanted.all.to_vec();
        needed.extend(first(wanted.one_of));
        needed.extend(lists.then(|| first(&points)).flatten());
        self.standing(&needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dialect: &str, name: &str) -> Standing {
        let dialect = Dialect::built_in(dialect).expect("listed").expect("good");
        dialect.ability(USES.iter().find(|u| u.name == name).expect("a use"))
    }

    #[test]
    fn tells_what_a_model_is_good_for() {
        assert_eq!(of("ea-psb-10060-120", "sinking"), Standing::Verified);
        assert_eq!(of("rigol-dp832", "sinking"), Standing::Missing(vec![Verb::SetSinkLimit, Verb::QuerySinkLimit]));
        assert_eq!(of("rigol-dl3021", "lists"), Standing::Verified);
        assert!(matches!(of("siglent-spd3303x", "lists"), Standing::Unverified(_)));
        assert!(matches!(of("keithley-dmm6500", "watchdog"), Standing::Missing(_)));
        assert_eq!(of("keithley-dmm6500", "digitizer"), Standing::Unverified(vec![]));
        assert_eq!(of("keysight-34465a", "digitizer"), Standing::Missing(vec![]));
        assert_eq!(of("keysight-n6705c", "data log"), Standing::Verified);
        assert_eq!(of("rigol-dp832", "data log"), Standing::Missing(vec![]));
    }

    #[test]
    fn only_what_a_bench_can_use_is_called_driven() {
        let driven: Vec<_> = USES.iter().filter(|u| u.driven).map(|u| u.name).collect();
        let expected = ["proof after a step", "sinking", "over-voltage protection", "over-current protection", "digitizer", "data log"];
        assert_eq!(driven, expected);
    }
}
