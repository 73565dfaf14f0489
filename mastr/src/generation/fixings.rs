//! Generated fixings of past days.

use std::io::{self, Write};

use rand_chacha::ChaCha8Rng;

use super::exotics::{self, SEASON};
use super::random::{between, rounded};
use super::world::World;
use crate::results::Shortest;

/// So many days back they go: over any period of six months that is not paid yet.
const DAYS: i32 = 220;

/// Writes what the indices were on every business day before the as-of date, and the prices of
/// equities on the days of averages; from there back random walks.
pub(super) fn write(
    world: &World,
    random: &mut ChaCha8Rng,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "# Made-up fixings: DATE NAME VALUE")?;
    for of_index in &world.indices {
        let index = of_index.index;
        let mut rate = world.rates_of(index.currency()).short + of_index.basis;
        for days in 1..=DAYS {
            let Some(date) = world.as_of.plus_days(-days) else {
                continue;
            };
            if index.calendar().is_business_day(date) {
                rate += between(random, -0.0003, 0.0003);
                let day = date.to_string().replace('-', "");
                writeln!(out, "{day} {index} {}", Shortest(rounded(rate, 6)))?;
            }
        }
    }
    for equity in &world.equities {
        let mut price = equity.spot;
        for months in 1..=SEASON {
            price *= 1.0 + equity.volatility * between(random, -0.3, 0.3);
            let day = exotics::observed(world, equity, -months);
            let day = day.to_string().replace('-', "");
            let price = Shortest(rounded(price, 3));
            writeln!(out, "{day} EQ-{} {price}", equity.name)?;
        }
    }
    Ok(())
}
