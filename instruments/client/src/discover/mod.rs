//! Finding instruments that nobody has named: those that announce themselves
//! ([`mdns`]), those that answer a broadcast ([`broadcast`]), and what is at this
//! computer ([`usb`], [`serial_ports`]).
//!
//! Not here: asking who they are, which is for whoever wants to disturb them.

pub mod broadcast;
pub mod mdns;

use std::fmt;
use std::net::Ipv4Addr;

use crate::address::Address;
use crate::usbtmc;

/// Where is searched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// All networks of this computer, and itself.
    All,
    /// The network in which this computer has this address.
    Interface(Ipv4Addr),
}

/// How something was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Means {
    /// It announces itself.
    Mdns,
    /// Its portmapper answered.
    Vxi11,
    /// A USB instrument of this computer.
    Usb,
    /// A serial port of this computer.
    Serial,
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mdns => "mdns",
            Self::Vxi11 => "vxi-11",
            Self::Usb => "usb",
            Self::Serial => "serial",
        })
    }
}

/// Something that may be an instrument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Where it is; `None` for what announces only that it is there.
    pub address: Option<Address>,
    /// Whose network address; `None` for what is at this computer.
    pub host: Option<String>,
    /// How it was found.
    pub by: Means,
    /// What it says of itself, or the system of it, without being asked who it is.
    pub says: String,
}

/// USB instruments that the kernel knows.
///
/// # Errors
/// The operating system's words.
pub fn usb() -> Result<Vec<Found>, String> {
    let all = usbtmc::devices(&usbtmc::Places::default()).map_err(|e| e.to_string())?;
    let found = |device: usbtmc::Device| Found { address: Some(Address::Usb(device.id)), host: None, by: Means::Usb, says: device.says };
    Ok(all.into_iter().map(found).collect())
}

/// Serial ports of this computer. What is behind them is not known, and a question
/// may do harm to what is no instrument.
///
/// # Errors
/// The operating system's words.
pub fn serial_ports() -> Result<Vec<Found>, String> {
    let ports = tokio_serial::available_ports().map_err(|e| e.to_string())?;
    let found = |port: tokio_serial::SerialPortInfo| Found {
        says: kind(&port.port_type),
        address: Some(Address::Serial { device: port.port_name }),
        host: None,
        by: Means::Serial,
    };
    Ok(ports.into_iter().map(found).collect())
}

fn kind(kind: &tokio_serial::SerialPortType) -> String {
    use tokio_serial::SerialPortType;
    match kind {
        SerialPortType::UsbPort(usb) => {
            let texts = [&usb.manufacturer, &usb.product, &usb.serial_number].into_iter().flatten();
            let known: Vec<&str> = texts.map(String::as_str).collect();
            format!("USB {:04x}:{:04x} {}", usb.vid, usb.pid, known.join(" ")).trim_end().to_owned()
        }
        SerialPortType::PciPort => "PCI".into(),
        SerialPortType::BluetoothPort => "Bluetooth".into(),
        SerialPortType::Unknown => String::new(),
    }
}
