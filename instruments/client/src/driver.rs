//! What sources and meters have in common: proving who answers and that nothing
//! befell it, verified writes, numbers out of replies.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use hil_model::Quantity;
use hil_timebase::Nanos;

use crate::dialect::{Dialect, Function, Identity, Verb};
use crate::error::{ClientError, ErrorKind, shown};
use crate::link::{Lane, Link, Move, Outcome};
use crate::scpi::{self, ErrorEntry, ReplyError};
use crate::template::Template;

/// Of the standard event status (IEEE 488.2 11.5.1): power on …
const POWER_ON: u16 = 1 << 7;
/// … and that, or an error of any kind.
const EVENTS: u16 = POWER_ON | 0b11_1100;

/// A command that was carried out and verified. The truth lies between the
/// two moments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Confirmed {
    /// The command was handed over.
    pub sent: Nanos,
    /// Its read-back was complete.
    pub confirmed: Nanos,
}

/// A number that an instrument measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Reading {
    /// In SI units; never NaN, never a sentinel.
    pub value: f64,
    /// The query was handed over.
    pub asked: Nanos,
    /// The reply was complete.
    pub answered: Nanos,
    /// Expanded uncertainty (k = 2) by the dialect's accuracy, in SI units.
    pub uncertainty: f64,
}

impl Reading {
    /// The middle between question and answer.
    pub fn at(&self) -> Nanos {
        self.asked + self.answered.since(self.asked) / 2
    }

    /// Half of the time between question and answer.
    pub fn half_width(&self) -> Duration {
        self.answered.since(self.asked) / 2
    }
}

/// One instrument behind its link.
pub(crate) struct Driver {
    pub(crate) link: Link,
    pub(crate) dialect: Rc<Dialect>,
    serial: String,
    identity: RefCell<Option<Identity>>,
}

impl Driver {
    pub(crate) fn new(link: Link, dialect: Rc<Dialect>, serial: &str) -> Self {
        Self { link, dialect, serial: serial.to_owned(), identity: RefCell::new(None) }
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        self.identity.borrow().clone()
    }

    /// The command for `verb`, with `value` in its field.
    pub(crate) fn command(&self, verb: Verb, value: f64) -> Result<String, ClientError> {
        let template = self.dialect.template(verb);
        template.map(|t| t.with(value)).ok_or_else(|| self.link.error(ErrorKind::Unsupported { what: verb.words() }))
    }

    /// As [`Link::run`], for this channel of an instrument that has to be told which
    /// one is meant.
    pub(crate) async fn run(&self, lane: Lane, mut moves: Vec<Move>) -> Result<Vec<Outcome>, ClientError> {
        let Some(select) = self.dialect.template(Verb::SelectChannel) else { return self.link.run(lane, moves).await };
        moves.insert(0, Move::tell(select.text()));
        let mut outcomes = self.link.run(lane, moves).await?;
        outcomes.remove(0);
        Ok(outcomes)
    }

    /// As [`Link::ask`], for this channel.
    pub(crate) async fn ask(&self, query: &str) -> Result<String, ClientError> {
        let outcomes = self.run(Lane::Normal, vec![Move::ask(query)]).await?;
        match outcomes.as_slice() {
            [Outcome::Answered { reply, .. }] => String::from_utf8(reply.clone()).map_err(|_| self.garbled(query, reply, "text")),
            _ => Err(self.incomplete()),
        }
    }

