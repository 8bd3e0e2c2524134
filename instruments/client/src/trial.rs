//! A trial of a dialect: what every instrument must do, tried on one. The same for a
//! virtual instrument and for the one on the table; what a dialect file claims is
//! true when this passes.

use std::rc::Rc;
use std::time::Duration;

use hil_model::Quantity;

use crate::data_log::DataLog;
use crate::dialect::{Dialect, Function, Kind, Verb};
use crate::driver::Driver;
use crate::error::{ClientError, ErrorKind};
use crate::link::{Lane, Link, Move, Outcome};
use crate::meter::Meter;
use crate::scpi;
use crate::source::{Load, Protection, Source};

/// No instrument has such a command.
const STRANGE: &str = "HILX:NOSUch";
/// How much of what a model can do is tried, so that nothing gets hot.
const GENTLY: f64 = 0.05;
/// No voltage above this is tried: it is safe to touch.
const MOST_VOLTS: f64 = 5.0;
/// Nor a current above this.
const MOST_AMPS: f64 = 0.1;
/// A log that is tried has this period, or the nearest that it can have, and so many
/// records.
const LOG_PERIOD: Duration = Duration::from_millis(1);
const LOGGED: usize = 100;
/// How long a question that nobody answers is waited for.
const SOON: Duration = Duration::from_millis(150);

/// One thing that was tried.
#[derive(Clone, PartialEq, Debug)]
pub struct Tried {
    /// What.
    pub what: &'static str,
    /// What was found, or what was wrong.
    pub found: Result<String, String>,
}

/// How far a trial may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// It may be set, and its output switched on, with little voltage and current;
    /// otherwise it is only asked.
    pub power: bool,
}

/// Tries one channel, whose dialect this is. Where it may be set, its output is off
/// afterwards and its protection as it was; otherwise nothing is changed but the error
/// queue, which is emptied.
pub async fn try_out(link: &Link, dialect: &Rc<Dialect>, reach: Reach) -> Vec<Tried> {
    let mut trial = Trial { link: link.clone(), dialect: Rc::clone(dialect), who: String::new(), done: Vec::new() };
    let Some(serial) = trial.identity().await else { return trial.done };
    trial.plain_replies().await;
    if dialect.kind != Kind::LedAnalyser {
        trial.attribution().await;
    }
    match dialect.kind {
        Kind::LedAnalyser => trial.leds().await,
        _ if !reach.power => trial.questions(&serial).await,
        Kind::Source | Kind::Load => trial.power(&serial).await,
        Kind::Meter => trial.meter(&serial).await,
        Kind::Scope => trial.scope().await,
    }
    trial.own_reply().await;
    trial.done
}

struct Trial {
    link: Link,
    dialect: Rc<Dialect>,
    /// What it said first of who it is.
    who: String,
    done: Vec<Tried>,
}

impl Trial {
    fn note(&mut self, what: &'static str, found: Result<String, ClientError>) {
        self.done.push(Tried { what, found: found.map_err(|e| e.to_string()) });
    }

    fn wrong(&mut self, what: &'static str, found: String) {
        self.done.push(Tried { what, found: Err(found) });
    }

    fn text(&self, verb: Verb, value: f64) -> String {
        self.dialect.template(verb).map_or_else(String::new, |t| t.with(value))
    }

    /// Its serial number, when it is the model that the dialect is for.
    async fn identity(&mut self) -> Option<String> {
        const WHAT: &str = "identity";
        let reply = match self.link.ask(&self.text(Verb::Identify, 0.0)).await {
            Ok(reply) => reply,
            Err(e) => {
                self.note(WHAT, Err(e));
                return None;
            }
        };
        self.who.clone_from(&reply);
        if self.dialect.kind == Kind::LedAnalyser {
            self.note(WHAT, Ok(format!("serial {}", reply.trim())));
            return Some(reply.trim().to_owned());
        }
        match crate::Identity::parse(&reply) {
            Some(who) if self.dialect.identity.is(&who) => {
                self.note(WHAT, Ok(who.to_string()));
                Some(who.serial)
            }
            _ => {
                let expected = self.dialect.identity.as_told("…");
                self.wrong(WHAT, format!("`{}`, expected {expected}", reply.trim().escape_default()));
                None
            }
        }
    }

    /// Whatever is asked next would be answered with a header otherwise. What it makes of
    /// that shows in the next answer.
    async fn plain_replies(&mut self) {
        if let Some(command) = self.dialect.template(Verb::PlainReplies) {
            let told = self.link.run(Lane::Normal, vec![Move::tell(command.text())]).await;
            if let Err(e) = told {
                self.note("plain replies", Err(e));
            }
        }
    }

