//! The virtual instrument of any model that a dialect file describes: what its
//! commands set, it sets; what they ask, it answers, with the model's refusals,
//! units, resolution and latency, and the physics at the terminals.
//!
//! It knows what the drivers use: set values, output, readings, protection, modes of
//! loads, a scope's scales and its single shot, a data log, the remote lock. Not here:
//! lists, transients, digitizers, watchdogs (such a command is refused as
//! unknown). A scope's samples before its first shot are the present voltage.

mod acquisition;
mod channel;
mod data_log;
mod pattern;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::dialect::Verb;
use hil_client::template::Template;
use hil_client::{Dialect, Function, Kind};
use hil_timebase::{Clock, Nanos};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scpi::Root;
use scpi::tree::prelude::*;
use scpi_contrib::scpi1999::prelude::*;
use scpi_contrib::{
    ieee488_cls, ieee488_ese, ieee488_esr, ieee488_opc, ieee488_rst, ieee488_sre, ieee488_stb, ieee488_tst, ieee488_wai, scpi_status,
};

use crate::terminals::Terminals;
use crate::unit::{Behaviour, Unit, run_tree};
use acquisition::Acquisition;
use channel::{Channel, Mode, Trip};
use data_log::Wish;
use pattern::{Pattern, Unit as Said};

/// Mains frequency, whose periods a meter's aperture counts.
const MAINS_HZ: f64 = 50.0;
/// Samples in a scope's block.
const SAMPLES: usize = 1000;
/// A scope's samples are so many of its divisions from top to bottom.
const DIVISIONS: f64 = 8.0;

/// What a message can mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    /// A command of the dialect, for a channel counted from 0.
    Verb(Verb, usize),
    /// Of a channel's data log.
    Log(Wish, usize),
    TakeLock,
    LockOwner,
    ReleaseLock,
    KeepLink,
    Language,
    Unregulated,
}

pub(crate) struct Generic {
    idn: String,
    dialect: Rc<Dialect>,
    patterns: Vec<(Meaning, Pattern)>,
    channels: Vec<Channel>,
    clock: Clock,
    rng: ChaCha8Rng,
    /// The channel that commands without one mean, counted from 0.
    selected: usize,
    locked: bool,
    remote: bool,
    keeps_link: bool,
    inhibited: bool,
    /// Its answers have no header.
    plain: bool,
    /// The channel whose samples are fetched, counted from 0.
    shown: usize,
    acquisition: Acquisition,
    /// Its power stage gives less than is set, and that it did since this was last asked.
    derated: bool,
    unregulated: bool,
    nplc: f64,
    range: f64,
    /// A reading is under way since.
    reading: Option<Nanos>,
    /// Its outputs have followed what was set, and somebody wants to hear of it.
    settled: Nanos,
    awaited: bool,
}

