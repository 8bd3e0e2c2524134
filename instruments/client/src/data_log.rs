//! A source's data log: what it measures, one value a period, fetched in blocks while
//! it goes on, with the time of each.
//!
//! No more is kept than one block; what is not fetched waits in the instrument's
//! buffer. Logging runs beside whatever else the instrument is asked: it may be set,
//! read back and measured with meanwhile. When the next record begins is known from
//! between the command that begins the log and the answers that count its records
//! ([`crate::data_log_time`]).
//!
//! The instrument overwrites what is fetched too late, and says nothing. So a record
//! that has waited for half of what the buffer holds ends the log with an error, and so
//! do records that are fewer or more than the time is long.
//!
//! Not here: what the samples mean, and triggers.

use std::rc::Rc;
use std::time::Duration;

use hil_model::Quantity;
use hil_timebase::Nanos;

use crate::data_log_facts::DataLogFacts;
use crate::data_log_time::{Due, LAG};
use crate::dialect::Function;
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Move, Outcome};
use crate::samples::Samples;
use crate::scpi;
use crate::source::Source;

/// Most samples of one block.
pub const BLOCK: usize = 4096;
/// From one fetch to the next, while there is nothing more to fetch.
const LOOK: Duration = Duration::from_millis(20);
/// Bytes of a number.
const WIDTH: usize = 4;
/// A period that is read back is the one that was set within this share.
const SAME: f64 = 1e-5;

/// A log under way. One an instrument: another one ends it.
pub struct DataLog {
    source: Rc<Source>,
    facts: DataLogFacts,
    function: Function,
    period: Duration,
    /// Which of the instrument's logs this is.
    number: u64,
    /// When it was told to begin.
    told: Nanos,
    due: Due,
    /// The last fetch took less than a block: there was no more.
    emptied: bool,
    /// A fetch is under way. One whose answer did not arrive took records with it that
    /// nobody counted.
    fetching: bool,
}

