//! What an engine is given and what it gives.

use super::forward::ForwardValue;
use super::{ClosedForm, Greek, Sensitivity};

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
    /// Of products on one underlying.
    pub(super) inputs: Option<Inputs>,
    pub(super) npv: f64,
    /// Of the `npv`, where that is an estimate.
    pub(super) standard_error: f64,
    /// In the order of [`Greek::ALL`], those that the product has; one greek by several curves
    /// several times. What they are in base currency is not told yet.
    pub(super) sensitivities: Vec<Sensitivity>,
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
        let greeks = [delta, gamma, vega, theta, rho, dividend_rho];
        let greeks = Greek::ALL.into_iter().zip(greeks);
        Self {
            inputs: Some(inputs),
            npv: scale * value,
            standard_error: 0.0,
            sensitivities: greeks
                .map(|(greek, value)| sensitivity(greek, scale * value))
                .collect(),
        }
    }

    /// A forward; `sign` is negative when it is owed.
    pub(super) fn forward(inputs: Inputs, forward: &ForwardValue, sign: f64) -> Self {
        Self {
            inputs: Some(inputs),
            npv: sign * forward.value,
            standard_error: 0.0,
            sensitivities: vec![
                sensitivity(Greek::Delta, sign * forward.delta),
                sensitivity(Greek::Theta, sign * forward.theta),
                sensitivity(Greek::Rho, sign * forward.rho),
                sensitivity(Greek::DividendRho, sign * forward.dividend_rho),
            ],
        }
    }

    /// Legs, with their `rhos` curve by curve.
    pub(super) fn rates(npv: f64, rhos: &[f64]) -> Self {
        Self {
            inputs: None,
            npv,
            standard_error: 0.0,
            sensitivities: rhos
                .iter()
                .map(|rho| sensitivity(Greek::Rho, *rho))
                .collect(),
        }
    }
}

fn sensitivity(greek: Greek, value: f64) -> Sensitivity {
    Sensitivity {
        greek,
        value,
        base: f64::NAN,
    }
}
