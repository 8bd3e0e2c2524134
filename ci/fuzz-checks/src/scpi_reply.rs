//! Replies of instruments, each reader alone.

use hil_client::Identity;
use hil_client::scpi::{self, BlockEnd};

/// What is no number is none; a block ends where it says; what was read and is
/// written is read again as the same.
pub fn check(bytes: &[u8]) {
    for unit in ["", "V", "A"] {
        if let Ok(value) = scpi::number(bytes, unit) {
            assert!(value.is_finite() && value.abs() < 9.9e37, "{value}");
            assert_eq!(scpi::number(format!("{value:e}{unit}").as_bytes(), unit), Ok(value));
        }
    }
    let sentinels: [&[u8]; 3] = [b"9.91E37", b"+9.91E+37", b"nan"];
    assert!(!sentinels.contains(&bytes) || scpi::number(bytes, "V").is_err());
    if let Ok(text) = scpi::string(bytes) {
        let quoted = format!("\"{}\"", text.replace('"', "\"\""));
        assert_eq!(scpi::string(quoted.as_bytes()), Ok(text));
    }
    if let Ok(entry) = scpi::error_entry(bytes) {
        assert_eq!(entry.is_none(), entry.code == 0);
        let again = scpi::error_entry(format!("{},x", entry.code).as_bytes()).map(|e| e.code);
        assert_eq!(again, Ok(entry.code));
    }
    let _ = scpi::boolean(bytes);
    if let Ok(whole) = scpi::whole(bytes) {
        assert_eq!(scpi::number(bytes, ""), Ok(whole as f64));
    }
    if let Ok(elements) = scpi::list(bytes) {
        assert_eq!(scpi::list(&elements.join(&b","[..])), Ok(elements));
    }
    if let Some(identity) = std::str::from_utf8(bytes).ok().and_then(Identity::parse) {
        assert!(!identity.maker.contains(',') && !identity.model.contains(',') && !identity.serial.contains(','));
    }
    block(bytes);
}

fn block(bytes: &[u8]) {
    match scpi::block_end(bytes) {
        BlockEnd::At { body, end } => {
            assert!((3..=11).contains(&body) && body <= end && body <= bytes.len(), "{body}..{end} of {}", bytes.len());
            // The header says the same with every byte that follows.
            assert_eq!(scpi::block_end(&bytes[..body]), BlockEnd::At { body, end });
        }
        BlockEnd::Unknown => assert!(bytes.len() < 11),
        BlockEnd::Indefinite => assert_eq!(scpi::block(bytes), Ok(&bytes[2..])),
        BlockEnd::NoBlock => {}
    }
    if let Ok(body) = scpi::block(bytes) {
        let written = [format!("#9{:09}", body.len()).as_bytes(), body].concat();
        assert_eq!(scpi::block(&written), Ok(body));
    }
}
