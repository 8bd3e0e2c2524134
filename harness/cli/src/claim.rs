//! A bench with hardware while a run may have something on: locked, watched by a
//! guardian, and noted as powered.

use crate::bench_lock::BenchLock;
use crate::failure::Failure;
use crate::guardian::{Brief, Keeper, Ports};

/// Held from before the first power until the bench is off, whoever does that.
pub struct Claim {
    lock: BenchLock,
    keeper: Keeper,
}

impl Claim {
    /// From here something may be on.
    ///
    /// # Errors
    /// No guardian, or a note that cannot be made: then nothing may be switched on.
    pub fn stake(lock: BenchLock, brief: Brief, ports: &Ports) -> Result<Self, Failure> {
        let keeper = Keeper::start(brief, lock.descriptor(), ports)?;
        match lock.power() {
            Ok(()) => Ok(Self { lock, keeper }),
            Err(failure) => {
                keeper.release();
                Err(failure)
            }
        }
    }

    /// Who watches.
    pub const fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The run is over, and its links are closed. A bench that it could not
    /// confirm to be off is the guardian's.
    ///
    /// # Errors
    /// When the end cannot be noted.
    pub fn end(self, safe: bool) -> Result<(), Failure> {
        if safe {
            self.lock.end(Ok(()))?;
            self.keeper.release();
            return Ok(());
        }
        let why = "its safe state was not confirmed";
        match self.keeper.hand_over(why) {
            // It has noted what came of it.
            Ok(_) => Ok(()),
            Err(gone) => self.lock.end(Err(&format!("{why}, and its guardian did not answer ({gone})"))),
        }
    }
}
