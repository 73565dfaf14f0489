//! On which days business centres are closed, as QuantLib 1.44 has it.

use super::Date;

/// A weekday with what the rules of closures ask of it.
#[derive(Clone, Copy)]
pub(super) struct Weekday {
    date: Date,
    year: i32,
    month: u32,
    day: u32,
    /// From Monday, 0, to Friday, 4.
    of_week: u32,
}

const MONDAY: u32 = 0;
const TUESDAY: u32 = 1;
const WEDNESDAY: u32 = 2;
const THURSDAY: u32 = 3;
const FRIDAY: u32 = 4;

impl Weekday {
    /// `date`, unless it is a Saturday or a Sunday.
    pub(super) fn of(date: Date) -> Option<Self> {
        let of_week = date.day_of_week();
        if of_week > FRIDAY {
            return None;
        }
        let (year, month, day) = date.civil();
        Some(Self {
            date,
            year,
            month,
            day,
            of_week,
        })
    }

    /// Whether the settlement system of the euro is closed.
    pub(super) fn closes_target(self) -> bool {
        match (self.month, self.day) {
            (1, 1) | (12, 25) => true,
            (5, 1) | (12, 26) => self.year >= 2000,
            (12, 31) => matches!(self.year, 1998 | 1999 | 2001),
            (3 | 4, _) => self.year >= 2000 && (self.is_good_friday() || self.is_easter_monday()),
            _ => false,
        }
    }

    /// Whether banks in the United States are closed.
    pub(super) fn closes_us_settlement(self) -> bool {
        match self.month {
            1 => self.is_or_follows_sunday(1) || (self.year >= 1983 && self.is_nth(3, MONDAY)),
            2 => self.is_washingtons_birthday(),
            5 => self.is_memorial_day(),
            6 => self.is_juneteenth(),
            7 => self.is_observed(4),
            9 => self.is_nth(1, MONDAY),
            10 => {
                // Columbus Day; Veterans Day was in October for seven years.
                self.year >= 1971
                    && (self.is_nth(2, MONDAY) || (self.year < 1978 && self.is_nth(4, MONDAY)))
            }
            11 => {
                self.is_nth(4, THURSDAY)
                    || (!(1971..1978).contains(&self.year) && self.is_observed(11))
            }
            12 => self.is_observed(25) || (self.day == 31 && self.of_week == FRIDAY),
            _ => false,
        }
    }

    /// Whether the New York Stock Exchange is closed.
    pub(super) fn closes_new_york_stock_exchange(self) -> bool {
        let regular = match self.month {
            1 => self.is_or_follows_sunday(1) || (self.year >= 1998 && self.is_nth(3, MONDAY)),
            2 => self.is_washingtons_birthday(),
            3 | 4 => self.is_good_friday(),
            5 => self.is_memorial_day(),
            6 => self.is_juneteenth(),
            7 => self.is_observed(4),
            9 => self.is_nth(1, MONDAY),
            11 => self.is_nth(4, THURSDAY) || self.is_election_day(),
            12 => self.is_observed(25),
            _ => false,
        };
        regular || self.closes_new_york_specially()
    }

    /// Funerals, storms and the like.
    fn closes_new_york_specially(self) -> bool {
        match (self.year, self.month, self.day) {
            // Days beside a holiday.
            (1954 | 1956 | 1965, 12, 24) | (1958, 12, 26) | (1961, 5, 29) | (1968, 7, 5) => true,
            // Days of mourning.
            (1963, 11, 25)
            | (1968, 4, 9)
            | (1969, 3, 31)
            | (1972, 12, 28)
            | (1973, 1, 25)
            | (1994, 4, 27)
            | (2004, 6, 11)
            | (2007, 1, 2)
            | (2018, 12, 5)
            | (2025, 1, 9) => true,
            // Snow, a blackout, hurricanes, the attacks of 2001, and the landing on the moon.
            (1969, 2, 10)
            | (1969, 7, 21)
            | (1977, 7, 14)
            | (1985, 9, 27)
            | (2001, 9, 11..=14)
            | (2012, 10, 29 | 30) => true,
            // Too much paper: no trade on Wednesdays from the 11th of June on.
            (1968, 6, 11..) | (1968, 7.., _) => self.of_week == WEDNESDAY,
            _ => false,
        }
    }

