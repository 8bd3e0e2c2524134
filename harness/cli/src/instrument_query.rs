//! `hil instrument query`: says something to one instrument, and prints what it
//! answers. What it refuses is told with the command that it refused.

use std::path::Path;
use std::time::Duration;

use hil_client::link::{Move, Outcome};
use hil_client::prologix::{GatewayAddress, GatewayError, Gateways};
use hil_client::serial::Line;
use hil_client::{Address, ClientError, Dialect, ErrorKind, Lane, Link, LinkSettings, Ways, scpi};
use hil_model::{Dimension, Quantity};
use hil_timebase::Runtime;

use crate::args::QueryArguments;
use crate::assemble::no_runtime;
use crate::failure::Failure;
use crate::load;
use crate::project::cause;
use crate::say;
use crate::screen::complain;
use crate::wire;

/// To open an address.
pub const OPEN_WITHIN: Duration = Duration::from_secs(2);

/// For a command that nobody asks about any more.
const TAKEN_WITHIN: Duration = Duration::from_millis(200);

/// Longest time that somebody waits for, s.
const TIMEOUT_MAX: f64 = 3600.0;

/// Says all commands, one after the other, until one fails.
///
/// # Errors
/// An address or an option that is none (exit code 2); no connection, no answer,
/// one that is none, a command that was refused (3).
pub fn query(arguments: &QueryArguments) -> Result<u8, Failure> {
    let address = address(&arguments.address)?;
    let tap = wire::tap_without_journal(arguments.tracing.trace_scpi.as_ref())?;
    let dialect = arguments.dialect.as_deref().map(dialect).transpose()?;
    let mut settings = dialect.as_ref().map_or_else(LinkSettings::default, Dialect::link_settings);
    if let Some(text) = &arguments.timeout {
        settings.reply_within = time("--timeout", text)?;
    }
    let runtime = Runtime::real_time().map_err(|e| no_runtime(&e))?;
    let gateways = arguments.gateway.iter().map(|text| gateway(text, &address)).collect::<Result<Vec<_>, _>>()?;
    if gateways.is_empty() && matches!(address, Address::Gpib { .. }) {
        let hint = "write --gateway PRLGX-TCPIP::10.0.0.9::1234::INTFC";
        return Err(Failure::invalid(format!("address `{address}` is behind a gateway, expected `--gateway`"), Some(hint)));
    }
    let line = Line { baud: arguments.baud, framing: arguments.framing };
    let ways = Ways { line, gateways: Gateways::new(gateways) };
    let last = runtime.block_on(async {
        let clock = runtime.clock();
        let stream = address.open(ways, &clock, OPEN_WITHIN).await.map_err(|e| Failure::tester(e, None))?;
        let link = Link::spawn(&address.to_string(), stream, settings, clock, Some(tap.trace()));
        Talk { link, errors: !arguments.no_errors, prints_last: arguments.out.is_none() }.all(&arguments.commands, dialect.as_ref()).await
    });
    let last = last.map_err(|halt| Failure::tester(halt.to_string(), None))??;
    match (&arguments.out, last) {
        (Some(file), Some(bytes)) => write(file, &bytes),
        (Some(_), None) => Err(Failure::invalid("--out: no command has an answer", None)),
        (None, _) => Ok(0),
    }
}

/// What a person calls an instrument.
///
/// # Errors
/// Says which addresses there are, and which may be meant.
pub fn address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|e: hil_client::AddressError| Failure::invalid(format!("address is {e}"), e.hint().as_deref()))
}

/// The gateway of the board that is spoken with.
fn gateway(text: &str, address: &Address) -> Result<(u8, GatewayAddress), Failure> {
    let Address::Gpib { board, .. } = address else {
        return Err(Failure::invalid("--gateway: only for addresses such as `GPIB0::5::INSTR`", None));
    };
    let gateway = text.parse().map_err(|e: GatewayError| Failure::invalid(format!("--gateway: {e}"), None))?;
    Ok((*board, gateway))
}

