//! Virtual instruments on pseudo-terminals: our own client, and one that dies in
//! the middle of a word.

use std::time::Duration;

use hil_client::Address;
use hil_client::serial::Line;
use hil_timebase::Clock;
use hil_virtual::Pty;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_serial::{SerialPort as _, SerialPortBuilderExt as _};

use crate::support::{Bench, in_real_time};

async fn ask(clock: &Clock, port: &mut (impl AsyncRead + AsyncWrite + Unpin), pieces: &[&str]) -> String {
    for piece in pieces {
        port.write_all(piece.as_bytes()).await.expect("written");
        clock.sleep(Duration::from_millis(2)).await;
    }
    let mut reply = Vec::new();
    let reading = async {
        while !reply.ends_with(b"\n") {
            reply.push(port.read_u8().await.expect("read"));
        }
    };
    clock.timeout(Duration::from_secs(5), reading).await.expect("an answer");
    String::from_utf8(reply).expect("text")
}

#[test]
fn an_instrument_on_a_port_serves_one_user_after_the_other() {
    in_real_time(async |clock| {
        let pty = Pty::open().expect("a pseudo-terminal");
        let address = pty.address().clone();
        tokio::task::spawn_local(pty.serve(Bench::new(&clock).psb));
        let open = async || address.open(Line::default(), &clock, Duration::from_secs(1)).await.expect("opens");
        let mut first = open().await;
        assert!(ask(&clock, &mut first, &["*IDN?\n"]).await.contains("PSB"));
        // No echo, no changed line feed, and words in pieces.
        assert_eq!(ask(&clock, &mut first, &["OU", "TP", "?\n"]).await, "OFF\n");
        assert!(ask(&clock, &mut first, &["VOLT 999999\nSYST:ERR?\n"]).await.starts_with('-'));
        first.write_all(b"OUTP").await.expect("written");
        drop(first);
        let mut second = open().await;
        // What the first had begun spoils one word and no more.
        second.write_all(b"\n*CLS\n").await.expect("written");
        assert_eq!(ask(&clock, &mut second, &["OUTP?\n"]).await, "OFF\n");
    });
}

#[test]
fn a_port_without_modem_lines_is_no_failure() {
    in_real_time(async |clock| {
        let pty = Pty::open().expect("a pseudo-terminal");
        let Address::Serial { device } = pty.address() else { panic!("{}", pty.address()) };
        let mut port = tokio_serial::new(device, 9600).exclusive(false).open_native_async().expect("opens");
        assert!(port.write_data_terminal_ready(true).is_err() && port.write_request_to_send(true).is_err(), "it has none");
        pty.address().open(Line::default(), &clock, Duration::from_secs(1)).await.expect("opens all the same");
    });
}

#[test]
fn a_port_that_is_unplugged_is_a_lost_link() {
    in_real_time(async |clock| {
        let pty = Pty::open().expect("a pseudo-terminal");
        let mut port = pty.address().open(Line::default(), &clock, Duration::from_secs(1)).await.expect("opens");
        let reading = async {
            let mut byte = [0];
            port.read(&mut byte).await
        };
        let pulled = async {
            clock.sleep(Duration::from_millis(20)).await;
            drop(pty);
        };
        let (read, ()) = futures_util::future::join(clock.timeout(Duration::from_secs(5), reading), pulled).await;
        assert!(matches!(read, Ok(Ok(0) | Err(_))), "{read:?}");
    });
}
