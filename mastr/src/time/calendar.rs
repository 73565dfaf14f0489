//! On which days business is done.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::closure::Weekday;
use super::{BusinessDayConvention, Date, Tenor};

/// The business days of one or several centres together: it takes all of them to be open. Closures
/// are those of QuantLib 1.44. Takes one byte.
///
/// ```
/// use mastr::time::{BusinessDayConvention, Calendar, Date};
///
/// let calendar: Calendar = "TARGET,UK".parse().unwrap();
/// let easter_monday = Date::new(2027, 3, 29).unwrap();
/// assert!(!calendar.is_business_day(easter_monday));
/// assert_eq!(
///     calendar.adjust(easter_monday, BusinessDayConvention::Following),
///     Date::new(2027, 3, 30),
/// );
/// assert_eq!(calendar.add_business_days(easter_monday, -1), Date::new(2027, 3, 25));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Calendar(u8);

/// A bit for each centre, its name, what ORE also calls it, and when it is closed.
const CENTRES: [Centre; 4] = [
    Centre {
        calendar: Calendar::TARGET,
        name: "TARGET",
        synonyms: &["TGT", "EUTA", "EUR"],
        is_closed: Weekday::closes_target,
    },
    Centre {
        calendar: Calendar::US,
        name: "US",
        synonyms: &["US settlement", "US-SET", "USNY", "USA", "USD", "NYB"],
        is_closed: Weekday::closes_us_settlement,
    },
    Centre {
        calendar: Calendar::US_NYSE,
        name: "US-NYSE",
        synonyms: &["New York stock exchange", "XNYS"],
        is_closed: Weekday::closes_new_york_stock_exchange,
    },
    Centre {
        calendar: Calendar::UK,
        name: "UK",
        // London's exchanges are closed with its banks.
        synonyms: &[
            "UK settlement",
            "London stock exchange",
            "London metals exchange",
            "LNB",
            "GB",
            "GBR",
            "GBP",
            "GBp",
            "GBX",
            "GBLO",
            "XLON",
            "XLME",
        ],
        is_closed: Weekday::closes_united_kingdom,
    },
];

struct Centre {
    calendar: Calendar,
    name: &'static str,
    synonyms: &'static [&'static str],
    is_closed: fn(Weekday) -> bool,
}

/// Of each day from 2000 to 2079 who is closed on it: the bits of their calendars. Nearly all dates of
/// a portfolio are in these years, and each is asked about several times.
static CLOSED: LazyLock<Box<[u8]>> = LazyLock::new(|| {
    let days = (TABLE_START..TABLE_END).flat_map(Date::try_from);
    days.map(closed).collect()
});
/// Days from 1970-01-01 to 2000-01-01 …
const TABLE_START: i32 = 10_957;
/// … and to 2080-01-01.
const TABLE_END: i32 = TABLE_START + 80 * 365 + 20;

/// The centres that are closed on `date`, as bits.
fn closed(date: Date) -> u8 {
    let Some(day) = Weekday::of(date) else {
        return (1 << CENTRES.len()) - 1;
    };
    let closed = CENTRES.iter().filter(|centre| (centre.is_closed)(day));
    closed.fold(0, |closed, centre| closed | centre.calendar.0)
}

impl Calendar {
    /// The settlement system of the euro.
    pub const TARGET: Self = Self(1);
    /// Banks in the United States.
    pub const US: Self = Self(2);
    /// The New York Stock Exchange.
    pub const US_NYSE: Self = Self(4);
    /// Banks and exchanges in the United Kingdom.
    pub const UK: Self = Self(8);
    /// Every day is a business day, weekends too; ORE's `NullCalendar`.
    pub const EVERY_DAY: Self = Self(0);

