//! Realistic portfolios and markets, made up.
//!
//! The same count and seed give the same bytes everywhere; every trade can be valued.

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod exotics;
mod fixings;
mod market;
pub(crate) mod random;
mod rates;
mod scenarios;
mod trades;
mod world;

use std::io::{self, Write};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::portfolio::Currency;
use crate::time::Date;
use world::World;

/// Currency that generated portfolios are added up in.
const BASE: Currency = Currency::EUR;

/// Where the files of a generated portfolio go.
#[derive(Debug)]
pub struct Files<W> {
    /// The trades.
    pub portfolio: W,
    /// The market that values them.
    pub market: W,
    /// Scenarios of that market.
    pub scenarios: W,
    /// What indices were on past days, as far as the trades need it.
    pub fixings: W,
}

/// Writes a portfolio of `count` trades, the market that values it, scenarios, and past fixings.
///
/// `progress` is called with the number of trades written, now and then and at the end.
///
/// # Errors
/// When writing fails.
///
/// ```
/// use mastr::generation::{Files, generate};
///
/// let [portfolio, market, scenarios, fixings] = [(); 4].map(|()| Vec::new());
/// let mut files = Files { portfolio, market, scenarios, fixings };
/// generate(10, 42, &mut files, |_| ()).unwrap();
/// let portfolio = mastr::portfolio::Portfolio::parse(&files.portfolio).unwrap();
/// assert_eq!(portfolio.trades().count(), 10);
/// ```
pub fn generate<W: Write>(
    count: u64,
    seed: u64,
    files: &mut Files<W>,
    progress: impl FnMut(u64),
) -> io::Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(as_of(), &mut random);
    market::write(&world, &mut files.market)?;
    // A stream of their own, so that what they draw moves no trade.
    let mut of_scenarios = random.clone();
    of_scenarios.set_stream(1);
    scenarios::write(&world, &mut of_scenarios, &mut files.scenarios)?;
    let mut of_fixings = random.clone();
    of_fixings.set_stream(2);
    fixings::write(&world, &mut of_fixings, &mut files.fixings)?;
    trades::write(&world, count, &mut random, &mut files.portfolio, progress)
}

/// The day that generated portfolios are valued as of.
fn as_of() -> Date {
    // Invariant: there is such a day.
    Date::new(2026, 6, 15).unwrap_or(Date::MIN)
}
