//! The P&L of a group over its scenarios.

use crate::aggregation::{Exact, ExactError, Level};

/// The summed P&L vector of a group, from the worst scenario to the best. Empty as long as there is
/// nothing to distribute; every measure of it is zero then.
#[derive(Debug)]
pub(crate) struct Distribution(Vec<Exact>);

impl Distribution {
    pub(crate) fn new(pnl: &[Exact]) -> Self {
        let mut pnl = pnl.to_vec();
        pnl.sort_unstable();
        Self(pnl)
    }

    /// Value at risk: the loss that is exceeded in the scenarios beyond `level` only, as the k-th
    /// worst of n, k = max(1, ⌈(1 − level)·n⌉). A loss is positive.
    pub(crate) fn value_at_risk(&self, level: Level) -> f64 {
        // Zero less zero has no sign.
        0.0 - self.worst(level.beyond(self.0.len()))
    }

    /// Expected shortfall: the average loss of those k scenarios.
    pub(crate) fn expected_shortfall(&self, level: Level) -> Result<f64, ExactError> {
        let worst = level.beyond(self.0.len()).min(self.0.len());
        let sum = self.0[..worst]
            .iter()
            .try_fold(Exact::ZERO, |sum, pnl| sum.plus(*pnl))?;
        Ok(0.0 - sum.to_f64() / worst.max(1) as f64)
    }

    /// The P&L that is not exceeded in a part of the scenarios, as the k-th worst of n,
    /// k = max(1, ⌈part·n⌉). A loss is negative.
    pub(crate) fn quantile(&self, part: Level) -> f64 {
        self.worst(part.within(self.0.len()))
    }

    /// The `k`-th worst.
    fn worst(&self, k: usize) -> f64 {
        self.0.get(k - 1).map_or(0.0, |pnl| pnl.to_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(text: &str) -> Level {
        text.parse().unwrap()
    }

    /// −1, −2 … −n, in no order.
    fn losses(n: usize) -> Distribution {
        let loss = |place: usize| Exact::round(-(((place * 7) % n + 1) as f64)).unwrap();
        Distribution::new(&(0..n).map(loss).collect::<Vec<_>>())
    }

    #[test]
    fn value_at_risk_and_shortfall_are_of_the_worst_scenarios() {
        let distribution = losses(250);
        // 2.5 scenarios lie beyond 99 %: three of them count.
        assert_eq!(distribution.value_at_risk(level("0.99")), 248.0);
        assert_eq!(distribution.expected_shortfall(level("0.99")), Ok(249.0));
        assert_eq!(distribution.value_at_risk(level("0.996")), 250.0);
        assert_eq!(distribution.value_at_risk(level("1")), 250.0);
        assert_eq!(distribution.value_at_risk(level("0")), 1.0);
        assert_eq!(distribution.expected_shortfall(level("0")), Ok(125.5));
        assert_eq!(distribution.quantile(level("0")), -250.0);
        assert_eq!(distribution.quantile(level("0.5")), -126.0);
        assert_eq!(distribution.quantile(level("1")), -1.0);
    }

    #[test]
    fn a_level_is_an_exact_decimal() {
        // In binary (1 − 0.9)·10 is less than 1, and (1 − 0.8)·10 less than 2.
        let distribution = losses(10);
        assert_eq!(distribution.value_at_risk(level("0.9")), 10.0);
        assert_eq!(distribution.value_at_risk(level("0.8")), 9.0);
        assert_eq!(distribution.value_at_risk(level("0.7999999999")), 8.0);
        assert_eq!(distribution.quantile(level("0.7")), -4.0);
    }

    #[test]
    fn nothing_distributed_has_no_risk() {
        let distribution = Distribution::new(&[]);
        assert_eq!(distribution.value_at_risk(level("0.99")).to_bits(), 0);
        assert_eq!(distribution.expected_shortfall(level("0.99")), Ok(0.0));
        assert_eq!(distribution.quantile(level("0.01")), 0.0);
        let flat = Distribution::new(&[Exact::ZERO; 3]);
        assert_eq!(flat.value_at_risk(level("0.99")).to_bits(), 0);
    }
}
