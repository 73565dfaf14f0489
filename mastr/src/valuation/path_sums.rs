//! What simulated paths of a trade add up to.

use serde::{Deserialize, Serialize};

use super::equity_asian_option;
use super::paths::{BLOCK, Sums};
use crate::market::{Market, Scenarios};
use crate::portfolio::{Product, Trade};

/// What some blocks of the paths of one trade add up to, today and in each scenario. With those of
/// all its blocks the trade is [valued](super::value_simulated) without any further simulation.
///
/// A block's random numbers follow from the seed, the trade's id and the block's number alone, so
/// blocks may be simulated anywhere. What is bound to the order are the sums: they have to be joined in
/// that of the blocks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PathSums {
    pub(super) today: Vec<Sums>,
    pub(super) scenarios: Vec<Sums>,
}

impl PathSums {
    /// Simulates the block of this number. Where the market lacks something there is nothing to
    /// simulate; why, is told when the trade is valued.
    pub fn simulate(trade: &Trade, market: &Market, scenarios: &Scenarios, number: u64) -> Self {
        match &trade.product {
            Product::EquityAsianOption(option) => {
                equity_asian_option::simulate(&trade.id, option, market, scenarios, number)
            }
            _ => Self::default(),
        }
    }

    /// Adds the sums of the next block.
    pub fn add(&mut self, next: &Self) {
        if self.today.is_empty() && self.scenarios.is_empty() {
            self.clone_from(next);
            return;
        }
        let of = |sums: &mut [Sums], next: &[Sums]| {
            sums.iter_mut()
                .zip(next)
                .for_each(|(sum, next)| sum.add(next));
        };
        of(&mut self.today, &next.today);
        of(&mut self.scenarios, &next.scenarios);
    }
}

/// How many paths each block has of those that are simulated to value a product; none of a product that
/// is not simulated.
pub fn path_blocks(product: &Product) -> impl ExactSizeIterator<Item = u32> + use<> {
    let paths = product.paths();
    (0..paths.div_ceil(BLOCK)).map(move |number| (paths - number * BLOCK).min(BLOCK))
}
