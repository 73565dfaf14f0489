//! Trades on their way to a valuation worker.

use palm_core::codec;
use palm_highlevel::{Failure, PartitionId};
use serde::{Deserialize, Serialize};

use crate::aggregation::Batch;
use crate::portfolio::{Product, Trade};
use crate::valuation::PathSums;

/// Trades of one partition that are to be valued; or one, of which only some paths are to be simulated.
///
/// Their dimensions travel as the contributions' dimensions will, and the contributions are added
/// to `batch` when they are valued: what trades are filed under is packed once, by the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The partition that owns the trades.
    pub partition: PartitionId,
    /// Whether the contributions are to come back to the client, who holds them until the portfolio is
    /// accepted.
    pub is_held: bool,
    /// Whether the client wants every single valuation back.
    pub wants_valuations: bool,
    /// The job, its market and the trades' dimensions; no contributions yet.
    pub batch: Batch,
    /// Nothing but this block of the paths of the only trade is to be simulated.
    pub block: Option<u64>,
    /// The trades.
    pub trades: Vec<Assigned>,
}

/// A trade of an assignment: what an engine needs, and where it is filed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assigned {
    /// The trade's id.
    pub id: Box<str>,
    /// The trade's version.
    pub version: u32,
    /// The number of its combination of dimensions in the batch.
    pub combination: u32,
    /// What was agreed.
    pub product: Product,
    /// What its paths add up to, if they have been simulated.
    pub paths: Option<PathSums>,
}

/// The same as [`Assignment`], of trades that belong to somebody else.
#[derive(Serialize)]
pub(super) struct Draft<'t> {
    pub(super) partition: PartitionId,
    pub(super) is_held: bool,
    pub(super) wants_valuations: bool,
    pub(super) batch: Batch,
    pub(super) block: Option<u64>,
    pub(super) trades: Vec<Drafted<'t>>,
}

/// The same as [`Assigned`].
#[derive(Serialize)]
pub(super) struct Drafted<'t> {
    id: &'t str,
    version: u32,
    combination: u32,
    product: &'t Product,
    paths: Option<PathSums>,
}

impl<'t> Drafted<'t> {
    pub(super) fn new(trade: &'t Trade, combination: u32, paths: Option<PathSums>) -> Self {
        Self {
            id: &trade.id,
            version: trade.version,
            combination,
            product: &trade.product,
            paths,
        }
    }
}

impl Draft<'_> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, Failure> {
        Ok(codec::encode(self)?)
    }
}

impl Assignment {
    /// Reads what a client sent.
    ///
    /// # Errors
    ///
    /// If the bytes are no assignment.
    pub fn decode(payload: &[u8]) -> Result<Self, Failure> {
        Ok(codec::decode(payload)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregation::{Job, Packing};

    #[test]
    fn what_is_drafted_arrives() {
        let portfolio = crate::sample::portfolio();
        let job = Job {
            id: 1,
            market: "m".into(),
            trades: 2,
            dimensions: Vec::new(),
            scenarios: 0,
        };
        let trades: Vec<_> = portfolio.trades().take(2).collect();
        let mut packing = Packing::new(job);
        let drafted: Vec<_> = trades
            .iter()
            .map(|trade| {
                let combination = packing.combination(trade.dimensions());
                Drafted::new(trade, combination, Some(PathSums::default()))
            })
            .collect();
        let partition = PartitionId { number: 7, of: 9 };
        let draft = Draft {
            partition,
            is_held: true,
            wants_valuations: true,
            batch: packing.finish(),
            block: Some(3),
            trades: drafted,
        };
        let payload = draft.encode().unwrap();
        assert_eq!(payload[..8], [7, 0, 0, 0, 9, 0, 0, 0]);
        let assignment = Assignment::decode(&payload).unwrap();
        assert_eq!(assignment.partition, partition);
        assert_eq!(assignment.batch, draft.batch);
        assert_eq!((assignment.is_held, assignment.block), (true, Some(3)));
        for (assigned, trade) in assignment.trades.iter().zip(trades) {
            assert_eq!(assigned.product, trade.product);
            assert_eq!(assigned.id, trade.id);
            assert_eq!(assigned.paths, Some(PathSums::default()));
        }
        assert!(Assignment::decode(&payload[1..]).is_err());
    }
}
