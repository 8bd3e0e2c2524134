//! `hil instrument discover`: which instruments there are, without anybody having
//! named them.

use std::cell::RefCell;
use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use futures_util::future::join_all;
use hil_client::dialect::Identity;
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
        (Instrument::of(asked), failed)
    });
    let (asked, failed) = searched.map_err(|halt| Failure::tester(halt.to_string(), None))?;
    if arguments.json {
        let all: Vec<_> = asked.iter().map(Instrument::json).collect();
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
    // One way to it that was found twice.
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
    /// What it says as its identity, if that tells it from all others.
    fn serial(&self) -> Option<&str> {
        let identity = self.identity.as_ref()?.as_ref().ok()?;
        let serial = Identity::parse(identity)?.serial;
        (!matches!(&*serial, "" | "0")).then_some(identity)
    }

    fn is_same(&self, other: &Self) -> bool {
        let announced = |a: &Self| (a.found.by == Means::Mdns).then(|| (a.found.host.clone(), a.found.says.clone()));
        match (self.serial(), other.serial()) {
            (Some(one), Some(other)) => one == other,
            _ => announced(self).is_some_and(|one| announced(other) == Some(one)),
        }
    }

    fn address(&self) -> String {
        self.found.address.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
    }

    fn way(&self) -> String {
        format!("{} by {}", self.found.address.as_ref().map_or_else(|| "itself".to_owned(), ToString::to_string), self.found.by)
    }

    fn line(&self) -> String {
        let address = self.address();
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

/// One instrument, however many ways lead to it.
struct Instrument {
    /// The way that it answered on, if it did on any.
    first: Asked,
    also: Vec<Asked>,
}

impl Instrument {
    /// Who are the same: who say the same identity, or announce themselves by the same
    /// name at the same host. Whoever answered a broadcast and says nothing more is who
    /// announces himself at that host, if that is one alone.
    fn of(mut all: Vec<Asked>) -> Vec<Self> {
        all.sort_by_key(|asked| asked.serial().is_none());
        let mut instruments: Vec<Self> = Vec::new();
        for asked in all {
            match instruments.iter_mut().find(|i| i.ways().any(|way| way.is_same(&asked))) {
                Some(known) => known.also.push(asked),
                None => instruments.push(Self { first: asked, also: Vec::new() }),
            }
        }
        let (silent, mut known): (Vec<_>, Vec<_>) = instruments.into_iter().partition(|i| i.only_answers());
        for one in silent {
            let mut there = known.iter_mut().filter(|k| k.ways().any(|way| way.found.host == one.first.found.host));
            match (there.next(), there.next()) {
                (Some(announced), None) => announced.also.push(one.first),
                _ => known.push(one),
            }
        }
        known.sort_by_key(|i| (i.first.found.by, i.first.address()));
        known
    }

    fn ways(&self) -> impl Iterator<Item = &Asked> {
        std::iter::once(&self.first).chain(&self.also)
    }

    /// Nothing is known of it but that a portmapper answers.
    fn only_answers(&self) -> bool {
        self.also.is_empty() && self.first.found.by == Means::Vxi11 && self.first.serial().is_none()
    }

    fn line(&self) -> String {
        let also: Vec<String> = self.also.iter().map(Asked::way).collect();
        let also = if also.is_empty() { String::new() } else { printable(&format!("; also {}", also.join(", "))) };
        self.first.line() + &also
    }

    fn json(&self) -> serde_json::Value {
        let mut one = self.first.json();
        let also = |a: &Asked| json!({ "address": a.found.address.as_ref().map(ToString::to_string), "by": a.found.by.to_string() });
        one["also"] = self.also.iter().map(also).collect();
        one
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
        let found = Found { address: None, host: None, by: Means::Mdns, says: "a\x1b[2Jb\nc".into() };
        let line = Asked { found, identity: None }.line();
        assert!(line.ends_with("mdns    not asked; a\u{fffd}[2Jb\u{fffd}c"), "{line}");
    }

    fn asked(address: Option<&str>, host: &str, by: Means, says: &str, identity: Option<&str>) -> Asked {
        let address = address.map(|a| a.parse().expect("an address"));
        let identity = identity.map(|i| if i.is_empty() { Err("no answer".to_owned()) } else { Ok(i.to_owned()) });
        Asked { found: Found { address, host: Some(host.into()), by, says: says.into() }, identity }
    }

    fn lines(all: Vec<Asked>) -> Vec<String> {
        let line = |i: &Instrument| i.line().split_whitespace().collect::<Vec<_>>().join(" ");
        Instrument::of(all).iter().map(line).collect()
    }

    #[test]
    fn an_instrument_is_listed_once_however_it_is_found() {
        let (host, who) = ("10.0.0.5", "MAKER,MODEL,123,1");
        let usb = "USB::0x1AB1::0x0E11::123::INSTR";
        let (raw, hislip, vxi11) = ("TCPIP::10.0.0.5::5025::SOCKET", "TCPIP::10.0.0.5::hislip0::INSTR", "TCPIP::10.0.0.5::inst0::INSTR");
        // It announces its page, HiSLIP and a socket, answers the broadcast, and is on USB, too.
        let all = vec![
            asked(None, host, Means::Mdns, "psu", None),
            asked(Some(hislip), host, Means::Mdns, "psu", Some(who)),
            asked(Some(raw), host, Means::Mdns, "psu", Some("")),
            asked(Some(vxi11), host, Means::Vxi11, "answers", Some(who)),
            asked(Some(usb), host, Means::Usb, "", Some(who)),
            asked(Some("TCPIP::10.0.0.6::hislip0::INSTR"), "10.0.0.6", Means::Mdns, "psu", Some("MAKER,MODEL,124,1")),
        ];
        let found = lines(all);
        assert_eq!(found.len(), 2, "{found:#?}");
        assert!(found[0].starts_with(&format!("{hislip} mdns {who}; also ")), "{found:#?}");
        for way in ["itself by mdns", &format!("{raw} by mdns"), &format!("{vxi11} by vxi-11"), &format!("{usb} by usb")] {
            assert!(found[0].contains(way), "{way}: {found:#?}");
        }
    }

    #[test]
    fn without_a_question_the_host_tells_and_two_at_one_host_stay_two() {
        let vxi11 = "TCPIP::10.0.0.5::inst0::INSTR";
        let announced = |name: &str, port: u16| {
            let address = format!("TCPIP::10.0.0.5::{port}::SOCKET");
            asked(Some(&address), "10.0.0.5", Means::Mdns, name, None)
        };
        let answers = || asked(Some(vxi11), "10.0.0.5", Means::Vxi11, "answers", None);
        assert_eq!(lines(vec![announced("psu", 5025), answers()]).len(), 1);
        // A gateway: nobody knows which of them it is.
        assert_eq!(lines(vec![announced("psu", 5025), announced("dmm", 5026), answers()]).len(), 3);
        // A serial number that is none tells nobody apart.
        let nobody = |host: &str| asked(Some(&format!("TCPIP::{host}::5025::SOCKET")), host, Means::Mdns, host, Some("M,X,0,1"));
        assert_eq!(lines(vec![nobody("10.0.0.7"), nobody("10.0.0.8")]).len(), 2);
    }
}
