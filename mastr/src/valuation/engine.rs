//! What an engine is given and what it gives.

use super::forward::ForwardValue;
use super::{ClosedForm, Greek};

/// What the market said to one trade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Years from the as-of date to the last flow, A365F.
    pub time: f64,
    /// Price of the underlying today, in the trade's currency.
    pub spot: f64,
    /// Logarithm of the discount factor of the trade's currency.
    pub log_discount: f64,
    /// Logarithm of the factor of dividends, or of the bought currency's discount factor.
    pub log_yield: f64,
    /// Lognormal volatility at expiry and strike, where there is one.
    pub volatility: Option<f64>,
}

impl Inputs {
    /// The price of the underlying for delivery at the last flow.
    pub fn forward(&self) -> f64 {
        self.spot * libm::exp(self.log_yield - self.log_discount)
    }
}

/// What an engine gives: value and greeks in the trade's currency, signed and times the quantity.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Priced {
    pub(super) inputs: Inputs,
    pub(super) npv: f64,
    /// In the order of [`Greek::ALL`]; `None` where the product has none.
    greeks: [Option<f64>; Greek::ALL.len()],
}

impl Priced {
    /// `scale` options on one unit; negative when they are owed.
    pub(super) fn option(inputs: Inputs, unit: ClosedForm, scale: f64) -> Self {
        let ClosedForm {
            value,
            delta,
            gamma,
            vega,
            theta,
            rho,
            dividend_rho,
        } = unit;
        Self {
            inputs,
            npv: scale * value,
            greeks: [delta, gamma, vega, theta, rho, dividend_rho].map(|greek| Some(scale * greek)),
        }
    }

    /// A forward; `sign` is negative when it is owed.
    pub(super) fn forward(inputs: Inputs, forward: &ForwardValue, sign: f64) -> Self {
        Self {
            inputs,
            npv: sign * forward.value,
            greeks: [
                Some(sign * forward.delta),
                None,
                None,
                Some(sign * forward.theta),
                Some(sign * forward.rho),
                Some(sign * forward.dividend_rho),
            ],
        }
    }

    /// The greeks that the product has.
    pub(super) fn greeks(&self) -> impl Iterator<Item = (Greek, f64)> {
        Greek::ALL
            .into_iter()
            .zip(self.greeks)
            .filter_map(|(greek, value)| value.map(|value| (greek, value)))
    }
}
