//! Exchange rates.

use hashbrown::HashMap;

use super::snapshot::Unavailable;
use crate::portfolio::Currency;
use crate::results::Shortest;

/// Which exchange rates are quoted, and how to combine them.
#[derive(Debug)]
pub(super) struct ForeignExchange {
    /// The number of each quoted rate: of the first currency in the second.
    numbers: HashMap<(Currency, Currency), usize>,
    /// Currencies to go through, the first that serves.
    pivots: Vec<Currency>,
}

impl ForeignExchange {
    /// Rates to be combined through `base`, US dollar and euro.
    pub(super) fn new(base: Currency) -> Self {
        Self {
            numbers: HashMap::new(),
            pivots: vec![base, Currency::USD, Currency::EUR],
        }
    }

    /// Takes the quote `FX/RATE/foreign/domestic`, the next by number.
    pub(super) fn insert(&mut self, foreign: Currency, domestic: Currency) {
        let number = self.numbers.len();
        self.numbers.insert((foreign, domestic), number);
    }

    /// Units of `to` for one `from`, where these are the `quotes` by number.
    pub(super) fn rate(
        &self,
        quotes: &[f64],
        from: Currency,
        to: Currency,
    ) -> Result<f64, Unavailable> {
        if from == to {
            return Ok(1.0);
        }
        if let Some(rate) = self.quoted(quotes, from, to)? {
            return Ok(rate);
        }
        for &pivot in &self.pivots {
            if pivot != from
                && pivot != to
                && let Some(first) = self.quoted(quotes, from, pivot)?
                && let Some(second) = self.quoted(quotes, pivot, to)?
            {
                return Ok(first * second);
            }
        }
        Err(Unavailable(format!(
            "the market has no exchange rate from {from} to {to}: add FX/RATE/{from}/{to}"
        )))
    }

    /// The direct quote, or one over the inverse.
    fn quoted(
        &self,
        quotes: &[f64],
        from: Currency,
        to: Currency,
    ) -> Result<Option<f64>, Unavailable> {
        let (key, rate, result) = if let Some(&number) = self.numbers.get(&(from, to)) {
            let rate = quotes[number];
            ((from, to), rate, rate)
        } else if let Some(&number) = self.numbers.get(&(to, from)) {
            let rate = quotes[number];
            ((to, from), rate, 1.0 / rate)
        } else {
            return Ok(None);
        };
        if result > 0.0 && result.is_finite() {
            Ok(Some(result))
        } else {
            Err(Unavailable(format!(
                "FX/RATE/{}/{} is {}: an exchange rate greater than zero is needed",
                key.0,
                key.1,
                Shortest(rate)
            )))
        }
    }
}
