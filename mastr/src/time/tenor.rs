//! A length of calendar time such as three months.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tenor {
    months: i32,
    weeks: i32,
    days: i32,
}

/// The text is not a sequence of whole numbers, each with `D`, `W`, `M` or `Y`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("\"{0}\" is no tenor: whole numbers with D, W, M or Y are needed, such as 3M")]
pub struct NotATenor(pub String);

impl Tenor {
    /// So many months.
    pub const fn months(months: i32) -> Self {
        Self {
            months,
            weeks: 0,
            days: 0,
        }
    }

    /// The day this long after `start`, not adjusted to business days: months first, then days.
    /// `None` when there is no such day in the years 1 to 9999.
    pub fn after(self, start: Date) -> Option<Date> {
        let days = self.weeks.checked_mul(7)?.checked_add(self.days)?;
        start.plus_months(self.months)?.plus_days(days)
    }

    /// This tenor so many times over; before a day instead of after it when `count` is negative.
    /// `None` when that is longer than any time between two dates.
    pub fn times(self, count: i32) -> Option<Self> {
        Some(Self {
            months: self.months.checked_mul(count)?,
            weeks: self.weeks.checked_mul(count)?,
            days: self.days.checked_mul(count)?,
        })
    }

    /// Whether it is no time at all.
    pub fn is_nothing(self) -> bool {
        (self.months, self.weeks, self.days) == (0, 0, 0)
    }

    /// Whether it is made of months and years only, at least one.
    pub fn is_months(self) -> bool {
        self.months != 0 && (self.weeks, self.days) == (0, 0)
    }

    /// What is not counted in days, and the days.
    pub(super) fn split_days(self) -> (Self, i32) {
        (Self { days: 0, ..self }, self.days)
    }
}

impl FromStr for Tenor {
    type Err = NotATenor;

    fn from_str(text: &str) -> Result<Self, NotATenor> {
        parse(text).ok_or_else(|| NotATenor(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Tenor> {
    let mut tenor = Tenor::months(0);
    let mut rest = text;
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i32 = rest[..digits].parse().ok()?;
        let (total, scale) = match rest.as_bytes().get(digits)? {
            b'D' | b'd' => (&mut tenor.days, 1),
            b'W' | b'w' => (&mut tenor.weeks, 1),
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
        let parts = [(self.months, 'M'), (self.weeks, 'W'), (self.days, 'D')];
        for (count, unit) in parts.into_iter().filter(|(count, _)| *count != 0) {
            write!(f, "{count}{unit}")?;
        }
        if self.is_nothing() {
            f.write_str("0D")?;
        }
        Ok(())
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
            let tenor: Tenor = text.parse().unwrap();
            assert_eq!(tenor.after(as_of).unwrap().to_string(), want);
            assert_eq!(tenor.to_string().parse(), Ok(tenor));
        }
        assert_eq!(Tenor::months(0).to_string(), "0D");
    }

    #[test]
    fn what_is_no_tenor_is_refused() {
        for text in ["", "M", "3", "3X", "-3M", "3M ", "99999999999Y", "3Mé"] {
            assert_eq!(text.parse::<Tenor>(), Err(NotATenor(text.to_owned())));
        }
        let never = "99999999Y".parse::<Tenor>().unwrap();
        assert_eq!(never.after(Date::MAX), None);
        let weeks = "999999999W".parse::<Tenor>().unwrap();
        assert_eq!(weeks.after(Date::MIN), None);
        assert_eq!(weeks.times(-3), None);
    }

    #[test]
    fn several_times_forth_and_back() {
        let (start, quarter) = (Date::new(2026, 8, 31).unwrap(), Tenor::months(3));
        let after = |count| quarter.times(count).unwrap().after(start).unwrap();
        assert_eq!(after(2).to_string(), "2027-02-28");
        assert_eq!(after(-1).to_string(), "2026-05-31");
    }
}
