//! Dialect files.

use hil_client::{Dialect, Function};

use crate::files;

/// A dialect's figures make sense, or it is refused with a reason.
pub fn check(bytes: &[u8]) {
    let Some(text) = files::texts(bytes).next() else { return };
    let dialect = match Dialect::parse(text) {
        Ok(dialect) => dialect,
        Err(error) => return assert!(!error.trim().is_empty()),
    };
    assert_eq!(Dialect::parse(text).as_ref(), Ok(&dialect), "read twice");
    let settings = dialect.link_settings();
    assert!(settings.read_end.is_ascii() && !settings.write_end.is_empty() && settings.max_reply > 0);
    assert!(!settings.reply_within.is_zero() && !settings.quiet.is_zero());
    for command in dialect.commands.values() {
        for value in [0.0, -1.5, 1e-9, 123_456.789] {
            let line = command.send.with(value);
            assert!(!line.is_empty() && line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line:?}");
        }
    }
    for range in &dialect.reads {
        uncertain(dialect.reading_uncertainty(range.function, range.range.si, range.max.si));
    }
    for range in &dialect.sets {
        assert!(range.min.si < range.max.si, "{range:?}");
        uncertain(dialect.setting_uncertainty(range.function, range.max.si));
    }
    uncertain(dialect.reading_uncertainty(Function::DcVoltage, f64::MAX, 1.0));
}

/// No uncertainty is known, or a sound one.
fn uncertain(u: Option<f64>) {
    assert!(u.is_none_or(|u| u.is_finite() && u >= 0.0), "{u:?}");
}
