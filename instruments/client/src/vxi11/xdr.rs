//! External Data Representation (RFC 4506), as far as VXI-11 needs it: numbers
//! of four bytes, and bytes with their length, filled up to four.

/// What can be written and read.
pub trait Xdr: Sized {
    /// Appends it to `out`.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it from the front.
    ///
    /// # Errors
    /// The bytes end before it does.
    fn take(bytes: &mut &[u8]) -> Result<Self, Short>;

    /// Its bytes.
    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// Of all of `bytes`; what is too much is not looked at, as in everybody's
    /// implementation.
    ///
    /// # Errors
    /// As [`Xdr::take`].
    fn of(mut bytes: &[u8]) -> Result<Self, Short> {
        Self::take(&mut bytes)
    }
}

/// The bytes of a value end too early.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("arguments or results that end too early: {there} bytes where {needed} are needed")]
pub struct Short {
    /// So many were left.
    pub there: usize,
    /// So many would be needed.
    pub needed: usize,
}

fn front<'a>(bytes: &mut &'a [u8], needed: usize) -> Result<&'a [u8], Short> {
    let (front, rest) = bytes.split_at_checked(needed).ok_or(Short { there: bytes.len(), needed })?;
    *bytes = rest;
    Ok(front)
}

impl Xdr for () {
    fn put(&self, _: &mut Vec<u8>) {}
    fn take(_: &mut &[u8]) -> Result<Self, Short> {
        Ok(())
    }
}

impl Xdr for u32 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn take(bytes: &mut &[u8]) -> Result<Self, Short> {
        Ok(front(bytes, 4)?.iter().fold(0, |value, byte| value << 8 | Self::from(*byte)))
    }
}

impl Xdr for bool {
    fn put(&self, out: &mut Vec<u8>) {
        u32::from(*self).put(out);
    }
    fn take(bytes: &mut &[u8]) -> Result<Self, Short> {
        Ok(u32::take(bytes)? != 0)
    }
}

impl Xdr for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        // Longer messages than 4 GiB are nobody's.
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(out);
        out.extend_from_slice(self);
        out.resize(out.len() + filling(self.len()), 0);
    }
    fn take(bytes: &mut &[u8]) -> Result<Self, Short> {
        let length = usize::try_from(u32::take(bytes)?).unwrap_or(usize::MAX);
        let value = front(bytes, length)?.to_vec();
        front(bytes, filling(length))?;
        Ok(value)
    }
}

/// From this length to the next multiple of four.
const fn filling(length: usize) -> usize {
    length.wrapping_neg() % 4
}

/// A structure of such values, in their order.
macro_rules! xdr_struct {
    ($($(#[$doc:meta])+ pub struct $name:ident { $($(#[$field_doc:meta])+ pub $field:ident: $kind:ty,)+ })+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub struct $name {
                $($(#[$field_doc])+ pub $field: $kind,)+
            }

            impl $crate::vxi11::xdr::Xdr for $name {
                fn put(&self, out: &mut Vec<u8>) {
                    $(self.$field.put(out);)+
                }
                fn take(bytes: &mut &[u8]) -> Result<Self, $crate::vxi11::xdr::Short> {
                    Ok(Self { $($field: $crate::vxi11::xdr::Xdr::take(bytes)?,)+ })
                }
            }
        )+
    };
}

pub(crate) use xdr_struct;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_as_in_the_standard() {
        assert_eq!(7_u32.bytes(), [0, 0, 0, 7]);
        assert_eq!(true.bytes(), [0, 0, 0, 1]);
        assert_eq!(b"inst0".to_vec().bytes(), b"\0\0\0\x05inst0\0\0\0");
        assert_eq!(Vec::new().bytes(), [0; 4]);
    }

    #[test]
    fn what_ends_too_early_is_no_value() {
        let bytes = b"inst0".to_vec().bytes();
        for cut in 0..bytes.len() {
            let error = Vec::<u8>::of(&bytes[..cut]).unwrap_err();
            assert!(error.there < error.needed, "{cut}: {error}");
        }
        let error = Vec::<u8>::of(b"\xff\xff\xff\xffab").unwrap_err();
        assert_eq!(error.to_string(), "arguments or results that end too early: 2 bytes where 4294967295 are needed");
    }

    proptest! {
        #[test]
        fn bytes_come_back(value in prop::collection::vec(any::<u8>(), 0..50)) {
            let bytes = value.bytes();
            prop_assert_eq!(bytes.len() % 4, 0);
            prop_assert_eq!(Vec::<u8>::of(&bytes), Ok(value));
        }
    }
}
