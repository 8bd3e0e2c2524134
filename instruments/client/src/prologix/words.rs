//! What is said to a Prologix gateway, and what is said through it.

use crate::prologix::Place;

const ESCAPE: u8 = 27;

/// Appended by the gateway where the instrument ends its reply, and nowhere in text.
pub const END: u8 = 4;

/// The gateway says which one it is: by its words is known where the bytes before end.
pub const VERSION: &str = "++ver\n";

/// Makes it a controller that says and does nothing by itself, that ends messages as
/// GPIB does, and does not write each setting into its memory, which wears out.
pub fn setup() -> String {
    format!("++savecfg 0\n++mode 1\n++auto 0\n++eoi 1\n++eos 3\n++eot_char {END}\n++eot_enable 1\n")
}

/// What follows is for this instrument.
pub fn address(place: Place) -> String {
    match place.secondary {
        None => format!("++addr {}\n", place.primary),
        // Secondary addresses begin at 96 on the bus (manual, `++addr`).
        Some(secondary) => format!("++addr {} {}\n", place.primary, 96 + u16::from(secondary)),
    }
}

/// A message as the gateway lets it through: what would end the line or be a command
/// of its own is escaped.
pub fn message(bytes: &[u8]) -> Vec<u8> {
    let mut line = Vec::with_capacity(bytes.len() + 2);
    for byte in bytes {
        if matches!(byte, b'\r' | b'\n' | b'+' | &ESCAPE) {
            line.push(ESCAPE);
        }
        line.push(*byte);
    }
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_a_command_or_an_end_is_escaped() {
        assert_eq!(message(b"VOLT +1\n"), b"VOLT \x1b+1\x1b\n\n");
        assert_eq!(message(b"++addr 3"), b"\x1b+\x1b+addr 3\n");
        assert_eq!(message(b"#12\r\x1b"), b"#12\x1b\r\x1b\x1b\n");
    }

    #[test]
    fn addresses_are_as_in_the_manual() {
        assert_eq!(address(Place { primary: 5, secondary: None }), "++addr 5\n");
        assert_eq!(address(Place { primary: 9, secondary: Some(0) }), "++addr 9 96\n");
    }
}
