//! The formulas of an asset that may reach a level on its way, for several states of the market at
//! once.

use std::sync::LazyLock;

use super::BlackScholes;
use super::elementary::{exp, scaled_tail};
use super::normal::{cumulative, density};
use super::quadrature::gauss_legendre;
use crate::portfolio::Knock;

/// One option and one level in N states: all but spot, rates and volatility is the same in each. Plain
/// arithmetic side by side, which becomes vector instructions; the bits are those of each state alone.
pub(super) struct Walks<const N: usize> {
    /// φ: 1 for a call, −1 for a put.
    phi: f64,
    strike: f64,
    /// η: 1 when the level is below, −1 when it is above.
    eta: f64,
    /// ln(H/K).
    over_strike: f64,
    spot: [f64; N],
    log_discount: [f64; N],
    log_yield: [f64; N],
    /// ln(S/K).
    moneyness: [f64; N],
    /// ln(H/S).
    pub(super) distance: [f64; N],
    /// σ√T.
    pub(super) deviation: [f64; N],
    /// μ = (r − q)/σ² − ½.
    pub(super) mu: [f64; N],
}

/// What an option exchanges in each state, per unit of spot and of strike, and the logarithms of that.
struct Legs<const N: usize> {
    log_asset: [f64; N],
    log_cash: [f64; N],
    asset: [f64; N],
    cash: [f64; N],
}

impl<const N: usize> Walks<N> {
    /// Spots, level and deviations are positive.
    #[inline(always)]
    pub(super) fn new(states: &[BlackScholes; N], level: f64, up: bool) -> Self {
        let BlackScholes {
            kind, strike, spot, ..
        } = states[0];
        let mut walks = Self {
            phi: kind.sign(),
            strike,
            eta: if up { -1.0 } else { 1.0 },
            over_strike: log_ratio(level, strike),
            spot: [spot; N],
            log_discount: [0.0; N],
            log_yield: [0.0; N],
            moneyness: [log_ratio(spot, strike); N],
            distance: [log_ratio(level, spot); N],
            deviation: [0.0; N],
            mu: [0.0; N],
        };
        for (i, state) in states.iter().enumerate() {
            // Most states have the same spot.
            if state.spot != spot {
                walks.spot[i] = state.spot;
                walks.moneyness[i] = log_ratio(state.spot, strike);
                walks.distance[i] = log_ratio(level, state.spot);
            }
            walks.log_discount[i] = state.log_discount;
            walks.log_yield[i] = state.log_yield;
            let deviation = state.volatility * state.time.sqrt();
            let drift = state.log_yield - state.log_discount;
            walks.deviation[i] = deviation;
            walks.mu[i] = drift / (deviation * deviation) - 0.5;
        }
        walks
    }

    /// The option that is alive only once the level has been reached, or only until then: sums of
    /// Haug's A to D. What is knocked out is A, the option without a level, less what is knocked in.
    #[inline(always)]
    pub(super) fn option(&self, knock: Knock) -> [f64; N] {
        let (phi, eta) = (self.phi, self.eta);
        // Whether it pays nothing before it has come to the level.
        let beyond = phi * self.over_strike <= 0.0;
        let [mut a, mut b, mut c, mut d] = match (phi == eta, beyond) {
            (true, true) => [0.0, 0.0, 1.0, 0.0],
            (true, false) => [1.0, -1.0, 0.0, 1.0],
            (false, true) => [1.0, 0.0, 0.0, 0.0],
            (false, false) => [0.0, 1.0, -1.0, 1.0],
        };
        if knock == Knock::Out {
            [a, b, c, d] = [1.0 - a, -b, -c, -d];
        }
        let from_level = self.distance.map(|distance| -distance);
        let back = self.distance.map(|distance| distance + self.over_strike);
        let mut sums = [0.0; N];
        for (power, side, terms) in [
            (0.0, phi, [(a, &self.moneyness), (b, &from_level)]),
            (2.0, eta, [(c, &back), (d, &self.distance)]),
        ] {
            if terms.iter().all(|(times, _)| *times == 0.0) {
                continue;
            }
            let legs = self.legs(power);
            for (times, log) in terms {
                if times == 0.0 {
                    continue;
                }
                for i in 0..N {
                    let upper = log[i] / self.deviation[i] + (1.0 + self.mu[i]) * self.deviation[i];
                    let lower = upper - self.deviation[i];
                    let asset = weighted(legs.log_asset[i], legs.asset[i], side * upper);
                    let cash = weighted(legs.log_cash[i], legs.cash[i], side * lower);
                    sums[i] += times * (phi * (self.spot[i] * asset - self.strike * cash));
                }
            }
        }
        for (i, sum) in sums.iter_mut().enumerate() {
            let positive = if *sum > 0.0 { *sum } else { 0.0 };
            // What is not finite has no value, which the exponentials would not tell.
            *sum = positive + 0.0 * (self.mu[i] + self.log_discount[i] + self.log_yield[i]);
        }
        sums
    }

