//! The server that gives trades to whichever worker is free, and hands the results on.

use palm_highlevel::{Config, Running, chained};

/// What it is called in routes.
pub(super) const NAME: &str = "valuation";
/// The markets that it keeps may have so many bytes: four of the largest, of most some thousands.
const MARKETS: u64 = 1 << 30;

/// Binds the master to `endpoint`; results go to the aggregation master at `next`, which may start
/// later. Its cache keeps the markets that clients bring and workers fetch.
///
/// # Errors
///
/// If an endpoint is none or cannot be bound.
pub fn bind(endpoint: &str, next: &str) -> palm_highlevel::Result<Running> {
    chained::Master::new(NAME)
        .config(Config {
            cache_bytes: MARKETS,
            ..Config::default()
        })
        .next("aggregation.ingest", next)
        .bind(endpoint)
}