fn dialect(name: &str) -> Result<Dialect, Failure> {
    let path = Path::new(name);
    if path.extension().is_some_and(|e| e == "toml") {
        return load::dialect(path);
    }
    match Dialect::built_in(name) {
        Some(read) => read.map_err(|e| Failure::tester(format!("dialect `{name}`: {e}"), None)),
        None => {
            let names = Dialect::built_in_names();
            let listed = names.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
            let nearest = hil_model::diagnostic::nearest(name, names).map(|n| format!("did you mean `{n}`?"));
            Err(Failure::invalid(format!("--dialect: `{name}`, expected a file of yours or one of {listed}"), nearest.as_deref()))
        }
    }
}

/// A time of the command line.
///
/// # Errors
/// None, or one that nobody waits for (exit code 2).
pub fn time(option: &str, text: &str) -> Result<Duration, Failure> {
    let seconds = Quantity::parse(text).ok().filter(|q| q.dimension == Dimension::TIME).map(|q| q.si);
    seconds.filter(|s| (0.001..=TIMEOUT_MAX).contains(s)).map(Duration::from_secs_f64).ok_or_else(|| {
        let hint = format!("write {option} '5 s'");
        Failure::invalid(format!("{option}: `{text}`, expected a time from 1 ms to {TIMEOUT_MAX} s"), Some(&hint))
    })
}

fn write(file: &Path, bytes: &[u8]) -> Result<u8, Failure> {
    std::fs::write(file, bytes).map_err(|e| Failure::tester(format!("cannot write `{}`: {}", file.display(), cause(&e)), None))?;
    say(&format!("{} bytes in {}", bytes.len(), file.display()));
    Ok(0)
}

