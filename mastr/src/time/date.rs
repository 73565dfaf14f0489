//! A day of the Gregorian calendar.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A day, counted from 1970-01-01; from 0001-01-01 to 9999-12-31.
///
/// ```
/// use mastr::time::Date;
///
/// let as_of: Date = "2026-06-15".parse().unwrap();
/// let expiry: Date = "20270615".parse().unwrap();
/// assert_eq!(expiry.days_since(as_of), 365);
/// assert_eq!(expiry.to_string(), "2027-06-15");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i32", into = "i32")]
pub struct Date(i32);

/// The text of a date is neither `YYYY-MM-DD` nor `YYYYMMDD`, or there is no such day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is no date: a day as YYYY-MM-DD or YYYYMMDD is needed")]
pub struct NotADate(pub String);

/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i32 = 719_468;
/// Days in 400 Gregorian years.
const ERA: i32 = 146_097;

impl Date {
    /// The first day there is, 0001-01-01.
    pub const MIN: Self = Self(-719_162);
    /// The last day there is, 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day `day` of month `month` (1 to 12) of `year` (1 to 9999), if it exists.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let exists = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        exists.then(|| Self(serial(year, month, day)))
    }

    /// The year, from 1 to 9999.
    pub fn year(self) -> i32 {
        self.civil().0
    }

    /// Year, month (1 to 12) and day of the month (1 to 31).
    pub fn civil(self) -> (i32, u32, u32) {
        // The year starts in March, so that the day a leap year adds is its last.
        let days = self.0 + EPOCH;
        let era = days.div_euclid(ERA);
        let of_era = days.rem_euclid(ERA);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let march_based = (5 * of_year + 2) / 153;
        let day = of_year - (153 * march_based + 2) / 5 + 1;
        let month = if march_based < 10 {
            march_based + 3
        } else {
            march_based - 9
        };
        let year = year + era * 400 + i32::from(month <= 2);
        (year, month.unsigned_abs(), day.unsigned_abs())
    }

    /// Calendar days from `earlier` to this day; negative when this day comes first.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// The day `days` after this one, unless it is beyond [`Date::MAX`] or before [`Date::MIN`].
    pub fn plus_days(self, days: i32) -> Option<Self> {
        Self::try_from(self.0.checked_add(days)?).ok()
    }

    /// The same day of the month `months` later, or that month's last day if it is shorter.
    pub fn plus_months(self, months: i32) -> Option<Self> {
        let (year, month, day) = self.civil();
        let months = (year * 12 + month as i32 - 1).checked_add(months)?;
        let (year, month) = (
            months.div_euclid(12),
            months.rem_euclid(12).unsigned_abs() + 1,
        );
        Self::new(year, month, day.min(days_in_month(year, month)))
    }

    /// The day of the week, from Monday, 0, to Sunday, 6.
    pub fn day_of_week(self) -> u32 {
        // 1970-01-01 was a Thursday.
        (self.0 + 3).rem_euclid(7).unsigned_abs()
    }

    /// Whether this day is a Saturday or a Sunday.
    pub fn is_weekend(self) -> bool {
        self.day_of_week() >= 5
    }

    /// Whether this day is the last of its calendar month.
    pub fn is_end_of_month(self) -> bool {
        let (year, month, day) = self.civil();
        day == days_in_month(year, month)
    }

    /// The last day of this day's calendar month.
    pub fn end_of_month(self) -> Self {
        let (year, month, day) = self.civil();
        // Invariant: the month of a day that exists is a whole one.
        Self(self.0 + (days_in_month(year, month) - day) as i32)
    }
}

/// Whether `year` has a 29th of February.
pub(crate) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn serial(year: i32, month: u32, day: u32) -> i32 {
    let (month, day) = (month as i32, day as i32);
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let march_based = (month + 9) % 12;
    let of_year = (153 * march_based + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

impl From<Date> for i32 {
    /// Days from 1970-01-01.
    fn from(date: Date) -> Self {
        date.0
    }
}

impl TryFrom<i32> for Date {
    type Error = &'static str;

    fn try_from(days: i32) -> Result<Self, &'static str> {
        let date = Self(days);
        if (Self::MIN..=Self::MAX).contains(&date) {
            Ok(date)
        } else {
            Err("no date: a day of the years 1 to 9999 is needed")
        }
    }
}

impl FromStr for Date {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let parts = match text.as_bytes() {
            [_, _, _, _, b'-', _, _, b'-', _, _] => [0..4, 5..7, 8..10],
            [_, _, _, _, _, _, _, _] => [0..4, 4..6, 6..8],
            _ => return Err(NotADate(text.to_owned())),
        };
        let number = |part: std::ops::Range<usize>| {
            let digits = text.get(part)?;
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse::<u32>().ok())?
        };
        let [year, month, day] = parts.map(number);
        year.zip(month)
            .zip(day)
            .and_then(|((year, month), day)| Self::new(year as i32, month, day))
            .ok_or_else(|| NotADate(text.to_owned()))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_there_is_goes_to_its_civil_date_and_back() {
        let mut previous = (0, 12, 31);
        for serial in Date::MIN.0..=Date::MAX.0 {
            let (year, month, day) = Date(serial).civil();
            assert_eq!(Date::new(year, month, day), Some(Date(serial)));
            assert!((year, month, day) > previous);
            previous = (year, month, day);
        }
        assert_eq!(previous, (9999, 12, 31));
        assert_eq!(Date::MIN.civil(), (1, 1, 1));
    }

    #[test]
    fn text_is_read_in_both_forms_and_nothing_else() {
        assert_eq!("2026-06-15".parse(), Ok(Date::new(2026, 6, 15).unwrap()));
        assert_eq!("20260615".parse(), Ok(Date::new(2026, 6, 15).unwrap()));
        for text in [
            "",
            "2026-06-31",
            "2026-02-29",
            "2026-13-01",
            "2026/06/15",
            "15.06.2026",
            "+2026615",
            "2026-6-15",
            "0000-01-01",
            "2026-06-15 ",
            "２０２６",
        ] {
            assert_eq!(text.parse::<Date>(), Err(NotADate(text.to_owned())));
        }
    }

    #[test]
    fn a_month_later_stays_within_the_month() {
        let end = Date::new(2026, 1, 31).unwrap();
        assert_eq!(end.plus_months(1), Date::new(2026, 2, 28));
        assert_eq!(end.plus_months(25), Date::new(2028, 2, 29));
        assert_eq!(end.plus_months(-2), Date::new(2025, 11, 30));
        assert_eq!(end.plus_months(i32::MAX), None);
        assert_eq!(Date::MAX.plus_days(1), None);
        assert!(end.is_end_of_month());
        assert_eq!(
            Date::new(2028, 2, 1).unwrap().end_of_month().civil(),
            (2028, 2, 29)
        );
        assert_eq!(Date::MAX.end_of_month(), Date::MAX);
        assert!(end.is_weekend());
        assert_eq!(Date::new(2026, 6, 15).unwrap().day_of_week(), 0);
    }
}
