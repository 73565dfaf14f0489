//! Options on equities: Black–Scholes–Merton, and early exercise.

use super::engine::{Inputs, Priced};
use super::{BlackScholes, NoBoundary};
use crate::market::{Market, Unavailable};
use crate::portfolio::{EquityOption, Exercise};

/// Values an option that is not past.
pub(super) fn price(option: &EquityOption, market: &Market) -> Result<Priced, Unavailable> {
    let (inputs, unit, scale) = unit(option, market)?;
    let unit = match option.exercise {
        Exercise::European => unit.closed_form(),
        Exercise::American => unit.american().map_err(unavailable)?.form,
    };
    Ok(Priced::option(inputs, unit, scale))
}

/// Its value alone.
pub(super) fn npv(option: &EquityOption, market: &Market) -> Result<f64, Unavailable> {
    let (_, unit, scale) = unit(option, market)?;
    let value = match option.exercise {
        Exercise::European => unit.value(),
        Exercise::American => unit.american_value().map_err(unavailable)?,
    };
    Ok(scale * value)
}

fn unavailable(reason: NoBoundary) -> Unavailable {
    Unavailable(reason.to_string())
}

/// What the market says, the option on one unit, and how many there are.
fn unit(
    option: &EquityOption,
    market: &Market,
) -> Result<(Inputs, BlackScholes, f64), Unavailable> {
    let time = market.time(option.expiry);
    let surface = market.equity_volatility(&option.name, option.currency)?;
    let volatility = surface.volatility(time, option.strike);
    let inputs = Inputs {
        time,
        spot: market.spot(&option.name, option.currency)?,
        log_discount: market.discount_curve(option.currency)?.log_discount(time),
        log_yield: market
            .dividends(&option.name, option.currency)
            .log_discount(time),
        volatility: Some(volatility),
    };
    let unit = BlackScholes {
        kind: option.kind,
        spot: inputs.spot,
        strike: option.strike,
        time,
        log_discount: inputs.log_discount,
        log_yield: inputs.log_yield,
        volatility,
    };
    let scale = option.position.sign() * option.quantity;
    Ok((inputs, unit, scale))
}
