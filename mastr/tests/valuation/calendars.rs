//! Business days and schedules against QuantLib's.

use std::collections::BTreeSet;

use mastr::time::{Calendar, Date, Rule, Rules, ScheduleError, Tenor};

use super::table::rows;

#[test]
fn holidays() {
    let rows = rows("holidays.csv");
    let mut compared = 0;
    for name in ["TARGET", "US", "US-NYSE", "UK"] {
        let calendar: Calendar = name.parse().unwrap();
        let of_calendar = rows.iter().filter(|row| row.text("calendar") == name);
        let want: BTreeSet<Date> = of_calendar.map(|row| row.date("weekday_holiday")).collect();
        compared += want.len();
        // The table is complete for the years it holds.
        let first = Date::new(want.first().unwrap().year(), 1, 1).unwrap();
        let last = Date::new(want.last().unwrap().year(), 12, 31).unwrap();
        let got: BTreeSet<Date> = (0..=last.days_since(first))
            .map(|days| first.plus_days(days).unwrap())
            .filter(|date| !date.is_weekend() && !calendar.is_business_day(*date))
            .collect();
        assert_eq!(got, want, "{name}");
    }
    assert_eq!(compared, rows.len());
}

#[test]
fn advancing() {
    for (index, row) in rows("calendar_advance.csv").iter().enumerate() {
        let calendar: Calendar = row.text("calendar").parse().unwrap();
        let tenor: Tenor = row.text("tenor").parse().unwrap();
        let (date, convention) = (row.date("date"), row.text("convention").parse().unwrap());
        let end_of_month = row.text("end_of_month") == "True";
        assert_eq!(
            calendar.advance(date, tenor, convention, end_of_month),
            Some(row.date("advanced")),
            "row {index}"
        );
        assert_eq!(
            calendar.is_business_day(date),
            row.text("date_is_business_day") == "True",
            "row {index}"
        );
    }
}

#[test]
fn schedules() {
    for (index, row) in rows("schedule.csv").iter().enumerate() {
        let rules = Rules {
            start: row.date("start"),
            end: row.date("end"),
            tenor: row.text("tenor").parse().unwrap(),
            calendar: row.text("calendar").parse().unwrap(),
            convention: row.text("convention").parse().unwrap(),
            term_convention: row.text("term_convention").parse().unwrap(),
            rule: row.text("rule").parse().unwrap(),
            end_of_month: row.text("end_of_month") == "True",
            first: None,
            last: None,
        };
        let dates: Vec<_> = rules.dates().unwrap().iter().map(Date::to_string).collect();
        assert_eq!(dates.join(";"), row.text("dates"), "row {index}");
    }
}

/// Half-yearly from Sunday the 30th of August 2026 to the 15th of November 2028.
fn half_yearly() -> Rules {
    Rules {
        start: Date::new(2026, 8, 30).unwrap(),
        end: Date::new(2028, 11, 15).unwrap(),
        tenor: Tenor::months(6),
        calendar: Calendar::UK,
        convention: "MF".parse().unwrap(),
        term_convention: "U".parse().unwrap(),
        rule: Rule::Forward,
        end_of_month: false,
        first: None,
        last: None,
    }
}

fn joined(rules: Rules) -> String {
    let dates: Vec<_> = rules.dates().unwrap().iter().map(Date::to_string).collect();
    dates.join(" ")
}

/// Each of these is what QuantLib 1.44 gives.
#[test]
fn given_dates_are_counted_from() {
    let (first, last) = (Date::new(2026, 12, 31), Date::new(2028, 4, 29));
    let rules = half_yearly();
    for (rules, want) in [
        (
            Rules { first, ..rules },
            "2026-08-28 2026-12-31 2027-06-30 2027-12-31 2028-06-30 2028-11-15",
        ),
        (
            Rules { last, ..rules },
            "2026-08-28 2027-02-26 2027-08-31 2028-02-29 2028-04-28 2028-11-15",
        ),
        (
            Rules {
                rule: Rule::Backward,
                first,
                ..rules
            },
            "2026-08-28 2026-12-31 2027-05-17 2027-11-15 2028-05-15 2028-11-15",
        ),
        (
            Rules {
                rule: Rule::Backward,
                first,
                last,
                ..rules
            },
            "2026-08-28 2026-12-31 2027-04-29 2027-10-29 2028-04-28 2028-11-15",
        ),
        (
            Rules {
                rule: Rule::Zero,
                ..rules
            },
            "2026-08-28 2028-11-15",
        ),
        (
            Rules {
                first,
                end_of_month: true,
                tenor: "1Y".parse().unwrap(),
                ..rules
            },
            "2026-08-28 2026-12-31 2027-12-31 2028-11-15",
        ),
    ] {
        assert_eq!(joined(rules), want, "{rules:?}");
    }
}

#[test]
fn rules_that_give_no_schedule_say_why() {
    let rules = half_yearly();
    let day = |text: &str| text.parse::<Date>().unwrap();
    let daily: Tenor = "1D".parse().unwrap();
    for (rules, want) in [
        (
            Rules {
                end: rules.start,
                ..rules
            },
            "ends on 2026-08-30, which is not after its start 2026-08-30",
        ),
        (
            Rules {
                tenor: Tenor::months(0),
                ..rules
            },
            "longer than nothing",
        ),
        (
            Rules {
                first: Some(day("2026-08-29")),
                ..rules
            },
            "2026-08-29 is no second date",
        ),
        (
            Rules {
                last: Some(day("2028-11-16")),
                ..rules
            },
            "2028-11-16 is no last date but one",
        ),
        (
            Rules {
                first: Some(day("2027-08-29")),
                last: Some(day("2027-08-28")),
                ..rules
            },
            "2027-08-28 is no last date but one",
        ),
        // Both ends become Friday the 28th.
        (
            Rules {
                end: day("2026-08-31"),
                term_convention: "P".parse().unwrap(),
                ..rules
            },
            "no period",
        ),
        (
            Rules {
                end: day("2199-01-01"),
                tenor: daily,
                ..rules
            },
            "more than 16384 dates",
        ),
        (
            Rules {
                end: Date::MAX,
                tenor: daily,
                ..rules
            },
            "more than 16384 dates",
        ),
        (
            Rules {
                end: Date::MAX,
                calendar: Calendar::US,
                term_convention: "F".parse().unwrap(),
                tenor: "100Y".parse().unwrap(),
                ..rules
            },
            "after the year 9999",
        ),
    ] {
        let error: ScheduleError = rules.dates().unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
    // The last tenor ends after the last day there is.
    let rules = Rules {
        end: Date::MAX,
        calendar: Calendar::EVERY_DAY,
        tenor: "3000Y".parse().unwrap(),
        ..rules
    };
    assert_eq!(joined(rules), "2026-08-30 5026-08-30 8026-08-30 9999-12-31");
}
