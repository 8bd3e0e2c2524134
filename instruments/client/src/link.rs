//! A link to one instrument: what drivers hold.
//!
//! One task owns the bytes ([`Link::spawn`]); handles send it jobs and wait.
//! Dropping a handle's future never leaves half a message on the wire: a job
//! that has begun is finished, one that has not is not sent.
//!
//! There are two lanes. The safe lane goes first, and takes with it what waits
//! in the normal lane: a forgotten `OUTP ON` must not follow the safe state's
//! `OUTP OFF`. Those jobs end with [`ErrorKind::Overtaken`]. On a link that is
//! lost because its instrument makes no sense, the safe lane still sends.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use hil_timebase::{Clock, Nanos};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::sync::{mpsc, oneshot};

use crate::actor::{Actor, Job, Wiring};
use crate::error::{ClientError, ErrorKind, shown};
use crate::health::{Health, LATE, LATE_REAL};
use crate::scpi::ErrorEntry;

/// Bytes both ways: a socket, a serial port, a pipe in memory; and what some of
/// them can do beside them. A flush ends a message.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// Whether it keeps messages apart: each that is read ends with a line feed,
    /// whatever the dialect says.
    fn has_messages(&self) -> bool {
        false
    }

    /// Whether everything of the last message was read; never, where it does not
    /// keep them apart.
    fn at_end(&self) -> bool {
        false
    }

    /// A reply is waited for from now on, for at most so long in real time: to be
    /// asked for where it does not come by itself.
    fn expect_reply(&mut self, _within: Duration) {}

    /// Drops what is under way, so that the next reply is the next question's.
    /// One that is given up before its end breaks the link.
    fn device_clear(&mut self) -> Aside<'_, ()> {
        unsupported()
    }

    /// Closes it and opens it anew, so that nothing of before can come. One that
    /// is given up before its end breaks the link.
    fn reopen(&mut self) -> Aside<'_, ()> {
        unsupported()
    }

    /// The instrument's status byte, asked for beside its messages.
    fn status_byte(&mut self) -> Aside<'_, u8> {
        unsupported()
    }

    /// Triggers it.
    fn trigger(&mut self) -> Aside<'_, ()> {
        unsupported()
    }

    /// Locks it against other clients; `false` when another one's lock stayed
    /// for `within` of real time.
    fn lock(&mut self, _within: Duration) -> Aside<'_, bool> {
        unsupported()
    }

    /// Gives the lock back.
    fn unlock(&mut self) -> Aside<'_, ()> {
        unsupported()
    }
}

/// What is done beside the bytes; [`io::ErrorKind::Unsupported`] where it cannot
/// be, `PermissionDenied` where the instrument refuses. After any other error the
/// link is of no more use.
pub type Aside<'a, T> = LocalBoxFuture<'a, io::Result<T>>;

fn unsupported<'a, T: 'a>() -> Aside<'a, T> {
    Box::pin(std::future::ready(Err(io::ErrorKind::Unsupported.into())))
}

impl Stream for DuplexStream {}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn has_messages(&self) -> bool {
        (**self).has_messages()
    }
    fn at_end(&self) -> bool {
        (**self).at_end()
    }
    fn expect_reply(&mut self, within: Duration) {
        (**self).expect_reply(within);
    }
    fn device_clear(&mut self) -> Aside<'_, ()> {
        (**self).device_clear()
    }
    fn reopen(&mut self) -> Aside<'_, ()> {
        (**self).reopen()
    }
    fn status_byte(&mut self) -> Aside<'_, u8> {
        (**self).status_byte()
    }
    fn trigger(&mut self) -> Aside<'_, ()> {
        (**self).trigger()
    }
    fn lock(&mut self, within: Duration) -> Aside<'_, bool> {
        (**self).lock(within)
    }
    fn unlock(&mut self) -> Aside<'_, ()> {
        (**self).unlock()
    }
}

/// Which way bytes went, or that none did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To the instrument.
    Sent,
    /// From it.
    Received,
    /// Neither: what became of the link, in words.
    Note,
}

/// Told of every message: the instrument's name, which way, the bytes with
/// their terminator, and when; and in words of time-outs, clears and what is done
/// beside the messages.
pub type Trace = Rc<dyn Fn(&str, Direction, &[u8], Nanos)>;