    /// As [`Self::ask`], several questions as one job.
    pub(crate) async fn ask_all(&self, queries: &[String]) -> Result<Vec<String>, ClientError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let outcomes = self.run(Lane::Normal, queries.iter().map(Move::ask).collect()).await?;
        if outcomes.len() != queries.len() {
            return Err(self.incomplete());
        }
        let text = |(query, outcome): (&String, Outcome)| match outcome {
            Outcome::Answered { reply, .. } => String::from_utf8(reply).map_err(|e| self.garbled(query, e.as_bytes(), "text")),
            _ => Err(self.incomplete()),
        };
        queries.iter().zip(outcomes).map(text).collect()
    }

    /// Tells it what the dialect has for `verb`; nothing where it has nothing.
    pub(crate) async fn prepare(&self, verb: Verb) -> Result<(), ClientError> {
        match self.dialect.template(verb) {
            Some(command) => self.write(Lane::Normal, command.text()).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether the reply to `verb` says yes: a bit of a register, a word of the
    /// model's, or 1 or ON.
    pub(crate) fn says_yes(&self, verb: Verb, query: &str, reply: &[u8]) -> Result<bool, ClientError> {
        let command = self.dialect.commands.get(&verb);
        if let Some(bit) = command.and_then(|c| c.bits.first()) {
            let found = scpi::register(reply).map_err(|_| self.garbled(query, reply, "a whole number"))?;
            return Ok(found >> bit & 1 == 1);
        }
        if command.and_then(|c| c.answer.as_ref()).is_some_and(|yes| reply.trim_ascii().eq_ignore_ascii_case(yes.as_bytes())) {
            return Ok(true);
        }
        scpi::boolean(reply).map_err(|_| self.garbled(query, reply, "0, 1, OFF or ON"))
    }

    /// Asks who it is.
    pub(crate) async fn who(&self) -> Result<Identity, ClientError> {
        let query = self.command(Verb::Identify, 0.0)?;
        let reply = self.link.ask(&query).await?;
        Identity::parse(&reply).ok_or_else(|| self.garbled(&query, reply.as_bytes(), "maker, model, serial, firmware"))
    }

    /// What its error queue holds, oldest first; empties it.
    pub(crate) async fn queued(&self) -> Result<Vec<String>, ClientError> {
        match self.run(Lane::Normal, vec![Move::Errors]).await?.as_slice() {
            [Outcome::Errors(errors)] => Ok(errors.iter().map(ToString::to_string).collect()),
            _ => Err(self.incomplete()),
        }
    }

    /// Asks who it is and compares that with the dialect and the expected
    /// serial number.
    pub(crate) async fn identify(&self) -> Result<Identity, ClientError> {
        let found = self.who().await?;
        let model = &self.dialect.identity;
        if !model.is(&found) || found.serial != self.serial {
            let expected = model.as_told(&self.serial);
            return Err(self.link.error(ErrorKind::WrongIdentity { found: found.to_string(), expected }));
        }
        *self.identity.borrow_mut() = Some(found.clone());
        Ok(found)
    }

    /// Who a model is that tells its serial number alone.
    pub(crate) fn with_serial(&self, serial: &str) -> Identity {
        let model = &self.dialect.identity;
        let (maker, model) = (model.maker.clone(), model.model.clone());
        Identity { maker, model, serial: serial.escape_default().to_string(), firmware: "not told".into() }
    }

    /// That it is the one expected, by its serial number.
    pub(crate) fn has_serial(&self, found: &Identity) -> Result<Identity, ClientError> {
        if found.serial != self.serial {
            let expected = self.dialect.identity.as_told(&self.serial);
            return Err(self.link.error(ErrorKind::WrongIdentity { found: found.to_string(), expected }));
        }
        *self.identity.borrow_mut() = Some(found.clone());
        Ok(found.clone())
    }

    /// Drops what befell the instrument before us: errors and events.
    pub(crate) async fn forget_the_past(&self) -> Result<(), ClientError> {
        self.link.run(Lane::Normal, vec![Move::Errors]).await?;
        let registers: Vec<String> = [self.events_query(), self.unregulated_query()].into_iter().flatten().collect();
        self.ask_all(&registers).await.map(drop)
    }

    fn events_query(&self) -> Option<String> {
        self.dialect.template(Verb::QueryEvents).map(Template::text)
    }

    fn unregulated_query(&self) -> Option<String> {
        self.dialect.quirks.unregulated.as_ref().map(|q| q.query.text())
    }

    /// That question and answer belonged together since `since`, that it is still
    /// who it was, that it was not switched on anew, refused nothing unseen, and
    /// that its output was held by its set values.
    pub(crate) async fn prove(&self, since: Nanos) -> Result<(), ClientError> {
        if self.link.had_trouble(since) {
            let cause = "question and answer have come apart since it was opened".into();
            return Err(self.link.error(ErrorKind::LinkLost { cause }));
        }
        self.identify().await?;
        if let Some(query) = self.events_query() {
            let events = self.register(&query).await?;
            if events & EVENTS != 0 {
                let found = if events & POWER_ON != 0 { "it was switched on anew" } else { "it refused something" };
                return Err(self.befallen(format!("{query} is {events}: {found}")));
            }
        }
        if let (Some(query), Some(quirk)) = (self.unregulated_query(), &self.dialect.quirks.unregulated) {
            let found = self.register(&query).await?;
            if found & quirk.bits != 0 {
                return Err(self.befallen(format!("{query} is {found}: its output was held by neither set value")));
            }
        }
        let outcomes = self.link.run(Lane::Normal, vec![Move::Errors]).await?;
        match outcomes.as_slice() {
            [Outcome::Errors(errors)] => self.accepted("nothing that we told it", errors),
            _ => Err(self.incomplete()),
        }
    }

    async fn register(&self, query: &str) -> Result<u16, ClientError> {
        let reply = self.link.ask(query).await?;
        reply.trim().parse().map_err(|_| self.garbled(query, reply.as_bytes(), "a whole number up to 65535"))
    }

    fn befallen(&self, found: String) -> ClientError {
        self.link.error(ErrorKind::Readback { set: "as it was opened".into(), found })
    }

    /// That set values are still what they were set to, each with its query.
    pub(crate) async fn still(&self, values: &[(Function, Verb, f64)]) -> Result<(), ClientError> {
        let queries = values.iter().map(|(_, query, _)| self.command(*query, 0.0)).collect::<Result<Vec<_>, _>>()?;
        let replies = self.ask_all(&queries).await?;
        for (((function, _, expected), query), reply) in values.iter().zip(&queries).zip(replies) {
            let resolution = self.dialect.set_range(*function).map_or(0.0, |r| r.resolution.si);
            let found = self.number(query, reply.as_bytes(), function.unit())?;
            // A NaN is none of them.
            if (found - expected).abs() <= resolution * (1.0 + 1e-9) {
                continue;
            }
            let quantity = |si: f64| Quantity::new(si, function.dimension()).to_string();
            return Err(self.link.error(ErrorKind::Readback { set: quantity(*expected), found: quantity(found) }));
        }
        Ok(())
    }

    /// As [`Self::write_and_ask`], once the output has followed, where the model says
    /// when: within `settling`, or it is an error.
    pub(crate) async fn write_and_settle(
        &self,
        command: String,
        settling: Duration,
        query: String,
    ) -> Result<(Confirmed, Vec<u8>), ClientError> {
        let Some(complete) = self.complete_query() else { return self.write_and_ask(Lane::Normal, command, query).await };
        let within = Some(settling + self.dialect.link.reply_within);
        let settled = Move::Ask { query: complete.clone(), within };
        let mut outcomes = self.run(Lane::Normal, vec![Move::tell(command.clone()), settled, Move::Errors, Move::ask(query)]).await?;
        match (outcomes.len() == 4).then(|| outcomes.remove(1)) {
            Some(Outcome::Answered { reply, .. }) if reply.trim_ascii() == b"1" => self.confirmed(&command, &outcomes),
            Some(Outcome::Answered { reply, .. }) => Err(self.garbled(&complete, &reply, "1")),
            _ => Err(self.incomplete()),
        }
    }

    /// What it is asked that answers when its output has followed.
    fn complete_query(&self) -> Option<String> {
        self.dialect.link.completes.as_ref()?;
        self.dialect.template(Verb::QueryComplete).map(Template::text)
    }

    /// Sends `command`, reads the error queue, asks `query`: one job, so that
    /// another's error is not taken for this one's.
    pub(crate) async fn write_and_ask(&self, lane: Lane, command: String, query: String) -> Result<(Confirmed, Vec<u8>), ClientError> {
        let outcomes = self.run(lane, vec![Move::tell(command.clone()), Move::Errors, Move::ask(query)]).await?;
        self.confirmed(&command, &outcomes)
    }

    fn confirmed(&self, command: &str, outcomes: &[Outcome]) -> Result<(Confirmed, Vec<u8>), ClientError> {
        match outcomes {
            [Outcome::Told { at }, Outcome::Errors(errors), Outcome::Answered { reply, answered, .. }] => {
                self.accepted(command, errors)?;
                Ok((Confirmed { sent: *at, confirmed: *answered }, reply.clone()))
            }
            _ => Err(self.incomplete()),
        }
    }

    /// Sends `command` and reads the error queue.
    pub(crate) async fn write(&self, lane: Lane, command: String) -> Result<Confirmed, ClientError> {
        let outcomes = self.run(lane, vec![Move::tell(command.clone()), Move::Errors]).await?;
        match outcomes.as_slice() {
            [Outcome::Told { at }, Outcome::Errors(errors)] => {
                self.accepted(&command, errors)?;
                Ok(Confirmed { sent: *at, confirmed: self.link.clock().now() })
            }
            _ => Err(self.incomplete()),
        }
    }

    /// The command that sets `function` to a value that it can have.
    pub(crate) fn in_range(&self, function: Function, set: Verb, value: f64) -> Result<String, ClientError> {
        let Some(range) = self.dialect.set_range(function) else {
            return Err(self.link.error(ErrorKind::Unsupported { what: set.words() }));
        };
        // Also refuses NaN.
        if !(range.min.si..=range.max.si).contains(&value) {
            let found = Quantity::new(value, function.dimension()).to_string();
            let legal = format!("{} .. {}", range.min, range.max);
            return Err(self.link.error(ErrorKind::OutOfRange { found, legal }));
        }
        self.command(set, value)
    }

    /// Sets `function` by `set`, verifies it by `query`.
    pub(crate) async fn set(&self, function: Function, set: Verb, query: Verb, value: f64) -> Result<Confirmed, ClientError> {
        let (command, query) = (self.in_range(function, set, value)?, self.command(query, 0.0)?);
        let resolution = self.dialect.set_range(function).map_or(0.0, |r| r.resolution.si);
        let quantity = |si: f64| Quantity::new(si, function.dimension()).to_string();
        let sent = self.dialect.template(set).map_or(value, |t| t.rounded(value));
        let (confirmed, reply) = self.write_and_settle(command, self.dialect.settling(function), query.clone()).await?;
        let found = self.number(&query, &reply, function.unit())?;
        if (found - sent).abs() > resolution * (1.0 + 1e-9) {
            return Err(self.link.error(ErrorKind::Readback { set: quantity(value), found: quantity(found) }));
        }
        Ok(confirmed)
    }

    /// Asks for a number.
    pub(crate) async fn ask_number(&self, verb: Verb, unit: &str) -> Result<f64, ClientError> {
        let query = self.command(verb, 0.0)?;
        let reply = self.ask(&query).await?;
        self.number(&query, reply.as_bytes(), unit)
    }

    /// Takes a reading: `moves` ends with the query.
    pub(crate) fn reading(&self, function: Function, range: f64, query: &str, answer: &Outcome) -> Result<Reading, ClientError> {
        let Outcome::Answered { reply, asked, answered } = answer else { return Err(self.incomplete()) };
        let mut value = self.number(query, reply, function.unit())?;
        if function == Function::Current && self.dialect.quirks.sink_is_positive.is_some() {
            value = -value;
        }
        if self.dialect.quirks.exponent.is_some() && !scpi::has_exponent(reply) {
            return Err(self.garbled(query, reply, "a number with an exponent"));
        }
        let Some(row) = self.dialect.read_range(function, range) else {
            return Err(self.link.error(ErrorKind::Unsupported { what: format!("read {function:?} in such a range") }));
        };
        if value.abs() > row.max.si {
            return Err(self.garbled(query, reply, &format!("at most {}", row.max)));
        }
        let uncertainty = self.dialect.reading_uncertainty(function, range, value).unwrap_or(f64::INFINITY);
        Ok(Reading { value, asked: *asked, answered: *answered, uncertainty })
    }

    pub(crate) fn number(&self, query: &str, reply: &[u8], unit: &str) -> Result<f64, ClientError> {
        let unit = if self.dialect.quirks.unit_suffix.is_some() { unit } else { "" };
        scpi::number(reply, unit).map_err(|e| match e {
            ReplyError::Overflow | ReplyError::NoValue => self.no_value(query, reply, e),
            _ => self.garbled(query, reply, if unit.is_empty() { "a number" } else { "a number with its unit" }),
        })
    }

    /// A reply that is in order, but no value: nothing is wrong with the link.
    pub(crate) fn no_value(&self, query: &str, reply: &[u8], why: ReplyError) -> ClientError {
        self.link.error(ErrorKind::Garbled { command: query.into(), answer: shown(reply), expected: format!("a number, not {why}") })
    }

    /// A reply that makes no sense; the link is cleared before its next use.
    pub(crate) fn garbled(&self, query: &str, reply: &[u8], expected: &str) -> ClientError {
        self.link.distrust();
        self.link.error(ErrorKind::Garbled { command: query.into(), answer: shown(reply), expected: expected.into() })
    }

    pub(crate) fn incomplete(&self) -> ClientError {
        self.link.error(ErrorKind::LinkLost { cause: "the link's task lost a reply".into() })
    }

    pub(crate) fn accepted(&self, command: &str, errors: &[ErrorEntry]) -> Result<(), ClientError> {
        if errors.is_empty() {
            return Ok(());
        }
        let answer = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Err(self.link.error(ErrorKind::Refused { command: command.into(), answer }))
    }
}
