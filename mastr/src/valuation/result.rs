//! What a valuation gives.

use serde::{Deserialize, Serialize};

use super::Greek;
use crate::portfolio::Currency;
use crate::time::Date;

/// What a trade is worth. Compact, and made to travel like [`Trade`](crate::portfolio::Trade).
///
/// Every figure in base currency is finite and at most [`Valuation::LARGEST`] in size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Valuation {
    /// Net present value in [`Valuation::currency`].
    pub npv: f64,
    /// Net present value in base currency.
    pub npv_base: f64,
    /// Of `npv`, where it is an estimate by simulation; zero of all others.
    pub standard_error: f64,
    /// Of `npv_base`.
    pub standard_error_base: f64,
    /// Currency of `npv` and of every sensitivity's `value`.
    pub currency: Currency,
    /// The day of the last flow.
    pub maturity: Date,
    /// Size of the trade in [`Valuation::notional_currency`].
    pub notional: f64,
    /// Currency of `notional`.
    pub notional_currency: Currency,
    /// Size of the trade in base currency.
    pub notional_base: f64,
    /// In the order of [`Greek::ALL`]; a greek that the product does not have is left out, one by
    /// several curves stands here several times.
    pub sensitivities: Vec<Sensitivity>,
    /// What a reader of the value has to know.
    pub notes: Vec<Note>,
}

/// One greek of one trade: signed, and times its quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Which greek.
    pub greek: Greek,
    /// In the trade's currency: delta and gamma per unit of spot, vega and rhos per 1.00, theta
    /// per year.
    pub value: f64,
    /// In base currency, for a move of usual size: delta of 1 % of spot, gamma S²·(1 %)², vega of
    /// one volatility point, theta of a day, rhos of a basis point. The only one to aggregate.
    pub base: f64,
}

/// A remark on a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Note {
    /// Everything was due on or before the as-of date, so it is worth zero.
    Past,
}

impl Valuation {
    /// The largest contribution that can be summed exactly, 2⁵⁷; beyond it a trade fails.
    pub const LARGEST: f64 = 144_115_188_075_855_872.0;

    /// The first sensitivity to `greek`, if the product has it.
    pub fn sensitivity(&self, greek: Greek) -> Option<&Sensitivity> {
        self.sensitivities.iter().find(|s| s.greek == greek)
    }

    /// Every sensitivity, with its number among those of its greek, from 0.
    pub fn numbered(&self) -> impl Iterator<Item = (&Sensitivity, usize)> {
        self.sensitivities.iter().enumerate().map(|(place, one)| {
            let earlier = &self.sensitivities[..place];
            let number = earlier
                .iter()
                .filter(|other| other.greek == one.greek)
                .count();
            (one, number)
        })
    }

    /// Whether all was due on or before the as-of date.
    pub fn is_past(&self) -> bool {
        self.notes.contains(&Note::Past)
    }
}
