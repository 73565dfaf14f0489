//! The payments of a leg that are to come, and what they are worth.

use std::sync::Arc;

use super::parallel_shift::slope;
use crate::market::{Curve, Market, Unavailable, Walk};
use crate::portfolio::{Floating, Leg, Period};
use crate::time::Date;

/// A payment of a leg that is to come, as its receiver sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// The period over which its interest accrues, and when it is paid.
    pub period: Period,
    /// What interest is paid on.
    pub notional: f64,
    /// The rate of a year, with the spread.
    pub rate: f64,
    /// Where the rate comes from.
    pub source: RateSource,
    /// The interest.
    pub interest: f64,
    /// What is repaid of the notional.
    pub redemption: f64,
    /// Years to the payment, A365F.
    pub time: f64,
    /// The discount factor to the payment.
    pub discount: f64,
}

/// Where the rate of a flow comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RateSource {
    /// It was agreed.
    Agreed,
    /// The index was fixed so.
    Fixed(f64),
    /// It is projected.
    Projected {
        /// P(s)/P(e) − 1 on the index's curve, of the period's start s and end e.
        growth: f64,
        /// Years from s to e, A365F.
        years: f64,
    },
}

/// The flows of one leg, and the curves that they are valued with.
pub(super) struct Flows<'m> {
    leg: &'m Leg,
    periods: Arc<[Period]>,
    market: &'m Market,
    discount: &'m Curve,
    /// Of a floating leg, what its fixings are projected from.
    index: Option<&'m Curve>,
    redeems: bool,
}

/// What the flows of one leg are worth to the holder, and how that moves by 1.00 of zero rates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct FlowsValue {
    pub(super) npv: f64,
    /// By the discount curve, which may be the index's too.
    pub(super) by_discount: f64,
    /// By the index's curve, if that is another one.
    pub(super) by_index: f64,
}

impl<'m> Flows<'m> {
    /// The flows of `leg`, discounted on `discount`; with repayments of the notional if it
    /// `redeems`.
    pub(super) fn new(
        leg: &'m Leg,
        discount: &'m Curve,
        redeems: bool,
        market: &'m Market,
    ) -> Result<Self, Unavailable> {
        let index = leg.index();
        let index = index.map(|index| market.curve(index.curve(), index.currency()));
        Ok(Self {
            leg,
            periods: market.periods(&leg.accrual)?,
            market,
            discount,
            index: index.transpose()?,
            redeems,
        })
    }

    /// Calls `each` for every flow after the as-of date, in the order of payment.
    ///
    /// Interest is N·(L + m)·α: notional, rate or index with its spread, and years. An index that
    /// is not fixed yet is L = (P(s)/P(e) − 1)/τ on its own curve: Henrard, *Interest Rate Modelling
    /// in the Multi-Curve Framework* (2014), chapter 2.
    pub(super) fn each(&self, mut each: impl FnMut(Flow)) -> Result<(), Unavailable> {
        let (leg, market) = (self.leg, self.market);
        let past = past(&self.periods, market);
        let mut discounts = self.discount.walk();
        let mut projection = self.index.map(Projection::new);
        for (number, &period) in self.periods.iter().enumerate().skip(past) {
            let (source, index) = match (leg.accrual.floating, &mut projection, period.fixing) {
                (Some(floating), Some(projection), Some(fixing)) => {
                    match known(floating, fixing.date, market)? {
                        Some(known) => (RateSource::Fixed(known), known),
                        None => {
                            let (growth, years) = projection.growth(market, &period);
                            let source = RateSource::Projected { growth, years };
                            (source, growth / fixing.years)
                        }
                    }
                }
                _ => (RateSource::Agreed, 0.0),
            };
            let (notional, rate) = (leg.notional(number), index + leg.rate(number));
            let redemption = match self.redeems {
                false => 0.0,
                true if number + 1 == self.periods.len() => notional,
                true => notional - leg.notional(number + 1),
            };
            let time = market.time(period.payment);
            each(Flow {
                period,
                notional,
                rate,
                source,
                interest: notional * rate * period.years,
                redemption,
                time,
                discount: libm::exp(discounts.log_discount(time)),
            });
        }
        Ok(())
    }

