//! Dates, tenors, business days and day counts.
//!
//! Nothing here reads a clock: the as-of date is always the caller's.

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod calendar;
mod closure;
mod convention;
mod date;
mod day_count;
mod schedule;
mod tenor;

pub use calendar::Calendar;
pub use convention::BusinessDayConvention;
pub use date::{Date, NotADate};
pub use day_count::DayCount;
pub use schedule::{Rule, Rules, Schedule, ScheduleError};
pub use tenor::{NotATenor, Tenor};
