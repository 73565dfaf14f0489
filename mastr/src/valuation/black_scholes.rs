//! European options on an asset that pays a continuous yield, in closed form.

use super::engine::Inputs;
use super::normal::{cumulative, density};
use crate::portfolio::OptionKind;

/// What one European option on one unit depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BlackScholes {
    /// Call or put.
    pub kind: OptionKind,
    /// Price of the asset today; not negative.
    pub spot: f64,
    /// Price at exercise; not negative.
    pub strike: f64,
    /// Years to expiry; positive.
    pub time: f64,
    /// ln P, the logarithm of the discount factor to expiry: −r·T.
    pub log_discount: f64,
    /// ln D, the logarithm of the factor of the asset's yield (dividends, or the rate of the bought
    /// currency) to expiry: −q·T.
    pub log_yield: f64,
    /// Lognormal volatility a year; not negative.
    pub volatility: f64,
}

/// Value and greeks of one option on one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClosedForm {
    /// Value today.
    pub value: f64,
    /// ∂V/∂S.
    pub delta: f64,
    /// ∂²V/∂S².
    pub gamma: f64,
    /// ∂V/∂σ, per 1.00.
    pub vega: f64,
    /// −∂V/∂T, per year, at constant rates and volatility.
    pub theta: f64,
    /// ∂V/∂r, per 1.00.
    pub rho: f64,
    /// ∂V/∂q, per 1.00.
    pub dividend_rho: f64,
}

/// What is received and what is paid when the option is exercised.
struct Legs {
    d1: f64,
    /// e^(−q·T).
    asset: f64,
    present_spot: f64,
    present_strike: f64,
    /// Φ(ω·d₁).
    in_asset: f64,
    /// Φ(ω·d₂).
    in_cash: f64,
}

impl Legs {
    fn value(&self, omega: f64) -> f64 {
        omega * (self.present_spot * self.in_asset - self.present_strike * self.in_cash)
    }
}

impl ClosedForm {
    /// Worth nothing, whatever happens.
    pub(super) const NOTHING: Self = Self {
        value: 0.0,
        delta: 0.0,
        gamma: 0.0,
        vega: 0.0,
        theta: 0.0,
        rho: 0.0,
        dividend_rho: 0.0,
    };

    /// So many of them; negative when they are owed.
    pub(super) fn times(&self, scale: f64) -> Self {
        Self {
            value: scale * self.value,
            delta: scale * self.delta,
            gamma: scale * self.gamma,
            vega: scale * self.vega,
            theta: scale * self.theta,
            rho: scale * self.rho,
            dividend_rho: scale * self.dividend_rho,
        }
    }
}

impl BlackScholes {
    /// The option on which the market says these `inputs`, a volatility among them.
    pub(super) fn new(kind: OptionKind, strike: f64, inputs: &Inputs) -> Self {
        Self {
            kind,
            spot: inputs.spot,
            strike,
            time: inputs.time,
            log_discount: inputs.log_discount,
            log_yield: inputs.log_yield,
            // Not a number, and no figure at all, rather than a volatility that nobody has quoted.
            volatility: inputs.volatility.unwrap_or(f64::NAN),
        }
    }

    /// Value and greeks: Black and Scholes (1973), eq. 13, with Merton's (1973) dividend yield; for
    /// currencies Garman and Kohlhagen (1983). The greeks are those of Haug, *The Complete Guide to
    /// Option Pricing Formulas*, 2nd edition (2007), chapter 2, with cost of carry r − q:
    ///
    /// V = ω·(S·D·Φ(ω·d₁) − K·P·Φ(ω·d₂)), d₁ = ln(S·D/(K·P))/(σ√T) + σ√T/2, d₂ = d₁ − σ√T,
    /// with ω = 1 for a call and −1 for a put.
    ///
    /// Limits: with a volatility of zero the option is worth its discounted intrinsic value at the
    /// forward, and at the forward itself its greeks are those of an option out of the money; a
    /// spot or a strike of zero is certain to end on one side.
    ///
    /// ```
    /// use mastr::portfolio::OptionKind;
    /// use mastr::valuation::BlackScholes;
    ///
    /// let call = BlackScholes {
    ///     kind: OptionKind::Call,
    ///     spot: 100.0,
    ///     strike: 100.0,
    ///     time: 1.0,
    ///     log_discount: 0.0,
    ///     log_yield: 0.0,
    ///     volatility: 0.2,
    /// };
    /// assert!((call.closed_form().value - 7.965_567_455_405_8).abs() < 1e-12);
    /// ```
    pub fn closed_form(&self) -> ClosedForm {
        let omega = self.kind.sign();
        let legs = self.legs();
        let Legs {
            d1,
            asset,
            present_spot,
            present_strike,
            in_asset,
            in_cash,
        } = legs;
        let (rate, carried) = (-self.log_discount / self.time, -self.log_yield / self.time);
        let (density, root) = (density(d1), self.time.sqrt());
        let deviation = self.volatility * root;
        ClosedForm {
            value: legs.value(omega),
            delta: omega * asset * in_asset,
            // The density vanishes faster than what it is divided by.
            gamma: if density == 0.0 {
                0.0
            } else {
                asset * density / (self.spot * deviation)
            },
            vega: present_spot * density * root,
            theta: -present_spot * density * self.volatility / (2.0 * root)
                - omega * rate * present_strike * in_cash
                + omega * carried * present_spot * in_asset,
            rho: omega * self.time * present_strike * in_cash,
            dividend_rho: -omega * self.time * present_spot * in_asset,
        }
    }

