//! Confidence levels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// So many decimals a level may have.
const DECIMALS: usize = 18;
/// The level 1 in the smallest units.
const ONE: u64 = 10_u64.pow(DECIMALS as u32);

/// A part of a whole, from 0 to 1: an exact decimal, so that the number of scenarios it stands for
/// does not depend on how 0.99 is rounded.
///
/// ```
/// use mastr::aggregation::Level;
///
/// let level: Level = "0.990".parse().unwrap();
/// assert_eq!(level.to_string(), "0.99");
/// assert!("1.01".parse::<Level>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Level(u64);

impl Level {
    /// How many of `n` lie beyond this level: max(1, ⌈(1 − level)·n⌉).
    pub(crate) fn beyond(self, n: usize) -> usize {
        part_of(ONE - self.0, n)
    }

    /// How many of `n` lie within this level: max(1, ⌈level·n⌉).
    pub(crate) fn within(self, n: usize) -> usize {
        part_of(self.0, n)
    }
}

fn part_of(units: u64, n: usize) -> usize {
    let count = (u128::from(units) * n as u128).div_ceil(u128::from(ONE));
    // Invariant: it is at most n.
    (count as usize).max(1)
}

impl FromStr for Level {
    type Err = ();

    /// Reads digits with or without a decimal point.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
        let decimals = decimals.trim_end_matches('0');
        if whole.is_empty()
            || decimals.len() > DECIMALS
            || !is_number(whole)
            || !is_number(decimals)
        {
            return Err(());
        }
        let whole: u64 = whole.parse().map_err(|_| ())?;
        let decimals: u64 = format!("{decimals:0<DECIMALS$}").parse().map_err(|_| ())?;
        let units = whole
            .checked_mul(ONE)
            .and_then(|units| units.checked_add(decimals));
        Self::try_from(units.ok_or(())?).map_err(|_| ())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:0DECIMALS$}", self.0 % ONE);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / ONE),
            decimals => write!(f, "{}.{decimals}", self.0 / ONE),
        }
    }
}

impl TryFrom<u64> for Level {
    type Error = &'static str;

    fn try_from(units: u64) -> Result<Self, Self::Error> {
        match units {
            0..=ONE => Ok(Self(units)),
            _ => Err("a level is at most 1"),
        }
    }
}

impl From<Level> for u64 {
    fn from(level: Level) -> Self {
        level.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_read_back() {
        for (text, short) in [
            ("0", "0"),
            ("1.", "1"),
            ("1.000", "1"),
            ("00.50", "0.5"),
            ("0.999999999999999999", "0.999999999999999999"),
            ("0.05", "0.05"),
        ] {
            let level: Level = text.parse().unwrap();
            assert_eq!(level.to_string(), short);
            assert_eq!(short.parse(), Ok(level));
        }
    }

    #[test]
    fn anything_else_is_no_level() {
        for text in [
            "",
            ".",
            ".5",
            "-0.5",
            "+0.5",
            "1.01",
            "2",
            "99%",
            "1e-2",
            "0.9.9",
            "NaN",
            "0.9999999999999999999",
            "18446744073709551616",
            "٠.٥",
        ] {
            assert_eq!(text.parse::<Level>(), Err(()), "{text}");
        }
    }
}
