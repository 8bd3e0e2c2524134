//! Serial ports: how they are set, and opening them.

use std::io;
use std::str::FromStr;

use tokio_serial::{DataBits, Parity, SerialPort as _, SerialPortBuilderExt as _, SerialStream, StopBits};

use crate::link::Stream;

/// How both ends of a line agree to speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Line {
    /// Bits a second.
    pub baud: u32,
    /// Of each character.
    pub framing: Framing,
}

impl Default for Line {
    /// 9600 baud, 8N1: what most instruments come with.
    fn default() -> Self {
        Self { baud: 9600, framing: Framing { data_bits: DataBits::Eight, parity: Parity::None, stop_bits: StopBits::One } }
    }
}

/// `8N1`, `7E1`: data bits, parity (N, E or O), stop bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Framing {
    data_bits: DataBits,
    parity: Parity,
    stop_bits: StopBits,
}

/// No framing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}`, expected data bits, parity and stop bits, such as `8N1` or `7E1`")]
pub struct FramingError(String);

impl FromStr for Framing {
    type Err = FramingError;

    fn from_str(text: &str) -> Result<Self, FramingError> {
        let error = || FramingError(text.to_owned());
        let [data, parity, stop] = text.as_bytes() else { return Err(error()) };
        Ok(Self {
            data_bits: match data {
                b'5' => DataBits::Five,
                b'6' => DataBits::Six,
                b'7' => DataBits::Seven,
                b'8' => DataBits::Eight,
                _ => return Err(error()),
            },
            parity: match parity.to_ascii_uppercase() {
                b'N' => Parity::None,
                b'E' => Parity::Even,
                b'O' => Parity::Odd,
                _ => return Err(error()),
            },
            stop_bits: match stop {
                b'1' => StopBits::One,
                b'2' => StopBits::Two,
                _ => return Err(error()),
            },
        })
    }
}

/// Opens a port and makes it ready for a host: DTR and RTS are set where the port
/// has them; a pseudo-terminal has none. Others may open it, too, such as whoever
/// switches off for a program that died: who uses a bench is said by its lock.
///
/// # Errors
/// The operating system's.
pub fn open(device: &str, line: Line) -> io::Result<SerialStream> {
    let Framing { data_bits, parity, stop_bits } = line.framing;
    let builder = tokio_serial::new(device, line.baud).data_bits(data_bits).parity(parity).stop_bits(stop_bits).exclusive(false);
    let mut port = builder.open_native_async()?;
    for (name, set) in [("DTR", port.write_data_terminal_ready(true)), ("RTS", port.write_request_to_send(true))] {
        if let Err(error) = set {
            tracing::debug!(device, name, %error, "unsupported");
        }
    }
    Ok(port)
}

impl Stream for SerialStream {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framings_are_read() {
        assert_eq!("8N1".parse(), Ok(Line::default().framing));
        let other: Framing = "7e2".parse().unwrap();
        assert_eq!((other.data_bits, other.parity, other.stop_bits), (DataBits::Seven, Parity::Even, StopBits::Two));
        for text in ["", "8N", "9N1", "8X1", "8N3", "8N11", "8\u{d6}1"] {
            assert_eq!(text.parse::<Framing>(), Err(FramingError(text.into())), "{text}");
        }
    }
}