impl Generic {
    /// The model's channels, of which `clamped`, counted from 1, is clamped to the
    /// terminals.
    pub(crate) fn new(
        dialect: &Rc<Dialect>,
        clamped: u32,
        who: (&str, &str),
        terminals: &Arc<dyn Terminals>,
        clock: Clock,
        seed: u64,
    ) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let channel = |number: u32| {
            let terminals = terminals.probe(number).or_else(|| (number == clamped).then(|| Arc::clone(terminals)));
            Channel::new(dialect.for_channel(number), terminals, &mut rng)
        };
        let channels: Vec<Channel> = (1..=dialect.channels).map(channel).collect();
        let acquisition = if dialect.kind == Kind::Scope { Acquisition::new(dialect.channels, &mut rng) } else { Acquisition::default() };
        let identity = &dialect.identity;
        let idn = format!("{},{},{},{}", identity.idn_maker, identity.idn_model, who.0, who.1);
        let needs_remote = dialect.can(Verb::Remote);
        Self {
            idn,
            patterns: patterns(dialect, &channels),
            dialect: Rc::clone(dialect),
            channels,
            clock,
            rng,
            selected: 0,
            locked: false,
            remote: !needs_remote,
            keeps_link: false,
            inhibited: false,
            plain: !dialect.can(Verb::PlainReplies),
            shown: 0,
            acquisition,
            derated: false,
            unregulated: false,
            nplc: 1.0,
            range: 0.0,
            reading: None,
            settled: Nanos::ZERO,
            awaited: false,
        }
    }

    /// What is said, and the values in it.
    fn understand(&self, said: &Said) -> Option<(Meaning, Vec<f64>)> {
        self.patterns.iter().find_map(|(meaning, pattern)| Some((*meaning, pattern.values(said)?)))
    }

    /// Whoever commands must have the lock, and have said that he commands from afar.
    fn may_command(&self) -> Result<(), ErrorCode> {
        if self.dialect.quirks.remote_lock.is_some() && !self.locked {
            return Err(ErrorCode::InvalidWhileInLocal);
        }
        if self.remote { Ok(()) } else { Err(ErrorCode::CommandProtected) }
    }

    fn set(&mut self, channel: usize, function: Function, values: &[f64]) -> Result<Vec<u8>, ErrorCode> {
        self.may_command()?;
        let value = values.first().copied().ok_or(ErrorCode::MissingParameter)?;
        let after = self.following(function);
        if !self.channels[channel].set(function, value, after.map(|d| (&self.clock, d))) {
            return Err(ErrorCode::DataOutOfRange);
        }
        Ok(Vec::new())
    }

    /// How long the output takes to follow, where the model says when it has; other
    /// outputs follow at once.
    fn following(&mut self, function: Function) -> Option<Duration> {
        self.dialect.link.completes.as_ref()?;
        let after = self.dialect.set_range(function)?.settle.mul_f64(self.rng.random_range(0.2..0.9));
        self.settled = self.settled.max(self.clock.now() + after);
        Some(after)
    }

    fn switch(&mut self, channel: usize, on: bool) -> Result<Vec<u8>, ErrorCode> {
        self.may_command()?;
        if on && (self.inhibited || self.channels[channel].tripped.is_some()) {
            return Err(ErrorCode::SettingsConflict);
        }
        let after = if on { self.following(Function::Voltage) } else { None };
        self.channels[channel].switch(on, after.map(|d| (&self.clock, d)));
        Ok(Vec::new())
    }

    /// Does a command of the dialect; what it replies.
    fn carry_out(&mut self, verb: Verb, channel: usize, values: &[f64]) -> Result<Vec<u8>, ErrorCode> {
        if let Some((_, mode)) = Mode::ALL.iter().find(|(v, _)| *v == verb) {
            self.may_command()?;
            self.channels[channel].mode = *mode;
            self.channels[channel].drive();
            return Ok(Vec::new());
        }
        if let Some(function) = set_by(verb) {
            return self.set(channel, function, values);
        }
        if let Some(function) = asked_by(verb) {
            let value = self.channels[channel].get(function);
            return Ok(self.number(channel, function, value, false));
        }
        match verb {
            Verb::Identify => Ok(self.idn.clone().into_bytes()),
            Verb::Remote => self.done(|it| it.remote = true),
            Verb::PlainReplies => self.done(|it| it.plain = true),
            Verb::SelectWaveform => self.done(|it| it.shown = channel),
            Verb::VoltagePriority | Verb::SenseRemote | Verb::WaveformBytes => Ok(Vec::new()),
            Verb::OutputOn => self.switch(channel, true),
            Verb::OutputOff => self.switch(channel, false),
            Verb::QueryOutput => Ok(self.output(channel)),
            Verb::EnableOverVoltage => self.done(|it| it.channels[channel].over_voltage = true),
            Verb::EnableOverCurrent => self.done(|it| it.channels[channel].over_current = true),
            Verb::QueryOverVoltageTripped => Ok(self.word(verb, self.channels[channel].tripped == Some(Trip::Voltage))),
            Verb::QueryOverCurrentTripped => Ok(self.word(verb, self.channels[channel].tripped == Some(Trip::Current))),
            Verb::ClearProtection => self.done(|it| it.channels[channel].tripped = None),
            Verb::ReadVoltage => Ok(self.measured(channel, Function::Voltage)),
            Verb::ReadCurrent => Ok(self.measured(channel, Function::Current)),
            Verb::ReadPower => Ok(self.power(channel)),
            Verb::SetFunction => Ok(Vec::new()),
            Verb::QueryFunction => Ok(self.function()),
            Verb::SetRange => self.set_range(values),
            Verb::QueryRange => Ok(self.range.to_string().into_bytes()),
            Verb::SetAperture => self.set_aperture(values),
            Verb::QueryAperture => Ok(self.nplc.to_string().into_bytes()),
            Verb::Read => self.done(|it| it.reading = Some(it.clock.now())),
            // In the middle, as it is after the start.
            Verb::SetOffset if values.first() == Some(&0.0) => Ok(Vec::new()),
            Verb::SetTriggerLevel => self.done(|it| it.acquisition.level = values.first().copied().unwrap_or(0.0)),
            Verb::Single => self.done(|it| it.acquisition.single(it.clock.now())),
            Verb::Stop => self.done(|it| it.acquisition.stop()),
            Verb::QueryAcquisition => {
                self.look();
                Ok(self.word(verb, self.acquisition.stopped()))
            }
            Verb::QueryPreamble => self.acquisition.preamble(self.shown).ok_or(ErrorCode::SettingsConflict),
            Verb::FetchWaveform if self.dialect.can(Verb::SelectWaveform) => Ok(self.waveform(self.shown)),
            Verb::FetchWaveform => Ok(self.waveform(channel)),
            _ => Err(ErrorCode::UndefinedHeader),
        }
    }

    fn log(&mut self, channel: usize, wish: Wish, values: &[f64]) -> Result<Vec<u8>, ErrorCode> {
        let now = self.clock.now();
        let Wish::Prepare(n) = wish else { return self.channels[channel].log(wish, values, now, &mut self.rng) };
        // What does not name a channel is for all of them.
        let said = self.channels[channel].prepares(n);
        for other in self.channels.iter_mut().filter(|c| c.prepares(n) == said) {
            other.log(wish, values, now, &mut self.rng)?;
        }
        Ok(Vec::new())
    }

    fn done(&mut self, act: impl FnOnce(&mut Self)) -> Result<Vec<u8>, ErrorCode> {
        act(self);
        Ok(Vec::new())
    }

    /// Whether its output is on, as its model says it.
    fn output(&self, channel: usize) -> Vec<u8> {
        let bits = |c: &Channel| c.dialect.commands.get(&Verb::QueryOutput).and_then(|q| q.bits.first().copied());
        if bits(&self.channels[channel]).is_none() {
            return self.word(Verb::QueryOutput, self.channels[channel].on);
        }
        let register: u32 = self.channels.iter().filter(|c| c.on).filter_map(bits).map(|bit| 1 << bit).sum();
        format!("0x{register:x}").into_bytes()
    }

    fn word(&self, verb: Verb, yes: bool) -> Vec<u8> {
        let own = self.dialect.commands.get(&verb).and_then(|c| c.answer.as_deref());
        match (own, yes) {
            (Some(word), true) => word.into(),
            (Some(_), false) => b"NO".into(),
            (None, yes) => if yes { b"1" } else { b"0" }.into(),
        }
    }

    fn measured(&mut self, channel: usize, function: Function) -> Vec<u8> {
        let value = self.channels[channel].measured(function, &mut self.rng);
        self.number(channel, function, value, true)
    }

    fn power(&mut self, channel: usize) -> Vec<u8> {
        let volts = self.channels[channel].measured(Function::Voltage, &mut self.rng);
        let amps = self.channels[channel].measured(Function::Current, &mut self.rng);
        format!("{:.3}{}", volts * amps, if self.dialect.quirks.unit_suffix.is_some() { "W" } else { "" }).into_bytes()
    }

    /// The word in quotes of the command that makes it a voltmeter.
    fn function(&self) -> Vec<u8> {
        let set = self.dialect.template(Verb::SetFunction).map_or_else(String::new, Template::text);
        format!("\"{}\"", set.split('"').nth(1).unwrap_or("VOLT")).into_bytes()
    }

    fn set_range(&mut self, values: &[f64]) -> Result<Vec<u8>, ErrorCode> {
        let volts = values.first().copied().ok_or(ErrorCode::MissingParameter)?;
        let row = self.channels[0].row(Function::DcVoltage, volts).ok_or(ErrorCode::DataOutOfRange)?;
        self.range = row.range.si;
        Ok(Vec::new())
    }

    fn set_aperture(&mut self, values: &[f64]) -> Result<Vec<u8>, ErrorCode> {
        let nplc = values.first().copied().filter(|n| (0.0005..=100.0).contains(n)).ok_or(ErrorCode::DataOutOfRange)?;
        self.nplc = nplc;
        Ok(Vec::new())
    }

    /// A number as the model writes it.
    fn number(&self, channel: usize, function: Function, value: f64, is_reading: bool) -> Vec<u8> {
        let channel = &self.channels[channel];
        let resolution = channel.dialect.set_range(function).map(|r| r.resolution.si);
        let resolution = channel.row(function, 0.0).filter(|_| is_reading).map(|r| r.resolution.si).or(resolution).unwrap_or(1e-6);
        let unit = if self.dialect.quirks.unit_suffix.is_some() { function.unit() } else { "" };
        let places = (-resolution.log10()).ceil().clamp(0.0, 12.0) as usize;
        let text = if self.dialect.quirks.exponent.is_some() && is_reading { nr3(value) } else { format!("{value:.places$}") };
        (text + unit).into_bytes()
    }

    /// Brings a scope's acquisition to the present.
    fn look(&mut self) {
        let timebase = self.channels.first().map_or(0.0, |c| c.get(Function::Timebase));
        let probes: Vec<_> = self.channels.iter().map(|c| (c.terminals(), c.get(Function::Scale))).collect();
        self.acquisition.look(self.clock.now(), timebase, &probes, &mut self.rng);
    }

    /// One block of bytes: of the last shot, or the present voltage, in the middle
    /// for zero.
    fn waveform(&mut self, channel: usize) -> Vec<u8> {
        if let Some(bytes) = self.acquisition.bytes(channel) {
            return [format!("#9{:09}", bytes.len()).as_bytes(), bytes].concat();
        }
        let scale = self.channels[channel].get(Function::Scale).max(1e-9);
        let volts = self.channels[channel].terminals().map_or(0.0, |t| t.volts());
        let level = (128.0 + volts / (scale * DIVISIONS) * 256.0).round().clamp(0.0, 255.0) as u8;
        let mut block = format!("#9{SAMPLES:09}").into_bytes();
        block.extend((0..SAMPLES).map(|_| level.saturating_add(self.rng.random_range(0..2))));
        block
    }

    fn answer(&mut self, said: &Said) -> Option<Result<Vec<u8>, ErrorCode>> {
        let (meaning, values) = self.understand(said)?;
        Some(match meaning {
            Meaning::Verb(Verb::SelectChannel, channel) => self.done(|it| it.selected = channel),
            Meaning::Verb(verb, channel) => {
                let channel = if self.dialect.can(Verb::SelectChannel) { self.selected } else { channel };
                let reply = self.carry_out(verb, channel, &values);
                if verb == Verb::Identify { reply } else { reply.map(|reply| self.headed(said, reply)) }
            }
            Meaning::Log(wish, channel) => {
                let channel = if self.dialect.can(Verb::SelectChannel) { self.selected } else { channel };
                self.log(channel, wish, &values)
            }
            Meaning::TakeLock => self.done(|it| it.locked = true),
            Meaning::ReleaseLock => self.done(|it| it.locked = false),
            Meaning::LockOwner => {
                let ours = self.dialect.quirks.remote_lock.as_ref().map_or("", |lock| lock.ours.as_str());
                Ok(if self.locked { ours } else { "NONE" }.into())
            }
            Meaning::KeepLink => self.done(|it| it.keeps_link = true),
            Meaning::Language => Ok(self.dialect.quirks.language.as_ref().map_or("", |l| l.expected.as_str()).into()),
            Meaning::Unregulated => {
                let bits = self.dialect.quirks.unregulated.as_ref().filter(|_| self.unregulated).map_or(0, |u| u.bits);
                self.unregulated = self.derated;
                Ok(bits.to_string().into_bytes())
            }
        })
    }

    /// A reply behind the header of its question, until plain ones were asked for.
    fn headed(&self, said: &Said, reply: Vec<u8>) -> Vec<u8> {
        if self.plain || reply.is_empty() { reply } else { [said.header().as_slice(), b" ", &reply].concat() }
    }
}

