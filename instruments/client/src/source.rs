//! A source that may also sink: a voltage, and a current limit each way. A load is
//! one that only sinks: its current is its sink limit.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Nanos;

use crate::dialect::{Dialect, Function, Identity, Verb};
use crate::driver::{Confirmed, Driver, Reading};
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Link, Move};

/// Limits in the instrument that hold whatever this program does.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Protection {
    /// In V; `None` leaves it as it is.
    pub over_voltage: Option<f64>,
    /// In A, each way; `None` leaves it as it is.
    pub over_current: Option<f64>,
}

/// Levels of protection, each with the commands that set and ask it.
const LEVELS: [(Function, Verb, Verb); 3] = [
    (Function::OverVoltage, Verb::SetOverVoltage, Verb::QueryOverVoltage),
    (Function::OverCurrent, Verb::SetOverCurrent, Verb::QueryOverCurrent),
    (Function::OverCurrent, Verb::SetSinkOverCurrent, Verb::QuerySinkOverCurrent),
];

/// The levels of a source's protection as somebody has set them, to be put back.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Levels([Option<f64>; LEVELS.len()]);

/// What a load takes, in SI units.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Load {
    /// A constant current.
    Current(f64),
    /// What it takes to hold a voltage.
    Voltage(f64),
    /// As a resistance.
    Resistance(f64),
    /// A constant power.
    Power(f64),
}

/// A source behind its link. Every write is verified by the error queue and by
/// read-back within the instrument's resolution.
pub struct Source {
    driver: Driver,
    protection: Protection,
    told: Told,
    /// It has let this program set it: the remote lock was taken, if it has one.
    ours: Cell<bool>,
    /// How many logs of it were begun.
    logs: Cell<u64>,
}

/// What it was told last and said that it did; `None` while that is not known.
#[derive(Default)]
struct Told {
    volts: Known<f64>,
    source_limit: Known<f64>,
    sink_limit: Known<f64>,
    load: Known<(Function, Verb, f64)>,
    on: Known<bool>,
}

/// A value that is not known while it is being changed. A change that was given
/// up half way leaves it unknown.
struct Known<T> {
    value: Cell<Option<T>>,
    changes: Cell<u64>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { value: Cell::new(None), changes: Cell::new(0) }
    }
}

impl<T: Copy> Known<T> {
    fn get(&self) -> Option<T> {
        self.value.get()
    }

    async fn change<R>(&self, to: T, change: impl Future<Output = Result<R, ClientError>>) -> Result<R, ClientError> {
        self.value.set(None);
        let number = self.changes.get() + 1;
        self.changes.set(number);
        let done = change.await?;
        // Of two changes side by side nobody knows which was the last.
        if self.changes.get() == number {
            self.value.set(Some(to));
        }
        Ok(done)
    }
}

impl Source {
    /// A source that is expected to have this serial number. Sends nothing.
    pub fn new(link: Link, dialect: Rc<Dialect>, serial: &str, protection: Protection) -> Self {
        let (driver, told) = (Driver::new(link, dialect, serial), Told::default());
        Self { driver, protection, told, ours: Cell::new(false), logs: Cell::new(0) }
    }

    /// Proves its identity, takes the remote lock, makes sure that the output
    /// is off with all set values at their minimum, sets the protection.
    /// Switches nothing on. May be called again.
    ///
    /// # Errors
    /// `WrongIdentity`, `Refused` (somebody else has the lock), `Readback`,
    /// and the link's.
    pub async fn open(&self) -> Result<Identity, ClientError> {
        let identity = self.driver.identify().await?;
        // Errors of somebody before us are not ours.
        self.driver.forget_the_past().await?;
        self.driver.prepare(Verb::PlainReplies).await?;
        self.driver.prepare(Verb::Remote).await?;
        self.take_lock(Lane::Normal).await?;
        if let Some(quirk) = &self.driver.dialect.quirks.idle_close {
            self.driver.write(Lane::Normal, quirk.disable.text()).await?;
        }
        self.output(false).await?;
        self.driver.prepare(Verb::VoltagePriority).await?;
        self.driver.prepare(Verb::ModeCurrent).await?;
        // One with both polarities begins at zero.
        let minimum = |f| self.dialect().set_range(f).map(|r| r.min.si.max(0.0));
        if let Some(volts) = minimum(Function::Voltage) {
            self.set_voltage(volts).await?;
        }
        if let Some(amps) = minimum(Function::SourceLimit) {
            self.set_source_limit(amps).await?;
        }
        if let Some(amps) = minimum(Function::SinkLimit) {
            self.set_sink_limit(amps).await?;
        }
        self.protect().await?;
        Ok(identity)
    }

