//! Forwards on equities, by discounting.

use super::engine::{Inputs, Priced};
use super::forward::{Forward, ForwardValue};
use super::scenario_inputs;
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::EquityForward;

/// Values a forward that is not past.
pub(super) fn price(forward: &EquityForward, market: &Market) -> Result<Priced, Unavailable> {
    let time = market.time(forward.maturity);
    let inputs = Inputs {
        time,
        spot: market.spot(&forward.name, forward.currency)?,
        log_discount: market.discount_curve(forward.currency)?.log_discount(time),
        log_yield: market
            .dividends(&forward.name, forward.currency)
            .log_discount(time),
        volatility: None,
    };
    let value = value(forward, &inputs);
    Ok(Priced::forward(inputs, &value, forward.position.sign()))
}

/// Its value alone in each scenario, if that can be told of all at once.
pub(super) fn npvs(forward: &EquityForward, scenarios: &Scenarios, time: f64) -> Option<Vec<f64>> {
    let inputs = scenario_inputs::equity(scenarios, &forward.name, forward.currency, time, None)?;
    let npv = |inputs| forward.position.sign() * value(forward, inputs).value;
    Some(inputs.iter().map(npv).collect())
}

fn value(forward: &EquityForward, inputs: &Inputs) -> ForwardValue {
    Forward {
        units: forward.quantity,
        cash: forward.quantity * forward.strike,
        spot: inputs.spot,
        time: inputs.time,
        log_discount: inputs.log_discount,
        log_yield: inputs.log_yield,
    }
    .closed_form()
}
