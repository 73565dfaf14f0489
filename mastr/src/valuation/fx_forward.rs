//! Foreign exchange forwards, by discounting; in the sold currency.

use super::engine::{Inputs, Priced};
use super::forward::{Forward, ForwardValue};
use super::scenario_inputs;
use crate::market::{Market, Scenarios, Unavailable};
use crate::portfolio::{Currency, FxForward};

/// Values a forward that is not past.
pub(super) fn price(forward: &FxForward, market: &Market) -> Result<Priced, Unavailable> {
    let time = market.time(forward.value_date);
    let inputs = Inputs {
        time,
        spot: market.exchange_rate(forward.bought, forward.sold)?,
        log_discount: market.discount_curve(forward.sold)?.log_discount(time),
        log_yield: market.discount_curve(forward.bought)?.log_discount(time),
        volatility: None,
    };
    let value = value(forward, &inputs);
    Ok(Priced::forward(inputs, &value, 1.0))
}

/// Its value alone in each scenario, if that can be told of all at once.
pub(super) fn npvs(forward: &FxForward, scenarios: &Scenarios, time: f64) -> Option<Vec<f64>> {
    let inputs = scenario_inputs::exchange(scenarios, forward.bought, forward.sold, time, None)?;
    Some(
        inputs
            .iter()
            .map(|inputs| value(forward, inputs).value)
            .collect(),
    )
}

fn value(forward: &FxForward, inputs: &Inputs) -> ForwardValue {
    Forward {
        units: forward.bought_amount,
        cash: forward.sold_amount,
        spot: inputs.spot,
        time: inputs.time,
        log_discount: inputs.log_discount,
        log_yield: inputs.log_yield,
    }
    .closed_form()
}

/// The leg that is worth more at the `exchange_forward`, and its currency; the sold one if they are
/// worth the same.
pub(super) fn notional(forward: &FxForward, exchange_forward: f64) -> (f64, Currency) {
    if forward.bought_amount * exchange_forward > forward.sold_amount {
        (forward.bought_amount, forward.bought)
    } else {
        (forward.sold_amount, forward.sold)
    }
}
