//! From entries of a portfolio to batches for the aggregation workers.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::aggregation::{Batch, Job, Outcome, Packing};
use crate::portfolio::{Currency, Envelope, Rejected, Trade, TradeType};

/// Packs the dimensions of entries. Trades that share an envelope are looked up by its address,
/// which saves hashing all their names.
#[derive(Debug)]
pub(super) struct Packer<'p> {
    packing: Packing<'p>,
    known: HashMap<(*const Envelope, TradeType, Currency), u32>,
}

impl<'p> Packer<'p> {
    pub(super) fn new(job: &Job) -> Self {
        Self {
            packing: Packing::new(job.clone()),
            known: HashMap::new(),
        }
    }

    /// The number of a trade's combination of dimensions.
    pub(super) fn of_trade(&mut self, trade: &'p Trade) -> u32 {
        let envelope = Arc::as_ptr(&trade.envelope);
        let product = &trade.product;
        let key = (envelope, product.trade_type(), product.currency());
        let packing = &mut self.packing;
        *self
            .known
            .entry(key)
            .or_insert_with(|| packing.combination(trade.dimensions()))
    }

    /// The number of the combination of dimensions of an element with faults.
    pub(super) fn of_rejected(&mut self, rejected: &'p Rejected) -> u32 {
        self.packing.combination(rejected.dimensions())
    }

    /// A batch of what trades contribute: their id, version and outcome.
    pub(super) fn pack<T>(
        mut self,
        trades: &[&'p T],
        combination: impl Fn(&mut Self, &'p T) -> u32,
        contribution: impl Fn(&'p T) -> (&'p str, u32, Outcome),
    ) -> Batch {
        let combinations = trades.iter().map(|trade| combination(&mut self, trade));
        let combinations: Vec<u32> = combinations.collect();
        let mut batch = self.finish();
        for (trade, combination) in trades.iter().zip(combinations) {
            let (id, version, outcome) = contribution(trade);
            batch.push(id.to_owned(), version.into(), combination, outcome);
        }
        batch
    }

    /// The batch, to which entries can now be added.
    pub(super) fn finish(self) -> Batch {
        self.packing.finish()
    }
}