/// Everything that can be said to it, each with its meaning.
fn patterns(dialect: &Dialect, channels: &[Channel]) -> Vec<(Meaning, Pattern)> {
    let mut all = Vec::new();
    for (at, channel) in channels.iter().enumerate() {
        for (verb, command) in &channel.dialect.commands {
            // The status is everybody's.
            let shared =
                matches!(verb, Verb::Clear | Verb::QueryError | Verb::QueryEvents | Verb::QueryComplete | Verb::Reset | Verb::Trigger);
            all.extend(Pattern::of(&command.send).filter(|_| !shared).map(|p| (Meaning::Verb(*verb, at), p)));
        }
        let log = channel.dialect.data_log.iter().flat_map(data_log::patterns);
        all.extend(log.map(|(wish, pattern)| (Meaning::Log(wish, at), pattern)));
    }
    let mut quirk = |meaning, template: Option<&Template>| all.extend(template.and_then(Pattern::of).map(|p| (meaning, p)));
    let quirks = &dialect.quirks;
    quirk(Meaning::TakeLock, quirks.remote_lock.as_ref().map(|l| &l.take));
    quirk(Meaning::LockOwner, quirks.remote_lock.as_ref().map(|l| &l.query));
    quirk(Meaning::ReleaseLock, quirks.remote_lock.as_ref().map(|l| &l.release));
    quirk(Meaning::KeepLink, quirks.idle_close.as_ref().map(|i| &i.disable));
    quirk(Meaning::Language, quirks.language.as_ref().map(|l| &l.query));
    quirk(Meaning::Unregulated, quirks.unregulated.as_ref().map(|u| &u.query));
    all
}