    /// Whether banks in the United Kingdom are closed.
    pub(super) fn closes_united_kingdom(self) -> bool {
        let monday = self.of_week == MONDAY;
        match (self.year, self.month, self.day) {
            // Jubilees, weddings, coronations, funerals, and the last day of the millennium.
            (1999, 12, 31)
            | (2002, 6, 3 | 4)
            | (2011, 4, 29)
            | (2012, 6, 4 | 5)
            | (2022, 6, 2 | 3)
            | (2022, 9, 19)
            | (2023, 5, 8) => true,
            // Early May, on the day of the victory in Europe in two years.
            (1995 | 2020, 5, day @ ..25) => day == 8,
            (_, 5, ..=7) => monday,
            // Spring, moved for the jubilees.
            (2002 | 2012 | 2022, 5, 25..) => false,
            (_, 5 | 8, 25..) => monday,
            (_, 1, 1) => true,
            (_, 1, 2 | 3) => monday,
            (_, 3 | 4, _) => self.is_good_friday() || self.is_easter_monday(),
            (_, 12, 25 | 26) => true,
            (_, 12, 27 | 28) => monday || self.of_week == TUESDAY,
            _ => false,
        }
    }

    /// Whether it is the `n`th of its name in the month, from 1.
    fn is_nth(self, n: u32, of_week: u32) -> bool {
        self.of_week == of_week && (self.day - 1) / 7 + 1 == n
    }

    /// Whether it is the `day`, or the Monday after a Sunday that is.
    fn is_or_follows_sunday(self, day: u32) -> bool {
        self.day == day || (self.day == day + 1 && self.of_week == MONDAY)
    }

    /// Whether the `day` is observed on it: a Saturday on the Friday before, a Sunday on the Monday
    /// after.
    fn is_observed(self, day: u32) -> bool {
        self.is_or_follows_sunday(day) || (self.day + 1 == day && self.of_week == FRIDAY)
    }

    fn is_washingtons_birthday(self) -> bool {
        if self.year >= 1971 {
            self.is_nth(3, MONDAY)
        } else {
            self.is_observed(22)
        }
    }

    fn is_memorial_day(self) -> bool {
        if self.year >= 1971 {
            self.day >= 25 && self.of_week == MONDAY
        } else {
            self.is_observed(30)
        }
    }

    fn is_juneteenth(self) -> bool {
        self.year >= 2022 && self.is_observed(19)
    }

    fn is_election_day(self) -> bool {
        let votes = self.year <= 1968 || (self.year <= 1980 && self.year % 4 == 0);
        votes && self.day <= 7 && self.of_week == TUESDAY
    }

    fn is_good_friday(self) -> bool {
        self.of_week == FRIDAY && self.is_after_easter(-2)
    }

    fn is_easter_monday(self) -> bool {
        self.of_week == MONDAY && self.is_after_easter(1)
    }

    fn is_after_easter(self, days: i32) -> bool {
        let (month, day) = easter(self.year);
        Date::new(self.year, month, day).is_some_and(|sunday| self.date.days_since(sunday) == days)
    }
}

/// Month and day of Easter Sunday: Meeus, *Astronomical Algorithms*, 2nd edition (1998), chapter 8,
/// for the Gregorian calendar.
fn easter(year: i32) -> (u32, u32) {
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let moon = (8 * century + 13) / 25;
    let epact = (19 * golden + century - century / 4 - moon + 15) % 30;
    let to_sunday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * to_sunday) / 451;
    let march_based = epact + to_sunday - 7 * late + 114;
    (
        (march_based / 31).unsigned_abs(),
        (march_based % 31 + 1).unsigned_abs(),
    )
}
