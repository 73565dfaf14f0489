//! Greeks by moving one input to either side.

use super::{BlackScholes, ClosedForm};

/// What the price of the underlying is moved by, of itself.
const SPOT: f64 = 1e-3;
/// What volatility and rates are moved by: a basis point.
const BASIS_POINT: f64 = 1e-4;

/// An option and its moves, and some that are no move: so many fill vectors.
pub(super) const STATES: usize = 12;

/// Value and greeks of what `values` values, in so many states of the market: central differences. A
/// volatility is not moved below zero.
///
/// Theta follows from the others. A value that depends on r·T, q·T and σ√T alone has
/// −∂V/∂T = −(r·∂V/∂r + q·∂V/∂q + ½·σ·∂V/∂σ)/T.
pub(super) fn bumped(
    option: &BlackScholes,
    values: impl FnOnce(&[BlackScholes; STATES]) -> [f64; STATES],
) -> ClosedForm {
    let step = SPOT * option.spot;
    let lower = BASIS_POINT.min(option.volatility);
    let shift = BASIS_POINT * option.time;
    let mut states = [*option; STATES];
    states[1].spot += step;
    states[2].spot -= step;
    states[3].volatility += BASIS_POINT;
    states[4].volatility -= lower;
    states[5].log_discount -= shift;
    states[6].log_discount += shift;
    states[7].log_yield -= shift;
    states[8].log_yield += shift;
    let [
        here,
        up,
        down,
        more,
        less,
        faster,
        slower,
        fuller,
        thinner,
        ..,
    ] = values(&states);
    let vega = (more - less) / (BASIS_POINT + lower);
    let rho = (faster - slower) / (2.0 * BASIS_POINT);
    let dividend_rho = (fuller - thinner) / (2.0 * BASIS_POINT);
    let (rate, carry) = (
        -option.log_discount / option.time,
        -option.log_yield / option.time,
    );
    ClosedForm {
        value: here,
        delta: (up - down) / (2.0 * step),
        gamma: ((up - here) - (here - down)) / (step * step),
        vega,
        theta: -(rate * rho + carry * dividend_rho + 0.5 * option.volatility * vega) / option.time,
        rho,
        dividend_rho,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::OptionKind;

    #[test]
    fn the_greeks_of_a_european_option_are_those_of_its_closed_form() {
        let option = BlackScholes {
            kind: OptionKind::Put,
            spot: 100.0,
            strike: 90.0,
            time: 2.0,
            log_discount: -0.06,
            log_yield: -0.02,
            volatility: 0.3,
        };
        let (got, want) = (
            bumped(&option, |states| states.map(|state| state.value())),
            option.closed_form(),
        );
        assert_eq!(got.value, want.value);
        for (got, want) in [
            (got.delta, want.delta),
            (got.gamma, want.gamma),
            (got.vega, want.vega),
            (got.theta, want.theta),
            (got.rho, want.rho),
            (got.dividend_rho, want.dividend_rho),
        ] {
            assert!((got / want - 1.0).abs() < 1e-5, "{got} {want}");
        }
    }
}