/// The set value that a command sets.
const fn set_by(verb: Verb) -> Option<Function> {
    Some(match verb {
        Verb::SetVoltage => Function::Voltage,
        Verb::SetSourceLimit => Function::SourceLimit,
        Verb::SetSinkLimit => Function::SinkLimit,
        Verb::SetOverVoltage => Function::OverVoltage,
        Verb::SetOverCurrent | Verb::SetSinkOverCurrent => Function::OverCurrent,
        Verb::SetLoadVoltage => Function::LoadVoltage,
        Verb::SetLoadResistance => Function::LoadResistance,
        Verb::SetLoadPower => Function::LoadPower,
        Verb::SetScale => Function::Scale,
        Verb::SetTimebase => Function::Timebase,
        _ => return None,
    })
}

/// The set value that a query asks for.
const fn asked_by(verb: Verb) -> Option<Function> {
    Some(match verb {
        Verb::QueryVoltage => Function::Voltage,
        Verb::QuerySourceLimit => Function::SourceLimit,
        Verb::QuerySinkLimit => Function::SinkLimit,
        Verb::QueryOverVoltage => Function::OverVoltage,
        Verb::QueryOverCurrent | Verb::QuerySinkOverCurrent => Function::OverCurrent,
        Verb::QueryLoadVoltage => Function::LoadVoltage,
        Verb::QueryLoadResistance => Function::LoadResistance,
        Verb::QueryLoadPower => Function::LoadPower,
        Verb::QueryScale => Function::Scale,
        Verb::QueryTimebase => Function::Timebase,
        _ => return None,
    })
}

