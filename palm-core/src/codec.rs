//! serde values as bytes: the one module that names bincode.
//!
//! Fixed-width integers, little endian, a limit on what a length may claim, and no trailing
//! bytes. Both the bodies of frames and typed functions use it.

use crate::{Error, ErrorKind, Result};
use bincode::Options;
use serde::{Serialize, de::DeserializeOwned};

/// The most that a decoded value may claim to hold, in bytes: a hostile length ends here instead
/// of in an allocation.
pub const LIMIT: u64 = 256 << 20;

fn options(limit: u64) -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(limit)
        .reject_trailing_bytes()
}

/// The bytes of `value`.
///
/// # Errors
///
/// [`ErrorKind::TooLarge`] if they would exceed [`LIMIT`], or if the value's own `Serialize`
/// refuses.
///
/// ```
/// let bytes = palm_core::codec::encode(&(1u32, "two")).unwrap();
/// let back: (u32, String) = palm_core::codec::decode(&bytes).unwrap();
/// assert_eq!(back, (1, "two".to_string()));
/// ```
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    options(LIMIT).serialize(value).map_err(|error| {
        Error::new(ErrorKind::TooLarge, "a value can't be encoded").caused_by(error)
    })
}

/// Appends the bytes of `value` to `buffer`.
///
/// # Errors
///
/// As [`encode`]; what was appended until then stays.
pub fn encode_into<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, value: &T) -> Result<()> {
    options(LIMIT)
        .serialize_into(buffer, value)
        .map_err(|error| {
            Error::new(ErrorKind::TooLarge, "a value can't be encoded").caused_by(error)
        })
}

/// The value that `bytes` hold, all of them.
///
/// # Errors
///
/// [`ErrorKind::Decode`] if they end early, go on after the value, or are no such value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    options(LIMIT.min(bytes.len() as u64))
        .deserialize(bytes)
        .map_err(|error| {
            let what = std::any::type_name::<T>();
            let length = bytes.len();
            Error::new(ErrorKind::Decode, format!("{length} bytes are no {what}")).caused_by(error)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        let mut bytes = encode(&7u64).unwrap();
        assert_eq!(decode::<u64>(&bytes).unwrap(), 7);
        bytes.push(0);
        assert_eq!(decode::<u64>(&bytes).unwrap_err().kind(), ErrorKind::Decode);
        assert!(decode::<u64>(&bytes[..7]).is_err());
    }

    #[test]
    fn a_hostile_length_is_an_error_not_an_allocation() {
        let bytes = u64::MAX.to_le_bytes();
        assert!(decode::<Vec<u8>>(&bytes).is_err());
        assert!(decode::<Vec<u64>>(&bytes).is_err());
        assert!(decode::<String>(&bytes).is_err());
    }
}
