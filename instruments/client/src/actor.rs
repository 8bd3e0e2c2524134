//! The task that owns the bytes of one link.
//!
//! It keeps question and answer together. When they may have come apart (a
//! time-out, stray bytes, a garbled reply) the link is *out of step*, and is cleared
//! before the next question ([`clearing`]). Several questions of a job may go out in
//! one go ([`pipeline`]).

mod clearing;
mod pipeline;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use hil_timebase::{Clock, Nanos};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use crate::dialect::Identity;
use crate::error::{ErrorKind, shown};
use crate::health::Health;
use crate::inbox::{Found, Inbox};
use crate::link::{Beside, Direction, Lane, LinkSettings, Move, Outcome, Stream, Trace};
use crate::scpi::{self, BlockEnd, ErrorEntry};

/// An error queue longer than this does not end.
const MOST_ERRORS: usize = 64;
/// Where bench time runs faster than real time: an instrument outside still has
/// so much real time for a reply, and a line must be quiet for so much of it.
const REPLY_AT_LEAST: Duration = Duration::from_millis(500);
const QUIET_AT_LEAST: Duration = Duration::from_millis(20);

/// What a handle asks for.
pub(crate) struct Job {
    pub(crate) moves: Vec<Move>,
    pub(crate) reply: oneshot::Sender<Result<Vec<Outcome>, ErrorKind>>,
}

/// What handles and the task share.
pub(crate) struct Wiring {
    pub(crate) name: Rc<str>,
    pub(crate) settings: Rc<LinkSettings>,
    pub(crate) clock: Clock,
    pub(crate) trace: Option<Trace>,
    /// A driver could make nothing of a reply: the link may be out of step.
    pub(crate) suspect: Rc<Cell<bool>>,
    /// What was wrong with the link, and what was late.
    pub(crate) health: Rc<Health>,
}

pub(crate) struct Actor {
    wiring: Wiring,
    stream: Box<dyn Stream>,
    normal: mpsc::UnboundedReceiver<Job>,
    safe: mpsc::UnboundedReceiver<Job>,
    /// All handles are gone.
    orphaned: bool,
    /// Safe jobs that came while another job was under way.
    urgent: VecDeque<Job>,
    /// Received, but not yet a reply.
    inbox: Inbox,
    /// The last reply was a block: some instruments send another line end after it.
    after_block: bool,
    /// No message before this.
    earliest: Nanos,
    in_step: bool,
    /// A question of a clearing was not answered: as the clearing asks it again,
    /// nobody could tell whose the reply is.
    ambiguous: bool,
    /// The first `*IDN?` reply: what a clearing must hear again.
    identity: Option<Vec<u8>>,
    lost: Option<String>,
    /// Lost because nothing can be sent any more.
    closed: bool,
}

impl Actor {
    pub(crate) fn new(
        wiring: Wiring,
        stream: Box<dyn Stream>,
        normal: mpsc::UnboundedReceiver<Job>,
        safe: mpsc::UnboundedReceiver<Job>,
    ) -> Self {
        Self {
            wiring,
            stream,
            normal,
            safe,
            orphaned: false,
            urgent: VecDeque::new(),
            inbox: Inbox::default(),
            after_block: false,
            earliest: Nanos::ZERO,
            in_step: true,
            ambiguous: false,
            identity: None,
            lost: None,
            closed: false,
        }
    }

    pub(crate) async fn run(mut self) {
        while let Some((lane, job)) = self.next_job().await {
            if lane == Lane::Safe {
                self.overtake();
            }
            // Nobody waits for it any more and it has not begun.
            if lane == Lane::Safe || !job.reply.is_closed() {
                let outcome = self.carry_out(lane, job.moves).await;
                // The caller may have gone while it was under way.
                drop(job.reply.send(outcome));
            }
        }
    }

