//! `hil instrument discover`: which instruments there are, without anybody having
//! named them.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use futures_util::future::join_all;
use hil_client::discover::{Found, Means, broadcast, mdns, serial_ports, usb};
use hil_client::serial::Line;
use hil_client::vxi11::core::PORTMAPPER_PORT;
use hil_client::{Link, LinkSettings};
use hil_timebase::{Clock, Runtime};
use serde_json::json;

use crate::args::DiscoverArguments;
use crate::assemble::no_runtime;
use crate::failure::Failure;
use crate::instrument_query::{OPEN_WITHIN, time};
use crate::screen::complain;
use crate::{say, wire};

/// Between two looks at what was found so far, for whoever watches.
const PROGRESS: Duration = Duration::from_millis(200);

/// Searches everywhere at once, asks who was found for his identity, and prints a
/// line for each.
///
/// # Errors
/// An option that is none (exit code 2).
pub fn discover(arguments: &DiscoverArguments) -> Result<u8, Failure> {
    let within = time("--within", &arguments.within)?;
    let runtime = Runtime::real_time().map_err(|e| no_runtime(&e))?;
    let clock = runtime.clock();
    let searched = runtime.block_on(async {
        let (found, failed) = watched(&clock, "searching", search(arguments, &clock, within)).await;
        let asked = watched(&clock, "asking who they are", ask_all(&clock, found, arguments.no_idn)).await;
        (asked, failed)
    });
    let (asked, failed) = searched.map_err(|halt| Failure::tester(halt.to_string(), None))?;
    if arguments.json {
        let all: Vec<_> = asked.iter().map(Asked::json).collect();
        say(&serde_json::to_string_pretty(&all).map_err(|e| Failure::tester(e.to_string(), None))?);
    } else {
        asked.iter().for_each(|one| say(&one.line()));
        complain(&format!("{} found within {}\n", asked.len(), arguments.within));
    }
    for why in &failed {
        complain(&format!("error: {why}\n"));
    }
    Ok(if failed.is_empty() { 0 } else { 3 })
}

/// All there is, sorted, and by which means nothing can be found here, and why.
async fn search(arguments: &DiscoverArguments, clock: &Clock, within: Duration) -> (Vec<Found>, Vec<String>) {
    let scope = arguments.scope();
    let by_mdns = mdns::search(clock, within, scope, arguments.mdns_port);
    let by_broadcast = broadcast::search(clock, within, scope, PORTMAPPER_PORT);
    let (by_mdns, by_broadcast) = futures_util::join!(by_mdns, by_broadcast);
    let means = [("mDNS", by_mdns), ("VXI-11 broadcast", by_broadcast), ("USB", usb()), ("serial ports", serial_ports())];
    let (mut found, mut failed): (Vec<Found>, _) = (Vec::new(), Vec::new());
    for (name, result) in means {
        match result {
            Ok(more) => found.extend(more),
            Err(why) => failed.push(format!("{name}: {why}")),
        }
    }
    found.sort_by_key(|f| (f.by, f.address.as_ref().map(ToString::to_string), f.says.clone()));
    // By two means, one instrument is one line.
    let mut known = Vec::new();
    found.retain(|f| {
        f.address.is_none()
            || !known.contains(&f.address) && {
                known.push(f.address.clone());
                true
            }
    });
    (found, failed)
}

/// Something that was found, and who it says it is.
struct Asked {
    found: Found,
    identity: Option<Result<String, String>>,
}

impl Asked {
    fn line(&self) -> String {
        let address = self.found.address.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        let who = match &self.identity {
            None => format!("not asked; {}", self.found.says).trim_end_matches([';', ' ']).to_owned(),
            Some(Ok(identity)) => identity.clone(),
            Some(Err(why)) => format!("does not say who it is ({why}); {}", self.found.says),
        };
        printable(&format!("{address:<44} {:<7} {who}", self.found.by))
    }

    fn json(&self) -> serde_json::Value {
        let (identity, problem) = match &self.identity {
            None => (None, None),
            Some(Ok(identity)) => (Some(identity), None),
            Some(Err(why)) => (None, Some(why)),
        };
        json!({
            "address": self.found.address.as_ref().map(ToString::to_string),
            "by": self.found.by.to_string(),
            "says": self.found.says,
            "identity": identity,
            "problem": problem,
        })
    }
}

/// Whoever is in the network does not draw on our screen.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

async fn ask_all(clock: &Clock, found: Vec<Found>, no_idn: bool) -> Vec<Asked> {
    let ask = |found: Found| async move {
        // What is behind a serial port may be anything.
        let harmless = found.by != Means::Serial && !no_idn;
        let identity = match found.address.as_ref().filter(|_| harmless) {
            None => None,
            Some(address) => Some(ask(address, clock).await),
        };
        Asked { found, identity }
    };
    join_all(found.into_iter().map(ask)).await
}

async fn ask(address: &hil_client::Address, clock: &Clock) -> Result<String, String> {
    let stream = address.open(Line::default(), clock, OPEN_WITHIN).await?;
    let link = Link::spawn(&address.to_string(), stream, LinkSettings::default(), clock.clone(), Some(wire::trace()));
    link.ask("*IDN?").await.map_err(|e| e.kind.to_string())
}

/// Says on a terminal that something goes on.
async fn watched<T>(clock: &Clock, what: &str, work: impl Future<Output = T>) -> T {
    if !std::io::stderr().is_terminal() {
        return work.await;
    }
    let begun = clock.now();
    let line = RefCell::new(std::io::stderr());
    let show = async {
        loop {
            let _ = write!(line.borrow_mut(), "\r{what} … {:.1} s ", clock.now().since(begun).as_secs_f64());
            clock.sleep(PROGRESS).await;
        }
    };
    let done = tokio::select! {
        biased;
        done = work => done,
        () = show => unreachable!("it goes on for ever"),
    };
    let _ = write!(line.borrow_mut(), "\r{:40}\r", "");
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_draws_on_the_screen() {
        let found = Found { address: None, by: Means::Mdns, says: "a\x1b[2Jb\nc".into() };
        let line = Asked { found, identity: None }.line();
        assert!(line.ends_with("mdns    not asked; a\u{fffd}[2Jb\u{fffd}c"), "{line}");
    }
}
