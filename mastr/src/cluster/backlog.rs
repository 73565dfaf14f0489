//! Trades that wait to be sent.

use std::collections::VecDeque;
use std::time::Duration;

use crate::portfolio::{Averaging, Exercise, Product, Trade, TradeType};

/// A trade, and its place in the portfolio.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) place: u32,
    pub(super) trade: Trade,
}

/// What trades have in common that take about as long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    trade_type: TradeType,
    /// Whether it is an American option, or an average that is simulated.
    is_dear: bool,
}

impl Kind {
    pub(super) fn of(product: &Product) -> Self {
        let is_dear = match product {
            Product::EquityOption(option) => option.exercise == Exercise::American,
            Product::EquityAsianOption(option) => {
                matches!(option.averaging, Averaging::Arithmetic(_))
            }
            _ => false,
        };
        Self {
            trade_type: product.trade_type(),
            is_dear,
        }
    }
}

/// How many times the trade takes what one unit of its kind takes: a path or, of trades that are not
/// simulated, the trade.
pub(super) fn units(product: &Product) -> u64 {
    u64::from(product.paths().max(1))
}

/// The trades that wait, of each kind and each partition in the order in which they came, and what their kinds
/// cost.
#[derive(Debug)]
pub(super) struct Backlog {
    partitions: usize,
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    kind: Kind,
    cost: Cost,
    /// Of each partition.
    waiting: Vec<VecDeque<Placed>>,
    /// Of all that wait.
    units: u64,
}

/// What has been learned of a kind.
#[derive(Clone, Copy, Debug)]
struct Cost {
    time: Duration,
    units: u64,
}

impl Cost {
    /// What is taken for known before anything is: 50 µs a trade, and 0.2 µs a path. It is soon forgotten.
    fn guess(of_paths: bool) -> Self {
        let time = Duration::from_micros(200);
        let units = if of_paths { 1_000 } else { 4 };
        Self { time, units }
    }

    /// What one unit takes, in seconds.
    fn of_one(self) -> f64 {
        self.time.as_secs_f64() / self.units as f64
    }
}

/// Trades of one kind and one partition.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) kind: Kind,
    pub(super) partition: u32,
    pub(super) trades: Vec<Placed>,
}

impl Backlog {
    /// Nothing yet of a portfolio whose trades belong to so many partitions.
    pub(super) fn new(partitions: u32) -> Self {
        Self {
            partitions: partitions as usize,
            queues: Vec::new(),
        }
    }

    fn queue(&mut self, kind: Kind, units: u64) -> &mut Queue {
        let known = self.queues.iter().position(|queue| queue.kind == kind);
        let place = known.unwrap_or_else(|| {
            self.queues.push(Queue {
                kind,
                cost: Cost::guess(units > 1),
                waiting: (0..self.partitions).map(|_| VecDeque::new()).collect(),
                units: 0,
            });
            self.queues.len() - 1
        });
        &mut self.queues[place]
    }

    /// Adds a trade that belongs to a partition.
    pub(super) fn push(&mut self, partition: u32, placed: Placed) {
        let units = units(&placed.trade.product);
        let queue = self.queue(Kind::of(&placed.trade.product), units);
        queue.units += units;
        queue.waiting[partition as usize].push_back(placed);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.units == 0)
    }

    /// Every trade that waits for that partition.
    pub(super) fn of(&self, partition: u32) -> impl Iterator<Item = &Placed> {
        let queues = self.queues.iter();
        queues.flat_map(move |queue| &queue.waiting[partition as usize])
    }

    /// Notes how long so many units of a kind have taken.
    pub(super) fn learn(&mut self, kind: Kind, units: u64, took: Duration) {
        let cost = &mut self.queue(kind, units).cost;
        cost.time += took;
        cost.units += units;
    }

    /// How long one worker would take for all that waits, in seconds.
    pub(super) fn time(&self) -> f64 {
        self.queues.iter().map(Queue::time).sum()
    }

    /// Takes trades that take about so many seconds, at most so many and at least one, of the kind whose trades
    /// take longest. Where it is to be `full`, of those kinds only that have enough of them.
    pub(super) fn next(&mut self, seconds: f64, most: usize, full: bool) -> Option<Batch> {
        let least = if full { seconds } else { 0.0 };
        let has_enough = |queue: &&mut Queue| queue.units > 0 && queue.time() >= least;
        let candidates = self.queues.iter_mut().filter(has_enough);
        let queue = candidates.max_by(|a, b| a.of_a_trade().total_cmp(&b.of_a_trade()))?;
        Some(queue.take(seconds, most))
    }
}

