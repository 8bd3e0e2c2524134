//! A multimeter as a DC voltmeter.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Nanos;

use crate::dialect::{Dialect, Function, Identity, Verb};
use crate::driver::{Driver, Reading};
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Link, Move, Outcome};
use crate::scpi;

/// Mains frequency in Hz; an aperture is given in its periods.
const MAINS_HZ: f64 = 50.0;

/// A meter behind its link.
pub struct Meter {
    driver: Driver,
    /// Aperture in power line cycles.
    nplc: f64,
    /// The range it is known to be in once all jobs so far are done.
    range: Cell<Option<f64>>,
    /// Counts changes of range that were asked for: only the last one's success
    /// says which range it is in. A dropped future leaves it unknown.
    changes: Cell<u64>,
    /// It digitizes, or did: it is no voltmeter until it was made one again.
    digitizing: Cell<bool>,
}

impl Meter {
    /// A meter that is expected to have this serial number, with an aperture
    /// in power line cycles (50 Hz). Sends nothing.
    pub fn new(link: Link, dialect: Rc<Dialect>, serial: &str, nplc: f64) -> Self {
        Self {
            driver: Driver::new(link, dialect, serial),
            nplc,
            range: Cell::new(None),
            changes: Cell::new(0),
            digitizing: Cell::new(false),
        }
    }

    /// Proves its identity and its language, makes it a DC voltmeter, sets the
    /// aperture. May be called again.
    ///
    /// # Errors
    /// `WrongIdentity`, `Refused`, `Readback`, and the link's.
    pub async fn open(&self) -> Result<Identity, ClientError> {
        self.range.set(None);
        let identity = self.driver.identify().await?;
        self.driver.forget_the_past().await?;
        self.check_language().await?;
        self.driver.prepare(Verb::Remote).await?;
        self.become_voltmeter().await?;
        Ok(identity)
    }

    /// Ends what the digitizer does, and makes it a voltmeter with its aperture.
    async fn become_voltmeter(&self) -> Result<(), ClientError> {
        if self.digitizing.get()
            && let Some(facts) = &self.dialect().digitizer
        {
            for command in &facts.leave {
                self.driver.write(Lane::Normal, command.clone()).await?;
            }
        }
        let (set, query) = (self.driver.command(Verb::SetFunction, 0.0)?, self.driver.command(Verb::QueryFunction, 0.0)?);
        let (_, reply) = self.driver.write_and_ask(Lane::Normal, set, query).await?;
        self.same_function(&reply)?;
        let (set, query) = (self.driver.command(Verb::SetAperture, self.nplc)?, self.driver.command(Verb::QueryAperture, 0.0)?);
        let (_, reply) = self.driver.write_and_ask(Lane::Normal, set, query.clone()).await?;
        self.same(&query, &reply, self.nplc, "")?;
        self.digitizing.set(false);
        Ok(())
    }

    pub(crate) const fn driver(&self) -> &Driver {
        &self.driver
    }

    /// It is a digitizer from now on.
    pub(crate) fn digitizes(&self) {
        self.digitizing.set(true);
        self.range.set(None);
        self.changes.set(self.changes.get() + 1);
    }

    fn same_function(&self, reply: &[u8]) -> Result<(), ClientError> {
        let (set, query) = (self.driver.command(Verb::SetFunction, 0.0)?, self.driver.command(Verb::QueryFunction, 0.0)?);
        let found = scpi::string(reply).map_err(|_| self.driver.garbled(&query, reply, "a function in quotes"))?;
        if set.contains(&format!("\"{found}\"")) {
            return Ok(());
        }
        Err(self.driver.link.error(ErrorKind::Readback { set, found }))
    }

    /// As [`crate::Source::prove`]: identity, events, function, aperture, range.
    ///
    /// # Errors
    /// The first thing that is not so, and the link's.
    pub async fn prove(&self, since: Nanos) -> Result<(), ClientError> {
        self.driver.prove(since).await?;
        // Its next reading makes it a voltmeter again, and sees to that.
        if self.digitizing.get() {
            return Ok(());
        }
        let function = self.driver.ask(&self.driver.command(Verb::QueryFunction, 0.0)?).await?;
        self.same_function(function.as_bytes())?;
        let query = self.driver.command(Verb::QueryAperture, 0.0)?;
        let aperture = self.driver.ask(&query).await?;
        self.same(&query, aperture.as_bytes(), self.nplc, "")?;
        // Somebody else may be changing it now: looked up as late as may be.
        let Some(range) = self.range.get() else { return Ok(()) };
        let query = self.driver.command(Verb::QueryRange, 0.0)?;
        let found = self.driver.ask(&query).await?;
        self.same(&query, found.as_bytes(), range, "V")
    }