/// With a sign and an exponent of two digits: `+1.28000000E+01`.
fn nr3(value: f64) -> String {
    let text = format!("{value:+.8e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{digits}E{exponent:+03}")
}

/// The units of a message; a semicolon in quotes is none between them.
fn units(message: &[u8]) -> Vec<&[u8]> {
    let mut quote = None;
    let split = |b: &u8| match quote {
        Some(q) => {
            if *b == q {
                quote = None;
            }
            false
        }
        None => {
            if matches!(b, b'"' | b'\'') {
                quote = Some(*b);
            }
            *b == b';'
        }
    };
    message.split(split).map(<[u8]>::trim_ascii).filter(|unit| !unit.is_empty()).collect()
}

impl Behaviour for Generic {
    fn idn(&self) -> &str {
        &self.idn
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.reset();
        }
        self.nplc = 1.0;
        self.range = 0.0;
        self.acquisition.stop();
    }

    fn run(unit: &mut Unit<Self>, message: &[u8], out: &mut Vec<u8>) {
        let mut path = Vec::new();
        for text in units(message) {
            let mut reply = Vec::new();
            match Said::read(text, &path) {
                Err(code) => return unit.handle_error(code.into()),
                Ok(said) => {
                    path = said.path(path);
                    match unit.behaviour.answer(&said) {
                        Some(Ok(found)) => reply = found,
                        Some(Err(code)) => unit.push_error(code.into()),
                        None if is(&said, Verb::QueryError, &unit.behaviour.dialect) => {
                            let entry = next_error(unit);
                            reply = unit.behaviour.headed(&said, entry);
                        }
                        None => {
                            unit.behaviour.awaited |= is(&said, Verb::QueryComplete, &unit.behaviour.dialect);
                            run_tree(&COMMON, unit, text, &mut reply);
                        }
                    }
                    // The reading's reply comes when it is over.
                    let owes = said.is_question() && unit.behaviour.reading.is_none();
                    if reply.is_empty() && owes && unit.num_errors() == 0 {
                        unit.push_error(ErrorCode::QueryError.into());
                    }
                }
            }
            if reply.last() == Some(&b'\n') && !reply.starts_with(b"#") {
                reply.pop();
            }
            if !reply.is_empty() {
                if out.last() == Some(&b'\n') {
                    out.pop();
                    out.push(b';');
                }
                out.extend_from_slice(&reply);
                out.push(b'\n');
            }
        }
    }

    /// A tenth to all of what its dialect says.
    fn latency(&mut self) -> Duration {
        self.dialect.link.latency.mul_f64(self.rng.random_range(0.1..0.9))
    }

    fn watch(&mut self) -> Option<Error> {
        let now = self.clock.now();
        for channel in &mut self.channels {
            channel.log_on(now, &mut self.rng);
        }
        self.inhibited = self.channels.iter().any(Channel::inhibited);
        if self.inhibited {
            self.inhibit();
        }
        let tripped = self.channels.iter_mut().filter_map(Channel::watch).next()?;
        let text: &'static [u8] = if tripped == Trip::Voltage { b"OVP" } else { b"OCP" };
        Some(Error::new(ErrorCode::DeviceSpecificError).extended(text))
    }

    fn aperture(&self) -> Option<Duration> {
        let awaited = self.awaited.then(|| self.settled.since(self.clock.now()));
        self.reading.map(|_| Duration::from_secs_f64(self.nplc / MAINS_HZ)).or(awaited)
    }

    fn complete(&mut self) -> Option<Vec<u8>> {
        self.awaited = false;
        let since = self.reading.take()?;
        let channel = &self.channels[0];
        let truth = channel.terminals().map_or(0.0, |t| t.mean_volts(since));
        let value = channel.seen(Function::DcVoltage, truth, self.range, &mut self.rng);
        Some(self.number(0, Function::DcVoltage, value, true))
    }

    fn idle_close(&self) -> Option<Duration> {
        self.dialect.quirks.idle_close.as_ref().filter(|_| !self.keeps_link).map(|i| i.after)
    }

    fn inhibit(&mut self) {
        for channel in self.channels.iter_mut().filter(|c| c.on) {
            channel.switch(false, None);
        }
    }

    fn start(&mut self) {
        self.reset();
        self.reading = None;
        (self.selected, self.shown, self.locked, self.keeps_link) = (0, 0, false, false);
        (self.plain, self.unregulated) = (!self.dialect.can(Verb::PlainReplies), self.derated);
        self.remote = !self.dialect.can(Verb::Remote);
    }

    fn derate(&mut self, amps: Option<f64>) {
        self.derated = amps.is_some();
        self.unregulated |= self.derated;
        for channel in &mut self.channels {
            channel.derate(amps);
        }
    }
}

fn is(said: &Said, verb: Verb, dialect: &Dialect) -> bool {
    dialect.template(verb).and_then(Pattern::of).is_some_and(|p| p.values(said).is_some())
}

/// The oldest entry, in the model's words when there is none.
fn next_error(unit: &mut Unit<Generic>) -> Vec<u8> {
    match unit.pop_front_error() {
        Some(error) => format!("{},\"{}\"", error.get_code(), String::from_utf8_lossy(error.get_message())).into_bytes(),
        None => {
            let own = unit.behaviour.dialect.quirks.no_error.as_ref();
            own.map_or("0,\"No error\"", |q| q.reply.as_str()).into()
        }
    }
}

/// What all of them have.
const COMMON: Node<'static, Unit<Generic>> = Root![
    ieee488_cls!(),
    ieee488_ese!(),
    ieee488_esr!(),
    ieee488_opc!(),
    ieee488_rst!(),
    ieee488_sre!(),
    ieee488_stb!(),
    ieee488_tst!(),
    ieee488_wai!(),
    scpi_status!()
];
