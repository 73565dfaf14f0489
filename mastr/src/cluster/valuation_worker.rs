//! The process that values trades. It holds nothing that another could not do again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use palm_core::StopHandle;
use palm_highlevel::{Call, Failure, Running, standalone};

use super::Assignment;
use super::appraisal::{self, Returns};
use super::assignment::Assigned;
use super::market_cache::MarketCache;
use crate::aggregation::{Figures, Outcome};
use crate::market::{Market, Scenarios};
use crate::portfolio::{Envelope, Trade};
use crate::valuation::{PathSums, Valuation, profit_and_loss_simulated, value_simulated};

/// A running valuation worker.
#[derive(Debug)]
pub struct ValuationWorker {
    running: Running,
    done: Arc<Done>,
}

/// What a worker has done.
#[derive(Debug, Default)]
struct Done {
    trades: AtomicU64,
    batches: AtomicU64,
}

/// Connects to the valuation master at `master`, which may start later; values on so many threads.
///
/// # Errors
///
/// If the endpoint is none.
pub fn connect(master: &str, threads: NonZeroU32) -> palm_highlevel::Result<ValuationWorker> {
    let valuer = Valuer::default();
    let done = valuer.done.clone();
    let name = format!("valuation-worker-{}", std::process::id());
    let running = standalone::Worker::new(name)
        .function("value", move |call: &Call| valuer.value(call))
        .threads(threads.get())
        .connect(master)?;
    Ok(ValuationWorker { running, done })
}

impl ValuationWorker {
    /// A handle that stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.running.stop_handle()
    }

    /// Waits until it has been stopped; gives back how many trades it has worked on, and in how
    /// many assignments they came.
    ///
    /// # Errors
    ///
    /// What made it end, if nobody stopped it.
    pub fn join(self) -> palm_highlevel::Result<(u64, u64)> {
        self.running.join()?;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Ok((count(&self.done.trades), count(&self.done.batches)))
    }
}

/// The function `value`.
#[derive(Default)]
pub(super) struct Valuer {
    markets: MarketCache,
    /// What trades are filed under here, where nobody looks at it.
    nowhere: Arc<Envelope>,
    done: Arc<Done>,
}

impl Valuer {
    pub(super) fn value(&self, call: &Call) -> Result<Bytes, Failure> {
        let start = Instant::now();
        let Assignment {
            partition,
            is_held,
            wants_valuations,
            mut batch,
            block,
            trades,
        } = Assignment::decode(call.payload())?;
        let market = self.markets.get(call, &batch.job().market)?;
        let (market, scenarios) = &*market;
        let mut returns = Returns {
            worker: std::process::id(),
            ..Returns::default()
        };
        if let Some(block) = block {
            let assigned = trades.into_iter().next();
            let (trade, ..) =
                self.trade(assigned.ok_or_else(|| Failure::new("no trade to simulate"))?);
            returns.paths = Some(PathSums::simulate(&trade, market, scenarios, block));
            returns.took = start.elapsed();
            // Its contribution is made once all its paths are known.
            return Ok(appraisal::pack(partition, is_held, &batch, Some(&returns))?.into());
        }
        let count = trades.len() as u64;
        for (place, assigned) in (0..).zip(trades) {
            let (trade, combination, paths) = self.trade(assigned);
            if paths.is_none() && trade.product.paths() > 0 {
                // It may take as long as all others together.
                call.progress(&*trade.id);
            }
            let outcome = match appraise(&trade, market, scenarios, paths.as_ref()) {
                Ok((valued, valuation)) => {
                    if wants_valuations {
                        returns.valuations.push(valuation);
                    }
                    valued
                }
                Err(reason) => {
                    returns.failed.push((place, reason.clone()));
                    Outcome::Failed(reason)
                }
            };
            batch.push(trade.id.into(), trade.version.into(), combination, outcome);
        }
        self.done.trades.fetch_add(count, Ordering::Relaxed);
        self.done.batches.fetch_add(1, Ordering::Relaxed);
        returns.took = start.elapsed();
        Ok(appraisal::pack(partition, is_held, &batch, Some(&returns))?.into())
    }

    fn trade(&self, assigned: Assigned) -> (Trade, u32, Option<PathSums>) {
        let trade = Trade {
            id: assigned.id,
            version: assigned.version,
            envelope: self.nowhere.clone(),
            product: assigned.product,
        };
        (trade, assigned.combination, assigned.paths)
    }
}

/// What a trade contributes and what it is worth; or why it has neither.
fn appraise(
    trade: &Trade,
    market: &Market,
    scenarios: &Scenarios,
    paths: Option<&PathSums>,
) -> Result<(Outcome, Valuation), String> {
    let valuation = value_simulated(trade, market, paths).map_err(|fault| fault.message)?;
    let pnl = profit_and_loss_simulated(trade, &valuation, scenarios, paths)
        .map_err(|fault| fault.message)?;
    match Outcome::of(Figures::from(&valuation).with_pnl(pnl)) {
        Outcome::Failed(reason) => Err(reason),
        valued => Ok((valued, valuation)),
    }
}
