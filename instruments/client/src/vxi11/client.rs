//! VXI-11 as a stream: what is written up to a flush is one message, and what is
//! read until its end is one reply. One call at a time is under way; one that
//! nobody waits for any more is ended from the abort channel.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::channel::{Channel, invalid};
use crate::link::{Aside, Stream};
use crate::vxi11::core::{
    ABORT, CORE, CreateLink, DeviceError, DeviceLock, DeviceRead, DeviceWrite, END, Generic, LinkCreated, Mapping, PORTMAPPER,
    PORTMAPPER_PORT, REASON_CHARACTER, REASON_END, ReadDone, StatusByte, TCP, WAIT_LOCK, Written, procedure,
};
use crate::vxi11::record::Records;
use crate::vxi11::rpc::{Denial, Program, RpcError, put_call, reply};
use crate::vxi11::xdr::Xdr;

/// Longest part of a reply.
const PART: u32 = 256 * 1024;
/// A record has that, and what stands round it.
const RECORD: usize = PART as usize + 1024;
/// Longest part of a message, whatever the server would take.
const LONGEST_WRITE: usize = 1 << 20;
/// For an operation that is not a read, ms.
const IO_TIMEOUT: u32 = 2_000;
/// For another one's lock, ms; whoever waits gives up sooner.
const LOCK_TIMEOUT: u32 = 10_000;
/// This client's number.
const CLIENT: u32 = u16::from_be_bytes(*b"hi") as u32;

/// A call without its reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pending {
    id: u32,
    what: What,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// A part of so many bytes of the message.
    Write(usize),
    Read,
    Other,
}

