//! Bonds, by discounting every flow on the curve that they refer to.

use super::engine::Priced;
use super::flow::{Flow, Flows};
use crate::market::{Market, Unavailable};
use crate::portfolio::Bond;
use crate::time::{BusinessDayConvention, Date};

/// Prices of a bond on the day on which a trade of the as-of date is settled, for 100 of its
/// notional then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BondPrice {
    /// The day of settlement.
    pub settlement: Date,
    /// What is paid: the flows after settlement, discounted to it.
    pub dirty: f64,
    /// Interest of the next flow that has accrued until settlement.
    pub accrued: f64,
}

/// Values a bond that is not past. Its rhos are by the curve it refers to and, of a floating one, by
/// the index's if that is another.
pub(super) fn price(bond: &Bond, market: &Market) -> Result<Priced, Unavailable> {
    let value = flows(bond, market)?.value()?;
    let rhos = [value.by_discount, value.by_index].map(|rho| bond.factor * rho);
    let curves = 1 + bond.indices().count();
    Ok(Priced::rates(bond.factor * value.npv, &rhos[..curves]))
}

/// The flows that are to come, of one bond.
pub(super) fn all_flows(bond: &Bond, market: &Market) -> Result<Vec<Flow>, Unavailable> {
    let mut all = Vec::new();
    flows(bond, market)?.each(|flow| all.push(flow))?;
    Ok(all)
}

fn flows<'m>(bond: &'m Bond, market: &'m Market) -> Result<Flows<'m>, Unavailable> {
    let curve = market.curve(&bond.curve, bond.currency)?;
    Flows::new(&bond.leg, curve, true, market)
}

/// Prices at settlement, of the `flows` that are to come; `None` if none is after it, or
/// there is next to nothing to be paid for.
///
/// Dirty is Σ cᵢ·P(tᵢ)/P(s), clean is dirty less accrued: Hull, *Options, Futures, and Other
/// Derivatives*, 9th edition (2015), sections 4.4 and 6.1.
pub(super) fn at_settlement(
    bond: &Bond,
    flows: &[Flow],
    market: &Market,
) -> Result<Option<BondPrice>, Unavailable> {
    let Some(settlement) = settlement(bond, market.as_of()) else {
        return Ok(None);
    };
    let flows = &flows[flows.partition_point(|flow| flow.period.payment <= settlement)..];
    let Some(next) = flows.first() else {
        return Ok(None);
    };
    let percent = 100.0 / next.notional;
    if !percent.is_finite() {
        return Ok(None);
    }
    let curve = market.curve(&bond.curve, bond.currency)?;
    let discount = curve.discount(market.time(settlement));
    let dirty: f64 = flows.iter().map(Flow::present).sum();
    let accrued = flows
        .iter()
        .take_while(|flow| flow.period.payment == next.period.payment)
        .map(|flow| {
            let period = &flow.period;
            let until = settlement.clamp(period.start, period.end);
            let years = bond.leg.accrual.day_count.years(period.start, until);
            flow.notional * flow.rate * years
        });
    Ok(Some(BondPrice {
        settlement,
        dirty: dirty / discount * percent,
        accrued: accrued.sum::<f64>() * percent,
    }))
}

/// The day on which a trade of the as-of date is settled, not before the issue.
fn settlement(bond: &Bond, as_of: Date) -> Option<Date> {
    let calendar = bond.calendar;
    let day = match bond.settlement_days {
        0 => calendar.adjust(as_of, BusinessDayConvention::Following),
        days => calendar.add_business_days(as_of, i32::from(days)),
    };
    Some(day?.max(bond.issue_date))
}

impl BondPrice {
    /// The price without the interest that has accrued.
    pub fn clean(&self) -> f64 {
        self.dirty - self.accrued
    }
}
