//! Options by textbook formulas, written down as they stand.
//!
//! Haug, *The Complete Guide to Option Pricing Formulas*, 2nd edition (2007).

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::generation::random::between;

/// Steps of the tree.
const TREE: usize = 1000;

/// An option on one unit of an asset that pays a yield.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    /// 1 for a call, −1 for a put.
    pub(super) phi: f64,
    pub(super) spot: f64,
    pub(super) strike: f64,
    pub(super) time: f64,
    pub(super) rate: f64,
    pub(super) carry: f64,
    pub(super) volatility: f64,
}

/// What a barrier does.
pub(super) struct Knocked {
    pub(super) up: bool,
    pub(super) out: bool,
    pub(super) level: f64,
    pub(super) rebate: f64,
}

fn cumulative(x: f64) -> f64 {
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2)
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / TAU.sqrt()
}

impl Terms {
    fn deviation(&self) -> f64 {
        self.volatility * self.time.sqrt()
    }

    fn d1(&self) -> f64 {
        let growth = (self.rate - self.carry) * self.time;
        ((self.spot / self.strike).ln() + growth) / self.deviation() + 0.5 * self.deviation()
    }

    /// The European option's value: section 1.1.
    pub(super) fn value(&self) -> f64 {
        let (phi, d1) = (self.phi, self.d1());
        let asset = self.spot * (-self.carry * self.time).exp();
        let cash = self.strike * (-self.rate * self.time).exp();
        phi * (asset * cumulative(phi * d1) - cash * cumulative(phi * (d1 - self.deviation())))
    }

    /// Value, delta, gamma, vega, theta, rho and rho of the yield: chapter 2.
    pub(super) fn european(&self) -> [f64; 7] {
        let (phi, d1, root) = (self.phi, self.d1(), self.time.sqrt());
        let d2 = d1 - self.deviation();
        let held = (-self.carry * self.time).exp();
        let asset = self.spot * held * cumulative(phi * d1);
        let cash = self.strike * (-self.rate * self.time).exp() * cumulative(phi * d2);
        let density = held * density(d1);
        [
            phi * (asset - cash),
            phi * held * cumulative(phi * d1),
            density / (self.spot * self.deviation()),
            self.spot * density * root,
            phi * (self.carry * asset - self.rate * cash)
                - self.spot * density * self.volatility / (2.0 * root),
            phi * self.time * cash,
            -phi * self.time * asset,
        ]
    }

    /// The same by central differences of what `value` gives, theta from the others.
    pub(super) fn bumped(&self, value: impl Fn(&Self) -> f64) -> [f64; 7] {
        let here = value(self);
        let ends = |by: &dyn Fn(&mut Self, f64)| {
            [1.0, -1.0].map(|sign| {
                let mut moved = *self;
                by(&mut moved, sign);
                value(&moved)
            })
        };
        let step = 1e-3 * self.spot;
        let [up, down] = ends(&|terms, sign| terms.spot += sign * step);
        let slope = |[up, down]: [f64; 2]| (up - down) / 2e-4;
        let vega = slope(ends(&|terms, sign| terms.volatility += sign * 1e-4));
        let rho = slope(ends(&|terms, sign| terms.rate += sign * 1e-4));
        let carry_rho = slope(ends(&|terms, sign| terms.carry += sign * 1e-4));
        let passing = self.rate * rho + self.carry * carry_rho + 0.5 * self.volatility * vega;
        [
            here,
            (up - down) / (2.0 * step),
            (up - 2.0 * here + down) / (step * step),
            vega,
            -passing / self.time,
            rho,
            carry_rho,
        ]
    }

