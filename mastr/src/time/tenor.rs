//! A length of calendar time such as three months.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Date;

/// A length of calendar time: days, weeks, months and years, as in `2W` or `1Y6M`.
///
/// ```
/// use mastr::time::{Date, Tenor};
///
/// let as_of = Date::new(2026, 6, 15).unwrap();
/// let tenor: Tenor = "1Y6M".parse().unwrap();
/// assert_eq!(tenor.after(as_of), Date::new(2027, 12, 15));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenor {
    months: i32,
    days: i32,
}

/// The text is not a sequence of whole numbers, each with `D`, `W`, `M` or `Y`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is no tenor: whole numbers with D, W, M or Y are needed, such as 3M")]
pub struct NotATenor(pub String);

impl Tenor {
    /// The day this long after `start`, not adjusted to business days: months first, then days.
    /// `None` when there is no such day before the year 10000.
    pub fn after(self, start: Date) -> Option<Date> {
        start.plus_months(self.months)?.plus_days(self.days)
    }
}

impl FromStr for Tenor {
    type Err = NotATenor;

    fn from_str(text: &str) -> Result<Self, NotATenor> {
        parse(text).ok_or_else(|| NotATenor(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Tenor> {
    let mut tenor = Tenor { months: 0, days: 0 };
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i32 = rest[..digits].parse().ok()?;
        let (total, scale) = match rest.as_bytes().get(digits)? {
            b'D' | b'd' => (&mut tenor.days, 1),
            b'W' | b'w' => (&mut tenor.days, 7),
            b'M' | b'm' => (&mut tenor.months, 1),
            b'Y' | b'y' => (&mut tenor.months, 12),
            _ => return None,
        };
        *total = total.checked_add(count.checked_mul(scale)?)?;
        rest = &rest[digits + 1..];
        if rest.is_empty() {
            return Some(tenor);
        }
    }
}

impl fmt::Display for Tenor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.months, self.days) {
            (0, days) => write!(f, "{days}D"),
            (months, 0) => write!(f, "{months}M"),
            (months, days) => write!(f, "{months}M{days}D"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenors_are_added_unadjusted() {
        let as_of = Date::new(2026, 6, 15).unwrap();
        for (text, want) in [
            ("1D", "2026-06-16"),
            ("2W", "2026-06-29"),
            ("6M", "2026-12-15"),
            ("10Y", "2036-06-15"),
            ("1y2m3d", "2027-08-18"),
        ] {
            let date = text.parse::<Tenor>().unwrap().after(as_of).unwrap();
            assert_eq!(date.to_string(), want);
        }
    }

    #[test]
    fn what_is_no_tenor_is_refused() {
        for text in ["", "M", "3", "3X", "-3M", "3M ", "99999999999Y", "3Mé"] {
            assert_eq!(text.parse::<Tenor>(), Err(NotATenor(text.to_owned())));
        }
        let never = "99999999Y".parse::<Tenor>().unwrap();
        assert_eq!(never.after(Date::MAX), None);
    }
}