impl DataLog {
    /// Begins a log of the voltage or the current, with the period that is nearest to
    /// this one.
    ///
    /// # Errors
    /// `Unsupported` for an instrument without or for another function, `OutOfRange`
    /// before anything is sent, `Refused`, `Readback`, and the link's.
    pub async fn start(source: Rc<Source>, function: Function, period: Duration) -> Result<Self, ClientError> {
        let driver = source.driver();
        let unsupported = || driver.link.error(ErrorKind::Unsupported { what: format!("log its {}", function.word()) });
        let facts = driver.dialect.data_log.clone().ok_or_else(unsupported)?;
        let chosen = facts.choose(function).ok_or_else(unsupported)?;
        let (least, most) = (facts.shortest_period, facts.longest_period);
        if !(least..=most).contains(&period) {
            let legal = format!("{} .. {}", seconds(least), seconds(most));
            return Err(driver.link.error(ErrorKind::OutOfRange { found: format!("a record every {}", seconds(period)), legal }));
        }
        let period = facts.period(period);
        let number = source.begins_log();
        let set = facts.set_period.with(period.as_secs_f64());
        let prepare: Vec<String> =
            [&facts.stop].into_iter().chain(chosen).chain(&facts.prepare).map(|c| c.text()).chain([set.clone()]).collect();
        let query = facts.query_period.text();
        let moves = prepare.iter().map(Move::tell).chain([Move::Errors, Move::ask(&query)]).collect();
        let outcomes = driver.run(Lane::Normal, moves).await?;
        let [.., Outcome::Errors(errors), Outcome::Answered { reply, .. }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
        driver.accepted(&prepare.join("; "), errors)?;
        let found = driver.number(&query, reply, "s")?;
        // A wrong period would make every time wrong.
        if (found - period.as_secs_f64()).abs() > period.as_secs_f64() * SAME {
            return Err(driver.link.error(ErrorKind::Readback { set, found: found.to_string() }));
        }
        let start = facts.start.text();
        let outcomes = driver.run(Lane::Normal, vec![Move::tell(&start), Move::Errors]).await?;
        let [Outcome::Told { at }, Outcome::Errors(errors)] = outcomes.as_slice() else { return Err(driver.incomplete()) };
        driver.accepted(&start, errors)?;
        let (told, due) = (*at, Due::after_the_start(*at));
        Ok(Self { source, facts, function, period, number, told, due, emptied: false, fetching: false })
    }

    /// From sample to sample, as the instrument has it.
    pub const fn period(&self) -> Duration {
        self.period
    }

    /// U (k = 2) of a sample of this value: that of a reading, in SI units.
    pub fn accuracy(&self, value: f64) -> Option<f64> {
        self.source.dialect().reading_uncertainty(self.function, 0.0, value)
    }

    /// Waits for the next samples, at most [`BLOCK`]. A future of it that is dropped
    /// while a fetch is under way ends the log, because that took samples with it.
    ///
    /// # Errors
    /// `Garbled` for samples that are missing or were waiting for too long, an overflow
    /// or what is no number, `NoAnswer` when none come, `Unsupported` once the log has
    /// ended, and the link's.
    pub async fn next(&mut self) -> Result<Samples, ClientError> {
        loop {
            self.goes_on()?;
            if self.emptied {
                self.source.driver().link.clock().sleep(LOOK).await;
            }
            self.fetching = true;
            let (asked, answered, values) = self.fetch().await?;
            self.judge(asked, answered, values.len())?;
            self.emptied = values.len() < BLOCK;
            self.fetching = false;
            let known = self.due.before(values.len(), self.period).filter(|_| !values.is_empty());
            if let Some((first, uncertainty)) = known {
                return Ok(Samples { first, uncertainty, interval: self.period, values });
            }
        }
    }

    /// Ends it, unless another one has.
    ///
    /// # Errors
    /// `Refused`, and the link's.
    pub async fn stop(self) -> Result<(), ClientError> {
        if self.source.last_log() == self.number {
            self.source.driver().write(Lane::Normal, self.facts.stop.text()).await?;
        }
        Ok(())
    }

    fn goes_on(&self) -> Result<(), ClientError> {
        let ended = if self.fetching {
            "go on with a log of which an answer was lost"
        } else if self.source.last_log() != self.number {
            "go on with a log that another one has ended"
        } else {
            return Ok(());
        };
        Err(self.source.driver().link.error(ErrorKind::Unsupported { what: ended.into() }))
    }

    /// Whether so many records can be all that there were, and what that says of the next.
    fn judge(&mut self, asked: Nanos, answered: Nanos, records: usize) -> Result<(), ClientError> {
        let driver = self.source.driver();
        let waited = self.due.waited(answered, self.period);
        // How much it holds is known roughly.
        let may_wait = self.facts.buffer / 2;
        if waited > may_wait {
            let answer = format!("records that had waited for {}", seconds(waited));
            return Err(self.wrong(answer, format!("none older than {}: it overwrites what is old", seconds(may_wait))));
        }
        let Some(due) = self.due.fetched(asked, answered, records, records < BLOCK, self.period) else {
            return Err(self.wrong(format!("{records} records"), format!("one for every {} since the last answer", seconds(self.period))));
        };
        self.due = due;
        let within = driver.link.settings().reply_within + self.period + LAG;
        if due.latest.is_none() && asked.since(self.told) > within {
            let limit_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            return Err(driver.link.error(ErrorKind::NoAnswer { command: self.facts.start.text(), limit_ms }));
        }
        Ok(())
    }

    /// The link is in order; what was logged is not.
    fn wrong(&self, answer: String, expected: String) -> ClientError {
        let command = self.facts.fetch.with(BLOCK as f64);
        self.source.driver().link.error(ErrorKind::Garbled { command, answer, expected })
    }

    /// When it was asked and answered, and what it had.
    async fn fetch(&self) -> Result<(Nanos, Nanos, Vec<f64>), ClientError> {
        let driver = self.source.driver();
        let query = self.facts.fetch.with(BLOCK as f64);
        let outcomes = driver.run(Lane::Normal, vec![Move::ask(&query)]).await?;
        let [Outcome::Answered { reply, asked, answered }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
        let numbers =
            scpi::block(reply).ok().map(|body| body.as_chunks::<WIDTH>()).filter(|(all, rest)| rest.is_empty() && all.len() <= BLOCK);
        let Some((numbers, _)) = numbers else {
            return Err(driver.garbled(&query, reply, &format!("a block of at most {BLOCK} numbers")));
        };
        let Some(most) = driver.dialect.read_range(self.function, 0.0).map(|row| row.max) else {
            return Err(driver.link.error(ErrorKind::Unsupported { what: format!("read its {}", self.function.word()) }));
        };
        let into = self.function == Function::Current && driver.dialect.quirks.sink_is_positive.is_some();
        let mut values = Vec::with_capacity(numbers.len());
        for bytes in numbers {
            let value = f64::from(f32::from_be_bytes(*bytes));
            scpi::sane(value).map_err(|why| driver.no_value(&query, value.to_string().as_bytes(), why))?;
            if value.abs() > most.si {
                return Err(driver.garbled(&query, value.to_string().as_bytes(), &format!("at most {most}")));
            }
            values.push(if into { -value } else { value });
        }
        Ok((*asked, *answered, values))
    }
}

fn seconds(duration: Duration) -> Quantity {
    Quantity::seconds(duration.as_secs_f64())
}