    fn centres(self) -> impl Iterator<Item = &'static Centre> {
        CENTRES
            .iter()
            .filter(move |centre| centre.calendar.0 & self.0 != 0)
    }

    /// Whether business is done on `date`.
    pub fn is_business_day(self, date: Date) -> bool {
        if self == Self::EVERY_DAY {
            return true;
        }
        let known = usize::try_from(i32::from(date) - TABLE_START).ok();
        let known = known.and_then(|days| CLOSED.get(days).copied());
        known.unwrap_or_else(|| closed(date)) & self.0 == 0
    }

    /// The first business day on or after `date`; `None` if it is after the year 9999.
    fn following(self, mut date: Date) -> Option<Date> {
        while !self.is_business_day(date) {
            date = date.plus_days(1)?;
        }
        Some(date)
    }

    /// The last business day on or before `date`; `None` if it is before the year 1.
    fn preceding(self, mut date: Date) -> Option<Date> {
        while !self.is_business_day(date) {
            date = date.plus_days(-1)?;
        }
        Some(date)
    }

    /// `date` if it is a business day, else the one that `convention` puts in its place; `None`
    /// when that is not in the years 1 to 9999.
    pub fn adjust(self, date: Date, convention: BusinessDayConvention) -> Option<Date> {
        use BusinessDayConvention as Convention;
        if convention == Convention::Unadjusted || self.is_business_day(date) {
            return Some(date);
        }
        let month = |date: Date| date.civil().1;
        match convention {
            Convention::Unadjusted => Some(date),
            Convention::Following => self.following(date),
            Convention::Preceding => self.preceding(date),
            Convention::ModifiedFollowing => match self.following(date) {
                Some(next) if month(next) == month(date) => Some(next),
                _ => self.preceding(date),
            },
            Convention::ModifiedPreceding => match self.preceding(date) {
                Some(previous) if month(previous) == month(date) => Some(previous),
                _ => self.following(date),
            },
            Convention::HalfMonthModifiedFollowing => {
                let half = |date: Date| (month(date), date.civil().2 > 15);
                match self.following(date) {
                    Some(next) if half(next) == half(date) => Some(next),
                    _ => self.preceding(date),
                }
            }
            Convention::Nearest => {
                let (previous, next) = (self.preceding(date)?, self.following(date)?);
                let nearer = if next.days_since(date) <= date.days_since(previous) {
                    next
                } else {
                    previous
                };
                Some(nearer)
            }
        }
    }

    /// The business day so many business days after `date`, before it when `days` is negative;
    /// `date` itself, business day or not, when `days` is zero. `None` when that is not in the
    /// years 1 to 9999.
    pub fn add_business_days(self, mut date: Date, days: i32) -> Option<Date> {
        for _ in 0..days {
            date = self.following(date.plus_days(1)?)?;
        }
        for _ in days..0 {
            date = self.preceding(date.plus_days(-1)?)?;
        }
        Some(date)
    }

    /// `date` moved on by `tenor`: months and weeks by the calendar, then adjusted by `convention`,
    /// then days as business days. A tenor of nothing adjusts.
    ///
    /// With `end_of_month`, months lead from the last business day of a month to the last one of
    /// another; with [`Unadjusted`](BusinessDayConvention::Unadjusted), from the last day to the
    /// last day.
    ///
    /// `None` when that is not in the years 1 to 9999.
    pub fn advance(
        self,
        date: Date,
        tenor: Tenor,
        convention: BusinessDayConvention,
        end_of_month: bool,
    ) -> Option<Date> {
        let (whole, days) = tenor.split_days();
        let moved = whole.after(date)?;
        if days != 0 && whole.is_nothing() {
            return self.add_business_days(date, days);
        }
        let adjusted = if !(end_of_month && whole.is_months()) {
            self.adjust(moved, convention)
        } else if convention == BusinessDayConvention::Unadjusted {
            Some(if date.is_end_of_month() {
                moved.end_of_month()
            } else {
                moved
            })
        } else if Some(date) >= self.preceding(date.end_of_month()) {
            self.preceding(moved.end_of_month())
        } else {
            self.adjust(moved, convention)
        };
        self.add_business_days(adjusted?, days)
    }
}

impl From<Calendar> for u8 {
    /// A bit for each centre.
    fn from(calendar: Calendar) -> Self {
        calendar.0
    }
}

impl TryFrom<u8> for Calendar {
    type Error = &'static str;

    fn try_from(bits: u8) -> Result<Self, &'static str> {
        if bits < 1 << CENTRES.len() {
            Ok(Self(bits))
        } else {
            Err("no calendar: it has centres that are not known")
        }
    }
}

