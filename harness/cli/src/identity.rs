//! Names of runs and units: what may become part of a path, and what not.

use hil_model::Product;

use crate::failure::Failure;

/// Letters, digits, `-` and `_`, as long as the product allows.
///
/// # Errors
/// Names what was found and what would be legal.
pub fn check_serial(serial: &str, product: &Product) -> Result<(), Failure> {
    let longest = product.serial_max_length;
    if !serial.is_empty() && serial.len() <= longest && is_plain(serial) {
        return Ok(());
    }
    let found = serial.escape_default();
    Err(Failure::invalid(
        format!("serial: `{found}`, expected 1 to {longest} letters, digits, `-` or `_`"),
        Some("scan the label again; a keyboard layout other than the scanner's changes letters"),
    ))
}

/// A run id given by the user becomes the name of a folder.
///
/// # Errors
/// Names what was found and what would be legal.
pub fn check_run_id(id: &str) -> Result<(), Failure> {
    if !id.is_empty() && id.len() <= 120 && is_plain(id) {
        return Ok(());
    }
    Err(Failure::invalid(format!("run id: `{}`, expected 1 to 120 letters, digits, `-` or `_`", id.escape_default()), None))
}

/// Letters, digits, `-` and `_` only.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// `20261122T101500Z-SERIAL-PLAN`.
pub fn run_id(start: jiff::Timestamp, serial: Option<&str>, plan: &str) -> String {
    let plan: String = plan.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
    format!("{}-{}-{plan}", start.strftime("%Y%m%dT%H%M%SZ"), serial.unwrap_or("no-serial"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_time() {
        let start: jiff::Timestamp = "2026-11-22T10:15:00Z".parse().unwrap();
        assert_eq!(run_id(start, Some("HQ2247ABCDE"), "eol"), "20261122T101500Z-HQ2247ABCDE-eol");
        assert_eq!(run_id(start, None, "../x"), "20261122T101500Z-no-serial-___x");
    }

    #[test]
    fn paths_are_no_run_ids() {
        for bad in ["", "..", "a/b", "a b", "ä"] {
            assert!(check_run_id(bad).is_err(), "{bad}");
        }
        assert!(check_run_id("nightly-17_a").is_ok());
    }
}