/// A link to an instrument.
#[derive(Debug)]
pub struct Vxi11<S> {
    core: Channel<S, Records>,
    abort: Option<Channel<S, Records>>,
    link: u32,
    /// Longest part of a message.
    largest: usize,
    /// The number of the last call.
    last: u32,
    pending: Option<Pending>,
    /// A call of the abort channel without its reply.
    aborting: Option<u32>,
    /// Written, and so much of it was taken.
    message: Vec<u8>,
    taken: usize,
    /// A reply is waited for, and for so long in real time.
    wanted: Option<Duration>,
    /// Received, but not read.
    ready: VecDeque<u8>,
    last_byte: Option<u8>,
    broken: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Vxi11<S> {
    /// Opens a link to the instrument's part `device` (as `inst0`), with
    /// connections that `connect` makes to ports. Without a port, the portmapper
    /// is asked for it. `stage` is told what it waits for.
    ///
    /// # Errors
    /// The operating system's, the instrument's, or `InvalidData` for what is not
    /// VXI-11.
    pub async fn open(
        mut connect: impl AsyncFnMut(u16) -> io::Result<S>,
        port: Option<u16>,
        device: &str,
        stage: impl Fn(&'static str),
    ) -> io::Result<Self> {
        let port = match port {
            Some(port) => port,
            None => find_port(&mut connect, &stage).await?,
        };
        stage("connection");
        let mut core = Channel::new(connect(port).await?, Records::new(RECORD));
        stage("answer to create_link");
        let wanted = CreateLink { client: CLIENT, lock: false, lock_timeout: 0, device: device.into() };
        let created: LinkCreated = ask(&mut core, CORE, procedure::CREATE_LINK, &wanted).await?;
        DeviceError::check(created.error).map_err(|e| io::Error::other(format!("no link to `{device}`: {e}")))?;
        stage("abort channel");
        let abort = match u16::try_from(created.abort_port) {
            // An instrument without one must be waited for.
            Err(_) | Ok(0) => None,
            Ok(port) => Some(Channel::new(connect(port).await?, Records::new(RECORD))),
        };
        Ok(Self {
            core,
            abort,
            link: created.link,
            largest: usize::try_from(created.longest).unwrap_or(usize::MAX).clamp(1, LONGEST_WRITE),
            last: 1,
            pending: None,
            aborting: None,
            message: Vec::new(),
            taken: 0,
            wanted: None,
            ready: VecDeque::new(),
            last_byte: None,
            broken: None,
        })
    }

    fn put(&mut self, procedure: u32, arguments: &impl Xdr, what: What) {
        self.last = self.last.wrapping_add(1);
        put_call(self.last, CORE, procedure, arguments, self.core.out());
        self.pending = Some(Pending { id: self.last, what });
    }

    /// The results of the call that is under way.
    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        ready!(self.core.poll_send(cx))?;
        let record = ready!(self.core.poll_message(cx))?.ok_or_else(|| closed("the link"))?;
        let (id, results) = reply(&record).map_err(invalid)?;
        match self.pending.take() {
            Some(pending) if pending.id == id => Poll::Ready(results.map_err(denied)),
            expected => {
                let expected = expected.map_or_else(|| "none".into(), |e| format!("one with number {}", e.id));
                Poll::Ready(Err(invalid(RpcError::Unexpected { found: "a reply", id, expected })))
            }
        }
    }

    /// Ends the call that is under way, if any. The abort channel's answer is
    /// waited for, too: an abort that comes late would end the next call.
    fn poll_free(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pending.is_some()
            && self.aborting.is_none()
            && let Some(abort) = &mut self.abort
        {
            self.last = self.last.wrapping_add(1);
            put_call(self.last, ABORT, procedure::DEVICE_ABORT, &self.link, abort.out());
            self.aborting = Some(self.last);
        }
        let aborted = self.poll_aborted(cx)?;
        if self.pending.is_some() {
            // Whatever comes of it is of no use.
            ready!(self.poll_reply(cx))?;
        }
        aborted.map(Ok)
    }

    fn poll_aborted(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let (Some(abort), Some(call)) = (&mut self.abort, self.aborting) else { return Ok(Poll::Ready(())) };
        if abort.poll_send(cx)?.is_pending() {
            return Ok(Poll::Pending);
        }
        let Poll::Ready(record) = abort.poll_message(cx)? else { return Ok(Poll::Pending) };
        let (id, _) = reply(&record.ok_or_else(|| closed("the abort channel"))?).map_err(invalid)?;
        if id != call {
            return Err(invalid(RpcError::Unexpected { found: "a reply", id, expected: format!("one with number {call}") }));
        }
        self.aborting = None;
        Ok(Poll::Ready(()))
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.taken < self.message.len() {
            match self.pending {
                None => self.put_part(),
                Some(Pending { what: What::Write(size), .. }) => {
                    let written = Written::of(&ready!(self.poll_reply(cx))?).map_err(invalid)?;
                    DeviceError::check(written.error).map_err(failed("device_write"))?;
                    let taken = usize::try_from(written.size).unwrap_or(usize::MAX);
                    if taken == 0 || taken > size {
                        return Poll::Ready(Err(io::Error::other(format!("device_write took {taken} of {size} bytes"))));
                    }
                    self.taken += taken;
                }
                Some(Pending { what: What::Read | What::Other, .. }) => ready!(self.poll_free(cx))?,
            }
        }
        self.message.clear();
        self.taken = 0;
        Poll::Ready(Ok(()))
    }

    fn put_part(&mut self) {
        if self.taken == 0 {
            // An earlier reply that nobody read will not be this one's.
            self.give_up_reply();
        }
        let rest = &self.message[self.taken..];
        let size = rest.len().min(self.largest);
        let flags = WAIT_LOCK | if size == rest.len() { END } else { 0 };
        let data = rest[..size].to_vec();
        let part = DeviceWrite { link: self.link, io_timeout: IO_TIMEOUT, lock_timeout: LOCK_TIMEOUT, flags, data };
        self.put(procedure::DEVICE_WRITE, &part, What::Write(size));
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.ready.is_empty() {
            match (self.pending.map(|p| p.what), self.wanted) {
                (Some(What::Read), _) => {
                    let done = ReadDone::of(&ready!(self.poll_reply(cx))?).map_err(invalid)?;
                    self.take_part(done)?;
                }
                // Of a call that nobody waits for.
                (Some(What::Write(_) | What::Other), _) => drop(ready!(self.poll_reply(cx))?),
                (None, Some(within)) => {
                    let io_timeout = u32::try_from(within.as_millis()).unwrap_or(u32::MAX).max(1);
                    let (link, lock_timeout, flags) = (self.link, LOCK_TIMEOUT, WAIT_LOCK);
                    let read = DeviceRead { link, size: PART, io_timeout, lock_timeout, flags, term_char: 0 };
                    self.put(procedure::DEVICE_READ, &read, What::Read);
                }
                // Only that it is closed can be heard.
                (None, None) => drop(ready!(self.poll_reply(cx))?),
            }
        }
        let (bytes, _) = self.ready.as_slices();
        let n = bytes.len().min(buf.remaining());
        buf.put_slice(&bytes[..n]);
        self.ready.drain(..n);
        Poll::Ready(Ok(()))
    }

    fn take_part(&mut self, done: ReadDone) -> io::Result<()> {
        match DeviceError::check(done.error) {
            // The actor's own deadline says when it is over.
            Err(DeviceError::IO_TIMEOUT | DeviceError::ABORTED) => return Ok(()),
            checked => checked.map_err(failed("device_read"))?,
        }
        self.last_byte = done.data.last().copied().or(self.last_byte);
        self.ready.extend(done.data);
        if done.reason & (REASON_END | REASON_CHARACTER) != 0 {
            self.wanted = None;
            if self.last_byte.take() != Some(b'\n') {
                self.ready.push_back(b'\n');
            }
        }
        Ok(())
    }

    fn give_up_reply(&mut self) {
        self.ready.clear();
        self.last_byte = None;
        self.wanted = None;
    }

    /// What breaks the link breaks it for good.
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            self.broken.get_or_insert_with(|| error.to_string());
        }
        result
    }

    fn whole(&self) -> io::Result<()> {
        self.broken.as_ref().map_or(Ok(()), |cause| Err(io::Error::other(cause.clone())))
    }

    /// A call beside the messages.
    async fn call<R: Xdr>(&mut self, procedure: u32, arguments: &impl Xdr) -> io::Result<R> {
        self.whole()?;
        let results = match self.exchange(procedure, arguments).await {
            Err(unsupported) if unsupported.kind() == io::ErrorKind::Unsupported => return Err(unsupported),
            results => self.noted(results)?,
        };
        R::of(&results).map_err(invalid)
    }

    async fn exchange(&mut self, procedure: u32, arguments: &impl Xdr) -> io::Result<Vec<u8>> {
        poll_fn(|cx| self.poll_free(cx)).await?;
        self.put(procedure, arguments, What::Other);
        poll_fn(|cx| self.poll_reply(cx)).await
    }

    const fn generic(&self) -> Generic {
        Generic { link: self.link, flags: 0, lock_timeout: 0, io_timeout: IO_TIMEOUT }
    }

    async fn clear(&mut self) -> io::Result<()> {
        self.message.clear();
        self.taken = 0;
        let error = self.call(procedure::DEVICE_CLEAR, &self.generic()).await?;
        DeviceError::check(error).map_err(beside("device_clear"))?;
        self.give_up_reply();
        Ok(())
    }

    async fn read_status(&mut self) -> io::Result<u8> {
        let read: StatusByte = self.call(procedure::DEVICE_READSTB, &self.generic()).await?;
        DeviceError::check(read.error).map_err(beside("device_readstb"))?;
        // The other bits mean nothing.
        Ok(read.status.to_be_bytes()[3])
    }

    async fn send_trigger(&mut self) -> io::Result<()> {
        let error = self.call(procedure::DEVICE_TRIGGER, &self.generic()).await?;
        DeviceError::check(error).map_err(beside("device_trigger"))
    }

    async fn send_lock(&mut self, within: Duration) -> io::Result<bool> {
        let lock_timeout = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        let flags = if lock_timeout == 0 { 0 } else { WAIT_LOCK };
        let error = self.call(procedure::DEVICE_LOCK, &DeviceLock { link: self.link, flags, lock_timeout }).await?;
        match DeviceError::check(error) {
            Ok(()) => Ok(true),
            Err(DeviceError::LOCKED) => Ok(false),
            Err(error) => Err(beside("device_lock")(error)),
        }
    }

    async fn send_unlock(&mut self) -> io::Result<()> {
        let error = self.call(procedure::DEVICE_UNLOCK, &self.link.clone()).await?;
        DeviceError::check(error).map_err(beside("device_unlock"))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Vxi11<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.whole()?;
        let read = ready!(this.poll_bytes(cx, buf));
        Poll::Ready(this.noted(read))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Vxi11<S> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.whole()?;
        this.message.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.whole()?;
        let sent = ready!(this.poll_sent(cx));
        Poll::Ready(this.noted(sent))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.core.poll_shutdown(cx))?;
        this.abort.as_mut().map_or(Poll::Ready(Ok(())), |abort| abort.poll_shutdown(cx))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Vxi11<S> {
    fn has_messages(&self) -> bool {
        true
    }

    fn at_end(&self) -> bool {
        self.ready.is_empty() && self.wanted.is_none()
    }

    fn expect_reply(&mut self, within: Duration) {
        self.wanted = Some(within);
    }

    fn device_clear(&mut self) -> Aside<'_, ()> {
        Box::pin(self.clear())
    }

    fn status_byte(&mut self) -> Aside<'_, u8> {
        Box::pin(self.read_status())
    }

    fn trigger(&mut self) -> Aside<'_, ()> {
        Box::pin(self.send_trigger())
    }

    fn lock(&mut self, within: Duration) -> Aside<'_, bool> {
        Box::pin(self.send_lock(within))
    }

    fn unlock(&mut self) -> Aside<'_, ()> {
        Box::pin(self.send_unlock())
    }
}

