//! Instruments on USB (USBTMC), through the kernel's driver: `/dev/usbtmcN`, found by
//! what the kernel says of the device behind it.
//!
//! What its `ioctl`s would give is lost, for nobody has them without `unsafe`: the
//! status byte, a trigger, and a clear. Instead of a clear, the device is opened anew.
//! A read that has begun ends by the kernel's own time-out, 5 s, and until then the
//! kernel writes nothing to the device, whoever asks: an instrument that leaves a
//! question unanswered cannot be switched off by this link for so long. What it feeds
//! needs a hardware inhibit.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::mpsc as blocking;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;

use crate::link::{Aside, Stream};

/// So much is asked for at once: the kernel's driver splits it as the device wants.
const PIECE: usize = 64 * 1024;

/// What a device says it is, as an address has it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UsbId {
    /// The maker's number.
    pub vendor: u16,
    /// The model's number.
    pub product: u16,
    /// Serial number.
    pub serial: String,
}

impl UsbId {
    pub(crate) fn parse(vendor: &str, product: &str, serial: &str) -> Option<Self> {
        let plain = !serial.is_empty() && !serial.contains(':') && !serial.chars().any(|c| c.is_control() || c.is_whitespace());
        Some(Self { vendor: number(vendor)?, product: number(product)?, serial: plain.then(|| serial.to_owned())? })
    }
}

/// `0x1AB1`, or in decimal.
fn number(text: &str) -> Option<u16> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => u16::from_str_radix(hex, 16).ok(),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        Some(_) | None => None,
    }
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04X}::0x{:04X}::{}", self.vendor, self.product, self.serial)
    }
}

/// One that the kernel knows.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Device {
    /// Who it is.
    pub id: UsbId,
    /// `/dev/usbtmc0`.
    pub file: PathBuf,
    /// Maker and model, in its own words.
    pub says: String,
}

/// Where the kernel lists them, and where their files are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    /// `/sys/class/usbmisc`.
    pub class: PathBuf,
    /// `/dev`.
    pub files: PathBuf,
}

impl Default for Places {
    fn default() -> Self {
        Self { class: "/sys/class/usbmisc".into(), files: "/dev".into() }
    }
}

/// All that there are, sorted; what does not say who it is has no address.
///
/// # Errors
/// The operating system's. No driver is none: there are no devices then.
pub fn devices(places: &Places) -> io::Result<Vec<Device>> {
    let entries = match fs::read_dir(&places.class) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut all = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        if name.to_str().is_some_and(|name| name.starts_with("usbtmc")) {
            all.extend(device(places, Path::new(&name)));
        }
    }
    all.sort();
    Ok(all)
}

fn device(places: &Places, name: &Path) -> Option<Device> {
    // The class's entry is of the interface; what the device says lies above it.
    let interface = fs::canonicalize(places.class.join(name).join("device")).ok()?;
    let about = interface.ancestors().find(|folder| folder.join("idVendor").is_file())?;
    let word = |file: &str| fs::read_to_string(about.join(file)).ok().map(|text| text.trim().to_owned());
    let hex = |file: &str| word(file).and_then(|text| u16::from_str_radix(&text, 16).ok());
    let id = UsbId { vendor: hex("idVendor")?, product: hex("idProduct")?, serial: word("serial")? };
    let says = ["manufacturer", "product"].into_iter().filter_map(word).collect::<Vec<_>>().join(" ");
    Some(Device { id, file: places.files.join(name), says })
}

/// Opens the device of that name.
///
/// # Errors
/// There is none, with those that there are; the operating system's.
pub fn open(id: &UsbId) -> io::Result<Usbtmc> {
    open_in(&Places::default(), id)
}

/// … of those at other places.
///
/// # Errors
/// As [`open`].
pub fn open_in(places: &Places, id: &UsbId) -> io::Result<Usbtmc> {
    let there = devices(places)?;
    let Some(found) = there.iter().find(|device| device.id == *id) else {
        let list = there.iter().map(|d| format!("`USB::{}::INSTR`", d.id)).collect::<Vec<_>>().join(", ");
        let list = if list.is_empty() { "there is none".to_owned() } else { format!("there are {list}") };
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no such USB instrument; {list}")));
    };
    Usbtmc::over(&found.file)
}

/// What the thread is told.
enum Order {
    Write(Vec<u8>),
    Read,
}