    async fn take_lock(&self, lane: Lane) -> Result<(), ClientError> {
        if let Some(lock) = &self.dialect().quirks.remote_lock {
            let (take, query) = (lock.take.text(), lock.query.text());
            let (_, owner) = self.driver.write_and_ask(lane, take.clone(), query).await?;
            self.ours(&take, &String::from_utf8_lossy(&owner), &lock.ours)?;
        }
        self.ours.set(true);
        Ok(())
    }

    fn ours(&self, command: &str, owner: &str, ours: &str) -> Result<(), ClientError> {
        if owner.trim().eq_ignore_ascii_case(ours) {
            return Ok(());
        }
        let answer = format!("the lock's owner is {}", owner.trim().escape_default());
        Err(self.driver.link.error(ErrorKind::Refused { command: command.to_owned(), answer }))
    }

    /// That it is who it was and does what it was told since it was opened, as
    /// far as it says itself: identity, events, remote lock, output, set values,
    /// protection. Sends questions only. `since`: troubles of the link before
    /// that are forgiven.
    ///
    /// # Errors
    /// The first thing that is not so, and the link's.
    pub async fn prove(&self, since: Nanos) -> Result<(), ClientError> {
        self.driver.prove(since).await?;
        if let Some(lock) = &self.dialect().quirks.remote_lock {
            let owner = self.driver.link.ask(&lock.query.text()).await?;
            self.ours(&lock.take.text(), &owner, &lock.ours)?;
        }
        if let Some(on) = self.told.on.get() {
            let found = self.is_on().await?;
            let word = |b| if b { "on" } else { "off" };
            if found != on {
                return Err(self.driver.link.error(ErrorKind::Readback { set: word(on).into(), found: word(found).into() }));
            }
        }
        self.driver.still(&self.set_values()).await
    }

    /// What it should say of its set values. What is known is looked up as late as may
    /// be: somebody else may be setting it now.
    fn set_values(&self) -> Vec<(Function, Verb, f64)> {
        let told = &self.told;
        let set = |value: Option<f64>, function, query| value.map(|v| (function, query, v));
        let values = [
            set(told.volts.get(), Function::Voltage, Verb::QueryVoltage),
            set(told.source_limit.get(), Function::SourceLimit, Verb::QuerySourceLimit),
            set(told.sink_limit.get(), Function::SinkLimit, Verb::QuerySinkLimit),
            told.load.get(),
            set(self.protection.over_voltage, Function::OverVoltage, Verb::QueryOverVoltage),
            set(self.protection.over_current, Function::OverCurrent, Verb::QueryOverCurrent),
        ];
        values.into_iter().flatten().collect()
    }

    async fn protect(&self) -> Result<(), ClientError> {
        if let Some(volts) = self.protection.over_voltage {
            self.driver.set(Function::OverVoltage, Verb::SetOverVoltage, Verb::QueryOverVoltage, volts).await?;
            self.driver.prepare(Verb::EnableOverVoltage).await?;
        }
        if let Some(amps) = self.protection.over_current {
            self.driver.set(Function::OverCurrent, Verb::SetOverCurrent, Verb::QueryOverCurrent, amps).await?;
            if self.dialect().can(Verb::SetSinkOverCurrent) {
                self.driver.set(Function::OverCurrent, Verb::SetSinkOverCurrent, Verb::QuerySinkOverCurrent, amps).await?;
            }
            self.driver.prepare(Verb::EnableOverCurrent).await?;
        }
        Ok(())
    }

    /// The levels of its protection, as it says itself. Sends questions only.
    ///
    /// # Errors
    /// `OutOfRange` for one that could not be put back, `Garbled`, and the link's.
    pub async fn levels(&self) -> Result<Levels, ClientError> {
        let mut found = Levels::default();
        for (level, (function, set, query)) in found.0.iter_mut().zip(LEVELS) {
            if self.dialect().can(set) && self.dialect().can(query) {
                let value = self.driver.ask_number(query, function.unit()).await?;
                self.driver.in_range(function, set, value)?;
                *level = Some(value);
            }
        }
        Ok(found)
    }