    /// The next job; `None` when all handles are gone. Meanwhile hears what
    /// the instrument says unasked, and when it hangs up.
    async fn next_job(&mut self) -> Option<(Lane, Job)> {
        loop {
            if let Some(job) = self.urgent.pop_front() {
                return Some((Lane::Safe, job));
            }
            tokio::select! {
                biased;
                job = self.safe.recv(), if !self.orphaned => match job {
                    Some(job) => return Some((Lane::Safe, job)),
                    None => self.orphaned = true,
                },
                job = self.normal.recv() => return job.map(|job| (Lane::Normal, job)),
                read = self.stream.read_buf(&mut self.inbox.bytes), if self.lost.is_none() => {
                    // An error is remembered and told to whoever asks next.
                    drop(self.heard(read));
                    if self.inbox.bytes.len() > self.wiring.settings.max_reply {
                        self.discard();
                    }
                }
            }
        }
    }

    /// Ends what waits in the normal lane.
    fn overtake(&mut self) {
        while let Ok(job) = self.normal.try_recv() {
            let command = job.moves.first().map_or_else(String::new, |m| self.text_of(m));
            drop(job.reply.send(Err(ErrorKind::Overtaken { command })));
        }
    }

    fn text_of(&self, m: &Move) -> String {
        match m {
            Move::Tell(text) | Move::Ask { query: text, .. } | Move::AskBlock { query: text, .. } => text.clone(),
            Move::Errors => self.wiring.settings.error_query.clone(),
            Move::Beside(what) => what.to_string(),
        }
    }

    fn safe_waits(&mut self) -> bool {
        while let Ok(job) = self.safe.try_recv() {
            self.urgent.push_back(job);
        }
        !self.urgent.is_empty()
    }

    async fn carry_out(&mut self, lane: Lane, moves: Vec<Move>) -> Result<Vec<Outcome>, ErrorKind> {
        let mut outcomes = Vec::with_capacity(moves.len());
        let mut moves = VecDeque::from(moves);
        while let Some(first) = moves.front() {
            self.permit(lane, first)?;
            let questions = self.questions_at_front(&moves);
            if questions > 1 {
                outcomes.extend(self.ask_in_one_go(lane, moves.drain(..questions).collect()).await?);
            } else if let Some(m) = moves.pop_front() {
                outcomes.push(self.carry_out_move(lane, m).await?);
            }
        }
        Ok(outcomes)
    }

    /// Whether the next move may be made.
    fn permit(&mut self, lane: Lane, m: &Move) -> Result<(), ErrorKind> {
        // An instrument that makes no sense may still obey: the last resort.
        let last_resort = lane == Lane::Safe && !self.closed && matches!(m, Move::Tell(_));
        if let (Some(cause), false) = (&self.lost, last_resort) {
            return Err(ErrorKind::LinkLost { cause: cause.clone() });
        }
        if lane == Lane::Normal && self.safe_waits() {
            return Err(ErrorKind::Overtaken { command: self.text_of(m) });
        }
        Ok(())
    }

    async fn carry_out_move(&mut self, lane: Lane, m: Move) -> Result<Outcome, ErrorKind> {
        match m {
            Move::Tell(command) => {
                // The safe lane's command does not wait for a clear line.
                if lane == Lane::Normal {
                    self.ensure_in_step(lane).await?;
                }
                Ok(Outcome::Told { at: self.send(&command).await? })
            }
            Move::Ask { query, within } => {
                self.ensure_in_step(lane).await?;
                let within = within.unwrap_or(self.wiring.settings.reply_within);
                let (asked, reply) = self.exchange(lane, &query, within).await?;
                Ok(Outcome::Answered { reply, asked, answered: self.wiring.clock.now() })
            }
            Move::AskBlock { query, length } => {
                self.ensure_in_step(lane).await?;
                self.inbox.expect_block(Some(length));
                let within = self.wiring.settings.reply_within;
                let exchanged = self.exchange(lane, &query, within).await;
                self.inbox.expect_block(None);
                let (asked, reply) = exchanged?;
                Ok(Outcome::Answered { reply, asked, answered: self.wiring.clock.now() })
            }
            Move::Errors => {
                self.ensure_in_step(lane).await?;
                Ok(Outcome::Errors(self.read_errors(lane).await?))
            }
            Move::Beside(what) => self.do_beside(what).await,
        }
    }

