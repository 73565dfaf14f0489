//! What comes back of a submission.

use std::time::Instant;

use palm_highlevel::{Ending, Failure, FailureKind};

use super::{Sent, UnderWay};
use crate::aggregation::Outcome;
use crate::cluster::ClusterError;
use crate::cluster::appraisal::{self, Returns};
use crate::cluster::backlog::{Kind, Placed, units};
use crate::cluster::packer::Packer;
use crate::cluster::simulations::Block;
use crate::cluster::submission::{Ended, Fate};
use crate::portfolio::Entry;
use crate::valuation::path_blocks;

impl UnderWay {
    /// Takes in how a message ended.
    pub(super) fn take(&mut self, ending: Ending) -> Result<(), ClusterError> {
        if let Some(block) = self.simulations.ended(ending.index) {
            return self.take_block(block, ending);
        }
        let Some(sent) = self.sent.remove(&ending.index) else {
            return Ok(());
        };
        let payload = match ending.result {
            Ok(payload) => payload,
            Err(failure) if is_of_the_trades(&failure) => return self.give_up(sent, &failure),
            Err(failure) => return Err(ClusterError::Failed(failure)),
        };
        let is_held = ending.index < self.open_from;
        let returned = appraisal::returned(&payload, is_held);
        let (contributions, returns) = returned.map_err(ClusterError::Failed)?;
        if let Some(contributions) = contributions {
            self.held.push_back(contributions);
        }
        let Sent {
            kind,
            trades,
            is_simulated,
        } = sent;
        let paths = |placed: &Placed| u64::from(placed.trade.product.paths());
        let paths = if is_simulated {
            0
        } else {
            trades.iter().map(paths).sum()
        };
        self.worked(&returns, trades.len() as u64, paths);
        if !is_simulated {
            let units = trades
                .iter()
                .map(|placed| units(&placed.trade.product))
                .sum();
            self.backlog.learn(kind, units, returns.took);
        }
        let fates = returns.fates(trades.len(), self.wants_valuations);
        for (Placed { place, trade }, fate) in trades.into_iter().zip(fates) {
            self.end(place, Entry::Valid(trade), fate);
        }
        Ok(())
    }

    /// Notes what a worker has done.
    fn worked(&mut self, returns: &Returns, trades: u64, paths: u64) {
        self.summary.first.get_or_insert_with(Instant::now);
        let work = self.summary.workers.entry(returns.worker).or_default();
        work.trades += trades;
        work.paths += paths;
        work.busy += returns.took;
        work.last = self.start.elapsed();
    }

    /// Takes in how a message ended that asked for a block of paths. With the last of them the trade is
    /// sent to be valued like any other.
    fn take_block(&mut self, block: Block, ending: Ending) -> Result<(), ClusterError> {
        let placed = self.simulations.trade(block.place);
        let kind = placed.map(|placed| Kind::of(&placed.trade.product));
        match ending.result {
            Ok(payload) => {
                let is_held = ending.index < self.open_from;
                let returned = appraisal::returned(&payload, is_held);
                let (_, returns) = returned.map_err(ClusterError::Failed)?;
                let mut paths = placed
                    .into_iter()
                    .flat_map(|placed| path_blocks(&placed.trade.product));
                let paths = u64::from(paths.nth(block.number as usize).unwrap_or(0));
                self.worked(&returns, 0, paths);
                let whole = self
                    .simulations
                    .add(block, returns.paths.unwrap_or_default());
                let Some((kind, (placed, sums))) = kind.zip(whole) else {
                    return Ok(());
                };
                let owner = self.owner(&placed.trade);
                self.assign(kind, owner, vec![placed], Some(sums))
            }
            Err(failure) if is_of_the_trades(&failure) => {
                let given_up = self.simulations.give_up(block.place);
                let Some((kind, placed)) = kind.zip(given_up) else {
                    return Ok(());
                };
                let sent = Sent {
                    kind,
                    trades: vec![placed],
                    is_simulated: true,
                };
                self.give_up(sent, &failure)
            }
            Err(failure) => Err(ClusterError::Failed(failure)),
        }
    }

    /// No worker survives this assignment, or none can end it. Of several trades each is tried
    /// alone; the one at fault has no value and never will.
    fn give_up(&mut self, sent: Sent, failure: &Failure) -> Result<(), ClusterError> {
        let Sent { kind, trades, .. } = sent;
        let is_alone = trades.len() == 1;
        for placed in trades {
            let owner = self.owner(&placed.trade);
            if !is_alone {
                self.assign(kind, owner, vec![placed], None)?;
                continue;
            }
            let reason = failure.to_string();
            let outcome = Outcome::Failed(reason.clone());
            let trade = &placed.trade;
            let contributions = self.contributions(owner, &[trade], Packer::of_trade, |trade| {
                (&trade.id, trade.version, outcome.clone())
            })?;
            self.held.push_back(contributions);
            self.end(placed.place, Entry::Valid(placed.trade), Err(reason));
        }
        Ok(())
    }

    pub(super) fn end(&mut self, place: u32, entry: Entry, fate: Fate) {
        let counter = match fate {
            Ok(_) => &mut self.summary.valued,
            Err(_) => &mut self.summary.failed,
        };
        *counter += 1;
        self.ended.push(Ended { place, entry, fate });
    }
}

/// Whether the trades are at fault rather than the cluster: others may go on.
fn is_of_the_trades(failure: &Failure) -> bool {
    matches!(
        failure.kind,
        FailureKind::DeadLetter | FailureKind::Panic | FailureKind::TooLarge
    )
}
