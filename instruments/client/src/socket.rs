//! A raw TCP socket. It has nothing beside its bytes, but it can be opened anew.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::link::{Aside, Stream};

/// A connection, and where to.
#[derive(Debug)]
pub struct Socket {
    host: String,
    port: u16,
    /// None while it is opened anew.
    stream: Option<TcpStream>,
}

impl Socket {
    /// Connects.
    ///
    /// # Errors
    /// The operating system's.
    pub async fn connect(host: &str, port: u16) -> io::Result<Self> {
        Ok(Self { host: host.to_owned(), port, stream: Some(tcp(host, port).await?) })
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "not opened again"))
    }

    async fn connect_again(&mut self) -> io::Result<()> {
        // Closed first: an instrument may serve one client only.
        self.stream = None;
        self.stream = Some(tcp(&self.host, self.port).await?);
        Ok(())
    }
}

/// A connection on which a command does not wait for the next one.
pub(crate) async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().stream()?.poll_write(cx, buf)
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().stream()?.poll_shutdown(cx)
    }
}

impl Stream for Socket {
    fn reopen(&mut self) -> Aside<'_, ()> {
        Box::pin(self.connect_again())
    }
}
