//! Realistic portfolios and markets, made up.
//!
//! The same count and seed give the same bytes everywhere; every trade can be valued.

// Invariant: the same bits on every machine; clippy.toml names what would break it.
#![deny(clippy::disallowed_methods)]

mod market;
mod random;
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

/// Writes a portfolio of `count` trades, and the market that values it.
///
/// `progress` is called with the number of trades written, now and then and at the end.
///
/// # Errors
/// When writing fails.
///
/// ```
/// let (mut portfolio, mut market) = (Vec::new(), Vec::new());
/// mastr::generation::generate(10, 42, &mut portfolio, &mut market, |_| ()).unwrap();
/// let portfolio = mastr::portfolio::Portfolio::parse(&portfolio).unwrap();
/// assert_eq!(portfolio.trades().count(), 10);
/// ```
pub fn generate(
    count: u64,
    seed: u64,
    portfolio: &mut impl Write,
    market: &mut impl Write,
    progress: impl FnMut(u64),
) -> io::Result<()> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let world = World::new(as_of(), &mut random);
    market::write(&world, market)?;
    trades::write(&world, count, &mut random, portfolio, progress)
}

/// The day that generated portfolios are valued as of.
fn as_of() -> Date {
    // Invariant: there is such a day.
    Date::new(2026, 6, 15).unwrap_or(Date::MIN)
}
