use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Unit;

/// The values of a histogram at one moment, to three significant digits.
///
/// It keeps how often each value came, not only percentiles, because percentiles can be neither
/// added nor subtracted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    unit: Unit,
    /// (value, how often), by value, none zero times.
    buckets: Vec<(u64, u64)>,
}

/// What a distribution comes down to. All values are in `unit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The unit of the values.
    pub unit: Unit,
    /// How many values there are; if none, all figures are 0.
    pub count: u64,
    /// The smallest value.
    pub min: u64,
    /// The median: half of the values are at most this.
    pub p50: u64,
    /// 90 % of the values are at most this.
    pub p90: u64,
    /// 99 % of the values are at most this.
    pub p99: u64,
    /// 99.9 % of the values are at most this.
    pub p999: u64,
    /// The largest value.
    pub max: u64,
}

impl Distribution {
    pub(crate) fn new(unit: Unit, buckets: BTreeMap<u64, u64>) -> Self {
        Self {
            unit,
            buckets: buckets.into_iter().filter(|bucket| bucket.1 > 0).collect(),
        }
    }

    /// The unit of the values.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.1).sum()
    }

    /// The smallest value such that at least `per_mille` thousandths of all values are at most it
    /// (the nearest-rank definition), or 0 if there are none. 0 gives the minimum, 1000 the maximum.
    pub fn quantile(&self, per_mille: u16) -> u64 {
        let rank = (u128::from(self.count()) * u128::from(per_mille)).div_ceil(1000);
        let rank = rank.clamp(1, u128::from(u64::MAX)) as u64;
        let mut seen = 0;
        for &(value, times) in &self.buckets {
            seen += times;
            if seen >= rank {
                return value;
            }
        }
        self.buckets.last().map_or(0, |bucket| bucket.0)
    }

    /// The usual figures.
    pub fn summary(&self) -> Summary {
        Summary {
            unit: self.unit,
            count: self.count(),
            min: self.quantile(0),
            p50: self.quantile(500),
            p90: self.quantile(900),
            p99: self.quantile(990),
            p999: self.quantile(999),
            max: self.quantile(1000),
        }
    }

    /// What was recorded after `earlier`, an older snapshot of the same histogram.
    pub fn since(&self, earlier: &Distribution) -> Distribution {
        let mut buckets: BTreeMap<u64, u64> = self.buckets.iter().copied().collect();
        for (value, times) in &earlier.buckets {
            if let Some(now) = buckets.get_mut(value) {
                *now = now.saturating_sub(*times);
            }
        }
        Distribution::new(self.unit, buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(last: u64) -> Distribution {
        Distribution::new(Unit::Count, (1..=last).map(|value| (value, 1)).collect())
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let summary = one_to(1_000).summary();
        assert_eq!((summary.min, summary.p50, summary.p90), (1, 500, 900));
        assert_eq!((summary.p99, summary.p999, summary.max), (990, 999, 1_000));
        assert_eq!(one_to(3).quantile(500), 2);
        assert_eq!(one_to(1).summary().p999, 1);
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        let summary = Distribution::new(Unit::Bytes, BTreeMap::new()).summary();
        assert_eq!((summary.count, summary.min, summary.max), (0, 0, 0));
    }

    #[test]
    fn a_difference_holds_only_what_is_new() {
        let since = one_to(10).since(&one_to(8));
        assert_eq!(
            (since.count(), since.quantile(0), since.quantile(1000)),
            (2, 9, 10)
        );
    }
}
