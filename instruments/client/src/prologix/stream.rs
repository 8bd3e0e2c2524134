//! One instrument of a bus as a stream: what is written up to a flush is one message,
//! and a reply is asked for when it is waited for.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};

use crate::link::{Aside, Stream};
use crate::prologix::Place;
use crate::prologix::bus::{Part, Request, What};

/// A link to an instrument.
pub struct Gpib {
    place: Place,
    requests: mpsc::UnboundedSender<Request>,
    /// Ready when the gateway is lost.
    lost: LocalBoxFuture<'static, ()>,
    /// Written, but not flushed.
    message: Vec<u8>,
    writing: Option<oneshot::Receiver<io::Result<()>>>,
    /// A reply is waited for, and for so long in real time.
    wanted: Option<Duration>,
    reading: Option<oneshot::Receiver<io::Result<Part>>>,
    /// Received, but not read.
    ready: VecDeque<u8>,
    last_byte: Option<u8>,
}

impl Gpib {
    pub(super) fn new(place: Place, requests: mpsc::UnboundedSender<Request>) -> Self {
        let watched = requests.clone();
        let lost = async move { watched.closed().await }.boxed_local();
        let (message, ready) = (Vec::new(), VecDeque::new());
        Self { place, requests, lost, message, writing: None, wanted: None, reading: None, ready, last_byte: None }
    }

    fn ask<T>(&self, what: impl FnOnce(oneshot::Sender<io::Result<T>>) -> What) -> oneshot::Receiver<io::Result<T>> {
        let (done, answer) = oneshot::channel();
        // A gateway that is lost drops it, which is the answer.
        let _ = self.requests.send(Request { place: self.place, what: what(done) });
        answer
    }

    async fn answer<T>(&self, what: impl FnOnce(oneshot::Sender<io::Result<T>>) -> What) -> io::Result<T> {
        self.ask(what).await.unwrap_or_else(|_| Err(gone()))
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.ready.is_empty() {
            if self.reading.is_none() {
                if self.requests.is_closed() {
                    return Poll::Ready(Err(gone()));
                }
                let Some(within) = self.wanted else {
                    // Only that the gateway is lost can be heard.
                    ready!(self.lost.poll_unpin(cx));
                    return Poll::Ready(Err(gone()));
                };
                self.reading = Some(self.ask(|done| What::Read { within, done }));
            }
            let Some(reading) = &mut self.reading else { continue };
            let part = ready!(Pin::new(reading).poll(cx)).unwrap_or_else(|_| Err(gone()));
            self.reading = None;
            self.take(part?);
        }
        let (bytes, _) = self.ready.as_slices();
        let n = bytes.len().min(buf.remaining());
        buf.put_slice(&bytes[..n]);
        self.ready.drain(..n);
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, part: Part) {
        self.last_byte = part.bytes.last().copied().or(self.last_byte);
        let nothing = part.bytes.is_empty();
        self.ready.extend(part.bytes);
        if part.end {
            self.wanted = None;
            if self.last_byte.take() != Some(b'\n') {
                self.ready.push_back(b'\n');
            }
        } else if nothing {
            // Its time is over; the link's task says so by its own deadline.
            self.wanted = None;
        }
    }

    fn give_up_reply(&mut self) {
        (self.wanted, self.reading, self.last_byte) = (None, None, None);
        self.ready.clear();
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.message.is_empty() {
            // An earlier reply that nobody read will not be this one's.
            self.give_up_reply();
            let message = std::mem::take(&mut self.message);
            self.writing = Some(self.ask(|done| What::Write { message, done }));
        }
        if let Some(writing) = &mut self.writing {
            let written = ready!(Pin::new(writing).poll(cx)).unwrap_or_else(|_| Err(gone()));
            self.writing = None;
            written?;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Gpib {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_bytes(cx, buf)
    }
}

impl AsyncWrite for Gpib {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().message.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Stream for Gpib {
    fn has_messages(&self) -> bool {
        true
    }

    fn expect_reply(&mut self, within: Duration) {
        self.wanted = Some(within);
    }

    fn device_clear(&mut self) -> Aside<'_, ()> {
        self.message.clear();
        self.give_up_reply();
        Box::pin(self.answer(|done| What::Clear { done }))
    }

    fn status_byte(&mut self) -> Aside<'_, u8> {
        Box::pin(self.answer(|done| What::StatusByte { done }))
    }

    fn trigger(&mut self) -> Aside<'_, ()> {
        Box::pin(self.answer(|done| What::Trigger { done }))
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the GPIB gateway is lost")
}