/// What a link needs to know of its instrument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkSettings {
    /// Ends a command.
    pub write_end: Vec<u8>,
    /// Ends a reply.
    pub read_end: u8,
    /// Least time from one message to the next.
    pub gap: Duration,
    /// After this a reply is taken for lost.
    pub reply_within: Duration,
    /// A line this long without a byte is quiet.
    pub quiet: Duration,
    /// Longest legal reply in bytes.
    pub max_reply: usize,
    /// Asked to find out whether question and answer belong together again.
    pub identify: String,
    /// Asks for one entry of the error queue; empty for one that has none, and whose
    /// identity has a form of its own.
    pub error_query: String,
    /// Whether a second connection finds the instrument ready, so that this one
    /// may be given up for it.
    pub may_reopen: bool,
    /// Whether it takes several questions before it has answered the first.
    pub pipelines: bool,
}

impl Default for LinkSettings {
    /// What most SCPI instruments understand, for one whose model is not known.
    fn default() -> Self {
        Self {
            write_end: b"\n".to_vec(),
            read_end: b'\n',
            gap: Duration::ZERO,
            reply_within: Duration::from_secs(1),
            quiet: Duration::from_millis(50),
            max_reply: 64 << 20,
            identify: "*IDN?".into(),
            error_query: "SYST:ERR?".into(),
            may_reopen: true,
            pipelines: false,
        }
    }
}

/// Which way a job goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// In the order of asking.
    Normal,
    /// Before all others.
    Safe,
}

/// One move of a job. A job's moves are not interleaved with another's, except
/// with those of the safe lane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Move {
    /// Sends a command that has no reply.
    Tell(String),
    /// Sends a query and takes its reply.
    Ask {
        /// The query.
        query: String,
        /// Deadline of its reply; `None`: the link's own.
        within: Option<Duration>,
    },
    /// As [`Move::Ask`], for a block whose length is known: one of unknown length
    /// (`#0`) then ends where it should.
    AskBlock {
        /// The query.
        query: String,
        /// Bytes of the block.
        length: usize,
    },
    /// Reads the error queue until it is empty.
    Errors,
    /// Does something beside the messages.
    Beside(Beside),
}

/// What a link may be able to do beside its messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beside {
    /// Asks for the status byte.
    StatusByte,
    /// Triggers.
    Trigger,
    /// Locks the instrument against other clients.
    Lock {
        /// Waits so long for another one's lock.
        within: Duration,
    },
    /// Gives the lock back.
    Unlock,
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StatusByte => "read the status byte",
            Self::Trigger => "trigger",
            Self::Lock { .. } => "lock",
            Self::Unlock => "unlock",
        })
    }
}

impl Move {
    /// A command.
    pub fn tell(command: impl Into<String>) -> Self {
        Self::Tell(command.into())
    }

    /// A query with the link's own deadline.
    pub fn ask(query: impl Into<String>) -> Self {
        Self::Ask { query: query.into(), within: None }
    }
}

/// What came of a move.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Sent.
    Told {
        /// When its last byte was handed over.
        at: Nanos,
    },
    /// Answered.
    Answered {
        /// The reply without its terminator.
        reply: Vec<u8>,
        /// When the query's last byte was handed over.
        asked: Nanos,
        /// When the reply was complete.
        answered: Nanos,
    },
    /// Entries of the error queue, oldest first.
    Errors(Vec<ErrorEntry>),
    /// The status byte.
    Status(u8),
    /// Whether the lock is held now.
    Locked(bool),
    /// Done beside the messages.
    Done,
}

/// A handle to a link; cheap to clone. The link closes with the last of them.
#[derive(Clone)]
pub struct Link {
    name: Rc<str>,
    clock: Clock,
    settings: Rc<LinkSettings>,
    suspect: Rc<Cell<bool>>,
    health: Rc<Health>,
    normal: mpsc::UnboundedSender<Job>,
    safe: mpsc::UnboundedSender<Job>,
}

