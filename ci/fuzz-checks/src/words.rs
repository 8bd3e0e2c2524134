//! What a person writes into one field: quantities, expressions, words,
//! addresses, days.

use hil_bench::Day;
use hil_client::{Address, scpi};
use hil_model::reader::expression;
use hil_model::{Dimension, LedState, Level, Quantity};

/// What was read and is written is read again as the same.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(quantity) = Quantity::parse(text) {
        assert!(quantity.si.is_finite(), "{text:?} is {quantity:?}");
        near(quantity, &quantity.to_string());
    }
    if let Ok(quantity) = expression::constant(text) {
        assert!(quantity.si.is_finite(), "{text:?} is {quantity:?}");
    }
    if let Ok(read) = expression::parse(text) {
        let written = read.to_string();
        let again = expression::parse(&written).unwrap_or_else(|e| panic!("{text:?} was written as {written:?}: {e}"));
        // Its numbers have fewer digits; what it is made from is the same.
        assert_eq!((again.edges(), again.values()), (read.edges(), read.values()), "{text:?}");
    }
    if let Ok(address) = text.parse::<Address>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
    if let Some(level) = Level::parse(text) {
        assert_eq!(level.to_string(), text);
    }
    if let Some(state) = LedState::parse(text) {
        assert_eq!(state.to_string(), text);
    }
    if let Some(day) = Day::parse(text) {
        assert_eq!(Day::parse(&day.to_string()), Some(day), "{text:?}");
    }
    let _ = scpi::boolean(bytes);
}

/// What is written for a person has fewer digits than the value.
fn near(quantity: Quantity, written: &str) {
    // A dimension without a name has no unit that could be read.
    let Ok(again) = Quantity::parse(written) else { return assert!(written.contains('^'), "{quantity:?} was written as {written:?}") };
    // Six digits, so five of the next; twelve places of the smallest unit, a
    // millionth: below that it is nothing. A temperature has its digits in °C.
    let far = (again.si - quantity.si).abs();
    let shown = if quantity.dimension == Dimension::TEMPERATURE { quantity.si - 273.15 } else { quantity.si };
    assert!(
        far <= (shown.abs() * 5.000_001e-6).max(1e-12) && again.dimension == quantity.dimension,
        "{quantity:?} was written as {written:?}"
    );
}
