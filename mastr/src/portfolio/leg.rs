//! The legs of swaps and bonds.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Accrual, Currency, Index};
use crate::time::{Calendar, Date};

/// A stream of interest payments, and on what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leg {
    /// Whether the holder pays it, or else receives it.
    pub payer: bool,
    /// What its periods follow from. Shared between legs of one portfolio that agree in it.
    pub accrual: Arc<Accrual>,
    /// What interest is paid on, period by period; the last one goes on. Not negative, at least
    /// one.
    pub notionals: Box<[f64]>,
    /// Rates of a fixed leg, spreads over the index of a floating one, period by period; the last
    /// one goes on. At least one.
    pub rates: Box<[f64]>,
}

/// Legs of one currency, exchanged for each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Swap {
    /// Currency of all legs.
    pub currency: Currency,
    /// At least one. The first gives the trade its notional.
    pub legs: Box<[Leg]>,
    /// The day of the last payment.
    pub maturity: Date,
}

/// A bond: a leg whose notional is repaid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bond {
    /// Currency of all flows.
    pub currency: Currency,
    /// Name of the curve, of this currency, that flows are discounted on.
    pub curve: Arc<str>,
    /// Its payments. What the notional is reduced by after a period is repaid with the period's
    /// interest, what is left with the last.
    pub leg: Leg,
    /// So many bonds; not negative.
    pub factor: f64,
    /// The first day on which it is settled.
    pub issue_date: Date,
    /// So many business days after a trade it is settled.
    pub settlement_days: u8,
    /// Business days of settlement.
    pub calendar: Calendar,
    /// The day of the last payment.
    pub maturity: Date,
}

impl Leg {
    /// 1 when it is received, -1 when it is paid.
    pub fn sign(&self) -> f64 {
        if self.payer { -1.0 } else { 1.0 }
    }

    /// The index of a floating leg.
    pub fn index(&self) -> Option<Index> {
        self.accrual.floating.map(|floating| floating.index)
    }

    /// What interest is paid on in period `index`, from 0.
    pub fn notional(&self, index: usize) -> f64 {
        carried(&self.notionals, index)
    }

    /// The rate, or the spread over the index, of period `index`, from 0.
    pub fn rate(&self, index: usize) -> f64 {
        carried(&self.rates, index)
    }
}

impl Swap {
    /// The indices of its legs, each once, in the order of the legs.
    pub fn indices(&self) -> impl Iterator<Item = Index> {
        self.legs.iter().enumerate().filter_map(|(number, leg)| {
            let mut earlier = self.legs[..number].iter();
            let index = leg.index()?;
            (!earlier.any(|leg| leg.index() == Some(index))).then_some(index)
        })
    }
}

impl Bond {
    /// The index of its leg, if its curve is another one than the bond's.
    pub fn indices(&self) -> impl Iterator<Item = Index> {
        let index = self.leg.index();
        index
            .filter(|index| (index.curve(), index.currency()) != (&*self.curve, self.currency))
            .into_iter()
    }
}

/// The number at `index`, or the last one.
fn carried(numbers: &[f64], index: usize) -> f64 {
    let number = numbers.get(index).or(numbers.last());
    // Invariant: there is at least one, whatever a peer may have sent.
    number.copied().unwrap_or(0.0)
}
