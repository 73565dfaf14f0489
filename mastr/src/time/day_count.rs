//! Day counts: how many years lie between two days.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Date;
use super::date::is_leap;

/// A day count convention, named as in ORE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DayCount {
    /// `A360`: days / 360.
    Actual360,
    /// `A365F`: days / 365.
    Actual365Fixed,
    /// `ActActISDA`: days in leap years / 366 plus days in other years / 365.
    ActualActualIsda,
    /// `30/360` (US): a 31st counts as the 30th, at the end only after a 30th; so does the last of
    /// February, at the end only after another one.
    Thirty360Us,
    /// `30/360 (Bond Basis)`: as the US one, but February is as long as it is.
    Thirty360BondBasis,
    /// `30E/360` (Eurobond basis): every 31st counts as the 30th.
    ThirtyE360,
}

impl DayCount {
    /// Days between `start` and `end` as this convention counts them; negative when `end` is first.
    pub fn days(self, start: Date, end: Date) -> i32 {
        match self {
            Self::Actual360 | Self::Actual365Fixed | Self::ActualActualIsda => {
                end.days_since(start)
            }
            Self::Thirty360Us => {
                let first = if ends_february(start) {
                    30
                } else {
                    day(start).min(30)
                };
                let last = match day(end) {
                    _ if ends_february(start) && ends_february(end) => 30,
                    31 if first == 30 => 30,
                    last => last,
                };
                thirty(start, end, first, last)
            }
            Self::Thirty360BondBasis => {
                let first = day(start).min(30);
                let last = if first == 30 {
                    day(end).min(30)
                } else {
                    day(end)
                };
                thirty(start, end, first, last)
            }
            Self::ThirtyE360 => thirty(start, end, day(start).min(30), day(end).min(30)),
        }
    }

    /// Years between `start` and `end`; negative when `end` comes first.
    pub fn years(self, start: Date, end: Date) -> f64 {
        match self {
            Self::Actual365Fixed => f64::from(self.days(start, end)) / 365.0,
            Self::Actual360 | Self::Thirty360Us | Self::Thirty360BondBasis | Self::ThirtyE360 => {
                f64::from(self.days(start, end)) / 360.0
            }
            Self::ActualActualIsda if end < start => -isda(end, start),
            Self::ActualActualIsda => isda(start, end),
        }
    }
}

/// Days of 30-day months, where `first` and `last` stand for the days of the month.
fn thirty(start: Date, end: Date, first: i32, last: i32) -> i32 {
    let (year, month, _) = start.civil();
    let (end_year, end_month, _) = end.civil();
    360 * (end_year - year) + 30 * (end_month as i32 - month as i32) + last - first
}

fn day(date: Date) -> i32 {
    date.civil().2 as i32
}

fn ends_february(date: Date) -> bool {
    date.civil().1 == 2 && date.is_end_of_month()
}

fn isda(start: Date, end: Date) -> f64 {
    let (first, last) = (start.year(), end.year());
    let length = |year| if is_leap(year) { 366.0 } else { 365.0 };
    let within = |from: Date, to: Date, year: i32| f64::from(to.days_since(from)) / length(year);
    if first == last {
        return within(start, end, first);
    }
    // Both years hold a first of January: the dates themselves lie within them.
    let january = |year| Date::new(year, 1, 1).unwrap_or(Date::MAX);
    f64::from(last - first - 1)
        + within(start, january(first + 1), first)
        + within(january(last), end, last)
}

impl FromStr for DayCount {
    type Err = ();

    /// ORE's names and their synonyms.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "A360" | "Actual/360" | "ACT/360" | "Act/360" => Self::Actual360,
            "A365" | "A365F" | "Actual/365 (Fixed)" | "Actual/365 (fixed)" | "ACT/365.FIXED"
            | "ACT/365" | "Act/365" | "ACT/365L" | "Act/365L" => Self::Actual365Fixed,
            "ActActISDA"
            | "ActAct"
            | "ACT/ACT"
            | "Act/Act"
            | "ACT"
            | "ACT/ACT.ISDA"
            | "ActualActual (ISDA)"
            | "ActualActual(ISDA)"
            | "Actual/Actual (ISDA)" => Self::ActualActualIsda,
            "30/360" | "T360" | "30/360 US" | "30/360 (US)" | "30U/360" | "30US/360"
            | "ACT/nACT" => Self::Thirty360Us,
            "30/360 (Bond Basis)" => Self::Thirty360BondBasis,
            "30E/360"
            | "30E/360 (Eurobond Basis)"
            | "30E/360.ICMA"
            | "30E/360 ICMA"
            | "30/360 AIBD (Euro)" => Self::ThirtyE360,
            _ => return Err(()),
        })
    }
}

impl fmt::Display for DayCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Actual360 => "A360",
            Self::Actual365Fixed => "A365F",
            Self::ActualActualIsda => "ActActISDA",
            Self::Thirty360Us => "30/360",
            Self::Thirty360BondBasis => "30/360 (Bond Basis)",
            Self::ThirtyE360 => "30E/360",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_that_ends_on_the_first_of_january_counts_whole() {
        let start = Date::new(2027, 1, 1).unwrap();
        let end = Date::new(2029, 1, 1).unwrap();
        assert_eq!(DayCount::ActualActualIsda.years(start, end), 2.0);
        assert_eq!(DayCount::ActualActualIsda.years(end, start), -2.0);
    }

    #[test]
    fn the_thirty_day_conventions_differ_at_the_end_of_february() {
        let start = Date::new(2027, 2, 28).unwrap();
        let end = Date::new(2028, 2, 29).unwrap();
        assert_eq!(DayCount::Thirty360Us.days(start, end), 360);
        assert_eq!(DayCount::Thirty360BondBasis.days(start, end), 361);
        assert_eq!(DayCount::ThirtyE360.days(start, end), 361);
    }

    #[test]
    fn every_name_of_the_reference_is_known() {
        for name in ["A360", "A365F", "ActActISDA", "30/360", "30E/360"] {
            assert!(name.parse::<DayCount>().is_ok());
        }
        assert!("A366".parse::<DayCount>().is_err());
    }
}
