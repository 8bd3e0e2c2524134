//! One connection to the gateway: its settings, and what it is told.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use hil_client::prologix::Place;
use hil_timebase::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::prologix::Bus;
use crate::prologix::line::{Line, Lines};
use crate::work::Work;

const VERSION: &str = "Prologix GPIB-ETHERNET Controller version 01.06.06.00 (virtual)";
/// Bit 4 of the status byte: a reply waits.
const MESSAGE_AVAILABLE: u8 = 1 << 4;

pub(super) struct Session {
    stream: TcpStream,
    bus: Rc<Bus>,
    clock: Clock,
    lines: Lines,
    place: Place,
    /// A message is followed by a read.
    auto: bool,
    /// What the gateway adds to a message.
    eos: &'static [u8],
    /// What it adds to a reply that has ended.
    eot: Option<u8>,
    eot_char: u8,
    read_within: Duration,
}

impl Session {
    /// With the settings of a new one (manual, section 8).
    pub(super) fn new(stream: TcpStream, bus: Rc<Bus>, clock: Clock) -> Self {
        let place = Place { primary: 0, secondary: None };
        let read_within = Duration::from_millis(500);
        Self { stream, bus, clock, lines: Lines::default(), place, auto: true, eos: b"\r\n", eot: None, eot_char: 0, read_within }
    }

    pub(super) async fn run(mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            if self.stream.read_buf(&mut bytes).await? == 0 {
                return Ok(());
            }
            for byte in &bytes {
                match self.lines.take(*byte) {
                    Some(Line::Command(command)) => self.obey(&command).await?,
                    Some(Line::Message(message)) => self.pass(message).await?,
                    None => {}
                }
            }
        }
    }

    fn work(&self) -> Option<Rc<Work>> {
        self.bus.instruments.get(&self.place).map(Rc::clone)
    }

    async fn pass(&mut self, mut message: Vec<u8>) -> io::Result<()> {
        message.extend_from_slice(self.eos);
        // What nobody takes is lost, as on the bus.
        if let Some(work) = self.work() {
            let _talk = self.bus.talk.lock().await;
            work.carry_out(message);
        }
        if self.auto { self.read().await } else { Ok(()) }
    }

    /// Sends a reply on, if one comes.
    async fn read(&mut self) -> io::Result<()> {
        let within = self.clock.real(self.read_within);
        let bus = Rc::clone(&self.bus);
        let _talk = bus.talk.lock().await;
        let Some(work) = self.work() else {
            self.clock.sleep(within).await;
            return Ok(());
        };
        // After the time-out nothing is said.
        if let Ok(mut reply) = self.clock.timeout(within, work.reply()).await {
            reply.extend(self.eot);
            self.stream.write_all(&reply).await?;
        }
        Ok(())
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await
    }

    async fn obey(&mut self, command: &str) -> io::Result<()> {
        let mut words = command.split_whitespace();
        let name = words.next().unwrap_or_default();
        let given = words.next().and_then(|word| word.parse::<u16>().ok());
        match (name, given) {
            ("addr", None) => self.say(&self.place.primary.to_string()).await,
            ("addr", Some(primary)) => {
                let secondary = words.next().and_then(|word| word.parse::<u8>().ok()).and_then(|word| word.checked_sub(96));
                if let Ok(primary @ 0..=30) = u8::try_from(primary) {
                    self.place = Place { primary, secondary };
                }
                Ok(())
            }
            ("auto", Some(on)) => {
                self.auto = on == 1;
                Ok(())
            }
            ("eos", Some(n)) => {
                self.eos = [&b"\r\n"[..], b"\r", b"\n", b""].get(usize::from(n)).copied().unwrap_or(self.eos);
                Ok(())
            }
            ("eot_char", Some(byte)) => {
                self.eot_char = u8::try_from(byte).unwrap_or_default();
                self.eot = self.eot.map(|_| self.eot_char);
                Ok(())
            }
            ("eot_enable", Some(on)) => {
                self.eot = (on == 1).then_some(self.eot_char);
                Ok(())
            }
            ("read_tmo_ms", Some(ms @ 1..=3000)) => {
                self.read_within = Duration::from_millis(u64::from(ms));
                Ok(())
            }
            ("read", _) => self.read().await,
            ("ver", _) => self.say(VERSION).await,
            ("clr", _) => {
                if let Some(work) = self.work() {
                    work.clear();
                }
                Ok(())
            }
            ("trg", _) => {
                if let Some(work) = self.work() {
                    work.instrument().trigger().await;
                }
                Ok(())
            }
            ("spoll", _) => match self.work() {
                // Nobody answers a poll; the gateway says nothing.
                None => Ok(()),
                Some(work) => {
                    let waits = if work.has_output() { MESSAGE_AVAILABLE } else { 0 };
                    self.say(&(work.instrument().status_byte() | waits).to_string()).await
                }
            },
            // An end by EOI is all there is, it is the only controller, and remembers nothing.
            ("eoi" | "mode" | "savecfg" | "ifc" | "loc" | "llo" | "read_tmo_ms", _) => Ok(()),
            _ => self.say("Unrecognized command").await,
        }
    }
}
