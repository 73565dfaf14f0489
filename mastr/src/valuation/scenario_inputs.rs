//! What the market says to one trade in each scenario, told of all of them at once.
//!
//! To the bit what an engine is given in the scenario's own market; `None` if it has to be asked
//! there, see [`Scenarios`].

use super::engine::Inputs;
use crate::market::{CurveStrip, Scenarios, Strip};
use crate::portfolio::Currency;

/// Of a trade on an equity, with the volatility at `strike` if it needs one.
pub(super) fn equity(
    scenarios: &Scenarios,
    name: &str,
    currency: Currency,
    time: f64,
    strike: Option<f64>,
) -> Option<Vec<Inputs>> {
    let volatility = match strike {
        Some(_) => Some(scenarios.equity_volatility(name, currency)?),
        None => None,
    };
    let volatility = volatility.as_deref().zip(strike);
    let volatility = volatility.map(|(surface, strike)| surface.volatility(time, strike));
    Some(inputs(
        scenarios,
        time,
        &*scenarios.spot(name, currency)?,
        &*scenarios.discount_curve(currency)?,
        &*scenarios.dividends(name, currency)?,
        volatility,
    ))
}

/// Of a trade on the price of one `bought` in `sold`, with the volatility at `strike` if it needs
/// one.
pub(super) fn exchange(
    scenarios: &Scenarios,
    bought: Currency,
    sold: Currency,
    time: f64,
    strike: Option<f64>,
) -> Option<Vec<Inputs>> {
    let volatility = match strike {
        Some(_) => Some(scenarios.exchange_volatility(bought, sold)?),
        None => None,
    };
    let volatility = volatility.as_deref().zip(strike);
    let volatility = volatility.map(|(pair, strike)| pair.volatility(time, strike));
    Some(inputs(
        scenarios,
        time,
        &*scenarios.exchange_rate(bought, sold)?,
        &*scenarios.discount_curve(sold)?,
        &*scenarios.discount_curve(bought)?,
        volatility,
    ))
}

fn inputs(
    scenarios: &Scenarios,
    time: f64,
    spot: &Strip,
    discount: &CurveStrip,
    yields: &CurveStrip,
    volatility: Option<impl Fn(usize) -> f64>,
) -> Vec<Inputs> {
    let (discount, yields) = (discount.log_discount(time), yields.log_discount(time));
    let in_scenario = |scenario| Inputs {
        time,
        spot: spot.at(scenario),
        log_discount: discount(scenario),
        log_yield: yields(scenario),
        volatility: volatility.as_ref().map(|volatility| volatility(scenario)),
    };
    (0..scenarios.len()).map(in_scenario).collect()
}