    /// With one barrier: section 4.17.1.
    pub(super) fn knocked(&self, barrier: &Knocked) -> f64 {
        let Self {
            phi,
            spot,
            strike,
            time,
            rate,
            carry,
            volatility,
        } = *self;
        let eta = if barrier.up { -1.0 } else { 1.0 };
        let (level, deviation) = (barrier.level, self.deviation());
        let mu = (rate - carry) / (volatility * volatility) - 0.5;
        let lambda = (mu * mu + 2.0 * rate / (volatility * volatility)).sqrt();
        let point = |ratio: f64| ratio.ln() / deviation + (1.0 + mu) * deviation;
        let over = level / spot;
        let (x1, x2) = (point(spot / strike), point(spot / level));
        let (y1, y2) = (point(over * level / strike), point(over));
        let held = spot * (-carry * time).exp();
        let discount = (-rate * time).exp();
        let term = |sign: f64, at: f64, asset: f64, cash: f64| {
            let paid = strike * discount * cash * cumulative(sign * (at - deviation));
            phi * (held * asset * cumulative(sign * at) - paid)
        };
        let (asset, cash) = (over.powf(2.0 * (mu + 1.0)), over.powf(2.0 * mu));
        let a = term(phi, x1, 1.0, 1.0);
        let b = term(phi, x2, 1.0, 1.0);
        let c = term(eta, y1, asset, cash);
        let d = term(eta, y2, asset, cash);
        let inside = match (phi == eta, phi * (level - strike) <= 0.0) {
            (true, true) => c,
            (true, false) => a - b + d,
            (false, true) => a,
            (false, false) => b - c + d,
        };
        if barrier.out {
            let z = over.ln() / deviation + lambda * deviation;
            let hit = over.powf(mu + lambda) * cumulative(eta * z)
                + over.powf(mu - lambda) * cumulative(eta * (z - 2.0 * lambda * deviation));
            a - inside + barrier.rebate * hit
        } else {
            let stays =
                cumulative(eta * (x2 - deviation)) - cash * cumulative(eta * (y2 - deviation));
            inside + barrier.rebate * discount * stays
        }
    }

    /// The American option by a binomial tree: section 7.1.
    pub(super) fn american(&self) -> f64 {
        let step = self.time / TREE as f64;
        let up = (self.volatility * step.sqrt()).exp();
        let growth = ((self.rate - self.carry) * step).exp();
        let rises = (growth - 1.0 / up) / (up - 1.0 / up);
        let discount = (-self.rate * step).exp();
        let (rises, falls) = (discount * rises, discount * (1.0 - rises));
        // Prices are those of every other power of `up`, from the lowest.
        let mut price = self.spot / up.powi(TREE as i32);
        let prices: Vec<f64> = (0..=2 * TREE)
            .map(|_| {
                let here = price;
                price *= up;
                here
            })
            .collect();
        let pays = |price: f64| (self.phi * (price - self.strike)).max(0.0);
        let mut values: Vec<f64> = prices.iter().step_by(2).map(|price| pays(*price)).collect();
        for left in (0..TREE).rev() {
            for node in 0..=left {
                let held = falls * values[node] + rises * values[node + 1];
                values[node] = held.max(pays(prices[TREE - left + 2 * node]));
            }
        }
        values[0]
    }

    /// On the arithmetic average of the prices at `times`, by so many random paths: section 8.1.
    pub(super) fn averaged(&self, times: &[f64], paths: usize) -> f64 {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut spare = None;
        let mut normal = || match spare.take() {
            Some(normal) => normal,
            None => {
                let radius = (-2.0 * (1.0 - between(&mut random, 0.0, 1.0)).ln()).sqrt();
                let angle = between(&mut random, 0.0, TAU);
                spare = Some(radius * angle.sin());
                radius * angle.cos()
            }
        };
        let drift = self.rate - self.carry - 0.5 * self.volatility * self.volatility;
        let mut paid = 0.0;
        for _ in 0..paths {
            let (mut price, mut sum, mut before) = (self.spot, 0.0, 0.0);
            for time in times {
                let step = time - before;
                before = *time;
                price *= (drift * step + self.volatility * step.sqrt() * normal()).exp();
                sum += price;
            }
            paid += (self.phi * (sum / times.len() as f64 - self.strike)).max(0.0);
        }
        (-self.rate * self.time).exp() * paid / paths as f64
    }
}
