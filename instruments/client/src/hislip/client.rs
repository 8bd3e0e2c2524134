//! HiSLIP as a stream: what is written up to a flush is one message, and what
//! comes as one message is read as its bytes.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::channel::invalid;
use crate::hislip::Channel;
use crate::hislip::message::{Decoder, HEADER, Kind, Message};
use crate::hislip::session::{Heard, ProtocolError, Session, reported};
use crate::link::{Aside, Stream};

/// Longest payload that this client takes; longer replies come in parts.
const LONGEST: usize = 1 << 20;
/// Version 1.0, and two letters that no vendor has.
const VERSION_AND_VENDOR: u32 = 0x0100_0000 | u16::from_be_bytes(*b"hi") as u32;

/// A link to an instrument.
#[derive(Debug)]
pub struct Hislip<S> {
    sync: Channel<S>,
    aside: Channel<S>,
    session: Session,
    /// Written, but not flushed.
    message: Vec<u8>,
    /// Received, but not read.
    ready: VecDeque<u8>,
    last_byte: Option<u8>,
    /// Answers on the asynchronous channel that have not come. Of several of a
    /// kind, only the last is still waited for.
    owed: Vec<Kind>,
    answer: Option<(Kind, Message)>,
    /// A device clear that was not finished, or what no server may say.
    broken: Option<String>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Hislip<S> {
    /// Opens both channels, with connections that `connect` makes, to the
    /// instrument's part `name` (as `hislip0`). `stage` is told what it waits
    /// for.
    ///
    /// # Errors
    /// The operating system's, or `InvalidData` for what is not HiSLIP.
    pub async fn open(mut connect: impl AsyncFnMut() -> io::Result<S>, name: &str, stage: impl Fn(&'static str)) -> io::Result<Self> {
        stage("connection");
        let mut sync = Channel::new(connect().await?, Decoder::new(LONGEST));
        stage("answer to Initialize");
        let opened = ask(&mut sync, &Message::new(Kind::Initialize, 0, VERSION_AND_VENDOR).with(name), Kind::InitializeResponse).await?;
        stage("asynchronous connection");
        let mut aside = Channel::new(connect().await?, Decoder::new(LONGEST));
        stage("answer to AsyncInitialize");
        let session = opened.parameter & 0xffff;
        ask(&mut aside, &Message::new(Kind::AsyncInitialize, 0, session), Kind::AsyncInitializeResponse).await?;
        stage("answer to AsyncMaximumMessageSize");
        let size = Message::new(Kind::AsyncMaximumMessageSize, 0, 0).with((LONGEST as u64).to_be_bytes());
        let size = ask(&mut aside, &size, Kind::AsyncMaximumMessageSizeResponse).await?;
        Ok(Self {
            sync,
            aside,
            session: Session::new(longest(&size.payload)?),
            message: Vec::new(),
            ready: VecDeque::new(),
            last_byte: None,
            owed: Vec::new(),
            answer: None,
            broken: None,
        })
    }

    /// Hears what there is on the asynchronous channel.
    fn poll_aside(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(message) = self.aside.poll_message(cx)? {
            let message = message.ok_or_else(|| closed("asynchronous"))?;
            match message.kind {
                Kind::AsyncInterrupted => {
                    self.session.interrupted_aside();
                    self.give_up_reply();
                }
                // Nobody serves requests yet; whoever polls finds its cause.
                Kind::AsyncServiceRequest => {}
                Kind::FatalError => return Err(invalid(reported(&message))),
                _ => self.take_answer(message)?,
            }
        }
        Ok(())
    }

    fn take_answer(&mut self, message: Message) -> io::Result<()> {
        let found = message.kind;
        // An error answers whatever was asked first.
        let Some(which) = self.owed.iter().position(|kind| *kind == found || found == Kind::Error) else {
            return Err(invalid(ProtocolError::Unexpected { found, expected: "an answer, AsyncInterrupted or AsyncServiceRequest" }));
        };
        let kind = self.owed.remove(which);
        if !self.owed.contains(&kind) {
            self.answer = Some((kind, message));
        }
        Ok(())
    }

    /// Sends what is to be sent on the asynchronous channel, and takes the
    /// answer of this kind, or the error that came instead.
    fn poll_answer(&mut self, cx: &mut Context<'_>, expected: Kind) -> Poll<io::Result<Message>> {
        ready!(self.aside.poll_send(cx))?;
        self.poll_aside(cx)?;
        match self.answer.take() {
            Some((kind, answer)) if kind == expected => Poll::Ready(is_a(answer, expected)),
            _ => Poll::Pending,
        }
    }

    fn put_aside(&mut self, question: &Message, expected: Kind) {
        self.answer = None;
        self.owed.push(expected);
        self.aside.put(question);
    }

    /// Takes the next message on the synchronous channel.
    fn poll_sync(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Heard>> {
        let message = ready!(self.sync.poll_message(cx))?.ok_or_else(|| closed("synchronous"))?;
        let heard = self.session.hear(message).map_err(invalid)?;
        match &heard {
            Heard::Reply { bytes, end } => {
                self.last_byte = bytes.last().copied().or(self.last_byte);
                self.ready.extend(bytes);
                if *end && self.last_byte.take() != Some(b'\n') {
                    self.ready.push_back(b'\n');
                }
            }
            Heard::Interrupted => self.give_up_reply(),
            Heard::Stale | Heard::Cleared => {}
        }
        Poll::Ready(Ok(heard))
    }

    fn give_up_reply(&mut self) {
        self.ready.clear();
        self.last_byte = None;
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

    fn poll_bytes(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.poll_aside(cx)?;
        while self.ready.is_empty() {
            ready!(self.poll_sync(cx))?;
        }
        let (bytes, _) = self.ready.as_slices();
        let n = bytes.len().min(buf.remaining());
        buf.put_slice(&bytes[..n]);
        self.ready.drain(..n);
        Poll::Ready(Ok(()))
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.message.is_empty() {
            self.poll_aside(cx)?;
            while !self.session.may_send() {
                ready!(self.poll_sync(cx))?;
                self.poll_aside(cx)?;
            }
            // An earlier reply that nobody read will not be this one's.
            self.give_up_reply();
            self.session.send(&self.message, self.sync.out());
            self.message.clear();
        }
        self.sync.poll_send(cx)
    }

    /// Asks on the asynchronous channel.
    async fn ask_aside(&mut self, question: &Message, expected: Kind) -> io::Result<Message> {
        self.whole()?;
        self.put_aside(question, expected);
        let answer = poll_fn(|cx| self.poll_answer(cx, expected)).await;
        self.noted(answer)
    }

    async fn clear(&mut self) -> io::Result<()> {
        self.whole()?;
        // Until the end, nobody knows what the server will drop.
        self.broken = Some("a device clear was not acknowledged".into());
        self.message.clear();
        let done = self.clear_both().await;
        self.broken = done.as_ref().err().map(ToString::to_string);
        done
    }

    async fn clear_both(&mut self) -> io::Result<()> {
        let acknowledge = Kind::AsyncDeviceClearAcknowledge;
        self.put_aside(&Message::new(Kind::AsyncDeviceClear, 0, 0), acknowledge);
        poll_fn(|cx| match self.poll_answer(cx, acknowledge) {
            Poll::Ready(answer) => Poll::Ready(answer),
            // What still comes is dropped, so that the server gets through.
            Poll::Pending => loop {
                ready!(self.poll_sync(cx))?;
            },
        })
        .await?;
        // Control code 0: synchronous mode, whatever the server prefers.
        self.sync.put(&Message::new(Kind::DeviceClearComplete, 0, 0));
        poll_fn(|cx| {
            ready!(self.sync.poll_send(cx))?;
            self.poll_aside(cx)?;
            while ready!(self.poll_sync(cx))? != Heard::Cleared {}
            Poll::Ready(io::Result::Ok(()))
        })
        .await?;
        self.session.cleared();
        self.give_up_reply();
        Ok(())
    }

    async fn send_trigger(&mut self) -> io::Result<()> {
        self.whole()?;
        self.give_up_reply();
        self.session.trigger(self.sync.out());
        let sent = self.sync.send().await;
        self.noted(sent)
    }

    async fn send_lock(&mut self, within: Duration) -> io::Result<bool> {
        let within = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        let answer = self.ask_aside(&Message::new(Kind::AsyncLock, 1, within), Kind::AsyncLockResponse).await?;
        match answer.control {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(refused("a lock is held already")),
        }
    }

    async fn send_unlock(&mut self) -> io::Result<()> {
        let last = self.session.last().unwrap_or(0);
        let answer = self.ask_aside(&Message::new(Kind::AsyncLock, 0, last), Kind::AsyncLockResponse).await?;
        match answer.control {
            1 | 2 => Ok(()),
            _ => Err(refused("there is no lock to give back")),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Hislip<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.whole()?;
        let read = ready!(this.poll_bytes(cx, buf));
        Poll::Ready(this.noted(read))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Hislip<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.whole()?;
        // Bytes of an earlier message first: memory for one of them is enough.
        let sent = ready!(this.sync.poll_send(cx));
        this.noted(sent)?;
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
        ready!(this.sync.poll_shutdown(cx))?;
        this.aside.poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Hislip<S> {
    fn has_messages(&self) -> bool {
        true
    }

    fn at_end(&self) -> bool {
        self.ready.is_empty() && self.last_byte.is_none()
    }

    fn device_clear(&mut self) -> Aside<'_, ()> {
        Box::pin(self.clear())
    }

    fn status_byte(&mut self) -> Aside<'_, u8> {
        let query = self.session.status_query();
        Box::pin(async move { Ok(self.ask_aside(&query, Kind::AsyncStatusResponse).await?.control) })
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

/// One question and its answer while a connection is opened.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(channel: &mut Channel<S>, question: &Message, expected: Kind) -> io::Result<Message> {
    channel.put(question);
    channel.send().await?;
    let answer = channel.message().await?;
    is_a(answer.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, format!("closed instead of {expected}")))?, expected)
}

fn is_a(message: Message, expected: Kind) -> io::Result<Message> {
    match message.kind {
        kind if kind == expected => Ok(message),
        Kind::Error | Kind::FatalError => Err(invalid(reported(&message))),
        found => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{found}, expected {expected}"))),
    }
}

/// The longest payload that a server takes, of its answer. Some count the
/// header, some do not.
fn longest(answer: &[u8]) -> io::Result<usize> {
    let size = answer.try_into().map(u64::from_be_bytes).ok().filter(|size| *size > HEADER as u64);
    let size = size.ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("a longest message of `{}`, expected more than {HEADER}", answer.escape_ascii()))
    })?;
    Ok(usize::try_from(size).unwrap_or(usize::MAX).min(LONGEST) - HEADER)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

fn closed(channel: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the instrument closed the {channel} channel"))
}
