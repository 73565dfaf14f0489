//! What the partitions are told by the client itself: which trades to expect, and which have faults.

use bytes::Bytes;
use palm_highlevel::PartitionId;

use super::UnderWay;
use crate::aggregation::{Outcome, partition_of};
use crate::cluster::packer::Packer;
use crate::cluster::{ClusterError, appraisal};
use crate::portfolio::Trade;

/// The most contributions of a message that tells what to expect.
const LARGEST_ANNOUNCEMENT: usize = 4096;
/// The most of these messages that are under way.
const ANNOUNCED: u64 = 8;

impl UnderWay {
    /// What tells a partition of the trades that have not been valued by now, in messages of some thousands.
    fn announcements(&self, partition: u32) -> Result<Vec<Bytes>, ClusterError> {
        let mut payloads = Vec::new();
        let owned = |trade: &&Trade| self.owner(trade) == partition;
        let sent = self.sent.values().flat_map(|sent| &sent.trades);
        let elsewhere = sent.chain(self.simulations.trades());
        let elsewhere = elsewhere.map(|placed| &placed.trade).filter(owned);
        let waiting = self.backlog.of(partition).map(|placed| &placed.trade);
        let expected: Vec<_> = waiting.chain(elsewhere).collect();
        let none = expected.is_empty().then_some(&expected[..]);
        for trades in expected.chunks(LARGEST_ANNOUNCEMENT).chain(none) {
            payloads.push(
                self.contributions(partition, trades, Packer::of_trade, |trade| {
                    (&trade.id, trade.version, Outcome::Expected)
                })?,
            );
        }
        let rejected = self.rejected.iter();
        let rejected: Vec<_> = rejected
            .filter(|rejected| partition_of(&rejected.id, self.partitions) == partition)
            .collect();
        for rejected in rejected.chunks(LARGEST_ANNOUNCEMENT) {
            payloads.push(
                self.contributions(partition, rejected, Packer::of_rejected, |one| {
                    (&one.id, one.version, Outcome::Failed(one.fault.clone()))
                })?,
            );
        }
        Ok(payloads)
    }

    /// What trades of a partition contribute, by their id, version and outcome.
    pub(super) fn contributions<'t, T>(
        &self,
        partition: u32,
        trades: &[&'t T],
        combination: impl Fn(&mut Packer<'t>, &'t T) -> u32,
        contribution: impl Fn(&'t T) -> (&'t str, u32, Outcome),
    ) -> Result<Bytes, ClusterError> {
        let batch = Packer::new(&self.job).pack(trades, combination, contribution);
        let payload = appraisal::pack(self.partition(partition), false, &batch, None);
        payload.map(Bytes::from).map_err(ClusterError::Failed)
    }

    pub(super) fn partition(&self, number: u32) -> PartitionId {
        PartitionId {
            number,
            of: self.partitions,
        }
    }

    /// Sends contributions straight to the partitions, some at a time.
    pub(super) fn announce(&mut self) -> Result<(), ClusterError> {
        while let Some(ending) = self.announcements.try_next() {
            ending.result.map_err(ClusterError::Failed)?;
        }
        while self.known.is_all() && self.announcements.unfinished() < ANNOUNCED {
            if self.announced.is_empty()
                && let Some(partition) = self.unaware.next()
            {
                self.announced = self.announcements(partition)?.into();
            }
            let waiting = self.announced.pop_front();
            let Some(payload) = waiting.or_else(|| self.held.pop_front()) else {
                break;
            };
            let sent = self.announcements.submit(payload);
            sent.map_err(ClusterError::Failed)?;
        }
        Ok(())
    }
}
