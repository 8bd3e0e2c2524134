//! What VXI-11 calls for: programs, procedures, and what they take and give
//! (VXI-11 revision 1.0, appendix C).

use crate::vxi11::rpc::Program;
use crate::vxi11::xdr::xdr_struct;

/// Procedures of an instrument.
pub const CORE: Program = Program { number: 0x0006_07af, version: 1 };
/// The one that ends another one.
pub const ABORT: Program = Program { number: 0x0006_07b0, version: 1 };
/// Who tells where a program is.
pub const PORTMAPPER: Program = Program { number: 100_000, version: 2 };
/// Where he is.
pub const PORTMAPPER_PORT: u16 = 111;
/// TCP, as a portmapper calls it.
pub const TCP: u32 = 6;

/// Numbers of procedures.
pub mod procedure {
    /// Every program has this one; it does nothing.
    pub const NULL: u32 = 0;
    /// Of the portmapper: where is a program?
    pub const GET_PORT: u32 = 3;
    /// Of the abort program: ends what a link is doing.
    pub const DEVICE_ABORT: u32 = 1;
    /// Opens a link.
    pub const CREATE_LINK: u32 = 10;
    /// Sends a message or a part of it.
    pub const DEVICE_WRITE: u32 = 11;
    /// Takes a reply or a part of it.
    pub const DEVICE_READ: u32 = 12;
    /// Takes the status byte.
    pub const DEVICE_READSTB: u32 = 13;
    /// Triggers.
    pub const DEVICE_TRIGGER: u32 = 14;
    /// Clears.
    pub const DEVICE_CLEAR: u32 = 15;
    /// Takes the front panel away.
    pub const DEVICE_REMOTE: u32 = 16;
    /// Gives it back.
    pub const DEVICE_LOCAL: u32 = 17;
    /// Locks.
    pub const DEVICE_LOCK: u32 = 18;
    /// Gives a lock back.
    pub const DEVICE_UNLOCK: u32 = 19;
    /// Asks to be told of service requests.
    pub const DEVICE_ENABLE_SRQ: u32 = 20;
    /// Whatever an instrument has beside.
    pub const DEVICE_DOCMD: u32 = 22;
    /// Closes a link.
    pub const DESTROY_LINK: u32 = 23;
    /// Opens a channel for service requests.
    pub const CREATE_INTR_CHAN: u32 = 25;
    /// Closes it.
    pub const DESTROY_INTR_CHAN: u32 = 26;
}

/// Flag of an operation: wait for another one's lock.
pub const WAIT_LOCK: u32 = 1;
/// Flag of a write: the message ends here.
pub const END: u32 = 8;
/// Flag of a read: a reply also ends with a certain character.
pub const TERM_CHAR_SET: u32 = 128;

/// Reason for the end of a read: as many bytes as asked for.
pub const REASON_COUNT: u32 = 1;
/// The certain character came.
pub const REASON_CHARACTER: u32 = 2;
/// The reply is whole.
pub const REASON_END: u32 = 4;

xdr_struct! {
    /// Of the portmapper.
    pub struct Mapping {
        /// The program's number.
        pub program: u32,
        /// Its version.
        pub version: u32,
        /// [`TCP`].
        pub protocol: u32,
        /// Not asked for.
        pub port: u32,
    }
    /// Of `create_link`.
    pub struct CreateLink {
        /// A number that the caller chooses.
        pub client: u32,
        /// Locks at once.
        pub lock: bool,
        /// Waits so long for that, ms.
        pub lock_timeout: u32,
        /// The part of the instrument, `inst0`.
        pub device: Vec<u8>,
    }
    /// What `create_link` gives.
    pub struct LinkCreated {
        /// As [`DeviceError`].
        pub error: u32,
        /// The link's number.
        pub link: u32,
        /// Where the abort program is.
        pub abort_port: u32,
        /// Longest data of a write.
        pub longest: u32,
    }
    /// Of `device_write`.
    pub struct DeviceWrite {
        /// The link's number.
        pub link: u32,
        /// Longest time for it, ms.
        pub io_timeout: u32,
        /// And for another one's lock, ms.
        pub lock_timeout: u32,
        /// [`WAIT_LOCK`], [`END`].
        pub flags: u32,
        /// The bytes.
        pub data: Vec<u8>,
    }
    /// What `device_write` gives.
    pub struct Written {
        /// As [`DeviceError`].
        pub error: u32,
        /// So many bytes were taken.
        pub size: u32,
    }
    /// Of `device_read`.
    pub struct DeviceRead {
        /// The link's number.
        pub link: u32,
        /// At most so many bytes.
        pub size: u32,
        /// Longest time for it, ms.
        pub io_timeout: u32,
        /// And for another one's lock, ms.
        pub lock_timeout: u32,
        /// [`WAIT_LOCK`], [`TERM_CHAR_SET`].
        pub flags: u32,
        /// The certain character.
        pub term_char: u32,
    }
    /// What `device_read` gives.
    pub struct ReadDone {
        /// As [`DeviceError`].
        pub error: u32,
        /// Why it ends here.
        pub reason: u32,
        /// The bytes.
        pub data: Vec<u8>,
    }
    /// Of `device_readstb`, `device_trigger`, `device_clear`, `device_remote` and
    /// `device_local`.
    pub struct Generic {
        /// The link's number.
        pub link: u32,
        /// [`WAIT_LOCK`].
        pub flags: u32,
        /// Longest time for another one's lock, ms.
        pub lock_timeout: u32,
        /// And for the rest, ms.
        pub io_timeout: u32,
    }
    /// What `device_readstb` gives.
    pub struct StatusByte {
        /// As [`DeviceError`].
        pub error: u32,
        /// The status byte.
        pub status: u32,
    }
    /// Of `device_lock`.
    pub struct DeviceLock {
        /// The link's number.
        pub link: u32,
        /// [`WAIT_LOCK`].
        pub flags: u32,
        /// Longest time for another one's lock, ms.
        pub lock_timeout: u32,
    }
}

/// A device's error (table B.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text} (VXI-11 error {0})", text = meaning(self.0))]
pub struct DeviceError(pub u32);

impl DeviceError {
    /// There is no such device.
    pub const NOT_ACCESSIBLE: Self = Self(3);
    /// There is no such link.
    pub const INVALID_LINK: Self = Self(4);
    /// It cannot be done.
    pub const UNSUPPORTED: Self = Self(8);
    /// There is no place for one more.
    pub const OUT_OF_RESOURCES: Self = Self(9);
    /// Another one's lock is in the way.
    pub const LOCKED: Self = Self(11);
    /// There is no lock to give back.
    pub const NOT_LOCKED: Self = Self(12);
    /// It took too long.
    pub const IO_TIMEOUT: Self = Self(15);
    /// It was ended from the abort channel.
    pub const ABORTED: Self = Self(23);

    /// `Ok` for 0.
    ///
    /// # Errors
    /// All others.
    pub const fn check(number: u32) -> Result<(), Self> {
        if number == 0 { Ok(()) } else { Err(Self(number)) }
    }
}

const fn meaning(number: u32) -> &'static str {
    match number {
        1 => "syntax error",
        3 => "device not accessible",
        4 => "invalid link identifier",
        5 => "parameter error",
        6 => "channel not established",
        8 => "operation not supported",
        9 => "out of resources",
        11 => "device locked by another link",
        12 => "no lock held by this link",
        15 => "I/O timeout",
        17 => "I/O error",
        21 => "invalid address",
        23 => "abort",
        29 => "channel already established",
        _ => "unknown error",
    }
}
