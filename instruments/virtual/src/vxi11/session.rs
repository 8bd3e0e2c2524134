//! One connection to an instrument's program: its calls, one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hil_client::channel::invalid;
use hil_client::vxi11::core::{
    CORE, CreateLink, DeviceError, DeviceLock, DeviceRead, DeviceWrite, END, Generic, LinkCreated, ReadDone, StatusByte, TERM_CHAR_SET,
    WAIT_LOCK, Written, procedure,
};
use hil_client::vxi11::rpc::{Call, Denial, call, put_reply};
use hil_client::vxi11::xdr::Xdr;
use hil_timebase::{Clock, Nanos};
use tokio::sync::OwnedSemaphorePermit;

use crate::instrument::Instrument;
use crate::locks::{Client, Grant};
use crate::tcp::Clients;
use crate::vxi11::link::Link;
use crate::vxi11::server::{Server, Tcp, belongs};

/// Longest data of a write.
const LONGEST: u32 = 64 * 1024;
/// A record has that, and what stands round it.
pub(super) const RECORD: usize = LONGEST as usize + 1024;

/// Bit 4 of the status byte: a reply waits.
const MESSAGE_AVAILABLE: u8 = 1 << 4;

pub(super) struct Session {
    server: Rc<Server>,
    core: Tcp,
    links: BTreeMap<Client, Link>,
    /// Calls that came before the last was answered.
    early: VecDeque<Vec<u8>>,
}

impl Session {
    pub(super) const fn new(server: Rc<Server>, core: Tcp) -> Self {
        Self { server, core, links: BTreeMap::new(), early: VecDeque::new() }
    }

