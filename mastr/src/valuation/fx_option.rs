//! European options on exchange rates: Garman–Kohlhagen; in the sold currency.

use super::engine::{Inputs, Priced};
use super::{BlackScholes, scenario_inputs};
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::FxOption;

/// Values an option that is not past.
pub(super) fn price(option: &FxOption, market: &Market) -> Result<Priced, Unavailable> {
    let inputs = inputs(option, market)?;
    let unit = unit(option, &inputs);
    Ok(Priced::option(inputs, unit.closed_form(), scale(option)))
}

/// Its value alone.
pub(super) fn npv(option: &FxOption, market: &Market) -> Result<f64, Unavailable> {
    let unit = unit(option, &inputs(option, market)?);
    Ok(scale(option) * unit.value())
}

/// Its value alone in each scenario, if that can be told of all at once.
pub(super) fn npvs(option: &FxOption, scenarios: &Scenarios, time: f64) -> Option<Vec<f64>> {
    let (bought, sold) = (option.bought, option.sold);
    let strike = Some(strike(option));
    let inputs = scenario_inputs::exchange(scenarios, bought, sold, time, strike)?;
    let npvs = inputs
        .iter()
        .map(|inputs| scale(option) * unit(option, inputs).value());
    Some(npvs.collect())
}

fn inputs(option: &FxOption, market: &Market) -> Result<Inputs, Unavailable> {
    let time = market.time(option.expiry);
    let surface = market.exchange_volatility(option.bought, option.sold)?;
    Ok(Inputs {
        time,
        spot: market.exchange_rate(option.bought, option.sold)?,
        log_discount: market.discount_curve(option.sold)?.log_discount(time),
        log_yield: market.discount_curve(option.bought)?.log_discount(time),
        volatility: Some(surface.volatility(time, strike(option))),
    })
}

/// The option on one unit of the bought currency.
fn unit(option: &FxOption, inputs: &Inputs) -> BlackScholes {
    BlackScholes::new(option.kind, strike(option), inputs)
}

fn strike(option: &FxOption) -> f64 {
    // Invariant: an option buys more than zero.
    option.sold_amount / option.bought_amount
}

/// How many units, negative if they are owed.
fn scale(option: &FxOption) -> f64 {
    option.position.sign() * option.bought_amount
}