/// Whether an instrument answers: a `?` outside of quotes.
fn is_query(command: &str) -> bool {
    let mut quote = None;
    command.chars().any(|c| {
        match quote {
            Some(q) if q == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c == '?'
    })
}

/// What goes on with one instrument.
struct Talk {
    link: Link,
    /// Its error queue is read.
    errors: bool,
    /// The last answer is for the screen, too.
    prints_last: bool,
}

impl Talk {
    /// Says all of it, and returns the last command's answer.
    async fn all(&self, commands: &[String], dialect: Option<&Dialect>) -> Result<Option<Vec<u8>>, Failure> {
        self.forget_old_errors().await?;
        let lock = dialect.and_then(|d| d.quirks.remote_lock.as_ref()).filter(|_| commands.iter().any(|c| !is_query(c)));
        if let Some(lock) = lock {
            self.say(&lock.take.text()).await?;
        }
        let said = self.one_by_one(commands).await;
        if let Some(lock) = lock {
            let released = self.say(&lock.release.text()).await;
            // What was refused before is the worse news.
            return said.and_then(|said| released.map(|_| said));
        }
        said
    }

    async fn one_by_one(&self, commands: &[String]) -> Result<Option<Vec<u8>>, Failure> {
        let mut last = None;
        for (n, command) in commands.iter().enumerate() {
            last = self.say(command).await?;
            if let Some(answer) = &last
                && (self.prints_last || n + 1 < commands.len())
            {
                say(&shown(answer).map_err(|expected| self.garbled(command, answer, expected))?);
            }
        }
        if last.is_none() && !self.errors {
            // Nothing says that the last command was taken, and some drop what they have not
            // read when the link closes.
            self.link.clock().sleep(TAKEN_WITHIN).await;
        }
        Ok(last)
    }

    /// What it refused before us is not ours; somebody may want to know.
    async fn forget_old_errors(&self) -> Result<(), Failure> {
        if !self.errors {
            return Ok(());
        }
        let outcomes = self.link.run(Lane::Normal, vec![Move::Errors]).await.map_err(|error| {
            let answers = !matches!(error.kind, ErrorKind::NoAnswer { .. } | ErrorKind::Garbled { .. });
            let hint = "an instrument without such an error queue is asked with `--no-errors`";
            Failure::tester(error.to_string(), (!answers).then_some(hint))
        })?;
        for entry in errors(&outcomes) {
            complain(&format!("note: in its error queue from before: {entry}\n"));
        }
        Ok(())
    }

    /// Says one thing; its answer, if it is a query.
    async fn say(&self, command: &str) -> Result<Option<Vec<u8>>, Failure> {
        let mut moves = vec![if is_query(command) { Move::ask(command) } else { Move::tell(command) }];
        if self.errors {
            moves.push(Move::Errors);
        }
        let outcomes = match self.link.run(Lane::Normal, moves).await {
            Ok(outcomes) => outcomes,
            Err(error) => return Err(self.explained(error).await),
        };
        let refused = errors(&outcomes);
        if !refused.is_empty() {
            let kind = ErrorKind::Refused { command: command.to_owned(), answer: refused.join("; ") };
            return Err(Failure::tester(ClientError { instrument: self.link.name().to_owned(), kind }.to_string(), None));
        }
        Ok(outcomes.into_iter().find_map(|o| if let Outcome::Answered { reply, .. } = o { Some(reply) } else { None }))
    }

    /// Why there was no answer: the instrument may have put it into its error queue.
    async fn explained(&self, error: ClientError) -> Failure {
        if !self.errors || !matches!(error.kind, ErrorKind::NoAnswer { .. }) {
            return Failure::tester(error.to_string(), None);
        }
        // The link is cleared before that, which takes the entries out of the queue.
        let outcomes = self.link.run(Lane::Normal, vec![Move::Errors]).await;
        let mut why = self.link.dropped_errors();
        why.extend(outcomes.iter().flat_map(|o| errors(o)));
        match outcomes {
            Err(after) => Failure::tester(format!("{error}\n  after that: {}", after.kind), None),
            Ok(_) if why.is_empty() => Failure::tester(error.to_string(), Some("its error queue is empty; a longer `--timeout` may help")),
            Ok(_) => Failure::tester(format!("{error}\n  its error queue: {}", why.join("; ")), None),
        }
    }

    fn garbled(&self, command: &str, answer: &[u8], expected: &str) -> Failure {
        let (command, answer, expected) = (command.to_owned(), answer.escape_ascii().to_string(), expected.to_owned());
        let error = ClientError { instrument: self.link.name().to_owned(), kind: ErrorKind::Garbled { command, answer, expected } };
        Failure::tester(error.to_string(), Some("`--out FILE` takes any bytes"))
    }
}

fn errors(outcomes: &[Outcome]) -> Vec<String> {
    let entries = outcomes.iter().filter_map(|o| if let Outcome::Errors(entries) = o { Some(entries) } else { None });
    entries.flatten().map(ToString::to_string).collect()
}

/// An answer for the screen: text, or how long a block is.
fn shown(answer: &[u8]) -> Result<String, &'static str> {
    if let Ok(block) = scpi::block(answer) {
        return Ok(format!("a block of {} bytes (`--out FILE` writes it)", block.len()));
    }
    let text = std::str::from_utf8(answer).map_err(|_| "text or a block")?;
    if text.chars().any(|c| c.is_control() && c != '\t') { Err("text or a block") } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_in_quotes_is_none() {
        for (command, query) in [("*IDN?", true), ("VOLT 1", false), ("DISP:TEXT 'why?'", false), ("DISP \"it's?\";VOLT?", true)] {
            assert_eq!(is_query(command), query, "{command}");
        }
    }

    #[test]
    fn only_text_and_blocks_are_shown() {
        assert_eq!(shown(b"12.5V"), Ok("12.5V".into()));
        assert_eq!(shown(b"#14\0\x01\x02\x03"), Ok("a block of 4 bytes (`--out FILE` writes it)".into()));
        assert!(shown(b"\xff\xfe").is_err() && shown(b"1\x1b[2J").is_err());
    }
}
