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
use crate::vxi11::link::{Link, Work};
use crate::vxi11::session::{RECORD, Session};

pub(super) type Tcp = Channel<TcpStream, Records>;

pub(super) struct Server {
    pub(super) instrument: Rc<Instrument>,
    pub(super) clients: Clients,
    /// Where an instrument serves one client at a time.
    pub(super) place: Arc<Semaphore>,
    pub(super) abort_port: u16,
    last: Cell<Client>,
    links: RefCell<BTreeMap<Client, Weak<Work>>>,
}

/// Serves whoever connects, for ever: the instrument's program at `core`, and the
/// one that ends calls at `abort`. Must run inside a `LocalSet`.
///
/// # Errors
/// `abort` listens nowhere.
pub async fn listen(core: TcpListener, abort: TcpListener, instrument: Rc<Instrument>, clients: Clients, clock: Clock) -> io::Result<()> {
    let server = Rc::new(Server {
        instrument,
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
            let instrument = Rc::clone(&server.instrument);
            instrument.until_hung_up(Session::new(server, channel(stream)).run()).await;
        });
    }
}

async fn serve_abort(server: &Rc<Server>, listener: TcpListener, clock: &Clock) {
    loop {
        let stream = accept(&listener, clock).await;
        let server = Rc::clone(server);
        tokio::task::spawn_local(async move {
            let instrument = Rc::clone(&server.instrument);
            instrument.until_hung_up(server.hear_aborts(channel(stream))).await;
        });
    }
}

fn channel(stream: TcpStream) -> Tcp {
    Channel::new(stream, Records::new(RECORD))
}

impl Server {
    /// A new link's number, by which the abort channel knows it.
    pub(super) fn register(&self, link: impl FnOnce(Client) -> Link) -> Link {
        self.last.set(self.last.get().wrapping_add(1));
        let link = link(self.last.get());
        let mut links = self.links.borrow_mut();
        links.retain(|_, work| work.strong_count() > 0);
        links.insert(link.client, Rc::downgrade(link.work()));
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
                let work = self.links.borrow().get(&link).and_then(Weak::upgrade);
                let error = work.map_or(DeviceError::INVALID_LINK.0, |work| {
                    work.abort();
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
