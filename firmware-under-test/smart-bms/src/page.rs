//! What the maker writes into a unit: calibration, serial number, hardware
//! revision, key; and its form in memory.
//!
//! Not here: where it is kept, and how that survives a loss of power.

use core::fmt;

use crate::io::Inputs;
use crate::key::{KEY_BYTES, Key};

/// A correction: true = raw × gain + offset.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Trim {
    /// Gain.
    pub gain: f64,
    /// Offset, V or A.
    pub offset: f64,
}

impl Trim {
    /// Corrects nothing.
    pub const NONE: Self = Self { gain: 1.0, offset: 0.0 };

    fn apply(self, raw: f64) -> f64 {
        raw * self.gain + self.offset
    }
}

/// Longest serial number, bytes.
pub const SERIAL_LENGTH: usize = 32;

/// A serial number: printable ASCII, possibly empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Serial([u8; SERIAL_LENGTH]);

impl Serial {
    /// `None` for a text that is too long or has other characters.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; SERIAL_LENGTH];
        let place = bytes.get_mut(..text.len())?;
        place.copy_from_slice(text.as_bytes());
        text.bytes().all(|b| b.is_ascii_graphic()).then_some(Self(bytes))
    }

    /// As text.
    #[must_use]
    pub fn text(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(SERIAL_LENGTH);
        self.0.get(..end).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }
}

/// The page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Page {
    /// Battery stud, alternator stud, System+ stud, alternator current.
    pub trims: [Trim; 4],
    /// Serial number.
    pub serial: Serial,
    /// Hardware revision.
    pub hardware_revision: u8,
    /// The unit's key.
    pub key: Key,
}

impl Default for Page {
    /// Corrects nothing, no serial number, revision 0, no key.
    fn default() -> Self {
        Self { trims: [Trim::NONE; 4], serial: Serial::default(), hardware_revision: 0, key: Key::default() }
    }
}

/// A value that is not legal; nothing changes then.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum PageError {
    /// No field of this name.
    Unknown,
    /// Out of its range.
    Range {
        /// Least.
        low: f64,
        /// Most.
        high: f64,
    },
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("no such field"),
            Self::Range { low, high } => write!(f, "expected {low} to {high}"),
        }
    }
}

impl core::error::Error for PageError {}

/// A number of the page: name, trim, whether its gain, least, most.
type Number = (&'static str, usize, bool, f64, f64);

/// All numbers but the hardware revision. Constants beyond these ranges are no
/// calibration but a broken unit.
const NUMBERS: [Number; 8] = [
    ("battery-gain", 0, true, 0.9, 1.1),
    ("battery-offset", 0, false, -0.5, 0.5),
    ("alternator-gain", 1, true, 0.9, 1.1),
    ("alternator-offset", 1, false, -0.5, 0.5),
    ("system-gain", 2, true, 0.9, 1.1),
    ("system-offset", 2, false, -0.5, 0.5),
    ("current-gain", 3, true, 0.9, 1.1),
    ("current-offset", 3, false, -1.0, 1.0),
];

/// Steps a unit (V, A) in which offsets are kept: 0.1 mV, 0.1 mA.
const OFFSET_STEPS: f64 = 1e4;
/// … and gains: 1e-6.
const GAIN_STEPS: f64 = 1e6;

const fn steps(gain: bool) -> f64 {
    if gain { GAIN_STEPS } else { OFFSET_STEPS }
}

impl Page {
    /// Names of the calibration's constants.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NUMBERS.iter().map(|n| n.0)
    }

    /// A constant by its name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        let (_, i, gain, ..) = NUMBERS.iter().find(|n| n.0 == name)?;
        self.trims.get(*i).map(|trim| if *gain { trim.gain } else { trim.offset })
    }

    /// Changes a constant to the nearest that can be kept: gains in steps of
    /// 1e-6, offsets of 0.1 mV or 0.1 mA.
    ///
    /// # Errors
    /// An unknown name, or a value out of range.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), PageError> {
        let (_, i, gain, low, high) = *NUMBERS.iter().find(|n| n.0 == name).ok_or(PageError::Unknown)?;
        if !(low..=high).contains(&value) {
            return Err(PageError::Range { low, high });
        }
        let trim = self.trims.get_mut(i).ok_or(PageError::Unknown)?;
        let kept = f64::from(whole(value, steps(gain))) / steps(gain);
        *(if gain { &mut trim.gain } else { &mut trim.offset }) = kept;
        Ok(())
    }

    /// Raw readings, corrected.
    #[must_use]
    pub fn correct(&self, raw: &Inputs) -> Inputs {
        let [battery, alternator, system, current] = self.trims;
        Inputs {
            battery_volts: battery.apply(raw.battery_volts),
            alternator_volts: alternator.apply(raw.alternator_volts),
            system_volts: system.apply(raw.system_volts),
            alternator_amps: current.apply(raw.alternator_amps),
            ..*raw
        }
    }

    /// Its form in memory.
    #[must_use]
    pub fn encode(&self) -> [u8; PAGE_BYTES] {
        let mut bytes = [0; PAGE_BYTES];
        let numbers = self.trims.iter().flat_map(|t| [whole(t.gain, GAIN_STEPS), whole(t.offset, OFFSET_STEPS)]).flat_map(i32::to_le_bytes);
        let all = numbers.chain(self.serial.0).chain([self.hardware_revision]).chain(self.key.0);
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = byte;
        }
        bytes
    }

    /// From its form in memory.
    #[must_use]
    pub fn decode(bytes: &[u8; PAGE_BYTES]) -> Self {
        let mut rest = bytes.iter().copied();
        let mut number = |steps: f64| f64::from(i32::from_le_bytes(take(&mut rest))) / steps;
        let trims = core::array::from_fn(|_| Trim { gain: number(GAIN_STEPS), offset: number(OFFSET_STEPS) });
        let serial = Serial(take(&mut rest));
        let [hardware_revision] = take(&mut rest);
        Self { trims, serial, hardware_revision, key: Key(take(&mut rest)) }
    }
}

