//! What one trade gives to the aggregates.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::aggregation::{Amount, Exact, ExactError};
use crate::valuation::Valuation;

/// The dimension whose value is the trade's id. Every trade has it without naming it.
pub const TRADE_ID: &str = "TradeId";

/// What one trade gives: that it is expected, its amounts, or why it has none.
///
/// Contributions are identified by trade and version. See
/// [`Partition::ingest`](crate::aggregation::Partition::ingest) for how they replace one another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The trade's id.
    pub trade: String,
    /// The trade's version; a later one replaces an earlier.
    pub version: u64,
    /// Names and values of the trade's dimensions (`TradeType`, `Currency`, `CounterParty`,
    /// `NettingSetId`, `Desk` …). One that is not named is the empty string; of a name that stands
    /// twice the first counts; [`TRADE_ID`] need not be named.
    pub dimensions: Vec<(String, String)>,
    /// How the valuation ended, if it has.
    pub outcome: Outcome,
}

impl Contribution {
    /// What a trade gives, with the names and values of its dimensions.
    pub fn new<'a>(
        trade: &str,
        version: u64,
        dimensions: impl IntoIterator<Item = (&'a str, &'a str)>,
        outcome: Outcome,
    ) -> Self {
        Self {
            trade: trade.to_owned(),
            version,
            dimensions: dimensions
                .into_iter()
                .filter(|&(name, _)| name != TRADE_ID)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            outcome,
        }
    }
}

/// How the valuation of a trade stands. `R` is the reason of a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome<R = String> {
    /// Submitted, and not valued yet.
    Expected,
    /// Valued: these are its amounts.
    Valued(Figures),
    /// Not valued, and this is the reason.
    Failed(R),
}

/// The amounts of one valued trade, in base currency, and its P&L vector. An amount that is missing
/// adds nothing.
///
/// ```
/// use mastr::aggregation::{Amount, Figures};
///
/// let figures = Figures::new(1200.5).with(Amount::Delta, 12.0);
/// assert_eq!(figures.get(Amount::Delta), Some(12.0));
/// assert_eq!(figures.get(Amount::Vega), None);
/// assert!(figures.with(Amount::Vega, f64::NAN).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    amounts: [f64; Amount::ALL.len()],
    present: u16,
    /// Without scenarios it is empty.
    pnl: Box<[f64]>,
}

impl Figures {
    /// A trade that is worth `npv` and has no greeks.
    pub fn new(npv: f64) -> Self {
        Self {
            amounts: [0.0; Amount::ALL.len()],
            present: 0,
            pnl: Box::default(),
        }
        .with(Amount::Npv, npv)
    }

    /// The same with the P&L vector: for each scenario of the job, what the trade gains in it.
    #[must_use]
    pub fn with_pnl(mut self, pnl: Box<[f64]>) -> Self {
        self.pnl = pnl;
        self
    }

    /// The P&L vector; empty without scenarios.
    pub fn pnl(&self) -> &[f64] {
        &self.pnl
    }

    /// The same with one amount set.
    #[must_use]
    pub fn with(mut self, amount: Amount, value: f64) -> Self {
        self.amounts[amount.place()] = value;
        self.present |= 1 << amount.place();
        self
    }

    /// The amount, if the trade has it.
    pub fn get(&self, amount: Amount) -> Option<f64> {
        (self.present & (1 << amount.place()) != 0).then(|| self.amounts[amount.place()])
    }

    /// Whether every number can be summed. Whoever values trades asks this before it calls one
    /// valued; a partition that meets one that can not takes the trade as failed.
    ///
    /// # Errors
    ///
    /// The name of what is wrong, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, ExactError)> {
        let amounts = Amount::ALL.into_iter();
        let amounts = amounts.filter_map(|amount| Some((amount.name(), self.get(amount)?)));
        let pnl = self.pnl.iter().map(|value| ("P&L", *value));
        for (name, value) in amounts.chain(pnl) {
            Exact::round(value).map_err(|error| (name, error))?;
        }
        Ok(())
    }

    /// The same with nothing where nothing is present: figures from the wire may be anything.
    pub(crate) fn canonical(mut self) -> Self {
        for amount in Amount::ALL {
            let place = amount.place();
            if self.present & (1 << place) == 0 {
                self.amounts[place] = 0.0;
            }
        }
        self.present &= (1 << Amount::ALL.len()) - 1;
        self
    }
}