/// The port of an instrument's program, from the portmapper beside it.
async fn find_port<S: AsyncRead + AsyncWrite + Unpin>(
    connect: &mut impl AsyncFnMut(u16) -> io::Result<S>,
    stage: &impl Fn(&'static str),
) -> io::Result<u16> {
    stage("connection to the portmapper");
    let mut portmapper = Channel::new(connect(PORTMAPPER_PORT).await?, Records::new(RECORD));
    stage("answer of the portmapper");
    let wanted = Mapping { program: CORE.number, version: CORE.version, protocol: TCP, port: 0 };
    let port: u32 = ask(&mut portmapper, PORTMAPPER, procedure::GET_PORT, &wanted).await?;
    u16::try_from(port)
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| io::Error::other(format!("the portmapper has port {port} for VXI-11, expected one from 1 to 65535")))
}

/// One call and its results while a connection is opened.
async fn ask<S: AsyncRead + AsyncWrite + Unpin, R: Xdr>(
    channel: &mut Channel<S, Records>,
    program: Program,
    procedure: u32,
    arguments: &impl Xdr,
) -> io::Result<R> {
    put_call(1, program, procedure, arguments, channel.out());
    channel.send().await?;
    let record = channel.message().await?.ok_or_else(|| closed("the connection"))?;
    let (id, results) = reply(&record).map_err(invalid)?;
    if id != 1 {
        return Err(invalid(RpcError::Unexpected { found: "a reply", id, expected: "one with number 1".into() }));
    }
    R::of(&results.map_err(invalid)?).map_err(invalid)
}

fn denied(denial: Denial) -> io::Error {
    match denial {
        Denial::NoProcedure => io::Error::new(io::ErrorKind::Unsupported, denial),
        _ => invalid(denial),
    }
}

fn failed(what: &'static str) -> impl Fn(DeviceError) -> io::Error {
    move |error| io::Error::other(format!("{what}: {error}"))
}

/// An error beside the messages, which does not break the link.
fn beside(what: &'static str) -> impl Fn(DeviceError) -> io::Error {
    move |error| match error {
        DeviceError::UNSUPPORTED => io::ErrorKind::Unsupported.into(),
        error => io::Error::new(io::ErrorKind::PermissionDenied, format!("{what}: {error}")),
    }
}

fn closed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the instrument closed {what}"))
}
