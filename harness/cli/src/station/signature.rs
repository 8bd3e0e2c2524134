//! Ed25519 in minisign's files, so that others can check a record without this
//! program: `minisign -Vm record.json -p station.pub`. The form is minisign's
//! older one, `Ed`, over the whole file without a hash before it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

const ALGORITHM: [u8; 2] = *b"Ed";

/// Signs. Never printed.
pub struct SecretKey(SigningKey);

/// Checks signatures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    id: [u8; 8],
    key: VerifyingKey,
}

/// What signed and vouches for a text of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signed {
    id: [u8; 8],
    signature: [u8; 64],
    comment: String,
    of_comment: [u8; 64],
}

impl SecretKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// Its other half.
    pub fn public(&self) -> PublicKey {
        let key = self.0.verifying_key();
        let mut id = [0; 8];
        id.copy_from_slice(&Sha256::digest(key.as_bytes())[..8]);
        PublicKey { id, key }
    }

    /// A signature file of `bytes`; `comment` is signed too.
    pub fn sign(&self, bytes: &[u8], name: &str, comment: &str) -> String {
        let signature = self.0.sign(bytes).to_bytes();
        let of_comment = self.0.sign(&[&signature[..], comment.as_bytes()].concat()).to_bytes();
        let first = STANDARD.encode([&ALGORITHM[..], &self.public().id, &signature].concat());
        format!(
            "untrusted comment: signature of hil station {name}\n{first}\ntrusted comment: {comment}\n{}\n",
            STANDARD.encode(of_comment)
        )
    }
}

impl PublicKey {
    /// As minisign shows it.
    pub fn id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.id))
    }

    /// One line, as minisign writes it.
    pub fn line(&self) -> String {
        STANDARD.encode([&ALGORITHM[..], &self.id, self.key.as_bytes()].concat())
    }

    /// A whole file.
    pub fn file(&self, name: &str) -> String {
        format!("untrusted comment: public key of hil station {name}\n{}\n", self.line())
    }

    /// From a file or its last line.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let line = text.trim_end().lines().last().unwrap_or_default();
        let bytes = STANDARD.decode(line).ok().and_then(|b| <[u8; 42]>::try_from(b).ok());
        let bytes = bytes.filter(|b| b[..2] == ALGORITHM).ok_or("expected a public key as minisign writes it")?;
        let (mut id, mut key) = ([0; 8], [0; 32]);
        id.copy_from_slice(&bytes[2..10]);
        key.copy_from_slice(&bytes[10..]);
        let key = VerifyingKey::from_bytes(&key).map_err(|e| format!("no public key: {e}"))?;
        Ok(Self { id, key })
    }

    /// Whether this key signed exactly these bytes.
    pub fn signed(&self, bytes: &[u8], by: &Signed) -> bool {
        let whole = [&by.signature[..], by.comment.as_bytes()].concat();
        by.id == self.id
            && self.key.verify_strict(bytes, &Signature::from_bytes(&by.signature)).is_ok()
            && self.key.verify_strict(&whole, &Signature::from_bytes(&by.of_comment)).is_ok()
    }
}

impl Signed {
    /// Reads a signature file.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let none = "expected a signature as minisign writes it";
        let [untrusted, first, trusted, last] = text.lines().collect::<Vec<_>>()[..] else { return Err(none.into()) };
        let comment = trusted.strip_prefix("trusted comment: ").filter(|_| untrusted.starts_with("untrusted comment: ")).ok_or(none)?;
        let bytes = STANDARD.decode(first).ok().and_then(|b| <[u8; 74]>::try_from(b).ok());
        let bytes = bytes.filter(|b| b[..2] == ALGORITHM).ok_or(none)?;
        let of_comment = STANDARD.decode(last).ok().and_then(|b| <[u8; 64]>::try_from(b).ok()).ok_or(none)?;
        let (mut id, mut signature) = ([0; 8], [0; 64]);
        id.copy_from_slice(&bytes[2..10]);
        signature.copy_from_slice(&bytes[10..]);
        Ok(Self { id, signature, comment: comment.to_owned(), of_comment })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_and_the_bytes_that_were_signed() {
        let (key, other) = (SecretKey::from_seed(&[7; 32]), SecretKey::from_seed(&[8; 32]));
        let text = key.sign(b"record", "hall-3", "run r");
        let signed = Signed::read(&text).unwrap();
        let public = PublicKey::read(&key.public().file("hall-3")).unwrap();
        assert_eq!((public.clone(), public.id().len()), (key.public(), 16));
        assert!(public.signed(b"record", &signed));
        assert!(!public.signed(b"Record", &signed));
        assert!(!other.public().signed(b"record", &signed));
        assert!(!public.signed(b"record", &Signed::read(&text.replace("run r", "run s")).unwrap()));
    }

    #[test]
    fn no_changed_signature_is_one() {
        let key = SecretKey::from_seed(&[7; 32]);
        let text = key.sign(b"record", "hall-3", "run r");
        let untrusted = text.find('\n').unwrap();
        for at in untrusted + 1..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            if let Ok(signed) = Signed::read(&changed) {
                assert!(!key.public().signed(b"record", &signed), "byte {at}: {changed}");
            }
        }
        for bad in ["", "x", "RWQ=", "untrusted comment: x\n\ntrusted comment: x\n\n"] {
            assert!(Signed::read(bad).is_err() && PublicKey::read(bad).is_err(), "{bad}");
        }
    }
}
