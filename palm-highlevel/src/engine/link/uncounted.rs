use super::DEAD_AFTER;
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::time::Duration;

/// The most numbers that a frame tells.
const MOST: usize = 4096;

/// The messages from the peer that go by its lane [more than once](crate::engine::passages).
///
/// The window does not count them. And the position of the lane does not tell when one of them is
/// settled: a position stops at the first that is not, which may be the same message as it came by
/// the lane before, and that is settled once this one is. So as long as there are any, whatever is
/// settled is told by its number.
#[derive(Debug, Default)]
pub(super) struct Uncounted {
    held: FxHashSet<u64>,
    /// Those that are settled, beyond the position, and how many of them the peer was told.
    settled: VecDeque<u64>,
    told: usize,
    /// When all of them were told again.
    told_again: Duration,
}

impl Uncounted {
    pub(super) fn hold(&mut self, number: u64) {
        self.held.insert(number);
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        !self.held.is_empty() && self.held.contains(&number)
    }

    pub(super) fn settle(&mut self, number: u64) {
        if !self.held.is_empty() {
            self.held.remove(&number);
            self.settled.push_back(number);
        }
    }

    /// How many are to be told.
    pub(super) fn untold(&self) -> u64 {
        (self.settled.len() - self.told) as u64
    }

    /// Tells the next ones, beyond the position `settled`.
    pub(super) fn tell(&mut self, settled: u64) -> Vec<u64> {
        while let Some(&first) = self.settled.front()
            && first <= settled
        {
            self.settled.pop_front();
            self.told = self.told.saturating_sub(1);
        }
        let next: Vec<u64> = self
            .settled
            .range(self.told..)
            .take(MOST)
            .copied()
            .collect();
        self.told += next.len();
        next
    }

    /// Tells all of them again: the peer may not have heard.
    pub(super) fn tell_again(&mut self) {
        self.told = 0;
    }

    /// Tells them again from time to time, as nothing says what the peer has heard.
    pub(super) fn repeat(&mut self, now: Duration) {
        if now.saturating_sub(self.told_again) >= DEAD_AFTER {
            self.told_again = now;
            self.tell_again();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_settled_is_told_once_unless_it_may_be_lost() {
        let mut uncounted = Uncounted::default();
        (1..=4).for_each(|number| uncounted.hold(number));
        for number in [2, 4, 9] {
            uncounted.settle(number);
        }
        assert!(uncounted.holds(1) && !uncounted.holds(2));
        assert_eq!((uncounted.untold(), uncounted.tell(0)), (3, vec![2, 4, 9]));
        assert_eq!((uncounted.untold(), uncounted.tell(0)), (0, vec![]));
        for number in [1, 3, 5] {
            uncounted.settle(number);
        }
        uncounted.tell_again();
        assert_eq!(uncounted.tell(2), [4, 9, 1, 3]);
        uncounted.repeat(DEAD_AFTER / 2);
        assert_eq!(uncounted.untold(), 0);
        uncounted.repeat(DEAD_AFTER);
        assert_eq!(uncounted.untold(), 4);
        assert_eq!((uncounted.tell(9), uncounted.untold()), (vec![], 0));
    }
}