/// The nearest number of steps, half away from zero; `core` has no `round`.
fn whole(value: f64, steps: f64) -> i32 {
    let scaled = value * steps;
    (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
}

/// The next `N` bytes.
fn take<const N: usize>(bytes: &mut impl Iterator<Item = u8>) -> [u8; N] {
    core::array::from_fn(|_| bytes.next().unwrap_or(0))
}

/// Eight numbers, the serial number, the hardware revision, the key.
pub const PAGE_BYTES: usize = 8 * 4 + SERIAL_LENGTH + 1 + KEY_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let key = Key::new([9; KEY_BYTES]).unwrap_or_default();
        let serial = Serial::new("HQ2301TWIN1").unwrap_or_default();
        let mut page = Page { serial, hardware_revision: 7, key, ..Page::default() };
        for (i, name) in Page::names().enumerate() {
            let value = if name.ends_with("gain") { 1.0 + i as f64 / 100.0 } else { i as f64 / 100.0 };
            assert_eq!(page.set(name, value), Ok(()));
            assert_eq!(page.get(name), Some(value));
        }
        assert_eq!(Page::decode(&page.encode()), page);
        assert_eq!(page.serial.text(), "HQ2301TWIN1");
    }

    #[test]
    fn constants_are_kept_in_steps() {
        let mut page = Page::default();
        for (name, value, kept) in
            [("battery-gain", 1.012_345_64, 1.012_346), ("system-offset", -0.012_36, -0.012_4), ("current-offset", 0.000_04, 0.0)]
        {
            assert_eq!(page.set(name, value), Ok(()));
            assert_eq!(page.get(name), Some(kept));
        }
        assert_eq!(Page::decode(&page.encode()), page);
    }

    #[test]
    fn illegal_values_change_nothing() {
        let mut page = Page::default();
        for (name, value) in [("battery-gain", 1.2), ("battery-gain", f64::NAN), ("current-offset", -2.0)] {
            assert!(matches!(page.set(name, value), Err(PageError::Range { .. })));
        }
        assert_eq!(page.set("batery-gain", 1.0), Err(PageError::Unknown));
        assert_eq!(page, Page::default());
        for bad in ["a b", "ä", "123456789012345678901234567890123"] {
            assert_eq!(Serial::new(bad), None);
        }
        assert_eq!(Serial::new("").map(|s| s.text().len()), Some(0));
    }
}
