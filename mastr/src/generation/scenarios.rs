//! Generated scenarios of a generated market.

use std::io::{self, Write};

use rand_chacha::ChaCha8Rng;

use super::random::{between, rounded};
use super::world::World;
use crate::results::Shortest;

/// So many scenarios are written: about the trading days of a year.
const COUNT: u32 = 250;

/// Writes scenarios like the moves of single days: in each the whole market moves, what belongs
/// together more or less together.
pub(super) fn write(
    world: &World,
    random: &mut ChaCha8Rng,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "Scenario")?;
    for pair in world.exchanges.iter().filter(|pair| pair.quoted) {
        write!(out, ",FX/RATE/{}/{}", pair.foreign, pair.domestic)?;
    }
    for rates in &world.rates {
        write!(out, ",ZERO/RATE/{}/*", rates.currency)?;
    }
    for equity in &world.equities {
        let (name, currency) = (equity.name, equity.currency);
        write!(out, ",EQUITY/PRICE/{name}/{currency}")?;
        write!(out, ",EQUITY_OPTION/RATE_LNVOL/{name}/{currency}/*")?;
    }
    for pair in &world.exchanges {
        write!(
            out,
            ",FX_OPTION/RATE_LNVOL/{}/{}/*",
            pair.foreign, pair.domestic
        )?;
    }
    writeln!(out)?;
    for number in 1..=COUNT {
        write!(out, "S{number:03}")?;
        scenario(world, random, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn scenario(world: &World, random: &mut ChaCha8Rng, out: &mut impl Write) -> io::Result<()> {
    for pair in world.exchanges.iter().filter(|pair| pair.quoted) {
        times(1.0 + daily(pair.volatility) * normal(random), out)?;
    }
    let rates = normal(random);
    for _ in &world.rates {
        let shift = 0.0004 * (0.8 * rates + 0.6 * normal(random));
        write!(out, ",+{}", Shortest(rounded(shift, 6)))?;
    }
    let equities = normal(random);
    for equity in &world.equities {
        let own = 0.7 * equities + 0.7 * normal(random);
        times(1.0 + daily(equity.volatility) * own, out)?;
        // Volatilities rise when prices fall.
        times(1.0 - 0.03 * own + 0.02 * normal(random), out)?;
    }
    for _ in &world.exchanges {
        times(1.0 + 0.03 * normal(random), out)?;
    }
    Ok(())
}

fn times(factor: f64, out: &mut impl Write) -> io::Result<()> {
    write!(out, ",*{}", Shortest(rounded(factor, 5)))
}

/// The volatility of a day.
fn daily(yearly: f64) -> f64 {
    yearly / 250.0_f64.sqrt()
}

/// A number whose distribution is close to the standard normal one, and never beyond 6: the sum of
/// twelve uniform ones has variance 1.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| between(random, -0.5, 0.5)).sum()
}