    async fn exchange(&mut self, lane: Lane, query: &str, within: Duration) -> Result<(Nanos, Vec<u8>), ErrorKind> {
        let asked = self.send(query).await?;
        let reply = self.reply(lane, query, within).await?;
        self.nothing_more(query, &reply)?;
        let settings = &self.wiring.settings;
        if self.identity.is_none() && *query == settings.identify && is_identity(settings, &reply) {
            self.identity = Some(reply.clone());
        }
        Ok((asked, reply))
    }

    /// More than one reply: the last may be another question's.
    fn nothing_more(&mut self, query: &str, reply: &[u8]) -> Result<(), ErrorKind> {
        self.drop_blank_lines();
        if self.inbox.bytes.is_empty() {
            return Ok(());
        }
        self.out_of_step();
        let both = [reply, [self.wiring.settings.read_end].as_slice(), &self.inbox.bytes].concat();
        Err(garbled(query, &both, "one reply"))
    }

    async fn read_errors(&mut self, lane: Lane) -> Result<Vec<ErrorEntry>, ErrorKind> {
        let Wiring { settings, .. } = &self.wiring;
        let (query, within) = (settings.error_query.clone(), settings.reply_within);
        let mut entries = Vec::new();
        if query.is_empty() {
            return Ok(entries);
        }
        while entries.len() < MOST_ERRORS {
            let (_, reply) = self.exchange(lane, &query, within).await?;
            match scpi::error_entry(&reply) {
                Ok(entry) if entry.is_none() => return Ok(entries),
                Ok(entry) => entries.push(entry),
                Err(_) => {
                    self.out_of_step();
                    return Err(garbled(&query, &reply, "an entry of the error queue"));
                }
            }
        }
        Err(garbled(&query, entries.last().map_or_else(String::new, ToString::to_string).as_bytes(), "an end of the error queue"))
    }

    /// Something beside the messages. It does not wait for a clear line, and
    /// says nothing of it.
    async fn do_beside(&mut self, what: Beside) -> Result<Outcome, ErrorKind> {
        let Wiring { clock, settings, .. } = &self.wiring;
        let mut within = clock.patience(settings.reply_within, REPLY_AT_LEAST);
        if let Beside::Lock { within: wanted } = what {
            within += clock.real(wanted);
        }
        let stream = &mut self.stream;
        let doing = async {
            match what {
                Beside::StatusByte => stream.status_byte().await.map(Outcome::Status),
                Beside::Trigger => stream.trigger().await.map(|()| Outcome::Done),
                Beside::Lock { within } => stream.lock(within).await.map(Outcome::Locked),
                Beside::Unlock => stream.unlock().await.map(|()| Outcome::Done),
            }
        };
        match clock.timeout(within, doing).await {
            Ok(Ok(outcome)) => {
                let found = if let Outcome::Status(byte) = outcome { format!(": {byte}") } else { String::new() };
                self.wiring.note(&format!("{what}{found}"));
                Ok(outcome)
            }
            Ok(Err(e)) if e.kind() == io::ErrorKind::Unsupported => Err(ErrorKind::Unsupported { what: format!("{what} on this link") }),
            Ok(Err(e)) if e.kind() == io::ErrorKind::PermissionDenied => {
                Err(ErrorKind::Refused { command: what.to_string(), answer: e.to_string() })
            }
            Ok(Err(e)) => Err(self.close(e.to_string())),
            Err(_) => Err(ErrorKind::NoAnswer { command: what.to_string(), limit_ms: millis(within) }),
        }
    }

    /// Sends one message, not before the gap since the last is over.
    async fn send(&mut self, text: &str) -> Result<Nanos, ErrorKind> {
        self.send_all(&[text]).await
    }

