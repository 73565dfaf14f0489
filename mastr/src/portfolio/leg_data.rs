//! Legs as they stand in a portfolio file.

use super::choice::LegType;
use super::cursor::Cursor;
use super::json::{FromJson, Members};
use super::named::Named;
use super::names::Names;
use super::record::record;
use super::scalar::{Code, Days, List, NonNegative};
use super::schedule_data::ScheduleData;
use super::value::Value;
use super::{Accrual, Currency, Floating, Index, Leg};
use crate::time::{BusinessDayConvention, Calendar, Date, DayCount};
use schemars::JsonSchema;
use serde::Serialize;

record! {
    /// `LegData`: interest on a notional.
    pub struct LegData {
        /// Whether the rate is fixed or floats.
        "LegType" kind: LegType,
        /// Whether the holder pays it.
        "Payer" payer: bool,
        /// Currency of its payments.
        "Currency" currency: Code,
        /// What interest is paid on, period by period; the last one goes on.
        "Notionals" notionals: List<NonNegative>,
        /// How the years of a period are counted.
        "DayCounter" day_count: Named<DayCount>,
        /// From the end of a period to the day it is paid.
        "PaymentConvention" payment_convention: Named<BusinessDayConvention>,
        /// Which days are business days of payment; by default those of the schedule.
        #[serde(skip_serializing_if = "Option::is_none")]
        "PaymentCalendar" payment_calendar: Option<Named<Calendar>>,
        /// The rates of a fixed leg.
        #[serde(skip_serializing_if = "Option::is_none")]
        "FixedLegData" fixed: Option<FixedLegData>,
        /// The index of a floating leg.
        #[serde(skip_serializing_if = "Option::is_none")]
        "FloatingLegData" floating: Option<FloatingLegData>,
        /// Where periods start and end.
        "ScheduleData" schedule: ScheduleData,
    }
}

record! {
    /// `FixedLegData`.
    pub struct FixedLegData {
        /// Rates period by period; the last one goes on.
        "Rates" rates: List<f64>,
    }
}

record! {
    /// `FloatingLegData`.
    pub struct FloatingLegData {
        /// The index.
        "Index" index: Named<Index>,
        /// What is paid above the index, period by period; the last one goes on. By default
        /// nothing.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Spreads" spreads: Option<List<f64>>,
        /// So many business days before a period starts its rate is fixed; by default those of the
        /// index.
        #[serde(skip_serializing_if = "Option::is_none")]
        "FixingDays" fixing_days: Option<Days>,
        /// Whether the rate is fixed when a period ends: `false`.
        #[serde(skip_serializing_if = "Option::is_none")]
        "IsInArrears" in_arrears: Option<bool>,
    }
}

impl LegData {
    /// The leg with its last payment; else a fault that `at` is told.
    pub(super) fn leg(&self, names: &mut Names, at: &mut Cursor) -> Option<(Leg, Date)> {
        let coupons = self.coupons(at);
        let schedule = at.field("ScheduleData", |at| self.schedule.schedule(at));
        let ((floating, rates), (schedule, dates)) = coupons.zip(schedule)?;
        let payment_calendar = self.payment_calendar.map(|calendar| calendar.0);
        let accrual = Accrual {
            payment_calendar: payment_calendar.unwrap_or(schedule.calendar()),
            schedule,
            day_count: self.day_count.0,
            payment_convention: self.payment_convention.0,
            floating,
        };
        let last = match accrual.last_period(&dates) {
            Ok(last) => last,
            Err(error) => {
                at.fault_in("ScheduleData", error.to_string());
                return None;
            }
        };
        let Some(last) = last else {
            at.fault_in(
                "ScheduleData",
                "found one date, two are needed for a period",
            );
            return None;
        };
        self.check_counts(dates.len() - 1, at);
        let leg = Leg {
            payer: self.payer,
            accrual: names.accrual(accrual),
            notionals: self.notionals.0.iter().map(|notional| notional.0).collect(),
            rates,
        };
        Some((leg, last.payment))
    }

    /// The index that is paid, if any, with the rates or spreads.
    fn coupons(&self, at: &mut Cursor) -> Option<(Option<Floating>, Box<[f64]>)> {
        let (needed, other) = match self.kind {
            LegType::Fixed => ("FixedLegData", "FloatingLegData"),
            LegType::Floating => ("FloatingLegData", "FixedLegData"),
        };
        match (self.kind, &self.fixed, &self.floating) {
            (LegType::Fixed, Some(fixed), None) => Some((None, fixed.rates.0.as_slice().into())),
            (LegType::Floating, None, Some(floating)) => at.field("FloatingLegData", |at| {
                floating.coupons(self.currency.0, at)
            }),
            (_, Some(_), Some(_)) => {
                at.fault_in(
                    other,
                    format!("a leg of type {:?} has none: remove it", self.kind),
                );
                None
            }
            _ => {
                at.fault(format!("the field \"{needed}\" is missing"));
                if self.fixed.is_some() || self.floating.is_some() {
                    let message = format!("a leg of type {:?} has none: remove it", self.kind);
                    at.fault_in(other, message);
                }
                None
            }
        }
    }

    /// No more notionals, rates and spreads than periods.
    fn check_counts(&self, periods: usize, at: &mut Cursor) {
        let check = |count: usize, name: &str, at: &mut Cursor| {
            if count > periods {
                at.fault_in(name, format!("found {count} of them for {periods} periods"));
            }
        };
        check(self.notionals.0.len(), "Notionals", at);
        if let Some(fixed) = &self.fixed {
            at.field("FixedLegData", |at| check(fixed.rates.0.len(), "Rates", at));
        }
        if let Some(spreads) = self.floating.as_ref().and_then(|leg| leg.spreads.as_ref()) {
            at.field("FloatingLegData", |at| {
                check(spreads.0.len(), "Spreads", at)
            });
        }
    }
}

impl FloatingLegData {
    fn coupons(
        &self,
        currency: Currency,
        at: &mut Cursor,
    ) -> Option<(Option<Floating>, Box<[f64]>)> {
        let index = self.index.0;
        if self.in_arrears == Some(true) {
            at.fault_in(
                "IsInArrears",
                "a rate fixed in arrears is not supported: false is",
            );
            return None;
        }
        if index.currency() != currency {
            let message = format!(
                "found an index of {}, the leg is in {currency}",
                index.currency()
            );
            at.fault_in("Index", message);
            return None;
        }
        let fixing_days = self.fixing_days.map_or(index.fixing_days(), |days| days.0);
        let spreads = self.spreads.as_ref();
        let spreads = spreads.map_or_else(|| [0.0].into(), |spreads| spreads.0.as_slice().into());
        Some((Some(Floating { index, fixing_days }), spreads))
    }
}
