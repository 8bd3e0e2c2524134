//! The one connection to a gateway: what instruments' links want of it, one after
//! the other. Nobody is heard while another one is spoken with, so a read takes short
//! turns.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use hil_timebase::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::error::shown;
use crate::prologix::{GatewayAddress, Place, words};
use crate::socket::tcp;

/// The longest turn of a read. In real time: the gateway counts it.
const TURN: Duration = Duration::from_millis(200);
/// The gateway itself answers within that beyond a turn, in real time.
const GATEWAY_WITHIN: Duration = Duration::from_millis(1500);
/// A gateway's own words are no longer.
const LONGEST_VERSION: usize = 256;
/// Longest reply of a turn.
const LONGEST: usize = 64 << 20;

/// What a link wants.
pub(super) struct Request {
    pub(super) place: Place,
    pub(super) what: What,
}

/// … and where its answer goes. Nobody does what nobody waits for any more.
pub(super) enum What {
    Write {
        message: Vec<u8>,
        done: oneshot::Sender<io::Result<()>>,
    },
    /// Within real time, as far as others leave it any.
    Read {
        within: Duration,
        done: oneshot::Sender<io::Result<Part>>,
    },
    Clear {
        done: oneshot::Sender<io::Result<()>>,
    },
    Trigger {
        done: oneshot::Sender<io::Result<()>>,
    },
    StatusByte {
        done: oneshot::Sender<io::Result<u8>>,
    },
}

/// What a read gave.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Part {
    pub(super) bytes: Vec<u8>,
    /// The reply ends with it.
    pub(super) end: bool,
}

pub(super) struct Bus {
    stream: TcpStream,
    clock: Clock,
    /// How the gateway says which one it is.
    version: Vec<u8>,
    /// Whom it speaks with.
    addressed: Option<Place>,
    turn_ms: Option<u128>,
}

