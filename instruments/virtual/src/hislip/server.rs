//! Who connects, and which two connections are one client.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use hil_client::hislip::{Channel, Decoder, Kind, Message};
use hil_timebase::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

use crate::hislip::session::{LONGEST, Session};
use crate::instrument::Instrument;
use crate::tcp::{Clients, accept};

/// Version 1.0, the only one in which there is nothing but synchronous mode
/// without secure connections.
const VERSION: u32 = 0x0100;
/// Two letters that no vendor has.
const VENDOR: u32 = u16::from_be_bytes(*b"hi") as u32;
/// The one part of each instrument.
const NAME: &[u8] = b"hislip0";
/// In real time, for a client to say what its connection is.
const INTRODUCTION: Duration = Duration::from_secs(5);

/// Codes of fatal errors (IVI-6.1 table 14).
const POOR_HEADER: u8 = 1;
const ONE_CHANNEL: u8 = 2;
const BAD_BEGINNING: u8 = 3;
const TOO_MANY: u8 = 4;

type Tcp = Channel<TcpStream>;

struct Server {
    instrument: Rc<Instrument>,
    clients: Clients,
    /// Where an instrument serves one client at a time.
    place: Semaphore,
    last: Cell<u16>,
    /// Clients without their asynchronous channels.
    half: RefCell<BTreeMap<u16, oneshot::Sender<Tcp>>>,
}

/// Serves whoever connects, for ever. Must run inside a `LocalSet`.
pub async fn listen(listener: TcpListener, instrument: Rc<Instrument>, clients: Clients, clock: Clock) {
    let server = Rc::new(Server { instrument, clients, place: Semaphore::new(1), last: Cell::new(0), half: RefCell::new(BTreeMap::new()) });
    loop {
        let stream = accept(&listener, &clock).await;
        let (server, clock) = (Rc::clone(&server), clock.clone());
        tokio::task::spawn_local(async move {
            let instrument = Rc::clone(&server.instrument);
            instrument.until_hung_up(server.greet(Channel::new(stream, Decoder::new(LONGEST)), &clock)).await;
        });
    }
}

impl Server {
    /// The first message says which of a client's connections it is.
    async fn greet(&self, mut channel: Tcp, clock: &Clock) -> io::Result<()> {
        let first = match clock.timeout(clock.real(INTRODUCTION), channel.message()).await {
            Ok(Ok(Some(first))) => first,
            Ok(Ok(None)) | Err(_) => return Ok(()),
            Ok(Err(error)) => return refuse(channel, POOR_HEADER, &error.to_string()).await,
        };
        match first.kind {
            Kind::Initialize if !first.payload.eq_ignore_ascii_case(NAME) => {
                refuse(channel, BAD_BEGINNING, "there is no such part of the instrument, expected hislip0").await
            }
            Kind::Initialize => self.admit(channel).await,
            Kind::AsyncInitialize => {
                let half = u16::try_from(first.parameter).ok().and_then(|session| self.half.borrow_mut().remove(&session));
                match half.map(|half| half.send(channel)) {
                    Some(Ok(())) => Ok(()),
                    Some(Err(channel)) => refuse(channel, BAD_BEGINNING, "the synchronous channel is closed").await,
                    None => Ok(()),
                }
            }
            kind => refuse(channel, BAD_BEGINNING, &format!("{kind}, expected Initialize or AsyncInitialize")).await,
        }
    }

    async fn admit(&self, sync: Tcp) -> io::Result<()> {
        let _place = match self.clients {
            Clients::Many => None,
            // The semaphore is never closed.
            Clients::Queued => self.place.acquire().await.ok(),
            Clients::Refused => match self.place.try_acquire() {
                Ok(place) => Some(place),
                Err(_) => return refuse(sync, TOO_MANY, "another client is served").await,
            },
        };
        self.serve(sync).await
    }

    async fn serve(&self, mut sync: Tcp) -> io::Result<()> {
        let number = self.number();
        let (half, whole) = oneshot::channel();
        self.half.borrow_mut().insert(number, half);
        sync.put(&Message::new(Kind::InitializeResponse, 0, VERSION << 16 | u32::from(number)));
        let aside = tokio::select! {
            biased;
            aside = whole => aside,
            early = sync.turn(true) => {
                self.half.borrow_mut().remove(&number);
                return match early? {
                    None => Ok(()),
                    Some(_) => refuse(sync, ONE_CHANNEL, "there is no asynchronous channel").await,
                };
            }
        };
        let Ok(mut aside) = aside else { return Ok(()) };
        aside.put(&Message::new(Kind::AsyncInitializeResponse, 0, VENDOR));
        Session::new(&self.instrument, u32::from(number), sync, aside).run().await
    }

    /// A session's number; they repeat after 65536 clients.
    fn number(&self) -> u16 {
        self.last.set(self.last.get().wrapping_add(1));
        self.last.get()
    }
}

/// Says why, and closes.
async fn refuse(mut channel: Tcp, code: u8, why: &str) -> io::Result<()> {
    channel.put(&Message::new(Kind::FatalError, code, 0).with(why));
    channel.send().await
}
