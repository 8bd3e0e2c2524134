//! Records, signatures and keys: what `hil verify` reads beside the journal.

use hil_cli::station::signature::{PublicKey, SecretKey, Signed};
use hil_record::{FoundRecord, Journal, read_journal};

/// Somebody else's key is not the station's, and nothing but what was signed is.
pub fn check(bytes: &[u8]) {
    if let Ok(found) = FoundRecord::read(bytes) {
        let journal = nothing();
        // A run without an event has no record.
        assert!(found.contradicts(&journal).is_some());
        let broken = found.seal.broken_by(&journal.seal);
        assert!(found.seal.events == 0 || broken.is_some());
        assert_eq!(found.seal.broken_by(&found.seal.clone()), None);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let station = SecretKey::from_seed(&[7; 32]);
    if let Ok(key) = PublicKey::read(text) {
        assert_eq!(PublicKey::read(&key.file("any")), Ok(key));
    }
    if let Ok(signed) = Signed::read(text) {
        assert!(!station.public().signed(b"forged", &signed), "the station never signed this");
        let own = station.sign(b"record", "any", "run r");
        let honest = Signed::read(&own).expect("a signature");
        assert_eq!(station.public().signed(b"record", &signed), signed == honest);
    }
}

fn nothing() -> Journal {
    read_journal(&[][..]).expect("an empty journal is one")
}