    /// Until the connection is closed.
    pub(super) async fn run(mut self) -> io::Result<()> {
        while let Some(record) = self.next().await? {
            let called = call(&record).map_err(invalid)?;
            let results = self.carry_out(&called).await;
            put_reply(called.id, results, CORE.version, self.core.out());
        }
        Ok(())
    }

    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.core.send().await?;
        if let Some(record) = self.early.pop_front() {
            return Ok(Some(record));
        }
        tokio::select! {
            biased;
            record = self.core.message() => record,
            () = idle(self.server.alone()), if !self.links.is_empty() => Ok(None),
        }
    }

    async fn carry_out(&mut self, called: &Call) -> Result<Vec<u8>, Denial> {
        belongs(called, CORE)?;
        match called.procedure {
            procedure::NULL => Ok(Vec::new()),
            procedure::CREATE_LINK => Ok(self.create_link(of(called)?).await.bytes()),
            procedure::DEVICE_WRITE => Ok(self.write(of(called)?).await.bytes()),
            procedure::DEVICE_READ => Ok(self.read(of(called)?).await.bytes()),
            procedure::DEVICE_READSTB => Ok(self.status_byte(of(called)?).await.bytes()),
            procedure::DEVICE_TRIGGER => Ok(number(self.trigger(of(called)?).await).bytes()),
            procedure::DEVICE_CLEAR => Ok(number(self.clear(of(called)?).await).bytes()),
            // There is no front panel to be locked.
            procedure::DEVICE_REMOTE | procedure::DEVICE_LOCAL => {
                let Generic { link, flags, lock_timeout, .. } = of(called)?;
                Ok(number(self.admitted(link, flags, lock_timeout).await.map(drop)).bytes())
            }
            procedure::DEVICE_LOCK => Ok(number(self.lock(&of(called)?).await).bytes()),
            procedure::DEVICE_UNLOCK => Ok(number(self.unlock(of(called)?)).bytes()),
            procedure::DESTROY_LINK => Ok(number(self.destroy_link(of(called)?)).bytes()),
            procedure::DEVICE_ENABLE_SRQ | procedure::CREATE_INTR_CHAN | procedure::DESTROY_INTR_CHAN => {
                Ok(DeviceError::UNSUPPORTED.0.bytes())
            }
            procedure::DEVICE_DOCMD => Ok([DeviceError::UNSUPPORTED.0.bytes(), Vec::new().bytes()].concat()),
            _ => Err(Denial::NoProcedure),
        }
    }

    async fn create_link(&mut self, wanted: CreateLink) -> LinkCreated {
        let failed = |error: DeviceError| LinkCreated { error: error.0, link: 0, abort_port: 0, longest: 0 };
        let Some(instrument) = self.server.device(&wanted.device) else { return failed(DeviceError::NOT_ACCESSIBLE) };
        let place = match self.place().await {
            Ok(place) => place,
            Err(error) => return failed(error),
        };
        let link = self.server.register(|client| Link::new(instrument, client, place));
        let number = link.client;
        self.links.insert(number, link);
        if wanted.lock {
            let lock = DeviceLock { link: number, flags: WAIT_LOCK, lock_timeout: wanted.lock_timeout };
            if let Err(error) = self.lock(&lock).await {
                self.links.remove(&number);
                return failed(error);
            }
        }
        LinkCreated { error: 0, link: number, abort_port: self.server.abort_port.into(), longest: LONGEST }
    }

    /// A place among the clients that are served.
    async fn place(&self) -> Result<Option<OwnedSemaphorePermit>, DeviceError> {
        let place = Arc::clone(&self.server.place);
        match self.server.clients {
            Clients::Many => Ok(None),
            // The semaphore is never closed.
            Clients::Queued if self.links.is_empty() => Ok(place.acquire_owned().await.ok()),
            // Who has a link would wait for himself.
            Clients::Queued | Clients::Refused => place.try_acquire_owned().map(Some).map_err(|_| DeviceError::OUT_OF_RESOURCES),
        }
    }

    /// The link, once no other one's lock is in the way.
    async fn admitted(&mut self, link: Client, flags: u32, lock_timeout: u32) -> Result<&mut Link, DeviceError> {
        let Self { links, server, .. } = self;
        let link = links.get_mut(&link).ok_or(DeviceError::INVALID_LINK)?;
        let until = after(&server.clock, lock_timeout);
        let locks = link.instrument().locks();
        loop {
            let (changed, aborted) = (locks.changed(), link.abort().aborted());
            if locks.admit(link.client) {
                break;
            }
            if flags & WAIT_LOCK == 0 {
                return Err(DeviceError::LOCKED);
            }
            tokio::select! {
                biased;
                () = aborted => return Err(DeviceError::ABORTED),
                () = changed => {}
                () = server.clock.sleep_until(until) => return Err(DeviceError::LOCKED),
            }
        }
        Ok(link)
    }

    async fn write(&mut self, args: DeviceWrite) -> Written {
        let size = u32::try_from(args.data.len()).unwrap_or(u32::MAX);
        match self.admitted(args.link, args.flags, args.lock_timeout).await {
            Err(error) => Written { error: error.0, size: 0 },
            Ok(link) => match link.write(&args.data, args.flags & END != 0) {
                true => Written { error: 0, size },
                false => Written { error: DeviceError::OUT_OF_RESOURCES.0, size: 0 },
            },
        }
    }

    async fn read(&mut self, args: DeviceRead) -> ReadDone {
        let failed = |error: DeviceError| ReadDone { error: error.0, reason: 0, data: Vec::new() };
        if let Err(error) = self.admitted(args.link, args.flags, args.lock_timeout).await {
            return failed(error);
        }
        let Self { links, server, core, early } = self;
        let Some(link) = links.get(&args.link) else { return failed(DeviceError::INVALID_LINK) };
        let last = (args.flags & TERM_CHAR_SET != 0).then(|| args.term_char.to_be_bytes()[3]);
        let size = usize::try_from(args.size).unwrap_or(usize::MAX);
        let until = after(&server.clock, args.io_timeout);
        loop {
            let (more, aborted) = (link.work().more(), link.abort().aborted());
            if let Some(part) = link.read(size, last) {
                return part;
            }
            tokio::select! {
                biased;
                () = aborted => return failed(DeviceError::ABORTED),
                () = more => {}
                record = core.message() => match record {
                    Ok(Some(record)) => early.push_back(record),
                    // Who has gone shall not keep his place; the error shows again.
                    Ok(None) | Err(_) => return failed(DeviceError::IO_TIMEOUT),
                },
                () = server.clock.sleep_until(until) => return failed(DeviceError::IO_TIMEOUT),
            }
        }
    }

    async fn status_byte(&mut self, args: Generic) -> StatusByte {
        match self.admitted(args.link, args.flags, args.lock_timeout).await {
            Err(error) => StatusByte { error: error.0, status: 0 },
            Ok(link) => {
                let waits = if link.work().has_output() { MESSAGE_AVAILABLE } else { 0 };
                StatusByte { error: 0, status: u32::from(link.instrument().status_byte() | waits) }
            }
        }
    }

    async fn trigger(&mut self, args: Generic) -> Result<(), DeviceError> {
        self.admitted(args.link, args.flags, args.lock_timeout).await?.instrument().trigger().await;
        Ok(())
    }

    async fn clear(&mut self, args: Generic) -> Result<(), DeviceError> {
        self.admitted(args.link, args.flags, args.lock_timeout).await?.clear();
        Ok(())
    }

    async fn lock(&mut self, args: &DeviceLock) -> Result<(), DeviceError> {
        let link = self.admitted(args.link, args.flags, args.lock_timeout).await?;
        match link.instrument().locks().ask(link.client, b"") {
            Grant::Given(_) => Ok(()),
            // Its own: VXI-11 has no other word for it.
            Grant::Wrong | Grant::Busy => Err(DeviceError::LOCKED),
        }
    }

    fn unlock(&mut self, link: Client) -> Result<(), DeviceError> {
        let link = self.links.get(&link).ok_or(DeviceError::INVALID_LINK)?;
        link.instrument().locks().give_back(link.client).map(drop).ok_or(DeviceError::NOT_LOCKED)
    }

    fn destroy_link(&mut self, link: Client) -> Result<(), DeviceError> {
        self.links.remove(&link).map(drop).ok_or(DeviceError::INVALID_LINK)
    }
}

/// Ready when an instrument without a gateway closes its idle link.
async fn idle(alone: Option<Rc<Instrument>>) {
    match alone {
        Some(instrument) => instrument.idle().await,
        None => std::future::pending().await,
    }
}

/// A call's arguments.
fn of<A: Xdr>(called: &Call) -> Result<A, Denial> {
    A::of(&called.arguments).map_err(|_| Denial::BadArguments)
}

fn number(result: Result<(), DeviceError>) -> u32 {
    result.err().map_or(0, |error| error.0)
}

/// So many milliseconds of real time from now.
fn after(clock: &Clock, ms: u32) -> Nanos {
    clock.now() + clock.real(Duration::from_millis(u64::from(ms)))
}