/// What it says.
enum Done {
    Written(io::Result<()>),
    Read(io::Result<Vec<u8>>),
}

/// A link to an instrument. The kernel's driver blocks, so a thread has the file.
#[derive(Debug)]
pub struct Usbtmc {
    file: PathBuf,
    orders: blocking::Sender<Order>,
    answers: mpsc::UnboundedReceiver<Done>,
    /// Written, but not flushed.
    message: Vec<u8>,
    /// A message is with the thread.
    writing: bool,
    /// A read is with the thread, or has to be.
    reading: bool,
    wanted: bool,
    ready: Vec<u8>,
}

impl Usbtmc {
    /// Over this file.
    ///
    /// # Errors
    /// The operating system's.
    pub fn over(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let (orders, told) = blocking::channel();
        let (answer, answers) = mpsc::unbounded_channel();
        std::thread::Builder::new().name("usbtmc".into()).spawn(move || work(file, &told, &answer))?;
        let (message, ready) = (Vec::new(), Vec::new());
        Ok(Self { file: path.to_owned(), orders, answers, message, writing: false, reading: false, wanted: false, ready })
    }

    fn order(&self, order: Order) -> io::Result<()> {
        self.orders.send(order).map_err(|_| gone())
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match ready!(self.answers.poll_recv(cx)) {
            None => Poll::Ready(Err(gone())),
            Some(Done::Written(result)) => {
                self.writing = false;
                Poll::Ready(result)
            }
            Some(Done::Read(result)) => {
                self.reading = false;
                match result {
                    // Of a reply that was given up.
                    _ if !self.wanted => Poll::Ready(Ok(())),
                    // The kernel's time-out; the link's task has its own.
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => Poll::Ready(Ok(())),
                    Err(error) => Poll::Ready(Err(error)),
                    Ok(bytes) if bytes.is_empty() => Poll::Ready(Err(gone())),
                    Ok(bytes) => {
                        let whole = bytes.len() < PIECE;
                        self.ready.extend(bytes);
                        // The driver ends a read with the message: nobody is to read
                        // on, for that would keep the next question waiting.
                        if whole {
                            self.wanted = false;
                            if self.ready.last() != Some(&b'\n') {
                                self.ready.push(b'\n');
                            }
                        }
                        Poll::Ready(Ok(()))
                    }
                }
            }
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.ready.is_empty() {
            if self.wanted && !self.reading {
                self.order(Order::Read)?;
                self.reading = true;
            }
            ready!(self.poll_done(cx))?;
        }
        let n = self.ready.len().min(buf.remaining());
        buf.put_slice(&self.ready[..n]);
        self.ready.drain(..n);
        Poll::Ready(Ok(()))
    }

    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.message.is_empty() {
            // An earlier reply that nobody read will not be this one's.
            self.ready.clear();
            self.wanted = false;
            let message = std::mem::take(&mut self.message);
            self.order(Order::Write(message))?;
            self.writing = true;
        }
        while self.writing {
            ready!(self.poll_done(cx))?;
        }
        Poll::Ready(Ok(()))
    }
}

/// Carries orders out until nobody is left to give any.
fn work(mut file: File, orders: &blocking::Receiver<Order>, answers: &mpsc::UnboundedSender<Done>) {
    while let Ok(order) = orders.recv() {
        let done = match order {
            Order::Write(message) => Done::Written(file.write_all(&message)),
            Order::Read => {
                let mut piece = vec![0; PIECE];
                Done::Read(file.read(&mut piece).map(|n| {
                    piece.truncate(n);
                    piece
                }))
            }
        };
        if answers.send(done).is_err() {
            return;
        }
    }
}

impl AsyncRead for Usbtmc {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_bytes(cx, buf)
    }
}

impl AsyncWrite for Usbtmc {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().message.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sent(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Stream for Usbtmc {
    fn has_messages(&self) -> bool {
        true
    }

    fn at_end(&self) -> bool {
        self.ready.is_empty() && !self.wanted
    }

    fn expect_reply(&mut self, _within: Duration) {
        self.wanted = true;
    }

    fn reopen(&mut self) -> Aside<'_, ()> {
        Box::pin(async {
            // The old thread closes the old file once its last order is done.
            *self = Self::over(&self.file)?;
            Ok(())
        })
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the USB instrument is gone")
}
