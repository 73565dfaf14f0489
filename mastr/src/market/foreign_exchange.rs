//! Exchange rates.

use std::collections::HashMap;

use super::snapshot::Unavailable;
use crate::portfolio::Currency;

/// The exchange rates quoted, and how to combine them.
#[derive(Clone, Debug, Default)]
pub(super) struct ForeignExchange {
    quotes: HashMap<(Currency, Currency), f64>,
    /// Currencies to go through, the first that serves.
    pivots: Vec<Currency>,
}

impl ForeignExchange {
    /// Rates to be combined through `base`, US dollar and euro.
    pub(super) fn new(base: Currency) -> Self {
        Self {
            quotes: HashMap::new(),
            pivots: vec![base, Currency::USD, Currency::EUR],
        }
    }

    /// Takes the quote `FX/RATE/foreign/domestic`.
    pub(super) fn insert(&mut self, foreign: Currency, domestic: Currency, rate: f64) {
        self.quotes.insert((foreign, domestic), rate);
    }

    /// Units of `to` for one `from`.
    pub(super) fn rate(&self, from: Currency, to: Currency) -> Result<f64, Unavailable> {
        if from == to {
            return Ok(1.0);
        }
        if let Some(rate) = self.quoted(from, to)? {
            return Ok(rate);
        }
        for &pivot in &self.pivots {
            if pivot != from
                && pivot != to
                && let Some(first) = self.quoted(from, pivot)?
                && let Some(second) = self.quoted(pivot, to)?
            {
                return Ok(first * second);
            }
        }
        Err(Unavailable(format!(
            "the market has no exchange rate from {from} to {to}: add FX/RATE/{from}/{to}"
        )))
    }

    /// The direct quote, or one over the inverse.
    fn quoted(&self, from: Currency, to: Currency) -> Result<Option<f64>, Unavailable> {
        let (key, rate, result) = if let Some(&rate) = self.quotes.get(&(from, to)) {
            ((from, to), rate, rate)
        } else if let Some(&rate) = self.quotes.get(&(to, from)) {
            ((to, from), rate, 1.0 / rate)
        } else {
            return Ok(None);
        };
        if result > 0.0 && result.is_finite() {
            Ok(Some(result))
        } else {
            Err(Unavailable(format!(
                "FX/RATE/{}/{} is {rate}: an exchange rate greater than zero is needed",
                key.0, key.1
            )))
        }
    }
}