    /// As [`Self::send`], several at once.
    async fn send_all(&mut self, texts: &[&str]) -> Result<Nanos, ErrorKind> {
        let Wiring { clock, settings, .. } = &self.wiring;
        if clock.now() < self.earliest {
            clock.sleep_until(self.earliest).await;
        }
        let mut bytes = Vec::with_capacity(texts.iter().map(|text| text.len() + settings.write_end.len()).sum());
        for text in texts {
            bytes.extend_from_slice(text.as_bytes());
            bytes.extend_from_slice(&settings.write_end);
        }
        let stream = &mut self.stream;
        let written = async {
            stream.write_all(&bytes).await?;
            stream.flush().await
        };
        match clock.timeout(clock.patience(settings.reply_within, REPLY_AT_LEAST), written).await {
            Ok(Ok(())) => {}
            Ok(Err(e)) => return Err(self.close(e.to_string())),
            // Half a message may be on the wire: nothing more can be said on it.
            Err(_) => {
                return Err(self.close(format!(
                    "`{}` was not taken within {} ms",
                    texts.join("; "),
                    millis(self.wiring.settings.reply_within)
                )));
            }
        }
        let at = self.wiring.clock.now();
        self.earliest = at + self.wiring.settings.gap;
        let mut rest = bytes.as_slice();
        for text in texts {
            let (message, others) = rest.split_at(text.len() + self.wiring.settings.write_end.len());
            self.wiring.trace(Direction::Sent, message, at);
            rest = others;
        }
        Ok(at)
    }

    /// One reply. A safe job that comes meanwhile shortens the wait.
    async fn reply(&mut self, lane: Lane, query: &str, within: Duration) -> Result<Vec<u8>, ErrorKind> {
        let clock = self.wiring.clock.clone();
        let begun = clock.now();
        // What the reading itself takes is in the limit.
        self.wiring.health.wait(begun + within.saturating_sub(self.wiring.settings.reply_within));
        let within = clock.patience(within, REPLY_AT_LEAST);
        let mut deadline = begun + within;
        self.stream.expect_reply(within.div_f64(clock.scale()));
        loop {
            let found = self.find_reply(query)?;
            if let Found::Whole(length) = found {
                return Ok(self.take_reply(length));
            }
            // A block of unknown length has what time it takes to be sure of its end.
            let mut expired = clock.sleep_until(match found {
                Found::IfQuiet(_) => clock.now() + self.wiring.quiet(),
                Found::Part(_) | Found::Whole(_) => deadline,
            });
            tokio::select! {
                biased;
                read = self.stream.read_buf(&mut self.inbox.bytes) => self.heard(read)?,
                job = self.safe.recv(), if lane == Lane::Normal && !self.orphaned => match job {
                    Some(job) => {
                        self.urgent.push_back(job);
                        deadline = deadline.min(clock.now() + self.wiring.quiet());
                    }
                    None => self.orphaned = true,
                },
                () = &mut expired => {
                    if let Found::IfQuiet(length) = found {
                        return Ok(self.take_reply(length));
                    }
                    self.out_of_step();
                    self.ambiguous = *query == self.wiring.settings.identify || *query == self.wiring.settings.error_query;
                    let waited = clock.now().since(begun);
                    self.wiring.note(&format!("no answer to `{query}` within {} ms", millis(waited)));
                    return Err(ErrorKind::NoAnswer { command: query.into(), limit_ms: millis(waited) });
                }
            }
        }
    }

    /// Where the reply ends that the inbox begins with; makes room for the rest.
    fn find_reply(&mut self, query: &str) -> Result<Found, ErrorKind> {
        let settings = &self.wiring.settings;
        let mut found = self.inbox.find(settings.read_end);
        let (Found::Part(length) | Found::IfQuiet(length) | Found::Whole(length)) = found;
        let terminator = usize::from(!matches!(found, Found::Part(_)));
        if length - terminator > settings.max_reply {
            let error = garbled(query, &self.inbox.bytes, &format!("at most {} bytes", settings.max_reply));
            self.discard();
            return Err(error);
        }
        if matches!(found, Found::IfQuiet(_)) && self.stream.at_end() {
            found = Found::Whole(length);
        }
        if !matches!(found, Found::Whole(_)) {
            self.inbox.make_room(length, settings.max_reply);
        }
        Ok(found)
    }