    /// Puts the levels of its protection back; what is armed stays armed.
    ///
    /// # Errors
    /// As [`Source::set_voltage`].
    pub async fn put_back(&self, levels: Levels) -> Result<(), ClientError> {
        for (level, (function, set, query)) in levels.0.into_iter().zip(LEVELS) {
            if let Some(value) = level {
                self.driver.set(function, set, query, value).await?;
            }
        }
        Ok(())
    }

    /// What its error queue holds, oldest first; empties it.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn queued(&self) -> Result<Vec<String>, ClientError> {
        self.driver.queued().await
    }

    /// Asks who it is; compares that with nothing.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn who(&self) -> Result<Identity, ClientError> {
        self.driver.who().await
    }

    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// A log begins, and ends the one before: its number.
    pub(crate) fn begins_log(&self) -> u64 {
        self.logs.set(self.logs.get() + 1);
        self.logs.get()
    }

    /// The number of the last log that was begun.
    pub(crate) const fn last_log(&self) -> u64 {
        self.logs.get()
    }

    /// Its name on the bench.
    pub fn name(&self) -> &str {
        self.driver.link.name()
    }

    /// Its dialect.
    pub fn dialect(&self) -> &Dialect {
        &self.driver.dialect
    }

    /// Who it said it is, once it was opened.
    pub fn identity(&self) -> Option<Identity> {
        self.driver.identity()
    }

    /// Sets the voltage in V.
    ///
    /// # Errors
    /// `OutOfRange` before anything is sent, `Refused`, `Readback`, and the
    /// link's.
    pub async fn set_voltage(&self, volts: f64) -> Result<Confirmed, ClientError> {
        let set = self.driver.set(Function::Voltage, Verb::SetVoltage, Verb::QueryVoltage, volts);
        self.told.volts.change(volts, set).await
    }

    /// Sets the largest current out of it, in A.
    ///
    /// # Errors
    /// As [`Source::set_voltage`].
    pub async fn set_source_limit(&self, amps: f64) -> Result<Confirmed, ClientError> {
        let set = self.driver.set(Function::SourceLimit, Verb::SetSourceLimit, Verb::QuerySourceLimit, amps);
        self.told.source_limit.change(amps, set).await
    }

    /// Sets the largest current into it, in A.
    ///
    /// # Errors
    /// As [`Source::set_voltage`]; `Unsupported` when it cannot sink.
    pub async fn set_sink_limit(&self, amps: f64) -> Result<Confirmed, ClientError> {
        let set = self.driver.set(Function::SinkLimit, Verb::SetSinkLimit, Verb::QuerySinkLimit, amps);
        self.told.sink_limit.change(amps, set).await
    }

    /// What a load does with its input: a current (the sink limit), or one of these,
    /// read back where the dialect has the query.
    ///
    /// # Errors
    /// `Unsupported` when it cannot, `OutOfRange` before anything is sent, `Refused`,
    /// `Readback`, and the link's.
    pub async fn set_load(&self, load: Load) -> Result<Confirmed, ClientError> {
        let (mode, set, query, function, value) = match load {
            Load::Current(amps) => (Verb::ModeCurrent, Verb::SetSinkLimit, Verb::QuerySinkLimit, Function::SinkLimit, amps),
            Load::Voltage(volts) => (Verb::ModeVoltage, Verb::SetLoadVoltage, Verb::QueryLoadVoltage, Function::LoadVoltage, volts),
            Load::Resistance(ohms) => {
                (Verb::ModeResistance, Verb::SetLoadResistance, Verb::QueryLoadResistance, Function::LoadResistance, ohms)
            }
            Load::Power(watts) => (Verb::ModePower, Verb::SetLoadPower, Verb::QueryLoadPower, Function::LoadPower, watts),
        };
        let mode = self.driver.command(mode, 0.0)?;
        let command = self.driver.in_range(function, set, value)?;
        self.driver.write(Lane::Normal, mode).await?;
        if let Load::Current(amps) = load {
            return self.set_sink_limit(amps).await;
        }
        if !self.dialect().can(query) {
            return self.driver.write(Lane::Normal, command).await;
        }
        self.told.load.change((function, query, value), self.driver.set(function, set, query, value)).await
    }

    /// Switches the output.
    ///
    /// # Errors
    /// `Refused`, `Readback`, and the link's.
    pub async fn output(&self, on: bool) -> Result<Confirmed, ClientError> {
        self.told.on.change(on, self.switch(Lane::Normal, on)).await
    }

    async fn switch(&self, lane: Lane, on: bool) -> Result<Confirmed, ClientError> {
        let command = self.driver.command(if on { Verb::OutputOn } else { Verb::OutputOff }, 0.0)?;
        let query = self.driver.command(Verb::QueryOutput, 0.0)?;
        let (confirmed, reply) = match lane {
            Lane::Normal => self.driver.write_and_settle(command, self.dialect().settling(Function::Voltage), query.clone()).await?,
            // What is to be off is not waited for: it is read back.
            Lane::Safe => self.driver.write_and_ask(lane, command, query.clone()).await?,
        };
        let found = self.driver.says_yes(Verb::QueryOutput, &query, &reply)?;
        let word = |b| if b { "on" } else { "off" };
        if found == on {
            Ok(confirmed)
        } else {
            Err(self.driver.link.error(ErrorKind::Readback { set: word(on).into(), found: word(found).into() }))
        }
    }

    /// For the safe state: switches off before everything that waits, also
    /// when it was never opened, and confirms it by read-back. Tries twice: the
    /// first error may be somebody else's, or the remote lock may be gone.
    ///
    /// # Errors
    /// Of the second attempt: it may still be on.
    pub async fn off_confirmed(&self) -> Result<Confirmed, ClientError> {
        self.told.on.change(false, self.off_in_two_attempts()).await
    }

    async fn off_in_two_attempts(&self) -> Result<Confirmed, ClientError> {
        match self.switch(Lane::Safe, false).await {
            Ok(confirmed) => Ok(confirmed),
            Err(first) if matches!(first.kind, ErrorKind::LinkLost { .. }) => Err(first),
            Err(first) => {
                // One that nobody has opened is asked before it is locked: it may listen at once.
                if self.ours.get() {
                    tracing::warn!(instrument = self.name(), error = %first, "not off at the first attempt");
                } else {
                    tracing::info!(instrument = self.name(), error = %first, "not off before its remote lock was taken");
                }
                if let Err(error) = self.take_lock(Lane::Safe).await {
                    tracing::warn!(instrument = self.name(), %error, "no remote lock");
                }
                self.switch(Lane::Safe, false).await
            }
        }
    }

    /// As [`Link::late`].
    pub fn late(&self, since: Nanos) -> Option<Duration> {
        self.driver.link.late(since)
    }

    /// Whether the output is on.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn is_on(&self) -> Result<bool, ClientError> {
        let query = self.driver.command(Verb::QueryOutput, 0.0)?;
        let reply = self.driver.ask(&query).await?;
        self.driver.says_yes(Verb::QueryOutput, &query, reply.as_bytes())
    }

    /// Measures the voltage at its terminals or sense wires, in V.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn volts(&self) -> Result<Reading, ClientError> {
        self.read(Function::Voltage, Verb::ReadVoltage).await
    }

    /// Measures the current out of it, in A; negative while it sinks.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn amps(&self) -> Result<Reading, ClientError> {
        self.read(Function::Current, Verb::ReadCurrent).await
    }

    async fn read(&self, function: Function, verb: Verb) -> Result<Reading, ClientError> {
        let query = self.driver.command(verb, 0.0)?;
        let outcomes = self.driver.run(Lane::Normal, vec![Move::ask(query.clone())]).await?;
        let [answer] = outcomes.as_slice() else { return Err(self.driver.incomplete()) };
        self.driver.reading(function, 0.0, &query, answer)
    }

    /// The voltage it is set to, in V, as it says itself.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn voltage_set_point(&self) -> Result<f64, ClientError> {
        self.driver.ask_number(Verb::QueryVoltage, "V").await
    }

    /// The largest current out of it, in A, as it says itself.
    ///
    /// # Errors
    /// `Garbled`, and the link's.
    pub async fn source_limit_set_point(&self) -> Result<f64, ClientError> {
        self.driver.ask_number(Verb::QuerySourceLimit, "A").await
    }

    /// The largest current into it, in A, as it says itself.
    ///
    /// # Errors
    /// `Unsupported`, `Garbled`, and the link's.
    pub async fn sink_limit_set_point(&self) -> Result<f64, ClientError> {
        self.driver.ask_number(Verb::QuerySinkLimit, "A").await
    }

    /// Gives the remote lock back; its front panel works again.
    ///
    /// # Errors
    /// `Refused`, and the link's.
    pub async fn release(&self) -> Result<(), ClientError> {
        if let Some(lock) = &self.dialect().quirks.remote_lock {
            self.driver.write(Lane::Normal, lock.release.text()).await?;
        }
        Ok(())
    }
}
