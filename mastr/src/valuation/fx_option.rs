//! European options on exchange rates: Garman–Kohlhagen; in the sold currency.

use super::BlackScholes;
use super::engine::{Inputs, Priced};
use crate::market::{Market, Unavailable};
use crate::portfolio::FxOption;

/// Values an option that is not past.
pub(super) fn price(option: &FxOption, market: &Market) -> Result<Priced, Unavailable> {
    let (inputs, unit, scale) = unit(option, market)?;
    Ok(Priced::option(inputs, unit.closed_form(), scale))
}

/// Its value alone.
pub(super) fn npv(option: &FxOption, market: &Market) -> Result<f64, Unavailable> {
    let (_, unit, scale) = unit(option, market)?;
    Ok(scale * unit.value())
}

/// What the market says, the option on one unit, and how many there are.
fn unit(option: &FxOption, market: &Market) -> Result<(Inputs, BlackScholes, f64), Unavailable> {
    let time = market.time(option.expiry);
    // Invariant: an option buys more than zero.
    let strike = option.sold_amount / option.bought_amount;
    let surface = market.exchange_volatility(option.bought, option.sold)?;
    let volatility = surface.volatility(time, strike);
    let inputs = Inputs {
        time,
        spot: market.exchange_rate(option.bought, option.sold)?,
        log_discount: market.discount_curve(option.sold)?.log_discount(time),
        log_yield: market.discount_curve(option.bought)?.log_discount(time),
        volatility: Some(volatility),
    };
    let unit = BlackScholes {
        kind: option.kind,
        spot: inputs.spot,
        strike,
        time,
        log_discount: inputs.log_discount,
        log_yield: inputs.log_yield,
        volatility,
    };
    let scale = option.position.sign() * option.bought_amount;
    Ok((inputs, unit, scale))
}