    /// e^(−q·T)·(H/S)^(p·(μ+1)) and e^(−r·T)·(H/S)^(p·μ) with `power` p.
    #[inline(always)]
    fn legs(&self, power: f64) -> Legs<N> {
        let [mut log_asset, mut log_cash, mut asset, mut cash] = [[0.0; N]; 4];
        for i in 0..N {
            let reflection = power * self.distance[i];
            log_asset[i] = self.log_yield[i] + (self.mu[i] + 1.0) * reflection;
            log_cash[i] = self.log_discount[i] + self.mu[i] * reflection;
            asset[i] = exp(log_asset[i]);
            cash[i] = exp(log_cash[i]);
        }
        Legs {
            log_asset,
            log_cash,
            asset,
            cash,
        }
    }

    /// What one unit of cash is worth that is paid at expiry, if the level is not reached: Haug's E
    /// over R.
    #[inline(always)]
    pub(super) fn stays(&self) -> [f64; N] {
        let mut values = [0.0; N];
        for (i, value) in values.iter_mut().enumerate() {
            let drift = self.mu[i] * self.deviation[i];
            let near = self.distance[i] / self.deviation[i];
            let log = 2.0 * self.mu[i] * self.distance[i];
            let stays = weighted(0.0, 1.0, self.eta * (drift - near))
                - weighted(log, exp(log), self.eta * (drift + near));
            let stays = if stays > 0.0 { stays } else { 0.0 };
            *value = exp(self.log_discount[i]) * stays;
        }
        values
    }

    /// What one unit of cash is worth that is paid when the level is reached, if before expiry:
    /// Haug's F over R. λ² = μ² + 2r/σ² may be negative when the rate is.
    #[inline(always)]
    pub(super) fn discounted_hit(&self) -> [f64; N] {
        let [mut values, mut squares] = [[0.0; N]; 2];
        for i in 0..N {
            let (distance, deviation, mu) = (self.distance[i], self.deviation[i], self.mu[i]);
            let square = mu * mu - 2.0 * self.log_discount[i] / (deviation * deviation);
            squares[i] = square;
            let lambda = (if square > 0.0 { square } else { 0.0 }).sqrt();
            let (near, drift) = (distance / deviation, lambda * deviation);
            let (more, less) = ((mu + lambda) * distance, (mu - lambda) * distance);
            values[i] = weighted(more, exp(more), self.eta * (near + drift))
                + weighted(less, exp(less), self.eta * (near - drift));
        }
        for i in 0..N {
            if squares[i] < 0.0 {
                let variance = self.deviation[i] * self.deviation[i];
                values[i] = self.growing_hit(i, -0.5 * squares[i] * variance);
            }
        }
        values
    }

