//! Harm that a run does to itself or its guardian at an event of a certain
//! number, once that is journalled and shown: proves that the bench is left safe
//! whatever happens. Reached only by a hidden option.

use std::str::FromStr;
use std::sync::mpsc::channel;

use hil_record::{Event, EventSink, SinkError};
use rustix::process::{Pid, Signal, getpid, kill_process};

/// What, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sabotage {
    harm: Harm,
    seq: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Harm {
    /// `kill -9` of the run.
    Kill,
    /// SIGSTOP of the run.
    Stop,
    /// A loop that never ends.
    Spin,
    /// A wait for what never comes.
    Deadlock,
    /// `kill -9` of the guardian.
    KillGuardian,
    /// SIGSTOP of the guardian.
    StopGuardian,
    /// `kill -9` of the guardian, then of the run.
    KillBoth,
}

const HARMS: [(&str, Harm); 7] = [
    ("deadlock", Harm::Deadlock),
    ("kill", Harm::Kill),
    ("kill-both", Harm::KillBoth),
    ("kill-guardian", Harm::KillGuardian),
    ("spin", Harm::Spin),
    ("stop", Harm::Stop),
    ("stop-guardian", Harm::StopGuardian),
];

impl FromStr for Sabotage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('@').and_then(|(harm, seq)| {
            let (_, harm) = HARMS.iter().find(|(name, _)| *name == harm)?;
            Some(Self { harm: *harm, seq: seq.parse().ok()? })
        });
        parsed.ok_or_else(|| format!("expected one of {}, `@` and a number", HARMS.map(|(name, _)| name).join(", ")))
    }
}

impl Sabotage {
    /// The sink that does it.
    pub const fn at_its_event(self, guardian: Option<u32>) -> Saboteur {
        Saboteur { sabotage: self, guardian }
    }
}

/// Waits for its event.
pub struct Saboteur {
    sabotage: Sabotage,
    guardian: Option<u32>,
}

impl Saboteur {
    fn strike(&self) {
        let guardian = self.guardian.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let at = |pid: Option<Pid>, signal| {
            if let Some(pid) = pid {
                // Who has gone already needs none.
                let _ = kill_process(pid, signal);
            }
        };
        match self.sabotage.harm {
            Harm::Kill => at(Some(getpid()), Signal::KILL),
            Harm::Stop => at(Some(getpid()), Signal::STOP),
            Harm::Spin => loop {
                std::hint::spin_loop();
            },
            Harm::Deadlock => {
                let (_held, never) = channel::<()>();
                let _ = never.recv();
            }
            Harm::KillGuardian => at(guardian, Signal::KILL),
            Harm::StopGuardian => at(guardian, Signal::STOP),
            Harm::KillBoth => {
                at(guardian, Signal::KILL);
                at(Some(getpid()), Signal::KILL);
            }
        }
    }
}

impl EventSink for Saboteur {
    fn name(&self) -> &str {
        "sabotage"
    }

    fn handle(&mut self, event: &Event) -> Result<(), SinkError> {
        if event.seq == self.sabotage.seq {
            self.strike();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harm_is_read() {
        assert_eq!("stop@12".parse(), Ok(Sabotage { harm: Harm::Stop, seq: 12 }));
        for text in ["", "kill", "kill@", "kill@-1", "sing@3"] {
            assert!(text.parse::<Sabotage>().is_err(), "{text}");
        }
    }
}
