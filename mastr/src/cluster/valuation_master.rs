//! The server that gives trades to whichever worker is free, and hands the results on.

use palm_core::StopHandle;
use palm_highlevel::{Counts, Running, chained};

use super::market_server;

/// A running valuation master, with the market server in the same process.
#[derive(Debug)]
pub struct ValuationMaster {
    master: Running,
    markets: Running,
}

/// Binds the master to `endpoint` and the market server to `markets`; results go to the
/// aggregation master at `next`, which may start later.
///
/// # Errors
///
/// If an endpoint is none or cannot be bound.
pub fn bind(endpoint: &str, next: &str, markets: &str) -> palm_highlevel::Result<ValuationMaster> {
    Ok(ValuationMaster {
        markets: market_server::bind(markets)?,
        master: chained::Master::new("valuation")
            .next("aggregation.ingest", next)
            .bind(endpoint)?,
    })
}

impl ValuationMaster {
    /// Where it is bound: the master, then the market server.
    pub fn addresses(&self) -> [&str; 2] {
        [self.master.address(), self.markets.address()]
    }

    /// A handle that stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.master.stop_handle()
    }

    /// Waits until it has been stopped, and then stops the market server.
    ///
    /// # Errors
    ///
    /// What made it end, if nobody stopped it.
    pub fn join(self) -> palm_highlevel::Result<Counts> {
        self.master.join()
    }
}
