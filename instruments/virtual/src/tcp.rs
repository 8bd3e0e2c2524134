//! Virtual instruments on TCP, as raw SCPI sockets.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hil_timebase::Clock;
use tokio::net::{TcpListener, TcpStream};

use crate::instrument::Instrument;

/// After a failed accept, before the next.
const BREATH: Duration = Duration::from_millis(50);

/// What becomes of a second client while a first is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clients {
    /// It is served, too.
    #[default]
    Many,
    /// It is connected, but nobody answers until the first has gone.
    Queued,
    /// Its connection is closed at once.
    Refused,
}

/// Serves whoever connects, for ever. Must run inside a `LocalSet`.
pub async fn listen(listener: TcpListener, instrument: Rc<Instrument>, clients: Clients, clock: Clock) {
    let busy = Rc::new(Cell::new(false));
    loop {
        let stream = accept(&listener, &clock).await;
        match clients {
            Clients::Queued => instrument.attend(stream).await,
            Clients::Refused if busy.get() => drop(stream),
            Clients::Many | Clients::Refused => {
                let (instrument, busy) = (Rc::clone(&instrument), Rc::clone(&busy));
                busy.set(true);
                tokio::task::spawn_local(async move {
                    instrument.attend(stream).await;
                    busy.set(false);
                });
            }
        }
    }
}

/// The next client's connection.
pub(crate) async fn accept(listener: &TcpListener, clock: &Clock) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Replies are small; one that waits for more would be late.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "no TCP_NODELAY");
                }
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "a virtual instrument could not accept a client");
                clock.sleep(clock.real(BREATH)).await;
            }
        }
    }
}
