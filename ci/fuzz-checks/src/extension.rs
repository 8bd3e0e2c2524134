//! Lines of external programs.

/// As the room itself promises.
pub fn check(bytes: &[u8]) {
    hil_extension::checks::said(bytes);
}