    /// The same in one state where cash grows faster than the level recedes, by `growth` over the
    /// option's time.
    ///
    /// The hit at a time t < T has the density of 2φ(u), u = |ln(H/S)|/(σ√t): without growth, λ = 0,
    /// that is 2Φ(−u) at T, and the rest, which is smooth in ln u, is had by quadrature.
    pub(super) fn growing_hit(&self, state: usize, growth: f64) -> f64 {
        static RULE: LazyLock<[(f64, f64); 64]> = LazyLock::new(gauss_legendre);
        let near = (self.distance[state] / self.deviation[state]).abs();
        // Ten deviations on, nothing is left to be told.
        let range = libm::log1p(10.0 / near);
        let rest: f64 = RULE
            .iter()
            .map(|(y, weight)| {
                let over = libm::exp(range * y);
                let u = near * over;
                weight * range * u * density(u) * libm::expm1(growth / (over * over))
            })
            .sum();
        libm::exp(self.mu[state] * self.distance[state]) * 2.0 * (cumulative(-near) + rest)
    }
}

/// ln(x/y), also where y is zero.
fn log_ratio(x: f64, y: f64) -> f64 {
    if y == 0.0 {
        f64::INFINITY
    } else {
        libm::log(x / y)
    }
}

/// e^`log`·Φ(x), also where the one would overflow and the other vanish; `power` is e^`log`.
#[inline(always)]
fn weighted(log: f64, power: f64, x: f64) -> f64 {
    let tail = exp(log - 0.5 * x * x) * scaled_tail(x.abs());
    if x > 0.0 { power - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::OptionKind;

    const CALL: BlackScholes = BlackScholes {
        kind: OptionKind::Call,
        spot: 100.0,
        strike: 95.0,
        time: 2.0,
        log_discount: -0.06,
        log_yield: -0.02,
        volatility: 0.2,
    };

    fn walk(option: &BlackScholes, level: f64) -> Walks<1> {
        Walks::new(&[*option], level, level > option.spot)
    }

    #[test]
    fn the_integral_over_the_time_of_the_hit_is_the_closed_form() {
        for (level, volatility, rate, carry) in [
            (120.0, 0.2, 0.03, 0.01),
            (80.0, 0.3, 0.05, 0.08),
            (100.5, 0.25, 0.02, 0.02),
            (99.9, 0.4, 0.01, 0.0),
        ] {
            let option = BlackScholes {
                volatility,
                log_discount: -rate * 2.0,
                log_yield: -carry * 2.0,
                ..CALL
            };
            let walk = walk(&option, level);
            let variance = walk.deviation[0] * walk.deviation[0];
            let decay = rate * 2.0 + 0.5 * walk.mu[0] * walk.mu[0] * variance;
            let (closed, integral) = (walk.discounted_hit()[0], walk.growing_hit(0, -decay));
            assert!((closed - integral).abs() < 1e-12, "{closed} {integral}");
        }
    }

    #[test]
    fn a_rebate_may_grow_until_it_is_paid() {
        // A negative rate and no drift: λ is not real. Cash paid at the hit is worth more than its
        // probability, and less than if it were all paid at expiry.
        let option = BlackScholes {
            log_discount: 0.04,
            log_yield: 0.0,
            volatility: 0.2,
            ..CALL
        };
        let option = BlackScholes {
            log_yield: option.log_discount + 0.5 * 0.04 * option.time,
            ..option
        };
        let walk = walk(&option, 120.0);
        let stays = walk.stays()[0] / libm::exp(option.log_discount);
        let (hit, probability) = (walk.discounted_hit()[0], 1.0 - stays);
        assert!(
            hit > probability && hit < probability * libm::exp(0.04),
            "{hit} {probability}"
        );
        // Twelve digits of the sum over a fine grid of times.
        let steps = 400_000;
        let near = walk.distance[0] / walk.deviation[0];
        let sum: f64 = (0..steps)
            .map(|step| (f64::from(step) + 0.5) / f64::from(steps))
            .map(|t| density(near / t.sqrt()) * near / (t * t.sqrt()) * libm::exp(0.04 * t))
            .sum();
        assert!((hit - sum / f64::from(steps)).abs() < 1e-10);
    }
}