    /// As [`Link::late`].
    pub fn late(&self, since: Nanos) -> Option<Duration> {
        self.driver.link.late(since)
    }

    async fn check_language(&self) -> Result<(), ClientError> {
        let Some(language) = &self.dialect().quirks.language else { return Ok(()) };
        let found = self.driver.ask(&language.query.text()).await?;
        if found.trim() == language.expected {
            return Ok(());
        }
        let kind =
            ErrorKind::WrongIdentity { found: format!("language {}", found.trim()), expected: format!("language {}", language.expected) };
        Err(self.driver.link.error(kind))
    }

    fn same(&self, query: &str, reply: &[u8], set: f64, unit: &str) -> Result<(), ClientError> {
        let found = self.driver.number(query, reply, unit)?;
        if (found - set).abs() <= set.abs() * 1e-6 {
            return Ok(());
        }
        Err(self.driver.link.error(ErrorKind::Readback { set: set.to_string(), found: found.to_string() }))
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

    /// How long one reading takes, without the link.
    pub fn reading_time(&self) -> Duration {
        let apertures = self.dialect().quirks.apertures_per_reading.as_ref().map_or(1, |a| a.count);
        Duration::try_from_secs_f64(self.nplc / MAINS_HZ * f64::from(apertures)).unwrap_or_default()
    }

    /// Measures a DC voltage in V, in the smallest range that has at least
    /// `range_volts`; changes the range when it has to.
    ///
    /// # Errors
    /// `OutOfRange` for a range it does not have, `Garbled` for an overflow or
    /// no number, `Refused`, `Readback`, and the link's.
    pub async fn read_volts(&self, range_volts: f64) -> Result<Reading, ClientError> {
        let Some(range) = self.dialect().read_range(Function::DcVoltage, range_volts).map(|r| r.range.si) else {
            let kind = ErrorKind::OutOfRange { found: format!("range {range_volts} V"), legal: self.legal_ranges() };
            return Err(self.driver.link.error(kind));
        };
        if self.digitizing.get() {
            self.become_voltmeter().await?;
        }
        let query = self.driver.command(Verb::Read, 0.0)?;
        let within = self.driver.link.settings().reply_within + self.reading_time();
        let read = Move::Ask { query: query.clone(), within: Some(within) };
        let outcome = if self.range.get() == Some(range) {
            self.driver.run(Lane::Normal, vec![read]).await
        } else {
            self.range.set(None);
            let change = self.changes.get() + 1;
            self.changes.set(change);
            let outcome = self.change_range_and(range, read).await;
            if outcome.is_ok() && self.changes.get() == change {
                self.range.set(Some(range));
            }
            outcome
        };
        // Whatever went wrong: be sure of the range next time.
        let reading = outcome.and_then(|outcomes| match outcomes.last() {
            Some(answer) => self.driver.reading(Function::DcVoltage, range, &query, answer),
            None => Err(self.driver.incomplete()),
        });
        if reading.is_err() {
            self.range.set(None);
        }
        reading
    }

    async fn change_range_and(&self, range: f64, read: Move) -> Result<Vec<Outcome>, ClientError> {
        let (set, query) = (self.driver.command(Verb::SetRange, range)?, self.driver.command(Verb::QueryRange, 0.0)?);
        let moves = vec![Move::tell(set.clone()), Move::Errors, Move::ask(query.clone()), read];
        let outcomes = self.driver.run(Lane::Normal, moves).await?;
        match outcomes.as_slice() {
            [_, Outcome::Errors(errors), Outcome::Answered { reply, .. }, _] => {
                self.driver.accepted(&set, errors)?;
                self.same(&query, reply, range, "V")?;
                Ok(outcomes)
            }
            _ => Err(self.driver.incomplete()),
        }
    }

    fn legal_ranges(&self) -> String {
        let rows = self.dialect().reads.iter().filter(|r| r.function == Function::DcVoltage);
        rows.map(|r| r.range.to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Expanded uncertainty (k = 2) of a reading of `volts` in a range, in V;
    /// `None` when there is no such range.
    pub fn accuracy(&self, range_volts: f64, volts: f64) -> Option<f64> {
        self.dialect().reading_uncertainty(Function::DcVoltage, range_volts, volts)
    }
}