    /// All that an instrument of its kind must answer, and nothing else.
    async fn questions(&mut self, serial: &str) {
        let driver = Driver::new(self.link.clone(), Rc::clone(&self.dialect), serial);
        let asked = async {
            let mut said = Vec::new();
            for verb in self.dialect.kind.needs().iter().filter(|v| v.is_question() && !matches!(v, Verb::Identify | Verb::QueryError)) {
                said.push(format!("{} {}", verb.words(), answer(&driver, *verb).await?));
            }
            let errors = driver.queued().await?;
            if !errors.is_empty() {
                let kind = ErrorKind::Refused { command: "a question".into(), answer: errors.join("; ") };
                return Err(self.link.error(kind));
            }
            Ok(said.join(", "))
        };
        let asked = asked.await;
        self.note("questions", asked);
    }

    /// What it refuses shows in its error queue, and what it took does not.
    async fn attribution(&mut self) {
        const WHAT: &str = "error queue";
        let identify = self.text(Verb::Identify, 0.0);
        let moves = vec![Move::Errors, Move::tell(STRANGE), Move::Errors, Move::ask(identify), Move::Errors];
        let found = match self.link.run(Lane::Normal, moves).await {
            Ok(outcomes) => outcomes,
            Err(e) => {
                self.note(WHAT, Err(e));
                return;
            }
        };
        match found.as_slice() {
            [_, _, Outcome::Errors(refused), _, Outcome::Errors(after)] if !refused.is_empty() && after.is_empty() => {
                self.note(WHAT, Ok(format!("refused `{STRANGE}` with {}", refused[0])));
            }
            [_, _, Outcome::Errors(refused), _, _] if refused.is_empty() => self.wrong(WHAT, format!("no entry after `{STRANGE}`")),
            _ => self.wrong(WHAT, "an entry after a question that it answered".into()),
        }
    }

    async fn power(&mut self, serial: &str) {
        // Low enough that what is tried cannot hurt, high enough that it does not trip.
        let level = |f, set, most: f64| self.dialect.set_range(f).filter(|_| self.dialect.can(set)).map(|r| most.clamp(r.min.si, r.max.si));
        let protection = Protection {
            over_voltage: level(Function::OverVoltage, Verb::SetOverVoltage, 2.0 * MOST_VOLTS),
            over_current: level(Function::OverCurrent, Verb::SetOverCurrent, 10.0 * MOST_AMPS),
        };
        let source = Rc::new(Source::new(self.link.clone(), Rc::clone(&self.dialect), serial, protection));
        let since = self.link.clock().now();
        let levels = match source.levels().await {
            Ok(levels) => levels,
            Err(e) => {
                self.note("open", Err(e));
                return;
            }
        };
        let opened = source.open().await.map(|_| "off, all set values at their smallest, protection read back".to_owned());
        let is_open = opened.is_ok();
        self.note("open", opened);
        if is_open {
            let held = self.set_values(&source).await && self.modes(&source).await;
            self.on_and_off(&source, held).await;
            self.data_log(&source).await;
        }
        let off = source.off_confirmed().await.map(|_| "confirmed by read-back".to_owned());
        self.note("off", off);
        let proved = source.prove(since).await.map(|()| "nothing befell it".to_owned());
        self.note("proof", proved);
        let put_back = async {
            source.put_back(levels).await?;
            source.release().await
        };
        let put_back = put_back.await.map(|()| "protection as it was".to_owned());
        self.note("put back", put_back);
    }

    /// Why its output may not be switched on: a model's smallest value may be too much.
    fn too_much(&self) -> Option<String> {
        let most = [(Function::Voltage, MOST_VOLTS), (Function::SourceLimit, MOST_AMPS), (Function::SinkLimit, MOST_AMPS)];
        most.into_iter().find_map(|(function, most)| {
            let level = self.gentle(function, most).filter(|level| *level > most)?;
            let quantity = |si| Quantity::new(si, function.dimension());
            Some(format!("not switched on: its smallest {} is {}, expected at most {}", function.word(), quantity(level), quantity(most)))
        })
    }

    fn gentle(&self, function: Function, most: f64) -> Option<f64> {
        self.dialect.set_range(function).map(|r| (r.max.si * GENTLY).min(most).max(r.min.si))
    }

    /// Whether all of them held.
    async fn set_values(&mut self, source: &Source) -> bool {
        let mut said = Vec::new();
        if let Some(volts) = self.gentle(Function::Voltage, MOST_VOLTS) {
            if let Err(e) = source.set_voltage(volts).await {
                self.note("set values", Err(e));
                return false;
            }
            said.push(Quantity::volts(volts).to_string());
        }
        let limit = self.gentle(Function::SourceLimit, MOST_AMPS);
        if let Some(amps) = limit {
            if let Err(e) = source.set_source_limit(amps).await {
                self.note("set values", Err(e));
                return false;
            }
            said.push(Quantity::amperes(amps).to_string());
        }
        if let Some(amps) = self.gentle(Function::SinkLimit, MOST_AMPS) {
            if let Err(e) = source.set_sink_limit(amps).await {
                self.note("set values", Err(e));
                return false;
            }
            said.push(format!("{} into it", Quantity::amperes(amps)));
        }
        self.note("set values", Ok(said.join(", ") + ", each read back"));
        true
    }

