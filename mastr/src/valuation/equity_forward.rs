//! Forwards on equities, by discounting.

use super::engine::{Inputs, Priced};
use super::forward::Forward;
use crate::market::{Market, Unavailable};
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
    let value = Forward {
        units: forward.quantity,
        cash: forward.quantity * forward.strike,
        spot: inputs.spot,
        time,
        log_discount: inputs.log_discount,
        log_yield: inputs.log_yield,
    }
    .closed_form();
    Ok(Priced::forward(inputs, &value, forward.position.sign()))
}
