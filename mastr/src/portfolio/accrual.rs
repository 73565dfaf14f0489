//! The periods over which interest accrues.

use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::Index;
use crate::time::{BusinessDayConvention, Calendar, Date, DayCount, Schedule, ScheduleError};

/// What the periods of a leg follow from. Legs that agree in it have the same periods.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accrual {
    /// Where periods start and end.
    pub schedule: Schedule,
    /// How their years are counted.
    pub day_count: DayCount,
    /// Which business days interest is paid on.
    pub payment_calendar: Calendar,
    /// From the end of a period to the day it is paid.
    pub payment_convention: BusinessDayConvention,
    /// What a floating leg pays.
    pub floating: Option<Floating>,
}

/// The index that a leg pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Floating {
    /// The index.
    pub index: Index,
    /// So many business days before a period starts its rate is fixed.
    pub fixing_days: u8,
}

/// A period over which interest accrues, and when it is paid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// The first day.
    pub start: Date,
    /// The day after the last.
    pub end: Date,
    /// When it is paid.
    pub payment: Date,
    /// Its years, by the leg's day count.
    pub years: f64,
    /// When its rate is fixed, if it floats.
    pub fixing: Option<Fixing>,
}

/// The fixing of a period's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixing {
    /// The day of the fixing.
    pub date: Date,
    /// The period's years, by the index's day count.
    pub years: f64,
}

impl Accrual {
    /// The periods, in their order.
    ///
    /// # Errors
    /// Those of the schedule.
    pub fn periods(&self) -> Result<Vec<Period>, ScheduleError> {
        let dates = self.schedule.dates()?;
        dates
            .windows(2)
            .map(|ends| {
                self.period(ends[0], ends[1])
                    .ok_or(ScheduleError::BeyondTime)
            })
            .collect()
    }

    /// The last of the periods between `dates`, those of the schedule; `None` if that has one date.
    ///
    /// # Errors
    /// [`ScheduleError::BeyondTime`], where [`Accrual::periods`] has it.
    pub(super) fn last_period(&self, dates: &[Date]) -> Result<Option<Period>, ScheduleError> {
        let ([start, end, ..], [.., last_start, last_end]) = (dates, dates) else {
            return Ok(None);
        };
        // Days go beyond time at either end first.
        self.period(*start, *end)
            .and_then(|_| self.period(*last_start, *last_end))
            .map(Some)
            .ok_or(ScheduleError::BeyondTime)
    }

    fn period(&self, start: Date, end: Date) -> Option<Period> {
        let fixing = match self.floating {
            Some(floating) => Some(Fixing {
                date: floating.date(start)?,
                years: floating.index.day_count().years(start, end),
            }),
            None => None,
        };
        Some(Period {
            start,
            end,
            payment: self.payment_calendar.adjust(end, self.payment_convention)?,
            years: self.day_count.years(start, end),
            fixing,
        })
    }
}

impl Floating {
    /// When the rate of a period that starts then is fixed.
    fn date(self, start: Date) -> Option<Date> {
        let calendar = self.index.calendar();
        match self.fixing_days {
            0 => calendar.adjust(start, BusinessDayConvention::Preceding),
            days => calendar.add_business_days(start, -i32::from(days)),
        }
    }
}

/// What follows from schedules, the dates or the periods, kept for all trades that have the same; shared by
/// threads.
#[derive(Debug)]
pub struct ScheduleCache<K, T>(RwLock<Kept<K, T>>);

#[derive(Debug)]
struct Kept<K, T> {
    by_key: HashMap<K, Arc<[T]>>,
    held: usize,
}

impl<K, T> Default for Kept<K, T> {
    fn default() -> Self {
        Self {
            by_key: HashMap::new(),
            held: 0,
        }
    }
}

impl<K, T> Default for ScheduleCache<K, T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

/// So many dates or periods are kept, in some 12 MB.
const ROOM: usize = 1 << 18;