    /// What else a load can do; back to a current at the end. Whether that went well.
    async fn modes(&mut self, source: &Source) -> bool {
        if self.dialect.kind != Kind::Load {
            return true;
        }
        let mut words = vec!["current"];
        let range = |f| self.dialect.set_range(f);
        let mut all = Vec::new();
        if let (true, Some(r)) = (self.dialect.can(Verb::SetLoadVoltage), range(Function::LoadVoltage)) {
            all.push(("voltage", Load::Voltage(r.max.si * GENTLY)));
        }
        if let (true, Some(r)) = (self.dialect.can(Verb::SetLoadResistance), range(Function::LoadResistance)) {
            all.push(("resistance", Load::Resistance(r.max.si * GENTLY)));
        }
        if let (true, Some(r)) = (self.dialect.can(Verb::SetLoadPower), range(Function::LoadPower)) {
            all.push(("power", Load::Power(r.max.si * GENTLY)));
        }
        all.push(("", Load::Current(self.gentle(Function::SinkLimit, MOST_AMPS).unwrap_or(0.0))));
        for (word, load) in all {
            if let Err(e) = source.set_load(load).await {
                self.note("modes", Err(e));
                return false;
            }
            if !word.is_empty() {
                words.push(word);
            }
        }
        self.note("modes", Ok(words.join(", ")));
        true
    }

    /// Only when all set values `held`: nobody knows what would come out of it otherwise.
    async fn on_and_off(&mut self, source: &Source, held: bool) {
        if !held {
            self.wrong("output", "not switched on: its set values did not hold".into());
            return;
        }
        if let Some(why) = self.too_much() {
            self.wrong("output", why);
            return;
        }
        let tried = async {
            source.output(true).await?;
            let settle = self.dialect.sets.iter().map(|r| r.settle).max().unwrap_or_default();
            self.link.clock().sleep(settle).await;
            let (volts, amps) = (source.volts().await?, source.amps().await?);
            source.output(false).await?;
            Ok(format!("on, {} and {} read, off", Quantity::volts(volts.value), Quantity::amperes(amps.value)))
        };
        let tried = tried.await;
        self.note("output", tried);
    }

    /// Of voltage and current, while it is measured with.
    async fn data_log(&mut self, source: &Rc<Source>) {
        let Some(facts) = &self.dialect.data_log else { return };
        let period = LOG_PERIOD.clamp(facts.shortest_period, facts.longest_period);
        let tried = async {
            let mut said = Vec::new();
            for function in [Function::Voltage, Function::Current] {
                let mut log = DataLog::start(Rc::clone(source), function, period).await?;
                let (mut count, mut known) = (0, Duration::MAX);
                while count < LOGGED {
                    let samples = log.next().await?;
                    source.volts().await?;
                    (count, known) = (count + samples.values.len(), samples.uncertainty);
                }
                let (own, known) = (Quantity::seconds(log.period().as_secs_f64()), Quantity::seconds(known.as_secs_f64()));
                log.stop().await?;
                said.push(format!("{} every {own}, known to {known}", function.word()));
            }
            Ok(said.join("; "))
        };
        let tried = tried.await;
        self.note("data log", tried);
    }

    async fn meter(&mut self, serial: &str) {
        let meter = Meter::new(self.link.clone(), Rc::clone(&self.dialect), serial, 1.0);
        let opened = meter.open().await.map(|_| "a DC voltmeter at 1 PLC, read back".to_owned());
        let is_open = opened.is_ok();
        self.note("open", opened);
        if !is_open {
            return;
        }
        let ranges = self.dialect.reads.iter().filter(|r| r.function == Function::DcVoltage).map(|r| r.range.si);
        let largest = ranges.fold(0.0, f64::max);
        let read = meter.read_volts(largest).await;
        let read = read.map(|r| format!("{} in the {} range", Quantity::volts(r.value), Quantity::volts(largest)));
        self.note("measure", read);
    }

