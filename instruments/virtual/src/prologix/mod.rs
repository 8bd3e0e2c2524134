//! A GPIB bus of virtual instruments behind a Prologix-style gateway on TCP.
//!
//! As the real one: each connection has settings of its own, lines are carried out one
//! after the other, and a read without a reply ends in silence. Not here: device mode,
//! service requests, and settings that outlive a connection.

mod line;
mod session;

use std::collections::BTreeMap;
use std::rc::Rc;

use hil_client::prologix::Place;
use hil_timebase::Clock;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::instrument::Instrument;
use crate::prologix::session::Session;
use crate::tcp::accept;
use crate::work::Work;

/// The bus, which all connections share.
struct Bus {
    /// What goes on with each instrument, by its place.
    instruments: BTreeMap<Place, Rc<Work>>,
    /// There is one conversation on it at a time.
    talk: Mutex<()>,
}

/// Serves whoever connects, for ever. Must run inside a `LocalSet`.
pub async fn listen(listener: TcpListener, instruments: BTreeMap<Place, Rc<Instrument>>, clock: Clock) {
    let instruments = instruments.into_iter().map(|(place, instrument)| (place, Rc::new(Work::new(instrument)))).collect();
    let bus = Rc::new(Bus { instruments, talk: Mutex::new(()) });
    loop {
        let stream = accept(&listener, &clock).await;
        let session = Session::new(stream, Rc::clone(&bus), clock.clone());
        tokio::task::spawn_local(async move {
            if let Err(error) = session.run().await {
                tracing::debug!(%error, "a GPIB gateway's client has gone");
            }
        });
    }
}
