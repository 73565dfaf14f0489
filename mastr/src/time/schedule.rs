//! The dates between which interest accrues, or on which something is observed.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{BusinessDayConvention, Calendar, Date, Tenor};

/// Dates in their order, by rules or one by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Schedule {
    /// They follow from rules.
    Rules(Rules),
    /// They stand as given, business days or not.
    Dates {
        /// The calendar of payments, where the dates have one.
        calendar: Calendar,
        /// At least one, each later than the one before.
        dates: Box<[Date]>,
    },
}

/// From where dates are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rule {
    /// From the start: what is left over comes last.
    Forward,
    /// From the end: what is left over comes first.
    Backward,
    /// There are no dates in between.
    Zero,
}

/// How dates follow from one another: ORE's `Rules`.
///
/// ```
/// use mastr::time::{BusinessDayConvention, Calendar, Date, Rule, Rules, Tenor};
///
/// let rules = Rules {
///     start: Date::new(2026, 7, 1).unwrap(),
///     end: Date::new(2027, 5, 1).unwrap(),
///     tenor: Tenor::months(6),
///     calendar: Calendar::TARGET,
///     convention: BusinessDayConvention::ModifiedFollowing,
///     term_convention: BusinessDayConvention::ModifiedFollowing,
///     rule: Rule::Forward,
///     end_of_month: false,
///     first: None,
///     last: None,
/// };
/// let dates: Vec<_> = rules.dates().unwrap().iter().map(Date::to_string).collect();
/// assert_eq!(dates, ["2026-07-01", "2027-01-04", "2027-05-03"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rules {
    /// The first date, before it is adjusted.
    pub start: Date,
    /// The last date, before it is adjusted.
    pub end: Date,
    /// How far dates are apart. Of [`Rule::Zero`] it has no meaning.
    pub tenor: Tenor,
    /// Which days are business days.
    pub calendar: Calendar,
    /// What becomes of all dates but the last when they are none.
    pub convention: BusinessDayConvention,
    /// What becomes of the last.
    pub term_convention: BusinessDayConvention,
    /// Whether tenors are counted from the start or from the end.
    pub rule: Rule,
    /// Whether dates counted in months from the last day of a month are all last days.
    pub end_of_month: bool,
    /// The second date, and what [`Rule::Forward`] counts from.
    pub first: Option<Date>,
    /// The last date but one, and what [`Rule::Backward`] counts from.
    pub last: Option<Date>,
}

/// Why rules give no schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// The end is not after the start.
    #[error("the schedule ends on {end}, which is not after its start {start}")]
    EndsBeforeStart {
        /// The start.
        start: Date,
        /// The end.
        end: Date,
    },
    /// Dates would be no time apart.
    #[error("a tenor longer than nothing is needed, or the rule Zero")]
    NoTenor,
    /// The second date is given and impossible.
    #[error("{0} is no second date: it has to be after the start and not after the end")]
    FirstOutside(Date),
    /// The last date but one is given and impossible.
    #[error("{0} is no last date but one: it has to be before the end, and not before the second")]
    LastOutside(Date),
    /// When adjusted, the start is not before the end.
    #[error("the schedule has no period: once it starts on a business day, {0}, it has ended")]
    NoPeriod(Date),
    /// There are more than [`Rules::LONGEST`] dates.
    #[error(
        "the schedule has more than {} dates: give it a longer tenor",
        Rules::LONGEST
    )]
    TooLong,
    /// A date is not in the years 1 to 9999.
    #[error("the schedule has a date after the year 9999 or before the year 1")]
    BeyondTime,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forward => "Forward",
            Self::Backward => "Backward",
            Self::Zero => "Zero",
        })
    }
}

impl FromStr for Rule {
    type Err = ();

    /// ORE's names.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "Forward" => Ok(Self::Forward),
            "Backward" => Ok(Self::Backward),
            "Zero" => Ok(Self::Zero),
            _ => Err(()),
        }
    }
}

impl Schedule {
    /// The dates, each later than the one before.
    ///
    /// # Errors
    /// Those of [`Rules::dates`].
    pub fn dates(&self) -> Result<Cow<'_, [Date]>, ScheduleError> {
        match self {
            Self::Rules(rules) => rules.dates().map(Cow::Owned),
            Self::Dates { dates, .. } => Ok(Cow::Borrowed(dates)),
        }
    }

    /// The calendar that the schedule was made with.
    pub fn calendar(&self) -> Calendar {
        match self {
            Self::Rules(rules) => rules.calendar,
            Self::Dates { calendar, .. } => *calendar,
        }
    }
}

impl Rules {
    /// The most dates that a schedule may have: those of daily ones over forty years.
    pub const LONGEST: usize = 1 << 14;

