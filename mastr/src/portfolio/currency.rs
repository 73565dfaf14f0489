//! Currency codes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency: three capital letters, as in ISO 4217. Takes three bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 3]", into = "[u8; 3]")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The pound sterling.
    pub const GBP: Self = Self(*b"GBP");

    /// The code's three letters.
    pub fn as_str(&self) -> &str {
        // Invariant: the bytes are capital ASCII letters, checked by every constructor.
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl TryFrom<[u8; 3]> for Currency {
    type Error = &'static str;

    fn try_from(code: [u8; 3]) -> Result<Self, &'static str> {
        if code.iter().all(u8::is_ascii_uppercase) {
            Ok(Self(code))
        } else {
            Err("no currency: three capital letters are needed, such as EUR")
        }
    }
}

impl From<Currency> for [u8; 3] {
    fn from(currency: Currency) -> Self {
        currency.0
    }
}

impl FromStr for Currency {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        // Any other length becomes a code that is refused.
        Self::try_from(<[u8; 3]>::try_from(text.as_bytes()).unwrap_or_default())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_capital_letters_are_a_code() {
        assert_eq!("EUR".parse(), Ok(Currency::EUR));
        for text in ["", "eur", "EU", "EURO", "E1R", "€", "ÄB"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
