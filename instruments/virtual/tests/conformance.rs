//! One trial for every dialect, over every link that its model has: the virtual
//! instruments do what the dialect files say, and the drivers find it so.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hil_client::serial::Line;
use hil_client::trial::{Reach, Tried, try_out};
use hil_client::{Address, Dialect, Kind, Link, Stream};
use hil_timebase::{Clock, Runtime};
use hil_virtual::{Clients, Dummy, Identity, Instrument, Model, Pty, Terminals, listen, listen_hislip, listen_vxi11};
use tokio::net::TcpListener;

/// Bench time runs so much faster than real time over links of the system.
const SPEED: f64 = 5.0;

/// The ways to reach an instrument.
const LINKS: [&str; 5] = ["memory", "raw-tcp", "hislip", "vxi11", "rs232"];

/// Whether the model has that link; all can be reached in memory.
fn has(dialect: &Dialect, link: &str) -> bool {
    let transports = &dialect.link.transports;
    let has = |t: &str| transports.iter().any(|own| own == t);
    link == "memory" || has(link) || (link == "rs232" && has("usb-cdc"))
}

async fn reach(link: &str, instrument: Rc<Instrument>, clock: &Clock) -> Box<dyn Stream> {
    let host = "127.0.0.1".to_owned();
    let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = match link {
        "memory" => {
            let (near, far) = tokio::io::duplex(8192);
            tokio::task::spawn_local(async move { instrument.attend(far).await });
            return Box::new(near);
        }
        "raw-tcp" => {
            let listener = bind().await;
            let port = listener.local_addr().expect("bound").port();
            tokio::task::spawn_local(listen(listener, instrument, Clients::Many, clock.clone()));
            Address::Socket { host, port }
        }
        "hislip" => {
            let listener = bind().await;
            let port = listener.local_addr().expect("bound").port();
            tokio::task::spawn_local(listen_hislip(listener, instrument, Clients::Many, clock.clone()));
            Address::Hislip { host, name: "hislip0".into(), port }
        }
        "vxi11" => {
            let (listener, abort) = (bind().await, bind().await);
            let port = Some(listener.local_addr().expect("bound").port());
            tokio::task::spawn_local(listen_vxi11(listener, abort, instrument, Clients::Many, clock.clone()));
            Address::Vxi11 { host, port, name: "inst0".into() }
        }
        _ => {
            let pty = Pty::open().expect("a pseudo-terminal");
            let address = pty.address().clone();
            tokio::task::spawn_local(pty.serve(instrument));
            address
        }
    };
    address.open(Line::default(), clock, Duration::from_secs(20)).await.expect("opens")
}

/// Tries one channel of a dialect over one link; what was wrong.
async fn tried(name: &str, channel: u32, link_name: &str, clock: &Clock) -> Vec<String> {
    let dialect = Dialect::built_in(name).expect("listed").expect("good");
    let model = match Model::of(name, &dialect) {
        Model::Described { dialect, .. } => Model::Described { dialect, channel },
        made_by_hand => made_by_hand,
    };
    let name = &Dialect::channel_name(name, channel as usize);
    let bench = Arc::new(Dummy::default());
    let terminals: Arc<dyn Terminals> = Arc::clone(&bench) as Arc<dyn Terminals>;
    let instrument = Instrument::power_up(model, &Identity::new("1234567"), terminals, clock.clone(), 3, Duration::ZERO);
    let stream = reach(link_name, Rc::new(instrument), clock).await;
    let one = Rc::new(dialect.for_channel(channel));
    let link = Link::spawn(name, stream, one.link_settings(), clock.clone(), None);
    let all = try_out(&link, &one, Reach { power: true }).await;
    let wrong = |t: &Tried| Some(format!("{name} over {link_name}: {}: {}", t.what, t.found.as_ref().err()?));
    let mut wrongs: Vec<String> = all.iter().filter_map(wrong).collect();
    let whats: Vec<&str> = all.iter().map(|t| t.what).collect();
    if whats != expected(&dialect) {
        wrongs.push(format!("{name} over {link_name}: tried {whats:?}, expected {:?}", expected(&dialect)));
    }
    if bench.state().on {
        wrongs.push(format!("{name} over {link_name}: it was left on"));
    }
    wrongs
}

/// What must have been tried: a trial that stopped early is none.
fn expected(dialect: &Dialect) -> Vec<&'static str> {
    let mut all = of_its_kind(dialect.kind);
    if dialect.data_log.is_some() {
        let after = all.iter().position(|what| *what == "output").expect("a source or a load") + 1;
        all.insert(after, "data log");
    }
    all
}

fn of_its_kind(kind: Kind) -> Vec<&'static str> {
    match kind {
        Kind::Source => vec!["identity", "error queue", "open", "set values", "output", "off", "proof", "put back", "own reply"],
        Kind::Load => vec!["identity", "error queue", "open", "set values", "modes", "output", "off", "proof", "put back", "own reply"],
        Kind::Meter => vec!["identity", "error queue", "open", "measure", "own reply"],
        Kind::Scope => vec!["identity", "error queue", "scale", "timebase", "waveform", "own reply"],
        Kind::LedAnalyser => vec!["identity", "capture", "own reply"],
    }
}

/// Every channel of every dialect.
fn all_channels() -> Vec<(&'static str, u32, Dialect)> {
    let channels = |name| {
        let dialect = Dialect::built_in(name).expect("listed").expect("good");
        (1..=dialect.channels).map(move |channel| (name, channel, dialect.clone()))
    };
    Dialect::built_in_names().into_iter().flat_map(channels).collect()
}

#[test]
fn every_dialect_conforms_in_memory() {
    let runtime = Runtime::virtual_time().expect("a runtime");
    let clock = runtime.clock();
    let all = runtime.block_on(async {
        let mut wrong = Vec::new();
        for (name, channel, _) in all_channels() {
            wrong.extend(tried(name, channel, "memory", &clock).await);
        }
        wrong
    });
    let wrong = all.expect("no halt");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dialect_conforms_over_every_link_it_has() {
    let runtime = Runtime::scaled(SPEED).expect("a runtime");
    let clock = runtime.clock();
    let all = runtime.block_on(async {
        let mut trials = Vec::new();
        for (name, channel, dialect) in all_channels() {
            trials.extend(LINKS.into_iter().skip(1).filter(|link| has(&dialect, link)).map(|link| (name, channel, link)));
        }
        // Side by side, but not so many that they hold each other up.
        let mut wrong = Vec::new();
        for some in trials.chunks(12) {
            let done = join_all(some.iter().map(|(name, channel, link)| tried(name, *channel, link, &clock))).await;
            wrong.extend(done.into_iter().flatten());
        }
        (trials.len(), wrong)
    });
    let (count, wrong) = all.expect("no halt");
    assert!(count > 100, "{count} trials");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
