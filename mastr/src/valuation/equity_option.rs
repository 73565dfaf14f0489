//! Options on equities: Black–Scholes–Merton, and early exercise.

use super::engine::{Inputs, Priced};
use super::{BlackScholes, NoBoundary, scenario_inputs};
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::{EquityOption, Exercise};

/// Values an option that is not past.
pub(super) fn price(option: &EquityOption, market: &Market) -> Result<Priced, Unavailable> {
    let inputs = inputs(option, market)?;
    let unit = unit(option, &inputs);
    let unit = match option.exercise {
        Exercise::European => unit.closed_form(),
        Exercise::American => unit.american().map_err(unavailable)?.form,
    };
    Ok(Priced::option(inputs, unit, scale(option)))
}

/// Its value alone.
pub(super) fn npv(option: &EquityOption, market: &Market) -> Result<f64, Unavailable> {
    let unit = unit(option, &inputs(option, market)?);
    let value = match option.exercise {
        Exercise::European => unit.value(),
        Exercise::American => unit.american_value().map_err(unavailable)?,
    };
    Ok(scale(option) * value)
}

/// The value alone of a European option in each scenario, if that can be told of all at once.
pub(super) fn npvs(option: &EquityOption, scenarios: &Scenarios, time: f64) -> Option<Vec<f64>> {
    if option.exercise != Exercise::European {
        return None;
    }
    let inputs = scenario_inputs(option, scenarios, time)?;
    let npvs = inputs
        .iter()
        .map(|inputs| scale(option) * unit(option, inputs).value());
    Some(npvs.collect())
}

fn unavailable(reason: NoBoundary) -> Unavailable {
    Unavailable(reason.to_string())
}

/// What the market says to it.
pub(super) fn inputs(option: &EquityOption, market: &Market) -> Result<Inputs, Unavailable> {
    let time = market.time(option.expiry);
    let surface = market.equity_volatility(&option.name, option.currency)?;
    Ok(Inputs {
        time,
        spot: market.spot(&option.name, option.currency)?,
        log_discount: market.discount_curve(option.currency)?.log_discount(time),
        log_yield: market
            .dividends(&option.name, option.currency)
            .log_discount(time),
        volatility: Some(surface.volatility(time, option.strike)),
    })
}

/// What it says in each scenario, if that can be told of all at once.
pub(super) fn scenario_inputs(
    option: &EquityOption,
    scenarios: &Scenarios,
    time: f64,
) -> Option<Vec<Inputs>> {
    let strike = Some(option.strike);
    scenario_inputs::equity(scenarios, &option.name, option.currency, time, strike)
}

/// The European option on one unit.
pub(super) fn unit(option: &EquityOption, inputs: &Inputs) -> BlackScholes {
    BlackScholes::new(option.kind, option.strike, inputs)
}

/// How many units, negative if they are owed.
pub(super) fn scale(option: &EquityOption) -> f64 {
    option.position.sign() * option.quantity
}