    /// Takes a complete reply out of the inbox, without its terminator.
    fn take_reply(&mut self, length: usize) -> Vec<u8> {
        let now = self.wiring.clock.now();
        let mut reply = self.inbox.take(length);
        self.wiring.trace(Direction::Received, &reply, now);
        self.wiring.health.answered(now);
        reply.pop();
        let block = scpi::block_end(&reply);
        self.after_block = !matches!(block, BlockEnd::NoBlock);
        // A block's own last byte may be a CR; one behind it is none of its bytes.
        let behind = match block {
            BlockEnd::At { end, .. } => reply.len() > end,
            other => matches!(other, BlockEnd::NoBlock),
        };
        if behind && reply.last() == Some(&b'\r') {
            reply.pop();
        }
        reply
    }

    /// What some instruments send after a block is no reply.
    fn drop_blank_lines(&mut self) {
        if self.after_block && self.inbox.bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            self.inbox.clear();
        }
    }

    fn heard(&mut self, read: io::Result<usize>) -> Result<(), ErrorKind> {
        match read {
            Ok(0) => Err(self.close("the instrument closed the link".into())),
            Ok(_) => Ok(()),
            Err(e) => Err(self.close(e.to_string())),
        }
    }

    fn close(&mut self, cause: String) -> ErrorKind {
        self.closed = true;
        self.lose(cause)
    }

    fn lose(&mut self, cause: String) -> ErrorKind {
        tracing::warn!(instrument = %self.wiring.name, cause, "link lost");
        self.wiring.health.trouble(self.wiring.clock.now());
        self.wiring.note(&format!("link lost: {cause}"));
        let cause = self.lost.get_or_insert(cause).clone();
        ErrorKind::LinkLost { cause }
    }

    fn out_of_step(&mut self) {
        self.in_step = false;
        self.wiring.health.trouble(self.wiring.clock.now());
    }

    /// Drops what was received without being asked for.
    fn discard(&mut self) {
        self.drop_blank_lines();
        if !self.inbox.bytes.is_empty() {
            self.out_of_step();
            self.wiring.trace(Direction::Received, &self.inbox.bytes, self.wiring.clock.now());
            self.inbox.clear();
        }
    }

    async fn ensure_in_step(&mut self, lane: Lane) -> Result<(), ErrorKind> {
        self.inbox.make_room(0, self.wiring.settings.max_reply);
        // Hear what has come since, without waiting for more.
        while let Some(read) = self.stream.read_buf(&mut self.inbox.bytes).now_or_never() {
            self.heard(read)?;
        }
        self.discard();
        if self.wiring.suspect.take() {
            self.out_of_step();
        }
        if self.in_step { Ok(()) } else { self.clear(lane).await }
    }
}

impl Wiring {
    /// How long a quiet line is without a byte.
    fn quiet(&self) -> Duration {
        self.clock.patience(self.settings.quiet, QUIET_AT_LEAST)
    }

    fn note(&self, words: &str) {
        self.trace(Direction::Note, words.as_bytes(), self.clock.now());
    }

    fn trace(&self, direction: Direction, bytes: &[u8], at: Nanos) {
        if let Some(trace) = &self.trace {
            trace(&self.name, direction, bytes, at);
        }
    }
}

fn garbled(command: &str, answer: &[u8], expected: &str) -> ErrorKind {
    ErrorKind::Garbled { command: command.into(), answer: shown(answer), expected: expected.into() }
}

/// Four fields; of one without an error queue, which tells its serial number alone, one
/// word that is no acknowledgement.
fn is_identity(settings: &LinkSettings, reply: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(reply) else { return false };
    if settings.error_query.is_empty() {
        return text.split_whitespace().count() == 1 && text.trim() != "OK";
    }
    Identity::parse(text).is_some()
}

fn millis(d: Duration) -> u64 {
    u64::try_from(d.as_millis()).unwrap_or(u64::MAX)
}
