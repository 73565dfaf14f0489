//! Swaps, by discounting: every flow on the curve of the currency, every index on its own.

use super::engine::Priced;
use super::flow::{Flow, Flows};
use crate::market::{Market, Unavailable};
use crate::portfolio::{Leg, Swap};

/// Values a swap that is not past. Its rhos are by the discount curve and by that of each of its
/// [indices](Swap::indices).
pub(super) fn price(swap: &Swap, market: &Market) -> Result<Priced, Unavailable> {
    let (mut npv, mut rhos) = (0.0, vec![0.0]);
    rhos.resize(1 + swap.indices().count(), 0.0);
    for leg in &swap.legs {
        let value = flows(swap, leg, market)?.value()?;
        npv += value.npv;
        rhos[0] += value.by_discount;
        let curve = swap.indices().position(|index| leg.index() == Some(index));
        if let Some(number) = curve {
            rhos[1 + number] += value.by_index;
        }
    }
    Ok(Priced::rates(npv, &rhos))
}

/// The flows of one leg that are to come.
pub(super) fn leg_flows(swap: &Swap, leg: &Leg, market: &Market) -> Result<Vec<Flow>, Unavailable> {
    let mut all = Vec::new();
    flows(swap, leg, market)?.each(|flow| all.push(flow))?;
    Ok(all)
}

fn flows<'m>(swap: &Swap, leg: &'m Leg, market: &'m Market) -> Result<Flows<'m>, Unavailable> {
    Flows::new(leg, market.discount_curve(swap.currency)?, false, market)
}