    async fn scope(&mut self) {
        for (what, set, query, function) in [
            ("scale", Verb::SetScale, Verb::QueryScale, Function::Scale),
            ("timebase", Verb::SetTimebase, Verb::QueryTimebase, Function::Timebase),
        ] {
            let value = if function == Function::Scale { 1.0 } else { 0.01 };
            let (command, question) = (self.text(set, value), self.text(query, 0.0));
            let moves = vec![Move::tell(command.clone()), Move::Errors, Move::ask(question)];
            match self.link.run(Lane::Normal, moves).await.as_deref() {
                Ok([_, Outcome::Errors(errors), Outcome::Answered { reply, .. }]) => match (errors.first(), scpi::number(reply, "")) {
                    (None, Ok(found)) if (found - value).abs() <= value * 1e-3 => {
                        self.note(what, Ok(format!("`{command}` read back")));
                    }
                    (Some(error), _) => self.wrong(what, format!("`{command}`: {error}")),
                    (None, found) => self.wrong(what, format!("`{command}` reads back as {found:?}")),
                },
                Ok(_) => self.wrong(what, "the link's task lost a reply".into()),
                Err(e) => {
                    let e = e.clone();
                    self.note(what, Err(e));
                }
            }
        }
        let select = self.dialect.template(Verb::SelectWaveform).map(|t| Move::tell(t.text()));
        let fetch = Move::ask(self.text(Verb::FetchWaveform, 0.0));
        match self.link.run(Lane::Normal, select.into_iter().chain([fetch]).collect()).await.as_deref() {
            Ok([.., Outcome::Answered { reply, .. }]) => match scpi::block(reply) {
                Ok(samples) => self.note("waveform", Ok(format!("a block of {} bytes", samples.len()))),
                Err(e) => self.wrong("waveform", format!("{e}, expected a block")),
            },
            Ok(_) => self.wrong("waveform", "the link's task lost a reply".into()),
            Err(e) => {
                let e = e.clone();
                self.note("waveform", Err(e));
            }
        }
    }

    async fn leds(&mut self) {
        let (capture, colour) = (self.text(Verb::Capture, 0.0), self.text(Verb::ReadColour, 1.0));
        let within = Some(Duration::from_secs(3));
        let moves = vec![Move::Ask { query: capture, within }, Move::ask(colour)];
        match self.link.run(Lane::Normal, moves).await.as_deref() {
            Ok([Outcome::Answered { reply: done, .. }, Outcome::Answered { reply, .. }]) if done == b"OK" => {
                match crate::led::Light::parse(reply) {
                    Some(light) => self.note("capture", Ok(format!("{light:?}"))),
                    None => self.wrong("capture", format!("`{}`, expected a colour", reply.escape_ascii())),
                }
            }
            Ok(found) => self.wrong("capture", format!("{found:?}, expected OK and a colour")),
            Err(e) => {
                let e = e.clone();
                self.note("capture", Err(e));
            }
        }
    }

    /// After a question that nobody answers, the next one gets its own reply.
    async fn own_reply(&mut self) {
        const WHAT: &str = "own reply";
        let strange = format!("{STRANGE}?");
        let lost = self.link.run(Lane::Normal, vec![Move::Ask { query: strange.clone(), within: Some(SOON) }]).await;
        match lost {
            Err(ClientError { kind: ErrorKind::NoAnswer { .. }, .. }) => {}
            Err(e) => {
                self.note(WHAT, Err(e));
                return;
            }
            Ok(found) => return self.wrong(WHAT, format!("`{strange}` was answered: {found:?}")),
        }
        match self.link.ask(&self.text(Verb::Identify, 0.0)).await {
            Ok(reply) if reply != self.who => {
                self.wrong(WHAT, format!("after a time-out, `{}`, expected `{}`", reply.escape_default(), self.who.escape_default()));
            }
            own => {
                self.note(WHAT, own.map(|reply| format!("after a time-out, `{}`", reply.trim())));
            }
        }
    }
}

/// The answer to a question that has no value in it, if it is of the form it must have.
async fn answer(driver: &Driver, verb: Verb) -> Result<String, ClientError> {
    let query = driver.command(verb, 0.0)?;
    let outcomes = driver.run(Lane::Normal, vec![Move::ask(query.clone())]).await?;
    let [Outcome::Answered { reply, .. }] = outcomes.as_slice() else { return Err(driver.incomplete()) };
    match verb {
        Verb::QueryOutput => Ok(if driver.says_yes(verb, &query, reply)? { "on" } else { "off" }.into()),
        Verb::QueryFunction => Ok(String::from_utf8_lossy(reply).trim().escape_default().to_string()),
        Verb::FetchWaveform => match scpi::block(reply) {
            Ok(samples) => Ok(format!("a block of {} bytes", samples.len())),
            Err(_) => Err(driver.garbled(&query, reply, "a block")),
        },
        Verb::ReadCurrent | Verb::QuerySourceLimit | Verb::QuerySinkLimit => Ok(driver.number(&query, reply, "A")?.to_string()),
        _ => Ok(driver.number(&query, reply, "V")?.to_string()),
    }
}
