//! One client of an instrument, on both of its channels.

use std::future::pending;
use std::io;

use futures_util::future::LocalBoxFuture;
use hil_client::hislip::session::{FIRST, STEP};
use hil_client::hislip::{Channel, Kind, Message};
use hil_timebase::Nanos;
use tokio::net::TcpStream;

use crate::instrument::Instrument;
use crate::locks::{Client, Grant, Held};

/// Longest payload of one message; longer ones come in parts.
pub(super) const LONGEST: usize = 64 * 1024;
/// Longest message of all parts, for the server's sake; an instrument's own input
/// buffer holds less.
const INPUT: usize = 1 << 20;

/// Bit 4 of the status byte: a reply waits.
const MESSAGE_AVAILABLE: u8 = 1 << 4;
/// Control code of a client's message: the last reply is whole and was taken.
const DELIVERED: u8 = 1;

/// Codes of errors that end nothing (IVI-6.1 table 16).
const UNKNOWN_KIND: u8 = 1;
const UNKNOWN_CONTROL: u8 = 2;
const TOO_LARGE: u8 = 4;
/// And of one that does.
const POOR_HEADER: u8 = 1;

pub(super) struct Session<'a> {
    instrument: &'a Instrument,
    client: Client,
    sync: Channel<TcpStream>,
    aside: Channel<TcpStream>,
    /// Parts of a message that is not whole.
    message: Vec<u8>,
    /// The number of the last part.
    last: u32,
    /// Longest payload that the client takes.
    largest: usize,
    /// What the instrument is doing for this client.
    answering: Option<LocalBoxFuture<'a, Vec<u8>>>,
    /// A reply was sent, and the client has not said that it was taken.
    unread: bool,
    /// A device clear has begun.
    clearing: bool,
    /// A lock that is waited for, by its key, and until when.
    wanted: Option<(Vec<u8>, Nanos)>,
    /// A lock is to be given back after this message.
    unlock_after: Option<u32>,
}

enum Turn {
    Sync(io::Result<Option<Message>>),
    Aside(io::Result<Option<Message>>),
    Answered(Vec<u8>),
    LocksChanged,
    Idle,
}

impl<'a> Session<'a> {
    pub(super) fn new(instrument: &'a Instrument, client: Client, sync: Channel<TcpStream>, aside: Channel<TcpStream>) -> Self {
        Self {
            instrument,
            client,
            sync,
            aside,
            message: Vec::new(),
            last: FIRST.wrapping_sub(STEP),
            largest: LONGEST,
            answering: None,
            unread: false,
            clearing: false,
            wanted: None,
            unlock_after: None,
        }
    }