impl<K: Clone + Eq + Hash, T> ScheduleCache<K, T> {
    /// What follows from `key`, worked out if it is the first of its kind.
    ///
    /// # Errors
    /// Those of `work_out`.
    pub fn get(
        &self,
        key: &K,
        work_out: impl FnOnce() -> Result<Vec<T>, ScheduleError>,
    ) -> Result<Arc<[T]>, ScheduleError> {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.by_key.get(key) {
            return Ok(Arc::clone(known));
        }
        drop(kept);
        let new: Arc<[T]> = work_out()?.into();
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.held + new.len() > ROOM {
            *kept = Kept::default();
        }
        let known = kept.by_key.insert(key.clone(), Arc::clone(&new));
        kept.held += new.len() - known.map_or(0, |known| known.len());
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Rule, Rules, Tenor};

    fn accrual(start: &str, floating: Option<Floating>) -> Accrual {
        Accrual {
            schedule: Schedule::Rules(Rules {
                start: start.parse().unwrap(),
                end: Date::new(2028, 1, 2).unwrap(),
                tenor: Tenor::months(6),
                calendar: Calendar::TARGET,
                convention: BusinessDayConvention::Unadjusted,
                term_convention: BusinessDayConvention::Unadjusted,
                rule: Rule::Backward,
                end_of_month: false,
                first: None,
                last: None,
            }),
            day_count: DayCount::Thirty360Us,
            payment_calendar: Calendar::TARGET,
            payment_convention: BusinessDayConvention::Following,
            floating,
        }
    }

    #[test]
    fn periods_are_paid_after_they_end_and_fixed_before_they_start() {
        let floating = |index, fixing_days| Some(Floating { index, fixing_days });
        let of = |floating| accrual("2027-01-02", floating).periods().unwrap();
        let fixed = of(None);
        // From a Saturday to a Friday, and from there to a Sunday.
        assert_eq!(fixed.len(), 2);
        assert_eq!(fixed[1].payment.to_string(), "2028-01-03");
        assert_eq!((fixed[1].years, fixed[1].fixing), (0.5, None));
        let fixing = |floating| of(floating)[0].fixing.unwrap();
        let euribor = fixing(floating(Index::Euribor6M, 2));
        // The first of January is no business day.
        assert_eq!(euribor.date.to_string(), "2026-12-30");
        assert_eq!(euribor.years, 181.0 / 360.0);
        let libor = fixing(floating(Index::GbpLibor6M, 0));
        assert_eq!(libor.date.to_string(), "2026-12-31");
        assert_eq!(libor.years, 181.0 / 365.0);
    }

    #[test]
    fn periods_are_worked_out_once() {
        let cache = ScheduleCache::default();
        let get = |start: &str| {
            let accrual = accrual(start, None);
            cache.get(&accrual, || accrual.periods()).unwrap()
        };
        let first = get("2027-01-02");
        assert!(Arc::ptr_eq(&first, &get("2027-01-02")));
        assert_ne!(first, get("2026-01-02"));
        let none = accrual("2029-01-02", None);
        assert!(cache.get(&none, || none.periods()).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let cache = ScheduleCache::default();
        let mut long = accrual("1984-01-02", None);
        let Schedule::Rules(rules) = &mut long.schedule else {
            unreachable!()
        };
        rules.tenor = "1D".parse().unwrap();
        let of_one = long.periods().unwrap().len();
        for number in 0..=(ROOM / of_one) as i32 {
            let Schedule::Rules(rules) = &mut long.schedule else {
                unreachable!()
            };
            rules.start = Date::new(1984, 1, 2)
                .unwrap()
                .plus_days(number % 20)
                .unwrap();
            rules.end = Date::new(2028, 1, 2)
                .unwrap()
                .plus_days(-(number / 20))
                .unwrap();
            cache.get(&long, || long.periods()).unwrap();
            assert!(cache.0.read().unwrap().held <= ROOM);
        }
    }
}