    /// At least two dates, each later than the one before.
    ///
    /// Dates are whole numbers of tenors from where they are counted from, never from an adjusted
    /// date, and adjusted to business days afterwards; dates that become equal are one. QuantLib
    /// 1.44 gives the same, but that it takes the last business day of a month for the last day.
    ///
    /// # Errors
    /// When the rules contradict each other, give no period or too many.
    pub fn dates(&self) -> Result<Vec<Date>, ScheduleError> {
        let (start, end) = (self.start, self.end);
        if start >= end {
            return Err(ScheduleError::EndsBeforeStart { start, end });
        }
        // The ends themselves are no further dates.
        let first = self.first.filter(|first| *first != start);
        let last = self.last.filter(|last| *last != end);
        if let Some(first) = first.filter(|first| !(start..=end).contains(first)) {
            return Err(ScheduleError::FirstOutside(first));
        }
        let earliest = first.unwrap_or(start);
        if let Some(last) = last.filter(|last| !(earliest..=end).contains(last)) {
            return Err(ScheduleError::LastOutside(last));
        }
        match self.rule {
            Rule::Zero => self.adjusted(&[start, end], false),
            _ if self.tenor.is_nothing() => Err(ScheduleError::NoTenor),
            Rule::Forward => {
                let seed = first.unwrap_or(start);
                let dates = self.counted([start, end], [first, last], 1, self.term_convention)?;
                self.adjusted(&dates, self.ends_months(seed))
            }
            Rule::Backward => {
                let seed = last.unwrap_or(end);
                let mut dates = self.counted([end, start], [last, first], -1, self.convention)?;
                dates.reverse();
                self.adjusted(&dates, self.ends_months(seed))
            }
        }
    }

    /// Unadjusted dates from one end, `from`, to the other, `to`. Of the dates that are `given` the
    /// one beside `from` is counted from, and the one beside `to` is counted to.
    fn counted(
        &self,
        [from, to]: [Date; 2],
        given: [Option<Date>; 2],
        direction: i32,
        convention_of_to: BusinessDayConvention,
    ) -> Result<Vec<Date>, ScheduleError> {
        let [beside_from, beside_to] = given;
        let seed = beside_from.unwrap_or(from);
        let limit = beside_to.unwrap_or(to);
        let mut dates = vec![from];
        dates.extend(beside_from);
        let mut latest = self.adjust(seed, self.convention)?;
        for count in 1.. {
            let Some(date) = self.step(seed, direction * count) else {
                // It would be beyond the other end as well.
                break;
            };
            if (direction > 0 && date > limit) || (direction < 0 && date < limit) {
                break;
            }
            let adjusted = self.adjust(date, self.convention)?;
            if adjusted != latest {
                dates.push(date);
                latest = adjusted;
            }
            if dates.len() > Self::LONGEST {
                return Err(ScheduleError::TooLong);
            }
        }
        if let Some(date) = beside_to
            && self.adjust(date, self.convention)? != latest
        {
            dates.push(date);
        }
        let reached = dates.last().copied().unwrap_or(from);
        if self.adjust(reached, convention_of_to)? != self.adjust(to, convention_of_to)? {
            dates.push(to);
        }
        Ok(dates)
    }

    /// The day so many tenors after `seed`.
    fn step(&self, seed: Date, count: i32) -> Option<Date> {
        let date = self.tenor.times(count)?.after(seed)?;
        Some(if self.ends_months(seed) {
            date.end_of_month()
        } else {
            date
        })
    }

    /// Whether all dates counted from `seed` are the last days of months.
    fn ends_months(&self, seed: Date) -> bool {
        self.end_of_month && self.tenor.is_months() && seed.is_end_of_month()
    }

    /// The `unadjusted` dates, of which there are at least two, adjusted; those that meet another
    /// one or an end are left out.
    fn adjusted(&self, unadjusted: &[Date], ends_months: bool) -> Result<Vec<Date>, ScheduleError> {
        let [start, inner @ .., end] = unadjusted else {
            return Err(ScheduleError::NoPeriod(self.start));
        };
        let start = self.adjust(*start, self.convention)?;
        let end = self.adjust(*end, self.term_convention)?;
        if start >= end {
            return Err(ScheduleError::NoPeriod(start));
        }
        let mut dates = Vec::with_capacity(unadjusted.len());
        dates.push(start);
        let mut latest = start;
        for date in inner {
            let date = if ends_months {
                date.end_of_month()
            } else {
                *date
            };
            let date = self.adjust(date, self.convention)?;
            if latest < date && date < end {
                dates.push(date);
                latest = date;
            }
        }
        dates.push(end);
        Ok(dates)
    }

    fn adjust(&self, date: Date, convention: BusinessDayConvention) -> Result<Date, ScheduleError> {
        self.calendar
            .adjust(date, convention)
            .ok_or(ScheduleError::BeyondTime)
    }
}
