//! Greeks by moving one input to either side.

use super::{BlackScholes, ClosedForm};

/// What the price of the underlying is moved by, of itself.
const SPOT: f64 = 1e-3;
/// What volatility and rates are moved by: a basis point.
const BASIS_POINT: f64 = 1e-4;

/// Value and greeks of what `value` values: central differences. A volatility is not moved below
/// zero.
///
/// Theta follows from the others. A value that depends on r·T, q·T and σ√T alone has
/// −∂V/∂T = −(r·∂V/∂r + q·∂V/∂q + ½·σ·∂V/∂σ)/T.
pub(super) fn bumped(option: &BlackScholes, value: impl Fn(&BlackScholes) -> f64) -> ClosedForm {
    let moved = |step: f64, shift: fn(&mut BlackScholes, f64)| {
        let mut option = *option;
        shift(&mut option, step);
        value(&option)
    };
    let here = value(option);
    let step = SPOT * option.spot;
    let by_spot = |o: &mut BlackScholes, step| o.spot += step;
    let (up, down) = (moved(step, by_spot), moved(-step, by_spot));
    let lower = BASIS_POINT.min(option.volatility);
    let by_volatility = |o: &mut BlackScholes, step| o.volatility += step;
    let vega =
        (moved(BASIS_POINT, by_volatility) - moved(-lower, by_volatility)) / (BASIS_POINT + lower);
    let slope =
        |shift| (moved(BASIS_POINT, shift) - moved(-BASIS_POINT, shift)) / (2.0 * BASIS_POINT);
    let rho = slope(|o, step| o.log_discount -= step * o.time);
    let dividend_rho = slope(|o, step| o.log_yield -= step * o.time);
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
        let (got, want) = (bumped(&option, BlackScholes::value), option.closed_form());
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
