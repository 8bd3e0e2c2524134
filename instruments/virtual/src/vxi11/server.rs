//! Who connects to an instrument's two programs, and which links there are.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use hil_client::channel::{Channel, invalid};
use hil_client::vxi11::core::{ABORT, DeviceError, procedure};
use hil_client::vxi11::record::Records;
use hil_client::vxi11::rpc::{Call, Denial, Program, call, put_reply};
use hil_client::vxi11::xdr::Xdr as _;
use hil_timebase::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::instrument::Instrument;
use crate::locks::Client;
use crate::tcp::{Clients, accept};
use crate::vxi11::link::{Abort, Link};
use crate::vxi11::session::{RECORD, Session};

/// The one part of an instrument that is alone.
const DEVICE: &[u8] = b"inst0";

pub(super) type Tcp = Channel<TcpStream, Records>;

pub(super) struct Server {
    /// By what clients call them: `inst0`, or `gpib0,5` behind a gateway.
    devices: BTreeMap<Vec<u8>, Rc<Instrument>>,
    pub(super) clock: Clock,
    pub(super) clients: Clients,
    /// Where an instrument serves one client at a time.
    pub(super) place: Arc<Semaphore>,
    pub(super) abort_port: u16,
    last: Cell<Client>,
    links: RefCell<BTreeMap<Client, Weak<Abort>>>,
}

/// Serves whoever connects, for ever: the instrument's program at `core`, and the
/// one that ends calls at `abort`. Must run inside a `LocalSet`.
///
/// # Errors
/// `abort` listens nowhere.
pub async fn listen(core: TcpListener, abort: TcpListener, instrument: Rc<Instrument>, clients: Clients, clock: Clock) -> io::Result<()> {
    serve(core, abort, BTreeMap::from([(DEVICE.to_vec(), instrument)]), clients, clock).await
}

/// The same for all instruments behind a LAN gateway, by their names there, such as
/// `gpib0,5`. It lives on whatever becomes of them.
///
/// # Errors
/// As [`listen`].
pub async fn listen_gateway(
    core: TcpListener,
    abort: TcpListener,
    instruments: BTreeMap<String, Rc<Instrument>>,
    clock: Clock,
) -> io::Result<()> {
    let devices = instruments.into_iter().map(|(name, instrument)| (name.into_bytes(), instrument)).collect();
    serve(core, abort, devices, Clients::Many, clock).await
}

async fn serve(
    core: TcpListener,
    abort: TcpListener,
    devices: BTreeMap<Vec<u8>, Rc<Instrument>>,
    clients: Clients,
    clock: Clock,
) -> io::Result<()> {
    let server = Rc::new(Server {
        devices,
        clock: clock.clone(),
        clients,
        place: Arc::new(Semaphore::new(1)),
        abort_port: abort.local_addr()?.port(),
        last: Cell::new(0),
        links: RefCell::default(),
    });
    let both = (serve_core(&server, core, &clock), serve_abort(&server, abort, &clock));
    tokio::join!(both.0, both.1);
    Ok(())
}

async fn serve_core(server: &Rc<Server>, listener: TcpListener, clock: &Clock) {
    loop {
        let stream = accept(&listener, clock).await;
        let server = Rc::clone(server);
        tokio::task::spawn_local(async move {
            let alone = server.alone();
            until_hung_up(alone, Session::new(server, channel(stream)).run()).await;
        });
    }
}

async fn serve_abort(server: &Rc<Server>, listener: TcpListener, clock: &Clock) {
    loop {
        let stream = accept(&listener, clock).await;
        let server = Rc::clone(server);
        tokio::task::spawn_local(async move {
            until_hung_up(server.alone(), server.hear_aborts(channel(stream))).await;
        });
    }
}

/// One instrument closes its links when it is inhibited; a gateway does not.
async fn until_hung_up(alone: Option<Rc<Instrument>>, conversation: impl Future<Output = io::Result<()>>) {
    match alone {
        Some(instrument) => instrument.until_hung_up(conversation).await,
        None => {
            if let Err(error) = conversation.await {
                tracing::debug!(%error, "a VXI-11 gateway's client has gone");
            }
        }
    }
}

fn channel(stream: TcpStream) -> Tcp {
    Channel::new(stream, Records::new(RECORD))
}

impl Server {
    /// The one device of this name.
    pub(super) fn device(&self, name: &[u8]) -> Option<Rc<Instrument>> {
        self.devices.get(&name.to_ascii_lowercase()).map(Rc::clone)
    }

    /// The instrument, where there is no gateway.
    pub(super) fn alone(&self) -> Option<Rc<Instrument>> {
        self.device(DEVICE)
    }

    /// A new link's number, by which the abort channel knows it.
    pub(super) fn register(&self, link: impl FnOnce(Client) -> Link) -> Link {
        self.last.set(self.last.get().wrapping_add(1));
        let link = link(self.last.get());
        let mut links = self.links.borrow_mut();
        links.retain(|_, abort| abort.strong_count() > 0);
        links.insert(link.client, Rc::downgrade(link.abort()));
        link
    }

    async fn hear_aborts(&self, mut channel: Tcp) -> io::Result<()> {
        while let Some(record) = channel.turn(true).await? {
            let called = call(&record).map_err(invalid)?;
            let results = self.abort(&called);
            put_reply(called.id, results, ABORT.version, channel.out());
        }
        Ok(())
    }

    fn abort(&self, called: &Call) -> Result<Vec<u8>, Denial> {
        belongs(called, ABORT)?;
        match called.procedure {
            procedure::NULL => Ok(Vec::new()),
            procedure::DEVICE_ABORT => {
                let link = Client::of(&called.arguments).map_err(|_| Denial::BadArguments)?;
                let abort = self.links.borrow().get(&link).and_then(Weak::upgrade);
                let error = abort.map_or(DeviceError::INVALID_LINK.0, |abort| {
                    abort.abort();
                    0
                });
                Ok(error.bytes())
            }
            _ => Err(Denial::NoProcedure),
        }
    }
}

/// Whether a call is one of this program's.
pub(super) fn belongs(called: &Call, program: Program) -> Result<(), Denial> {
    match called.program {
        found if found.number != program.number => Err(Denial::NoProgram),
        found if found.version != program.version => Err(Denial::OtherVersion),
        _ => Ok(()),
    }
}