    /// What the flows are worth to the holder of the leg.
    pub(super) fn value(&self) -> Result<FlowsValue, Unavailable> {
        let one_curve = self
            .index
            .is_some_and(|index| std::ptr::eq(index, self.discount));
        let mut value = FlowsValue::default();
        self.each(|flow| value.add(&flow, one_curve))?;
        let sign = self.leg.sign();
        Ok(FlowsValue {
            npv: sign * value.npv,
            by_discount: sign * value.by_discount,
            by_index: sign * value.by_index,
        })
    }
}

impl FlowsValue {
    fn add(&mut self, flow: &Flow, one_curve: bool) {
        let present = flow.present();
        self.npv += present;
        let (RateSource::Projected { growth, years }, Some(fixing)) =
            (flow.source, flow.period.fixing)
        else {
            self.by_discount += slope(present, flow.time);
            return;
        };
        // It pays a multiple of P(s)/P(e), and what does not depend on the index.
        let scale = flow.notional * flow.period.years / fixing.years;
        let grown = scale * (1.0 + growth) * flow.discount;
        if one_curve {
            self.by_discount += slope(grown, flow.time - years) + slope(present - grown, flow.time);
        } else {
            self.by_discount += slope(present, flow.time);
            self.by_index += slope(grown, -years);
        }
    }
}

impl Flow {
    /// What is paid.
    pub fn amount(&self) -> f64 {
        self.interest + self.redemption
    }

    /// What it is worth today.
    pub fn present(&self) -> f64 {
        self.amount() * self.discount
    }
}

/// What `leg` pays interest on until its next flow; until its last one, if all are past.
pub(super) fn current_notional(leg: &Leg, market: &Market) -> Result<f64, Unavailable> {
    // A notional that never changes needs no dates.
    if leg.notionals.len() == 1 {
        return Ok(leg.notional(0));
    }
    let periods = market.periods(&leg.accrual)?;
    let last = periods.len().saturating_sub(1);
    Ok(leg.notional(past(&periods, market).min(last)))
}

/// How many periods are paid on or before the as-of date.
fn past(periods: &[Period], market: &Market) -> usize {
    let as_of = market.as_of();
    periods.partition_point(|period| period.payment <= as_of)
}

/// The fixing of `date`, if it is known; that of a past day has to be.
fn known(floating: Floating, date: Date, market: &Market) -> Result<Option<f64>, Unavailable> {
    let as_of = market.as_of();
    if date > as_of {
        return Ok(None);
    }
    let index = floating.index;
    match market.fixing(index.name(), date) {
        None if date < as_of => {
            let day = date.to_string().replace('-', "");
            Err(Unavailable(format!(
                "the fixing of {index} on {date} is not known: add {day} {index} VALUE to the \
                 fixings"
            )))
        }
        known => Ok(known),
    }
}

/// Growth on an index's curve, period by period.
struct Projection<'m> {
    walk: Walk<'m>,
    /// Time and logarithm of the discount factor where the last period ended.
    reached: (f64, f64),
}

impl<'m> Projection<'m> {
    fn new(curve: &'m Curve) -> Self {
        Self {
            walk: curve.walk(),
            reached: (0.0, 0.0),
        }
    }

    /// P(s)/P(e) − 1, and the years from s to e.
    fn growth(&mut self, market: &Market, period: &Period) -> (f64, f64) {
        let (start, end) = (market.time(period.start), market.time(period.end));
        let (reached, log) = self.reached;
        let from = if start == reached {
            log
        } else {
            self.walk.log_discount(start)
        };
        let to = self.walk.log_discount(end);
        self.reached = (end, to);
        (libm::expm1(from - to), end - start)
    }
}