impl Queue {
    /// What those that wait take, in seconds.
    fn time(&self) -> f64 {
        self.units as f64 * self.cost.of_one()
    }

    /// What one of those that wait takes on average.
    fn of_a_trade(&self) -> f64 {
        let trades: usize = self.waiting.iter().map(VecDeque::len).sum();
        self.time() / trades.max(1) as f64
    }

    /// Takes trades of the partition for which most wait.
    fn take(&mut self, seconds: f64, most: usize) -> Batch {
        let most_waiting = (0..)
            .zip(&mut self.waiting)
            .max_by_key(|(_, waiting)| waiting.len());
        // Invariant: there is a partition.
        let (partition, waiting) = most_waiting.expect("a partition");
        let room = seconds / self.cost.of_one();
        let mut taken = 0;
        let fits = |placed: &Placed, count: usize, taken: u64| {
            let units = taken + units(&placed.trade.product);
            count == 0 || (count < most && units as f64 <= room)
        };
        let mut trades = Vec::new();
        while let Some(placed) = waiting
            .front()
            .filter(|placed| fits(placed, trades.len(), taken))
        {
            taken += units(&placed.trade.product);
            trades.extend(waiting.pop_front());
        }
        self.units -= taken;
        Batch {
            kind: self.kind,
            partition,
            trades,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn filled() -> (Backlog, usize) {
        let portfolio = sample::portfolio();
        let mut backlog = Backlog::new(2);
        let trades: Vec<_> = portfolio.trades().cloned().collect();
        let count = trades.len();
        for (place, trade) in (0..).zip(trades) {
            backlog.push(place % 2, Placed { place, trade });
        }
        (backlog, count)
    }

    fn kind(name: &str, is_dear: bool) -> Kind {
        Kind {
            trade_type: TradeType::from_name(name).unwrap(),
            is_dear,
        }
    }

    /// Has the kinds take so many microseconds a unit.
    fn teach(backlog: &mut Backlog, costs: &[(Kind, u64)]) {
        for (kind, micros) in costs {
            backlog.learn(*kind, 1_000_000, Duration::from_secs(*micros));
        }
    }

    #[test]
    fn what_is_learned_to_be_dear_goes_first() {
        let (mut backlog, count) = filled();
        let american = kind("EquityOption", true);
        teach(&mut backlog, &[(american, 90), (kind("Swap", false), 60)]);
        let mut order = Vec::new();
        let mut places = Vec::new();
        while let Some(batch) = backlog.next(0.001, 100, false) {
            assert!(batch.trades.iter().all(|placed| {
                Kind::of(&placed.trade.product) == batch.kind && placed.place % 2 == batch.partition
            }));
            places.extend(batch.trades.iter().map(|placed| placed.place));
            if order.last() != Some(&batch.kind) {
                order.push(batch.kind);
            }
        }
        let simulated = kind("EquityAsianOption", true);
        assert_eq!(order[..3], [simulated, american, kind("Swap", false)]);
        places.sort_unstable();
        assert_eq!(places, (0..count as u32).collect::<Vec<_>>(), "each once");
        assert!(backlog.is_empty() && backlog.time() == 0.0);
    }

    #[test]
    fn batches_take_about_the_time_that_is_wanted() {
        let (mut backlog, _) = filled();
        let swap = kind("Swap", false);
        teach(&mut backlog, &[(swap, 1_000_000)]);
        let batch = backlog.next(3.5, 100, false).unwrap();
        assert_eq!((batch.kind, batch.trades.len()), (swap, 3));
        assert_eq!(backlog.next(0.1, 100, false).unwrap().trades.len(), 1);
        assert_eq!(backlog.next(100.0, 2, false).unwrap().trades.len(), 2);
        assert!(
            backlog.next(1e6, 100, true).is_none(),
            "no kind has as much"
        );
        let full = backlog.next(3.5, 100, true).unwrap();
        assert_eq!(full.trades.len(), 3);
    }
}