impl Link {
    /// Starts the task that owns `stream`. Must be called inside a
    /// `LocalSet`, as [`hil_timebase::Runtime`] has one.
    pub fn spawn(name: &str, stream: impl Stream + 'static, settings: LinkSettings, clock: Clock, trace: Option<Trace>) -> Self {
        let (normal, normal_jobs) = mpsc::unbounded_channel();
        let (safe, safe_jobs) = mpsc::unbounded_channel();
        let name: Rc<str> = name.into();
        let read_end = if stream.has_messages() { b'\n' } else { settings.read_end };
        let settings = Rc::new(LinkSettings { read_end, ..settings });
        let (suspect, health) = (Rc::new(Cell::new(false)), Rc::<Health>::default());
        let wiring = Wiring {
            name: Rc::clone(&name),
            settings: Rc::clone(&settings),
            clock: clock.clone(),
            trace,
            suspect: Rc::clone(&suspect),
            health: Rc::clone(&health),
        };
        tokio::task::spawn_local(Actor::new(wiring, Box::new(stream), normal_jobs, safe_jobs).run());
        Self { name, clock, settings, suspect, health, normal, safe }
    }

    /// By how much an answer was late since `since`, or still is, the latest of
    /// all; `None` when none was worth speaking of.
    pub fn late(&self, since: Nanos) -> Option<Duration> {
        self.health.latest(since, self.clock.now(), self.clock.patience(LATE, LATE_REAL))
    }

    /// Whether question and answer came apart since `since`, or the link was lost:
    /// answers since then may have been another question's.
    pub fn had_trouble(&self, since: Nanos) -> bool {
        self.health.trouble_since(since)
    }

    /// Entries that clearing the link took out of the error queue since this was last
    /// asked: why there was no answer, perhaps.
    pub fn dropped_errors(&self) -> Vec<String> {
        self.health.take_dropped()
    }

    /// The instrument's name on the bench.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The clock it waits on.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What it knows of its instrument.
    pub fn settings(&self) -> &LinkSettings {
        &self.settings
    }

    /// Carries out `moves`, one after the other, and returns as many outcomes.
    /// Stops at the first move that fails. Questions that follow each other go out in
    /// one go where the instrument takes them so.
    ///
    /// # Errors
    /// `NoAnswer`, `Garbled`, `LinkLost` or `Overtaken`. An instrument's own
    /// errors are outcomes of [`Move::Errors`], not errors of the link.
    pub async fn run(&self, lane: Lane, moves: Vec<Move>) -> Result<Vec<Outcome>, ClientError> {
        let (reply, outcome) = oneshot::channel();
        let job = Job { moves, reply };
        let sender = match lane {
            Lane::Normal => &self.normal,
            Lane::Safe => &self.safe,
        };
        let gone = || ErrorKind::LinkLost { cause: "the link's task has ended".into() };
        let kind = match sender.send(job) {
            Err(_) => gone(),
            Ok(()) => match outcome.await {
                Ok(Ok(outcomes)) => return Ok(outcomes),
                Ok(Err(kind)) => kind,
                Err(_) => gone(),
            },
        };
        Err(self.error(kind))
    }

    /// Asks one thing in the normal lane and returns the reply as text.
    ///
    /// # Errors
    /// As [`Link::run`]; `Garbled` when the reply is not UTF-8.
    pub async fn ask(&self, query: &str) -> Result<String, ClientError> {
        let outcomes = self.run(Lane::Normal, vec![Move::ask(query)]).await?;
        let Some(Outcome::Answered { reply, .. }) = outcomes.into_iter().next() else {
            return Err(self.error(ErrorKind::LinkLost { cause: "the link's task lost a reply".into() }));
        };
        String::from_utf8(reply)
            .map_err(|e| self.error(ErrorKind::Garbled { command: query.into(), answer: shown(e.as_bytes()), expected: "text".into() }))
    }

    /// Does one thing beside the messages.
    ///
    /// # Errors
    /// As [`Link::run`]; `Unsupported` where the link or its instrument cannot.
    pub async fn beside(&self, what: Beside) -> Result<Outcome, ClientError> {
        let outcomes = self.run(Lane::Normal, vec![Move::Beside(what)]).await?;
        outcomes.into_iter().next().ok_or_else(|| self.error(ErrorKind::LinkLost { cause: "the link's task lost an answer".into() }))
    }

    /// A reply made no sense: clear the link before the next question.
    pub(crate) fn distrust(&self) {
        self.suspect.set(true);
        self.health.trouble(self.clock.now());
    }

    /// An error of this instrument.
    pub(crate) fn error(&self, kind: ErrorKind) -> ClientError {
        ClientError { instrument: self.name.to_string(), kind }
    }
}
