//! One of the two connections of HiSLIP: messages out of and into bytes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::hislip::message::{Decoder, Message};

/// So much is read at once.
const PIECE: usize = 64 * 1024;

/// A connection. A future of it that is dropped loses nothing.
#[derive(Debug)]
pub struct Channel<S> {
    stream: S,
    decoder: Decoder,
    /// Not sent yet.
    out: Vec<u8>,
    sent: usize,
    piece: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Channel<S> {
    /// Over `stream`, for payloads of at most `limit` bytes.
    pub fn new(stream: S, limit: usize) -> Self {
        Self { stream, decoder: Decoder::new(limit), out: Vec::new(), sent: 0, piece: vec![0; PIECE] }
    }

    /// Where messages are appended that are to be sent.
    pub const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Appends a message that is to be sent.
    pub fn put(&mut self, message: &Message) {
        message.encode(&mut self.out);
    }

    /// Sends what is to be sent.
    ///
    /// # Errors
    /// The operating system's.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.out.len() {
            let n = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.sent..]))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += n;
        }
        self.out.clear();
        self.sent = 0;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// The next message; `None` when the other side has closed.
    ///
    /// # Errors
    /// The operating system's; `InvalidData` for what is no message, and
    /// `UnexpectedEof` for a part of one.
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Message>>> {
        loop {
            if let Some(message) = self.decoder.take().map_err(invalid)? {
                return Poll::Ready(Ok(Some(message)));
            }
            let mut piece = ReadBuf::new(&mut self.piece);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(match self.decoder.pending() {
                    0 => Ok(None),
                    n => {
                        Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("closed within a HiSLIP message, after {n} bytes of it")))
                    }
                });
            }
            self.decoder.inbox().extend_from_slice(piece.filled());
        }
    }

    /// As [`Channel::poll_send`].
    ///
    /// # Errors
    /// As [`Channel::poll_send`].
    pub async fn send(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(cx)).await
    }

    /// As [`Channel::poll_message`].
    ///
    /// # Errors
    /// As [`Channel::poll_message`].
    pub async fn message(&mut self) -> io::Result<Option<Message>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// Sends what is to be sent, and only then, and if `listening`, takes the
    /// next message: for a server, whose replies go before new work.
    ///
    /// # Errors
    /// As [`Channel::poll_message`].
    pub async fn turn(&mut self, listening: bool) -> io::Result<Option<Message>> {
        self.send().await?;
        if listening { self.message().await } else { std::future::pending().await }
    }

    /// Ends what is said in this direction.
    ///
    /// # Errors
    /// The operating system's.
    pub fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What the other side must not say, as an error of the stream.
pub(crate) fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