impl FromStr for Calendar {
    type Err = ();

    /// ORE's names and their synonyms; several with commas between them.
    fn from_str(text: &str) -> Result<Self, ()> {
        text.split(',').try_fold(Self::EVERY_DAY, |joint, name| {
            let name = name.trim();
            if name == "NullCalendar" {
                return Ok(joint);
            }
            let centre = CENTRES
                .iter()
                .find(|centre| centre.name == name || centre.synonyms.contains(&name))
                .ok_or(())?;
            Ok(Self(joint.0 | centre.calendar.0))
        })
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EVERY_DAY {
            return f.write_str("NullCalendar");
        }
        let names: Vec<_> = self.centres().map(|centre| centre.name).collect();
        f.write_str(&names.join(","))
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_worked_out_before_is_what_the_rules_say() {
        for end in [TABLE_START, TABLE_END] {
            for date in (end - 400..end + 400).flat_map(Date::try_from) {
                for centre in &CENTRES {
                    let is_open = Weekday::of(date).is_some_and(|day| !(centre.is_closed)(day));
                    let calendar = centre.calendar;
                    assert_eq!(calendar.is_business_day(date), is_open, "{calendar} {date}");
                }
            }
        }
        let ends = [TABLE_START, TABLE_END].map(Date::try_from);
        assert_eq!(
            ends.map(|day| day.unwrap().civil()),
            [(2000, 1, 1), (2080, 1, 1)]
        );
    }

    #[test]
    fn joint_calendars_read_back_and_are_open_when_all_are() {
        for bits in 0..1 << CENTRES.len() {
            let joint = Calendar(bits);
            assert_eq!(joint.to_string().parse(), Ok(joint));
            for days in 0..800 {
                let date = Date::new(2026, 1, 1).unwrap().plus_days(days).unwrap();
                let all = joint
                    .centres()
                    .all(|centre| centre.calendar.is_business_day(date));
                assert_eq!(joint.is_business_day(date), all, "{joint} {date}");
            }
        }
        assert_eq!("US , GBLO".parse(), "UK,US".parse::<Calendar>());
        for name in ["", "US,", "Mars", "JP"] {
            assert_eq!(name.parse::<Calendar>(), Err(()), "{name}");
        }
        assert!(Calendar::try_from(16).is_err());
    }

    #[test]
    fn the_middle_of_a_month_is_crossed_by_some_conventions_only() {
        use BusinessDayConvention as Convention;
        // Saturday, and a Sunday between a Saturday and a Monday that are no business days.
        let (half, end) = (
            Date::new(2026, 8, 15).unwrap(),
            Date::new(2027, 8, 29).unwrap(),
        );
        let adjust = |date, convention| Calendar::UK.adjust(date, convention).unwrap().to_string();
        for (convention, of_half, of_end) in [
            (Convention::Unadjusted, "2026-08-15", "2027-08-29"),
            (Convention::ModifiedFollowing, "2026-08-17", "2027-08-31"),
            (
                Convention::HalfMonthModifiedFollowing,
                "2026-08-14",
                "2027-08-31",
            ),
            (Convention::Nearest, "2026-08-14", "2027-08-31"),
        ] {
            assert_eq!(adjust(half, convention), of_half, "{convention:?}");
            assert_eq!(adjust(end, convention), of_end, "{convention:?}");
        }
    }

    #[test]
    fn there_is_no_day_beyond_the_last() {
        use BusinessDayConvention as Convention;
        // Friday the 31st is New Year's Day observed.
        assert_eq!(Calendar::US.adjust(Date::MAX, Convention::Following), None);
        assert_eq!(Calendar::US.adjust(Date::MAX, Convention::Nearest), None);
        assert_eq!(
            Calendar::US.adjust(Date::MAX, Convention::ModifiedFollowing),
            Date::new(9999, 12, 30)
        );
        assert_eq!(Calendar::UK.add_business_days(Date::MAX, 1), None);
        assert_eq!(Calendar::UK.adjust(Date::MIN, Convention::Preceding), None);
    }
}
