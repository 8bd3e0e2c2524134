//! Virtual instruments on TCP, and who may come second.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use hil_client::{Address, Link, LinkSettings};
use hil_timebase::Clock;
use hil_virtual::{Clients, listen};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Bench, in_real_time, settings};

/// The reply, nothing for a connection that was closed, or that nobody answered.
async fn ask(clock: &Clock, stream: &mut TcpStream, query: &str) -> Option<String> {
    let asking = async {
        // A closed connection shows when it is read.
        let _ = stream.write_all(format!("{query}\n").as_bytes()).await;
        let mut reply = vec![0; 200];
        let n = stream.read(&mut reply).await.unwrap_or(0);
        reply.truncate(n);
        String::from_utf8(reply).expect("text")
    };
    clock.timeout(Duration::from_millis(500), asking).await.ok()
}

/// What a second client meets while the first is there, and after it has gone.
fn second(clients: Clients) -> (Option<String>, Option<String>) {
    in_real_time(async |clock| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let psb = Bench::new(&clock).psb;
        tokio::task::spawn_local(listen(listener, psb, clients, clock.clone()));
        let mut first = TcpStream::connect(address).await.expect("connects");
        assert_eq!(ask(&clock, &mut first, "OUTP?").await.as_deref(), Some("OFF\n"));
        let mut second = TcpStream::connect(address).await.expect("connects");
        let met = ask(&clock, &mut second, "SYST:LOCK:OWN?").await;
        assert_eq!(ask(&clock, &mut first, "OUTP?").await.as_deref(), Some("OFF\n"), "the first is served on");
        drop(first);
        clock.sleep(Duration::from_millis(50)).await;
        if clients == Clients::Refused {
            second = TcpStream::connect(address).await.expect("connects");
        }
        let after = ask(&clock, &mut second, "SYST:LOCK:OWN?").await;
        (met, after)
    })
}

#[test]
fn many_are_served_side_by_side() {
    let (met, after) = second(Clients::Many);
    assert_eq!((met.as_deref(), after.as_deref()), (Some("NONE\n"), Some("NONE\n")));
}

#[test]
fn a_second_client_waits_until_the_first_has_gone() {
    let (met, after) = second(Clients::Queued);
    // Its first question is answered then, before its second.
    assert_eq!(met, None);
    assert!(after.is_some_and(|a| a.starts_with("NONE\n")));
}

#[test]
fn a_second_client_is_turned_away() {
    let (met, after) = second(Clients::Refused);
    assert_eq!((met.as_deref(), after.as_deref()), (Some(""), Some("NONE\n")));
}

/// Answers each line; on the first connection, the first or all of them too
/// late to be waited for.
async fn slow_at_first(stream: TcpStream, connections: usize, always: bool, clock: Clock) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut slow = connections == 1;
    while let Ok(Some(line)) = lines.next_line().await {
        if slow {
            clock.sleep(Duration::from_millis(400)).await;
        }
        slow &= always;
        let reply = match &*line {
            "*IDN?" => "MAKER,MODEL,1,2",
            "SYST:ERR?" => "0,\"No error\"",
            other => other,
        };
        if write.write_all(format!("{reply}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// What comes of a question after `query` was answered too late, and how often
/// the client connected.
fn after_too_late(query: &str, always: bool, may_reopen: bool) -> (Result<String, String>, usize) {
    in_real_time(async |clock| {
        let connections = Rc::new(Cell::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let (count, timer) = (Rc::clone(&connections), clock.clone());
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.set(count.get() + 1);
                tokio::task::spawn_local(slow_at_first(stream, count.get(), always, timer.clone()));
            }
        });
        let stream = Address::Socket { host: "127.0.0.1".into(), port }
            .open(hil_client::serial::Line::default(), &clock, Duration::from_secs(2))
            .await
            .expect("opens");
        let link = Link::spawn("battery", stream, LinkSettings { may_reopen, ..settings() }, clock.clone(), None);
        link.ask(query).await.expect_err("too late");
        let mut last = Ok(String::new());
        for question in ["1", "2", "3"] {
            last = link.ask(question).await.map_err(|e| e.to_string());
            assert!(last.as_ref().is_ok_and(|answer| answer == question) || last.is_err(), "{last:?} to {question}");
        }
        (last, connections.get())
    })
}

#[test]
fn where_nobody_could_tell_whose_the_reply_is_the_socket_is_opened_anew() {
    let own = || Ok("3".to_owned());
    // The clearing's own questions tell a late reply from theirs.
    assert_eq!(after_too_late("VOLT?", false, true), (own(), 1));
    // But not from a late one to the same question.
    assert_eq!(after_too_late("*IDN?", false, true), (own(), 2));
    assert_eq!(after_too_late("SYST:ERR?", false, true), (own(), 2));
    // Always one question behind.
    assert_eq!(after_too_late("VOLT?", true, true), (own(), 2));
    // Who is served alone does not give up his place.
    let lost = "instrument `battery`: link lost: no order after 3 attempts to clear it";
    assert_eq!(after_too_late("VOLT?", true, false), (Err(lost.to_owned()), 1));
}
