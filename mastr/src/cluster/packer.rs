//! From entries of a portfolio to batches for the aggregation workers.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::aggregation::{Batch, Job, Packing};
use crate::portfolio::{Currency, Entry, Envelope, TradeType};

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

    /// The number of the entry's combination of dimensions.
    pub(super) fn combination(&mut self, entry: &'p Entry) -> u32 {
        match entry {
            Entry::Valid(trade) => {
                let envelope = Arc::as_ptr(&trade.envelope);
                let product = &trade.product;
                let key = (envelope, product.trade_type(), product.currency());
                let packing = &mut self.packing;
                *self
                    .known
                    .entry(key)
                    .or_insert_with(|| packing.combination(trade.dimensions()))
            }
            Entry::Rejected(_) => self.packing.combination(entry.dimensions()),
        }
    }

    /// The batch, to which entries can now be added.
    pub(super) fn finish(self) -> Batch {
        self.packing.finish()
    }
}