    /// The value alone, to the bit that of the [closed form](Self::closed_form).
    pub fn value(&self) -> f64 {
        self.legs().value(self.kind.sign())
    }

    fn legs(&self) -> Legs {
        let omega = self.kind.sign();
        let (d1, d2) = self.moneyness();
        let asset = libm::exp(self.log_yield);
        Legs {
            d1,
            asset,
            present_spot: self.spot * asset,
            present_strike: self.strike * libm::exp(self.log_discount),
            in_asset: cumulative(omega * d1),
            in_cash: cumulative(omega * d2),
        }
    }

    /// d₁ and d₂, infinite where the end is certain.
    pub fn moneyness(&self) -> (f64, f64) {
        let deviation = self.volatility * self.time.sqrt();
        // ln(F/K), from the ratio so that a strike at the spot costs no digits.
        let log_forward_moneyness = if self.spot == 0.0 {
            f64::NEG_INFINITY
        } else if self.strike == 0.0 {
            f64::INFINITY
        } else {
            libm::log(self.spot / self.strike) + self.log_yield - self.log_discount
        };
        if deviation == 0.0 {
            let out_of_the_money = -self.kind.sign() * f64::INFINITY;
            let certain = match log_forward_moneyness {
                0.0 => out_of_the_money,
                moneyness => moneyness * f64::INFINITY,
            };
            return (certain, certain);
        }
        let standard = log_forward_moneyness / deviation;
        (standard + 0.5 * deviation, standard - 0.5 * deviation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTION: BlackScholes = BlackScholes {
        kind: OptionKind::Call,
        spot: 100.0,
        strike: 90.0,
        time: 2.0,
        log_discount: -0.06,
        log_yield: -0.02,
        volatility: 0.0,
    };

    fn is_finite(form: &ClosedForm) -> bool {
        [
            form.value,
            form.delta,
            form.gamma,
            form.vega,
            form.theta,
            form.rho,
            form.dividend_rho,
        ]
        .iter()
        .all(|figure| figure.is_finite())
    }

    #[test]
    fn without_volatility_it_is_worth_its_intrinsic_value_at_the_forward() {
        let call = OPTION.closed_form();
        let want = 100.0 * libm::exp(-0.02) - 90.0 * libm::exp(-0.06);
        assert_eq!(call.value, want);
        assert_eq!((call.gamma, call.vega), (0.0, 0.0));
        let put = BlackScholes {
            kind: OptionKind::Put,
            ..OPTION
        };
        assert_eq!(put.closed_form().value, 0.0);
        assert_eq!(put.closed_form().delta, 0.0);
    }

    #[test]
    fn at_the_forward_without_volatility_nothing_is_infinite() {
        for kind in [OptionKind::Call, OptionKind::Put] {
            let at_forward = BlackScholes {
                kind,
                strike: 100.0,
                log_discount: 0.0,
                log_yield: 0.0,
                ..OPTION
            };
            let form = at_forward.closed_form();
            assert!(is_finite(&form));
            assert_eq!((form.value, form.delta), (0.0, 0.0));
        }
    }

    #[test]
    fn extremes_stay_finite() {
        let extremes = [0.0, f64::MIN_POSITIVE, 1e-300, 1.0, 1e150];
        for kind in [OptionKind::Call, OptionKind::Put] {
            for spot in extremes {
                for strike in extremes {
                    for volatility in [0.0, 1e-12, 0.2, 1e3, 1e150] {
                        let option = BlackScholes {
                            kind,
                            spot,
                            strike,
                            volatility,
                            ..OPTION
                        };
                        let form = option.closed_form();
                        assert!(!form.value.is_nan(), "{option:?}");
                        assert_eq!(form.value.to_bits(), option.value().to_bits());
                        assert!(form.value >= 0.0, "{option:?} {form:?}");
                        assert!(
                            !form.gamma.is_nan() && !form.theta.is_nan(),
                            "{option:?} {form:?}"
                        );
                    }
                }
            }
        }
    }
}
