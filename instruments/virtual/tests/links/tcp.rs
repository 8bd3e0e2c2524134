//! Virtual instruments on TCP, and who may come second.

use std::time::Duration;

use hil_timebase::Clock;
use hil_virtual::{Clients, listen};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Bench, in_real_time};

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