impl Bus {
    pub(super) async fn connect(address: &GatewayAddress, clock: Clock) -> io::Result<Self> {
        let stream = tcp(&address.host, address.port).await?;
        let mut bus = Self { stream, clock, version: Vec::new(), addressed: None, turn_ms: None };
        bus.stream.write_all(words::setup().as_bytes()).await?;
        bus.stream.write_all(words::VERSION.as_bytes()).await?;
        while bus.version.last() != Some(&b'\n') {
            if bus.stream.read_buf(&mut bus.version).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the gateway closed the link instead of saying its version"));
            }
            if bus.version.len() > LONGEST_VERSION {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("`{}`, expected a gateway's version", shown(&bus.version))));
            }
        }
        Ok(bus)
    }

    /// Until nobody is left, or the gateway is lost: then whoever waits is told by the
    /// end of his channel.
    pub(super) async fn serve(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let mut waiting = VecDeque::new();
        while let Some(request) = self.next(&mut waiting, &mut requests).await {
            match self.carry_out(request).await {
                Ok(None) => {}
                // Others have their turn first.
                Ok(Some(again)) => {
                    waiting.extend(std::iter::from_fn(|| requests.try_recv().ok()));
                    waiting.push_back(again);
                }
                Err((error, tell)) => {
                    tracing::debug!(%error, "a GPIB gateway is lost");
                    return tell(error);
                }
            }
        }
    }

    async fn next(&mut self, waiting: &mut VecDeque<Request>, requests: &mut mpsc::UnboundedReceiver<Request>) -> Option<Request> {
        waiting.extend(std::iter::from_fn(|| requests.try_recv().ok()));
        if let Some(request) = waiting.pop_front() {
            return Some(request);
        }
        let mut unasked = Vec::new();
        tokio::select! {
            biased;
            request = requests.recv() => request,
            // Unasked, a gateway says nothing: whatever comes is its end.
            read = self.stream.read_buf(&mut unasked) => {
                tracing::debug!(?read, "a GPIB gateway closed the link, or said something unasked");
                None
            }
        }
    }

    /// Does it; what is left to do of it comes back.
    async fn carry_out(&mut self, Request { place, what }: Request) -> Result<Option<Request>, Lost> {
        match what {
            What::Write { message, done } => self.plain(place, &words::message(&message), done).await.map(|()| None),
            What::Clear { done } => self.plain(place, b"++clr\n", done).await.map(|()| None),
            What::Trigger { done } => self.plain(place, b"++trg\n", done).await.map(|()| None),
            What::StatusByte { done } if done.is_closed() => Ok(None),
            What::StatusByte { done } => match self.exchange(place, "++spoll\n", TURN).await {
                Ok(answer) => {
                    drop(done.send(status(&answer)));
                    Ok(None)
                }
                Err(error) => Err(lost(error, done)),
            },
            What::Read { within, done } => self.read(place, within, done).await,
        }
    }

    /// One turn. What is left of the time comes back if nothing came.
    async fn read(&mut self, place: Place, within: Duration, done: oneshot::Sender<io::Result<Part>>) -> Result<Option<Request>, Lost> {
        if done.is_closed() {
            return Ok(None);
        }
        let turn = TURN.min(within);
        let mut bytes = match self.exchange(place, "++read eoi\n", turn).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(lost(error, done)),
        };
        let end = bytes.last() == Some(&words::END);
        if end {
            bytes.pop();
        }
        let left = within.saturating_sub(turn);
        if bytes.is_empty() && !end && !left.is_zero() {
            return Ok(Some(Request { place, what: What::Read { within: left, done } }));
        }
        drop(done.send(Ok(Part { bytes, end })));
        Ok(None)
    }

    /// Something without an answer.
    async fn plain(&mut self, place: Place, line: &[u8], done: oneshot::Sender<io::Result<()>>) -> Result<(), Lost> {
        if done.is_closed() {
            return Ok(());
        }
        match self.say(place, line).await {
            Ok(()) => {
                drop(done.send(Ok(())));
                Ok(())
            }
            Err(error) => Err(lost(error, done)),
        }
    }

    /// Asks, and returns all that comes before the gateway's own words.
    async fn exchange(&mut self, place: Place, line: &str, turn: Duration) -> io::Result<Vec<u8>> {
        let turn_ms = turn.as_millis().max(1);
        let mut lines = String::new();
        if self.turn_ms != Some(turn_ms) {
            lines.push_str(&format!("++read_tmo_ms {turn_ms}\n"));
            self.turn_ms = Some(turn_ms);
        }
        lines.push_str(line);
        lines.push_str(words::VERSION);
        self.say(place, lines.as_bytes()).await?;
        let clock = self.clock.clone();
        let within = clock.real(turn + GATEWAY_WITHIN);
        let answer = clock.timeout(within, self.until_version()).await;
        answer.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the GPIB gateway does not answer")))
    }

    async fn until_version(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(&self.version) {
            if self.stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the GPIB gateway closed the link"));
            }
            if bytes.len() > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {LONGEST} bytes without an end")));
            }
        }
        bytes.truncate(bytes.len() - self.version.len());
        Ok(bytes)
    }

    async fn say(&mut self, place: Place, line: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::new();
        if self.addressed != Some(place) {
            bytes.extend_from_slice(words::address(place).as_bytes());
            self.addressed = Some(place);
        }
        bytes.extend_from_slice(line);
        let clock = self.clock.clone();
        let written = clock.timeout(clock.real(GATEWAY_WITHIN), self.stream.write_all(&bytes)).await;
        written.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "the GPIB gateway takes nothing")))
    }
}

/// The gateway is lost, and who is to be told first.
type Lost = (io::Error, Box<dyn FnOnce(io::Error)>);

fn lost<T: 'static>(error: io::Error, done: oneshot::Sender<io::Result<T>>) -> Lost {
    (error, Box::new(move |error| drop(done.send(Err(error)))))
}

/// Of a serial poll; who is not there does not break the link of who is.
fn status(answer: &[u8]) -> io::Result<u8> {
    let text = std::str::from_utf8(answer).unwrap_or_default().trim();
    text.parse().map_err(|_| io::Error::new(io::ErrorKind::PermissionDenied, format!("a serial poll gave `{}`", shown(answer))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_poll_gives_a_byte() {
        assert_eq!(status(b"16\r\n").ok(), Some(16));
        for none in [&b""[..], b"256\r\n", b"-1", b"\xff"] {
            assert_eq!(status(none).map_err(|e| e.kind()), Err(io::ErrorKind::PermissionDenied));
        }
    }
}
