//! Schedules as they stand in a portfolio file.

use super::cursor::Cursor;
use super::json::{FromJson, Members};
use super::named::Named;
use super::record::record;
use super::scalar::{Day, Ignored, List};
use super::value::Value;
use crate::time::{
    BusinessDayConvention, Calendar, Date, Rule, Rules, Schedule, ScheduleError, Tenor,
};
use schemars::JsonSchema;
use serde::Serialize;

record! {
    /// `ScheduleData`: dates by rules, or one by one.
    pub struct ScheduleData {
        /// Dates that follow from rules.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Rules" rules: Option<RulesData>,
        /// Dates one by one, in the place of rules.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Dates" dates: Option<DatesData>,
    }
    exactly one of {
        "Rules" or "Dates",
    }
}

record! {
    /// `Rules`.
    pub struct RulesData {
        /// The first date, before it is adjusted.
        "StartDate" start: Day,
        /// The last date, before it is adjusted.
        "EndDate" end: Day,
        /// How far dates are apart.
        "Tenor" tenor: Named<Tenor>,
        /// Which days are business days.
        "Calendar" calendar: Named<Calendar>,
        /// What becomes of dates that are none.
        "Convention" convention: Named<BusinessDayConvention>,
        /// What becomes of the last one; by default as of the others.
        #[serde(skip_serializing_if = "Option::is_none")]
        "TermConvention" term_convention: Option<Named<BusinessDayConvention>>,
        /// From which end tenors are counted; by default from the start.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Rule" rule: Option<Named<Rule>>,
        /// Whether dates counted from the end of a month are the ends of months.
        #[serde(skip_serializing_if = "Option::is_none")]
        "EndOfMonth" end_of_month: Option<bool>,
        /// The second date.
        #[serde(skip_serializing_if = "Option::is_none")]
        "FirstDate" first: Option<Day>,
        /// The last date but one.
        #[serde(skip_serializing_if = "Option::is_none")]
        "LastDate" last: Option<Day>,
    }
}

record! {
    /// `Dates`: they stand as given, business days or not.
    pub struct DatesData {
        /// The dates, in their order.
        "Dates" dates: List<Day>,
        /// The calendar of payments, unless they have another.
        #[serde(skip_serializing_if = "Option::is_none")]
        "Calendar" calendar: Option<Named<Calendar>>,
        /// Without effect.
        #[serde(skip_serializing)]
        "Convention" convention: Option<Ignored>,
        /// Without effect.
        #[serde(skip_serializing)]
        "Tenor" tenor: Option<Ignored>,
    }
}

impl ScheduleData {
    /// The schedule and its dates; else a fault that `at` is told.
    pub(super) fn schedule(&self, at: &mut Cursor) -> Option<(Schedule, Vec<Date>)> {
        match (&self.rules, &self.dates) {
            (Some(rules), _) => at.field("Rules", |at| rules.schedule(at)),
            (None, Some(dates)) => at.field("Dates", |at| dates.schedule(at)),
            // Invariant: the record holds either rules or dates.
            (None, None) => None,
        }
    }
}

impl RulesData {
    fn schedule(&self, at: &mut Cursor) -> Option<(Schedule, Vec<Date>)> {
        let rules = Rules {
            start: self.start.0,
            end: self.end.0,
            tenor: self.tenor.0,
            calendar: self.calendar.0,
            convention: self.convention.0,
            term_convention: self.term_convention.unwrap_or(self.convention).0,
            rule: self.rule.map_or(Rule::Forward, |rule| rule.0),
            end_of_month: self.end_of_month.unwrap_or(false),
            first: self.first.map(|day| day.0),
            last: self.last.map(|day| day.0),
        };
        match rules.dates() {
            Ok(dates) => Some((Schedule::Rules(rules), dates)),
            Err(error) => {
                at.fault_in(field(&error), error.to_string());
                None
            }
        }
    }
}

/// The field at fault.
fn field(error: &ScheduleError) -> &'static str {
    match error {
        ScheduleError::EndsBeforeStart { .. }
        | ScheduleError::NoPeriod(_)
        | ScheduleError::BeyondTime => "EndDate",
        ScheduleError::NoTenor | ScheduleError::TooLong => "Tenor",
        ScheduleError::FirstOutside(_) => "FirstDate",
        ScheduleError::LastOutside(_) => "LastDate",
    }
}

impl DatesData {
    fn schedule(&self, at: &mut Cursor) -> Option<(Schedule, Vec<Date>)> {
        let dates: Vec<Date> = self.dates.0.iter().map(|day| day.0).collect();
        let fault = if dates.len() > Rules::LONGEST {
            let count = dates.len();
            Some(format!(
                "found {count} dates, at most {} are supported",
                Rules::LONGEST
            ))
        } else {
            dates
                .windows(2)
                .find(|pair| pair[0] >= pair[1])
                .map(|pair| {
                    format!(
                        "{} comes after {}: dates are needed in their order",
                        pair[1], pair[0]
                    )
                })
        };
        if let Some(fault) = fault {
            at.fault_in("Dates", fault);
            return None;
        }
        let calendar = self
            .calendar
            .map_or(Calendar::EVERY_DAY, |calendar| calendar.0);
        let schedule = Schedule::Dates {
            calendar,
            dates: dates.as_slice().into(),
        };
        Some((schedule, dates))
    }
}
