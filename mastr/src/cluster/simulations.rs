//! Trades that are simulated by several workers, each some of the paths.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::backlog::Placed;
use crate::valuation::PathSums;

/// A block of the paths of a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The place of its trade.
    pub(super) place: u32,
    /// Its number.
    pub(super) number: u64,
}

/// The blocks of paths that have not come back, and the sums of those that have.
///
/// Sums are joined in the order of the blocks, as one who simulates all of them adds them up, so that
/// it does not show who has simulated what.
#[derive(Debug, Default)]
pub(super) struct Simulations {
    running: HashMap<u32, Simulation>,
    waiting: VecDeque<Block>,
    sent: HashMap<u64, Block>,
}

#[derive(Debug)]
struct Simulation {
    trade: Placed,
    blocks: u64,
    /// Of the blocks before the next one.
    sums: PathSums,
    next: u64,
    /// Those that have come before it.
    early: BTreeMap<u64, PathSums>,
}

impl Simulations {
    /// How many messages have not come back.
    pub(super) fn messages(&self) -> usize {
        self.sent.len()
    }

    /// Whether no trade is being simulated.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.sent.is_empty()
    }

    /// Has the blocks of a trade sent.
    pub(super) fn start(&mut self, trade: Placed, blocks: u64) {
        let place = trade.place;
        let simulation = Simulation {
            trade,
            blocks,
            sums: PathSums::default(),
            next: 0,
            early: BTreeMap::new(),
        };
        self.running.insert(place, simulation);
        let block = |number| Block { place, number };
        self.waiting.extend((0..blocks).map(block));
    }

    /// Every trade that is being simulated.
    pub(super) fn trades(&self) -> impl Iterator<Item = &Placed> {
        self.running.values().map(|simulation| &simulation.trade)
    }

    /// The trade at this place, if it is being simulated.
    pub(super) fn trade(&self, place: u32) -> Option<&Placed> {
        self.running.get(&place).map(|simulation| &simulation.trade)
    }

    /// The next block to send.
    pub(super) fn next(&mut self) -> Option<Block> {
        self.waiting.pop_front()
    }

    /// Notes that the message of this index asks for a block.
    pub(super) fn sent(&mut self, index: u64, block: Block) {
        self.sent.insert(index, block);
    }

    /// The block that the message of this index asked for, which has ended; `None` if it asked for
    /// none.
    pub(super) fn ended(&mut self, index: u64) -> Option<Block> {
        self.sent.remove(&index)
    }

    /// Takes in the sums of a block; gives back its trade and all its sums, if it was the last. Of a trade that
    /// has been given up nothing is kept.
    pub(super) fn add(&mut self, block: Block, sums: PathSums) -> Option<(Placed, PathSums)> {
        let simulation = self.running.get_mut(&block.place)?;
        simulation.early.insert(block.number, sums);
        while let Some(sums) = simulation.early.remove(&simulation.next) {
            simulation.sums.add(&sums);
            simulation.next += 1;
        }
        if simulation.next < simulation.blocks {
            return None;
        }
        let whole = self.running.remove(&block.place)?;
        Some((whole.trade, whole.sums))
    }

    /// Gives a trade up; gives it back, if it has not been before.
    pub(super) fn give_up(&mut self, place: u32) -> Option<Placed> {
        self.waiting.retain(|block| block.place != place);
        self.running.remove(&place).map(|given_up| given_up.trade)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Scenarios;
    use crate::portfolio::{Averaging, Product, Trade};
    use crate::sample;
    use crate::valuation::{path_blocks, value, value_simulated};

    /// One of the sample's, with so many paths.
    fn trade(paths: u32) -> Trade {
        let portfolio = sample::portfolio();
        let mut trades = portfolio.trades().cloned();
        let mut trade = trades.find(|trade| trade.product.paths() > 0).unwrap();
        if let Product::EquityAsianOption(option) = &mut trade.product
            && let Averaging::Arithmetic(simulation) = &mut option.averaging
        {
            simulation.paths = paths;
        }
        trade
    }

    #[test]
    fn blocks_in_any_order_are_as_good_as_all_at_once() {
        let (trade, market) = (trade(40_000), sample::market());
        let blocks: Vec<u32> = path_blocks(&trade.product).collect();
        assert_eq!(blocks, [16_384, 16_384, 7232]);
        let mut simulations = Simulations::default();
        let placed = Placed {
            place: 5,
            trade: trade.clone(),
        };
        simulations.start(placed, blocks.len() as u64);
        for index in 0..3 {
            let block = simulations.next().unwrap();
            assert_eq!((block.place, block.number), (5, index));
            simulations.sent(index, block);
        }
        assert_eq!(simulations.next(), None);
        assert_eq!(simulations.messages(), 3);
        let mut ended = |index| {
            let block = simulations.ended(index).unwrap();
            let none = Scenarios::default();
            let sums = PathSums::simulate(&trade, &market, &none, block.number);
            simulations.add(block, sums)
        };
        assert!(ended(2).is_none());
        assert!(ended(0).is_none());
        let (whole, paths) = ended(1).unwrap();
        assert_eq!((whole.place, &whole.trade), (5, &trade));
        let at_once = value(&trade, &market).unwrap();
        let joined = value_simulated(&trade, &market, Some(&paths)).unwrap();
        assert_eq!(joined, at_once);
        assert_eq!(simulations.ended(1), None, "only once");
        assert!(simulations.is_empty());
    }

    #[test]
    fn what_is_given_up_is_forgotten() {
        let mut simulations = Simulations::default();
        for (place, blocks) in [(1, 3), (2, 2)] {
            let trade = trade(40_000);
            simulations.start(Placed { place, trade }, blocks);
        }
        let block = simulations.next().unwrap();
        simulations.sent(0, block);
        assert_eq!(simulations.give_up(1).unwrap().place, 1);
        assert!(simulations.give_up(1).is_none());
        let next = simulations.next().unwrap();
        assert_eq!(
            (next.place, next.number),
            (2, 0),
            "nothing more of the first is sent"
        );
        assert_eq!(simulations.ended(0), Some(block));
        assert!(simulations.add(block, PathSums::default()).is_none());
    }
}
