//! Dates, tenors and day counts.
//!
//! Nothing here reads a clock: the as-of date is always the caller's.

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod date;
mod day_count;
mod tenor;

pub use date::{Date, NotADate};
pub use day_count::DayCount;
pub use tenor::{NotATenor, Tenor};
