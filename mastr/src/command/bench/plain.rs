//! The same trades by plain code: one number after the other.

use std::array::from_fn;
use std::hint::black_box;

use super::CommandError;
use super::book::{Book, PATHS, SCENARIOS, STEPS};
use super::engine::Engine;
use super::measurement::{Contender, Measured};
use super::textbook::{Knocked, Terms};
use crate::market::{Curve, Market};
use crate::portfolio::{EquityOption, Exercise, Knock, Leg, Product, Trade};

/// What rates are moved by.
const BASIS_POINT: f64 = 1e-4;

/// Plain implementations.
pub(super) struct Plain<'b>(&'b Book);

impl<'b> Plain<'b> {
    pub(super) fn new(book: &'b Book) -> Self {
        Self(book)
    }
}

impl Contender for Plain<'_> {
    fn name(&self, engine: Engine) -> String {
        match engine {
            Engine::European => "plain: the textbook's formulas",
            Engine::Barrier => "plain: the textbook's formulas, nine times for the greeks",
            Engine::American => "plain: a tree of 1000 steps, right to 1e-3, no greeks",
            Engine::Asian => "plain: path by path, no control variate",
            Engine::Swap | Engine::Bond => "plain: flow by flow, once more for each rho",
            Engine::Scenarios => "plain: the textbook's formula, market by market",
        }
        .to_owned()
    }

    fn measure(&mut self, engine: Engine, seconds: f64) -> Result<Measured, CommandError> {
        let (trades, market) = (self.0.trades(engine), &self.0.market);
        let units = match engine {
            Engine::Asian => STEPS * PATHS,
            Engine::Scenarios => SCENARIOS,
            _ => 1,
        };
        let in_scenarios = |trade: &Trade| -> f64 {
            let markets = self.0.scenarios.iter().map(|scenario| &scenario.market);
            markets.map(|market| npv(trade, market)).sum()
        };
        Ok(Measured::over(seconds, trades.len() * units, || {
            let trades = trades.iter().map(black_box);
            match engine {
                Engine::Scenarios => trades.map(in_scenarios).sum(),
                Engine::Asian => trades.map(|trade| npv(trade, market)).sum(),
                _ => trades
                    .map(|trade| black_box(npv_and_greeks(trade, market))[0])
                    .sum(),
            }
        }))
    }
}

/// The value, and then greeks or rhos as far as there are any.
fn npv_and_greeks(trade: &Trade, market: &Market) -> [f64; 7] {
    match &trade.product {
        Product::EquityOption(option) if option.exercise == Exercise::European => {
            terms(option, market).european()
        }
        Product::EquityBarrierOption(option) => {
            let knocked = knocked(option);
            terms(&option.option, market).bumped(|terms| terms.knocked(&knocked))
        }
        Product::Swap(_) | Product::Bond(_) => {
            let moved = |by: [f64; 2]| legs(trade, market, by);
            let slope = |curve: usize| {
                let by = |sign: f64| {
                    from_fn(|each| {
                        if each == curve {
                            sign * BASIS_POINT
                        } else {
                            0.0
                        }
                    })
                };
                (moved(by(1.0)) - moved(by(-1.0))) / (2.0 * BASIS_POINT)
            };
            [moved([0.0; 2]), slope(0), slope(1), 0.0, 0.0, 0.0, 0.0]
        }
        _ => [npv(trade, market), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    }
}

fn npv(trade: &Trade, market: &Market) -> f64 {
    match &trade.product {
        Product::EquityOption(option) => match option.exercise {
            Exercise::European => terms(option, market).value(),
            Exercise::American => terms(option, market).american(),
        },
        Product::EquityBarrierOption(option) => {
            terms(&option.option, market).knocked(&knocked(option))
        }
        Product::EquityAsianOption(option) => {
            // Invariant: the book's market has all that its trades need.
            let dates = market.dates(&option.observations).expect("it has dates");
            let times: Vec<f64> = dates.iter().map(|date| market.time(*date)).collect();
            terms(&option.option, market).averaged(&times, PATHS)
        }
        Product::Swap(_) | Product::Bond(_) => legs(trade, market, [0.0; 2]),
        // The book has no others.
        _ => f64::NAN,
    }
}

fn terms(option: &EquityOption, market: &Market) -> Terms {
    let (name, currency) = (&option.name, option.currency);
    let time = market.time(option.expiry);
    // Invariant: the book's market has all that its trades need.
    let surface = market
        .equity_volatility(name, currency)
        .expect("it is quoted");
    Terms {
        phi: option.kind.sign(),
        spot: market.spot(name, currency).expect("it is quoted"),
        strike: option.strike,
        time,
        rate: market
            .discount_curve(currency)
            .expect("it is quoted")
            .zero_rate(time),
        carry: market.dividends(name, currency).zero_rate(time),
        volatility: surface.volatility(time, option.strike),
    }
}

fn knocked(option: &crate::portfolio::EquityBarrierOption) -> Knocked {
    Knocked {
        up: option.barrier.is_up(),
        out: option.barrier.knock() == Knock::Out,
        level: option.level,
        rebate: option.rebate,
    }
}

/// What a swap or a bond is worth where the zero rates of the discount curve and of the index's have
/// moved so far.
fn legs(trade: &Trade, market: &Market, moved: [f64; 2]) -> f64 {
    let (legs, curve, redeems): (&[Leg], _, _) = match &trade.product {
        Product::Swap(swap) => (&swap.legs, market.discount_curve(swap.currency), false),
        Product::Bond(bond) => (
            std::slice::from_ref(&bond.leg),
            market.curve(&bond.curve, bond.currency),
            true,
        ),
        _ => return f64::NAN,
    };
    // Invariant, here and below: the book's market has all that its trades need.
    let curve = curve.expect("it is quoted");
    legs.iter()
        .map(|leg| leg_value(leg, curve, redeems, market, moved))
        .sum()
}

fn leg_value(leg: &Leg, curve: &Curve, redeems: bool, market: &Market, moved: [f64; 2]) -> f64 {
    let discount =
        |curve: &Curve, time: f64, moved: f64| (curve.log_discount(time) - moved * time).exp();
    let index = leg.index().map(|index| {
        market
            .curve(index.curve(), index.currency())
            .expect("it is quoted")
    });
    let periods = market.periods(&leg.accrual).expect("it has periods");
    let mut value = 0.0;
    for (number, period) in periods.iter().enumerate() {
        let time = market.time(period.payment);
        if time <= 0.0 {
            continue;
        }
        let mut rate = leg.rate(number);
        if let (Some(index), Some(fixing)) = (index, period.fixing) {
            let [start, end] =
                [period.start, period.end].map(|date| discount(index, market.time(date), moved[1]));
            rate += (start / end - 1.0) / fixing.years;
        }
        let repaid = if redeems && number + 1 == periods.len() {
            1.0
        } else {
            0.0
        };
        let paid = leg.notional(number) * (rate * period.years + repaid);
        value += paid * discount(curve, time, moved[0]);
    }
    leg.sign() * value
}