    /// Until one of the channels is closed.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let ended = self.converse().await;
        self.instrument.locks().leave(self.client);
        if let Err(error) = ended.as_ref().map_err(io::Error::to_string) {
            self.sync.put(&Message::new(Kind::FatalError, POOR_HEADER, 0).with(error));
            self.sync.send().await?;
        }
        ended
    }

    async fn converse(&mut self) -> io::Result<()> {
        loop {
            match self.turn().await {
                Turn::Sync(message) => match message? {
                    Some(message) => self.hear(message),
                    None => return Ok(()),
                },
                Turn::Aside(message) => match message? {
                    Some(message) => self.hear_aside(&message),
                    None => return Ok(()),
                },
                Turn::Answered(answer) => {
                    self.answering = None;
                    self.reply(&answer);
                }
                Turn::LocksChanged => {}
                Turn::Idle => return Ok(()),
            }
            self.give_back();
            self.ask_again();
        }
    }

    /// What happens next. The asynchronous channel goes first; new work waits
    /// until the last is done, its reply is sent and no lock is in the way.
    async fn turn(&mut self) -> Turn {
        let changed = self.instrument.locks().changed();
        let busy = self.answering.is_some();
        let listening = self.clearing || (!busy && self.instrument.locks().admit(self.client));
        let clock = self.instrument.clock();
        let limit = self.wanted.as_ref().map(|(_, until)| *until);
        let answering = &mut self.answering;
        let answered = async {
            match answering {
                Some(answering) => answering.await,
                None => pending().await,
            }
        };
        let expired = async {
            match limit {
                Some(until) => clock.sleep_until(until).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            message = self.aside.turn(true) => Turn::Aside(message),
            answer = answered => Turn::Answered(answer),
            message = self.sync.turn(listening) => Turn::Sync(message),
            () = changed => Turn::LocksChanged,
            () = expired => Turn::LocksChanged,
            () = self.instrument.idle(), if !busy => Turn::Idle,
        }
    }

    fn hear(&mut self, message: Message) {
        match message.kind {
            Kind::DeviceClearComplete => self.cleared(),
            _ if self.clearing => {}
            Kind::Data | Kind::DataEnd => self.hear_data(message),
            Kind::Trigger => {
                self.arrived(&message);
                let instrument = self.instrument;
                self.answering = Some(Box::pin(async {
                    instrument.trigger().await;
                    Vec::new()
                }));
            }
            // Of what the client did not understand; it goes on.
            Kind::Error => {}
            kind => self.sync.put(&unknown(kind)),
        }
    }

    fn hear_data(&mut self, message: Message) {
        self.arrived(&message);
        let whole = message.kind == Kind::DataEnd;
        if self.message.len() <= INPUT {
            self.message.extend(message.payload);
        }
        if !whole {
            return;
        }
        let text = std::mem::take(&mut self.message);
        if text.len() > INPUT {
            self.sync.put(&Message::new(Kind::Error, TOO_LARGE, 0).with(format!("a message of more than {INPUT} bytes")));
            return;
        }
        let instrument = self.instrument;
        self.answering = Some(Box::pin(async move { instrument.answer_all(&text).await }));
    }

    /// A part of a message, or a trigger: a reply that was not taken until now
    /// is given up (IVI-6.1 section 3.1.1).
    fn arrived(&mut self, message: &Message) {
        self.last = message.parameter;
        if std::mem::take(&mut self.unread) && message.control & DELIVERED == 0 {
            self.instrument.interrupted();
            self.sync.put(&Message::new(Kind::Interrupted, 0, self.last));
            self.aside.put(&Message::new(Kind::AsyncInterrupted, 0, self.last));
        }
    }

    fn reply(&mut self, answer: &[u8]) {
        let mut parts = answer.chunks(self.largest).peekable();
        self.unread = parts.peek().is_some();
        while let Some(part) = parts.next() {
            let kind = if parts.peek().is_some() { Kind::Data } else { Kind::DataEnd };
            hil_client::hislip::message::encode(kind, 0, self.last, part, self.sync.out());
        }
    }

    fn cleared(&mut self) {
        self.clearing = false;
        self.unread = false;
        self.message.clear();
        self.last = FIRST.wrapping_sub(STEP);
        self.sync.put(&Message::new(Kind::DeviceClearAcknowledge, 0, 0));
    }

    fn hear_aside(&mut self, message: &Message) {
        match message.kind {
            Kind::AsyncMaximumMessageSize => self.agree_on_size(&message.payload),
            Kind::AsyncDeviceClear => {
                self.answering = None;
                self.clearing = true;
                self.instrument.device_clear();
                self.aside.put(&Message::new(Kind::AsyncDeviceClearAcknowledge, 0, 0));
            }
            Kind::AsyncStatusQuery => {
                self.unread &= message.control & DELIVERED == 0;
                let waits = if self.unread { MESSAGE_AVAILABLE } else { 0 };
                self.aside.put(&Message::new(Kind::AsyncStatusResponse, self.instrument.status_byte() | waits, 0));
            }
            Kind::AsyncLock => self.hear_lock(message),
            Kind::AsyncLockInfo => {
                let (exclusive, holders) = self.instrument.locks().info();
                self.aside.put(&Message::new(Kind::AsyncLockInfoResponse, u8::from(exclusive), holders));
            }
            // There is no front panel to be locked.
            Kind::AsyncRemoteLocalControl => self.aside.put(&Message::new(Kind::AsyncRemoteLocalResponse, 0, 0)),
            Kind::Error => {}
            kind => self.aside.put(&unknown(kind)),
        }
    }

    fn agree_on_size(&mut self, payload: &[u8]) {
        if let Ok(size) = payload.try_into().map(u64::from_be_bytes) {
            self.largest = usize::try_from(size).unwrap_or(usize::MAX).clamp(1, LONGEST);
        }
        self.aside.put(&Message::new(Kind::AsyncMaximumMessageSizeResponse, 0, 0).with((LONGEST as u64).to_be_bytes()));
    }

    fn hear_lock(&mut self, message: &Message) {
        match message.control {
            1 => {
                let clock = self.instrument.clock();
                let within = clock.real(std::time::Duration::from_millis(u64::from(message.parameter)));
                self.wanted = Some((message.payload.clone(), clock.now() + within));
            }
            0 => self.unlock_after = Some(message.parameter),
            other => self
                .aside
                .put(&Message::new(Kind::Error, UNKNOWN_CONTROL, 0).with(format!("AsyncLock with control code {other}, expected 0 or 1"))),
        }
    }

    /// Asks for the wanted lock until it is there or time is over.
    fn ask_again(&mut self) {
        let Some((key, until)) = &self.wanted else { return };
        let code = match self.instrument.locks().ask(self.client, key) {
            Grant::Busy if self.instrument.clock().now() < *until => return,
            Grant::Busy => 0,
            Grant::Given(held) => code(held),
            Grant::Wrong => 3,
        };
        self.wanted = None;
        self.aside.put(&Message::new(Kind::AsyncLockResponse, code, 0));
    }

    /// Gives a lock back once the message before it is done. A number that is
    /// far from the last one was never sent, and is not waited for.
    fn give_back(&mut self) {
        let Some(after) = self.unlock_after else { return };
        let missing = after.wrapping_sub(self.last);
        let to_come = (1..u32::from(u16::MAX)).contains(&missing) && after != 0;
        if self.answering.is_some() || to_come {
            return;
        }
        self.unlock_after = None;
        let code = self.instrument.locks().give_back(self.client).map_or(3, code);
        self.aside.put(&Message::new(Kind::AsyncLockResponse, code, 0));
    }
}

const fn code(held: Held) -> u8 {
    match held {
        Held::Exclusive => 1,
        Held::Shared => 2,
    }
}

fn unknown(kind: Kind) -> Message {
    Message::new(Kind::Error, UNKNOWN_KIND, 0).with(kind.to_string())
}
