use std::fmt;

use serde::{Deserialize, Serialize};

/// What the values of a histogram are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// Durations, in nanoseconds.
    Nanoseconds,
    /// Sizes, in bytes.
    Bytes,
    /// Numbers of things, such as messages in a frame.
    Count,
}

impl Unit {
    /// Writes a value for people: three significant digits and the larger unit that fits.
    ///
    /// ```
    /// use palm_metrics::Unit;
    ///
    /// assert_eq!(Unit::Nanoseconds.display(131_400).to_string(), "131 us");
    /// assert_eq!(Unit::Bytes.display(1_536).to_string(), "1.50 KiB");
    /// assert_eq!(Unit::Count.display(40).to_string(), "40");
    /// ```
    pub fn display(self, value: u64) -> impl fmt::Display {
        let steps: &[(u64, &str)] = match self {
            Unit::Nanoseconds => &[(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")],
            Unit::Bytes => &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")],
            Unit::Count => &[],
        };
        match steps.iter().find(|(size, _)| value >= *size) {
            Some(&(size, name)) => {
                let scaled = value as f64 / size as f64;
                let decimals = match scaled {
                    _ if scaled < 9.995 => 2,
                    _ if scaled < 99.95 => 1,
                    _ => 0,
                };
                format!("{scaled:.decimals$} {name}")
            }
            None => match self {
                Unit::Nanoseconds => format!("{value} ns"),
                Unit::Bytes => format!("{value} B"),
                Unit::Count => value.to_string(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_with_three_digits() {
        let time = |value| Unit::Nanoseconds.display(value).to_string();
        assert_eq!(time(0), "0 ns");
        assert_eq!(time(999), "999 ns");
        assert_eq!(time(1_000), "1.00 us");
        assert_eq!(time(9_996), "10.0 us");
        assert_eq!(time(99_960), "100 us");
        assert_eq!(time(12_345_678), "12.3 ms");
        assert_eq!(time(7_200_000_000_000), "7200 s");
        assert_eq!(Unit::Bytes.display(1_023).to_string(), "1023 B");
    }
}
