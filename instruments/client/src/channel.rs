//! A connection of a protocol whose messages have a length: bytes out of and
//! into messages.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// So much is read at once.
const PIECE: usize = 64 * 1024;

/// Makes messages of bytes that come in pieces.
pub trait Frames {
    /// A whole message.
    type Frame;
    /// Bytes that are none.
    type Error: std::error::Error + Send + Sync + 'static;
    /// What a message is called.
    const NAME: &'static str;

    /// Where bytes are appended as they come.
    fn inbox(&mut self) -> &mut Vec<u8>;

    /// How many bytes are there of a message that is not whole.
    fn pending(&self) -> usize;

    /// The next message, once it is whole.
    ///
    /// # Errors
    /// As soon as it shows that the bytes are none. It stays so.
    fn next(&mut self) -> Result<Option<Self::Frame>, Self::Error>;
}

/// A connection. A future of it that is dropped loses nothing.
#[derive(Debug)]
pub struct Channel<S, F> {
    stream: S,
    frames: F,
    /// Not sent yet.
    out: Vec<u8>,
    sent: usize,
    piece: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin, F: Frames> Channel<S, F> {
    /// Over `stream`.
    pub fn new(stream: S, frames: F) -> Self {
        Self { stream, frames, out: Vec::new(), sent: 0, piece: vec![0; PIECE] }
    }

    /// Where messages are appended that are to be sent.
    pub const fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
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
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<F::Frame>>> {
        loop {
            if let Some(message) = self.frames.next().map_err(invalid)? {
                return Poll::Ready(Ok(Some(message)));
            }
            let mut piece = ReadBuf::new(&mut self.piece);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece))?;
            if piece.filled().is_empty() {
                return Poll::Ready(match self.frames.pending() {
                    0 => Ok(None),
                    n => Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("closed within {}, after {n} bytes of it", F::NAME))),
                });
            }
            self.frames.inbox().extend_from_slice(piece.filled());
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
    pub async fn message(&mut self) -> io::Result<Option<F::Frame>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// Sends what is to be sent, and only then, and if `listening`, takes the
    /// next message: for a server, whose replies go before new work.
    ///
    /// # Errors
    /// As [`Channel::poll_message`].
    pub async fn turn(&mut self, listening: bool) -> io::Result<Option<F::Frame>> {
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
pub fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