/// The present value, the greeks, and the square of the standard error in base currency; a greek by
/// several curves is their sum.
impl From<&Valuation> for Figures {
    fn from(valuation: &Valuation) -> Self {
        let mut figures = Self::new(valuation.npv_base);
        for sensitivity in &valuation.sensitivities {
            let amount = sensitivity.greek.into();
            let sum = figures.get(amount).unwrap_or(0.0) + sensitivity.base;
            figures = figures.with(amount, sum);
        }
        let error = valuation.standard_error_base;
        if error > 0.0 {
            figures = figures.with(Amount::Variance, error * error);
        }
        figures
    }
}

impl Outcome {
    /// Valued, if all the figures can be summed; else failed, for the reason that they can not.
    pub fn of(figures: Figures) -> Self {
        match figures.check() {
            Ok(()) => Self::Valued(figures),
            Err((name, error)) => Self::Failed(format!("{name}: {error}")),
        }
    }
}

/// Which of `partitions` partitions owns a trade: the same at any time and on any machine.
///
/// # Panics
///
/// If `partitions` is zero.
pub fn partition_of(trade: &str, partitions: u32) -> u32 {
    (xxh3_64(trade.as_bytes()) % u64::from(partitions)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::valuation::{Greek, value};

    #[test]
    fn figures_that_cannot_be_summed_fail_the_trade() {
        let Outcome::Failed(reason) = Outcome::of(Figures::new(1.0).with(Amount::Rho, 2e17)) else {
            panic!("2e17 is beyond 2^57");
        };
        assert_eq!(
            reason,
            "rho: the amount 2e17 is not below 2^57 (about 1.44e17) in size"
        );
        assert!(matches!(
            Outcome::of(Figures::new(f64::INFINITY)),
            Outcome::Failed(_)
        ));
        assert!(matches!(Outcome::of(Figures::new(1.0)), Outcome::Valued(_)));
    }

    #[test]
    fn the_sample_values_to_contributions() {
        let (portfolio, market) = (crate::sample::portfolio(), crate::sample::market());
        for trade in portfolio.trades() {
            let mut valuation = value(trade, &market).unwrap();
            // A second curve of the same greek, as a swap has.
            valuation.sensitivities.extend_from_within(..);
            let figures = Figures::from(&valuation);
            assert_eq!(figures.get(Amount::Npv), Some(valuation.npv_base));
            for greek in Greek::ALL {
                let of_greek = valuation.sensitivities.iter().filter(|s| s.greek == greek);
                let sum = of_greek.map(|s| s.base).reduce(|sum, base| sum + base);
                assert_eq!(figures.get(greek.into()), sum);
            }
            let version = trade.version.into();
            let contribution =
                Contribution::new(&trade.id, version, trade.dimensions(), Outcome::of(figures));
            let names: Vec<_> = contribution
                .dimensions
                .iter()
                .map(|(name, _)| &**name)
                .collect();
            assert!(names.contains(&"TradeType") && !names.contains(&TRADE_ID));
        }
    }

    #[test]
    fn trades_spread_over_partitions_and_stay() {
        let mut counts = [0; 4];
        for n in 0..4000 {
            counts[partition_of(&format!("T{n}"), 4) as usize] += 1;
        }
        assert!(
            counts.iter().all(|&n| (800..1200).contains(&n)),
            "{counts:?}"
        );
        // By the reference implementation of XXH3: what is on disk must keep its owner.
        for (trade, owner) in [("EU1", 999), ("T42", 420), ("Zürich-7", 288)] {
            assert_eq!(partition_of(trade, 1000), owner);
        }
    }
}
