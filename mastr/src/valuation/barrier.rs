//! Options that come to life or end when the price of the asset reaches a level.

use std::sync::LazyLock;

use super::bump::bumped;
use super::elementary::scaled_tail;
use super::normal::{cumulative, density};
use super::quadrature::gauss_legendre;
use super::{BlackScholes, ClosedForm};
use crate::portfolio::{BarrierType, Knock};

/// Options with one barrier, which is watched at every moment from today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Barrier {
    /// What one of them is without the barrier.
    pub vanilla: BlackScholes,
    /// On which side the level lies and what happens there.
    pub barrier: BarrierType,
    /// The price of the asset that counts; positive.
    pub level: f64,
    /// How many options there are.
    pub units: f64,
    /// Paid for all of them together: at the moment at which they are knocked out; at expiry, if
    /// they have never been knocked in.
    pub rebate: f64,
}

/// How the asset stands to the level.
enum Path {
    /// At or beyond it, today.
    Reached,
    /// It cannot reach it, being worth nothing.
    Never,
    /// The future is certain: when it is reached, in years, if before expiry.
    Certain(Option<f64>),
    /// It may be reached.
    Open,
}

impl Barrier {
    /// The value: Reiner and Rubinstein, "Breaking down the barriers", *Risk* 4 (1991), as in Haug,
    /// *The Complete Guide to Option Pricing Formulas*, 2nd edition (2007), section 4.17.1. What is
    /// knocked out is what is not knocked in.
    ///
    /// Limits: at or beyond the level an out option is worth its rebate and an in option the one
    /// without barrier; with a volatility of zero the asset moves as its forward.
    ///
    /// ```
    /// use mastr::portfolio::{BarrierType, OptionKind};
    /// use mastr::valuation::{Barrier, BlackScholes};
    ///
    /// let barrier = Barrier {
    ///     vanilla: BlackScholes {
    ///         kind: OptionKind::Call,
    ///         spot: 100.0,
    ///         strike: 90.0,
    ///         time: 0.5,
    ///         log_discount: -0.04,
    ///         log_yield: -0.02,
    ///         volatility: 0.25,
    ///     },
    ///     barrier: BarrierType::DownAndOut,
    ///     level: 95.0,
    ///     units: 1.0,
    ///     rebate: 3.0,
    /// };
    /// // Haug, table 4-13.
    /// assert!((barrier.value() - 9.0246).abs() < 5e-5);
    /// ```
    pub fn value(&self) -> f64 {
        let vanilla = &self.vanilla;
        let discount = libm::exp(vanilla.log_discount);
        match (self.path(), self.barrier.knock()) {
            (Path::Reached, Knock::Out) => self.rebate,
            (Path::Reached, Knock::In) => self.units * vanilla.value(),
            (Path::Never | Path::Certain(None), Knock::Out) => self.units * vanilla.value(),
            (Path::Never | Path::Certain(None), Knock::In) => self.rebate * discount,
            (Path::Certain(Some(time)), Knock::Out) => {
                self.rebate * libm::exp(vanilla.log_discount * (time / vanilla.time))
            }
            (Path::Certain(Some(_)), Knock::In) => self.units * vanilla.value(),
            (Path::Open, Knock::In) => {
                let walk = Walk::new(vanilla, self.level, self.barrier.is_up());
                self.units * walk.knocked_in() + self.rebate * discount * walk.stays()
            }
            (Path::Open, Knock::Out) => {
                let walk = Walk::new(vanilla, self.level, self.barrier.is_up());
                let alive = (vanilla.value() - walk.knocked_in()).max(0.0);
                self.units * alive + self.rebate * walk.discounted_hit()
            }
        }
    }

    /// Value and greeks: of the option without barrier where it is that, else by
    /// central differences of spot ± 0.1 %, volatility and rates ± one basis point.
    pub fn closed_form(&self) -> ClosedForm {
        match (self.path(), self.barrier.knock()) {
            (Path::Reached, Knock::In) | (Path::Never, Knock::Out) => {
                self.vanilla.closed_form().times(self.units)
            }
            (Path::Reached, Knock::Out) => ClosedForm {
                value: self.rebate,
                ..ClosedForm::NOTHING
            },
            (Path::Never, Knock::In) => {
                let value = self.value();
                ClosedForm {
                    value,
                    theta: -value * self.vanilla.log_discount / self.vanilla.time,
                    rho: -value * self.vanilla.time,
                    ..ClosedForm::NOTHING
                }
            }
            (Path::Certain(_) | Path::Open, _) => bumped(&self.vanilla, |vanilla| {
                let vanilla = *vanilla;
                Self { vanilla, ..*self }.value()
            }),
        }
    }

    fn path(&self) -> Path {
        let BlackScholes {
            spot,
            time,
            log_discount,
            log_yield,
            volatility,
            ..
        } = self.vanilla;
        let reached = match self.barrier.is_up() {
            true => spot >= self.level,
            false => spot <= self.level,
        };
        if reached {
            Path::Reached
        } else if spot == 0.0 {
            Path::Never
        } else if volatility == 0.0 {
            // The forward moves one way only, and is at the level at this part of the time.
            let part = libm::log(self.level / spot) / (log_yield - log_discount);
            Path::Certain((0.0..=1.0).contains(&part).then_some(part * time))
        } else {
            Path::Open
        }
    }
}

/// An asset that may reach a level on its way: the ingredients of the formulas.
struct Walk<'o> {
    option: &'o BlackScholes,
    /// η: 1 when the level is below, −1 when it is above.
    eta: f64,
    /// ln(H/S).
    distance: f64,
    /// ln(H/K).
    over_strike: f64,
    /// σ√T.
    deviation: f64,
    /// μ = (r − q)/σ² − ½.
    mu: f64,
}

impl<'o> Walk<'o> {
    fn new(option: &'o BlackScholes, level: f64, up: bool) -> Self {
        let deviation = option.volatility * option.time.sqrt();
        Self {
            option,
            eta: if up { -1.0 } else { 1.0 },
            distance: libm::log(level / option.spot),
            over_strike: if option.strike == 0.0 {
                f64::INFINITY
            } else {
                libm::log(level / option.strike)
            },
            deviation,
            mu: (option.log_yield - option.log_discount) / (deviation * deviation) - 0.5,
        }
    }

    /// The option that is alive only once the level has been reached, without rebate.
    fn knocked_in(&self) -> f64 {
        let phi = self.option.kind.sign();
        let drift = (1.0 + self.mu) * self.deviation;
        let over = |log: f64| log / self.deviation + drift;
        let a = || self.option.value();
        let b = || self.term(phi, over(-self.distance), 0.0);
        let c = || {
            self.term(
                self.eta,
                over(self.distance + self.over_strike),
                self.distance,
            )
        };
        let d = || self.term(self.eta, over(self.distance), self.distance);
        // Whether it pays nothing before it has come to the level.
        let beyond = phi * self.over_strike <= 0.0;
        let value = match (phi == self.eta, beyond) {
            (true, true) => c(),
            (true, false) => a() - b() + d(),
            (false, true) => a(),
            (false, false) => b() - c() + d(),
        };
        value.max(0.0)
    }

    /// φ·S·D·(H/S)^(2μ+2)·Φ(s·x) − φ·K·P·(H/S)^(2μ)·Φ(s·(x − σ√T)) with side s; the powers are 1
    /// without `reflection`, which is ln(H/S) else. Haug's A to D.
    fn term(&self, side: f64, x: f64, reflection: f64) -> f64 {
        let BlackScholes {
            kind,
            spot,
            strike,
            log_discount,
            log_yield,
            ..
        } = *self.option;
        let asset = log_yield + 2.0 * (self.mu + 1.0) * reflection;
        let cash = log_discount + 2.0 * self.mu * reflection;
        let lower = x - self.deviation;
        let paid = match strike {
            0.0 => 0.0,
            strike => strike * weighted(cash, side * lower),
        };
        kind.sign() * (spot * weighted(asset, side * x) - paid)
    }

    /// The probability that the level is not reached: Haug's E over R·P.
    fn stays(&self) -> f64 {
        let drift = self.mu * self.deviation;
        let stays = cumulative(self.eta * (drift - self.distance / self.deviation));
        let reflected = self.eta * (drift + self.distance / self.deviation);
        (stays - weighted(2.0 * self.mu * self.distance, reflected)).max(0.0)
    }

    /// What one unit of cash is worth that is paid when the level is reached, if before expiry:
    /// Haug's F over R. λ² = μ² + 2r/σ² may be negative when the rate is.
    fn discounted_hit(&self) -> f64 {
        let variance = self.deviation * self.deviation;
        let rate = -self.option.log_discount;
        let square = self.mu * self.mu + 2.0 * rate / variance;
        if square < 0.0 {
            return self.growing_hit(-0.5 * square * variance);
        }
        let lambda = square.sqrt();
        let near = self.distance / self.deviation;
        let drift = lambda * self.deviation;
        weighted(
            (self.mu + lambda) * self.distance,
            self.eta * (near + drift),
        ) + weighted(
            (self.mu - lambda) * self.distance,
            self.eta * (near - drift),
        )
    }

    /// The same where cash grows faster than the level recedes, by `growth` over the option's time.
    ///
    /// The hit at a time t < T has the density of 2φ(u), u = |ln(H/S)|/(σ√t): without growth, λ = 0,
    /// that is 2Φ(−u) at T, and the rest, which is smooth in ln u, is had by quadrature.
    fn growing_hit(&self, growth: f64) -> f64 {
        static RULE: LazyLock<[(f64, f64); 64]> = LazyLock::new(gauss_legendre);
        let near = (self.distance / self.deviation).abs();
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
        libm::exp(self.mu * self.distance) * 2.0 * (cumulative(-near) + rest)
    }
}

/// e^`log`·Φ(x), also where the one would overflow and the other vanish.
fn weighted(log: f64, x: f64) -> f64 {
    if x > -5.0 {
        libm::exp(log) * cumulative(x)
    } else if x > -1e150 {
        libm::exp(log - 0.5 * x * x) * scaled_tail(-x)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::portfolio::OptionKind;

    const ALL: [BarrierType; 4] = [
        BarrierType::UpAndOut,
        BarrierType::UpAndIn,
        BarrierType::DownAndOut,
        BarrierType::DownAndIn,
    ];
    const CALL: BlackScholes = BlackScholes {
        kind: OptionKind::Call,
        spot: 100.0,
        strike: 95.0,
        time: 2.0,
        log_discount: -0.06,
        log_yield: -0.02,
        volatility: 0.2,
    };

    fn barrier(vanilla: BlackScholes, barrier: BarrierType, level: f64, rebate: f64) -> Barrier {
        Barrier {
            vanilla,
            barrier,
            level,
            units: 1.0,
            rebate,
        }
    }

    fn walk(option: &BlackScholes, level: f64) -> Walk<'_> {
        Walk::new(option, level, level > option.spot)
    }

    #[test]
    fn at_or_beyond_the_level_it_is_settled() {
        for (kind, level) in [
            (BarrierType::UpAndOut, 100.0),
            (BarrierType::UpAndOut, 90.0),
            (BarrierType::DownAndOut, 100.0),
            (BarrierType::DownAndOut, 110.0),
        ] {
            let form = barrier(CALL, kind, level, 7.0).closed_form();
            assert_eq!((form.value, form.delta, form.theta), (7.0, 0.0, 0.0));
        }
        for (kind, level) in [
            (BarrierType::UpAndIn, 100.0),
            (BarrierType::DownAndIn, 110.0),
        ] {
            let form = barrier(CALL, kind, level, 7.0).closed_form();
            assert_eq!(form, CALL.closed_form());
        }
    }

    #[test]
    fn what_is_never_reached_is_the_option_or_its_rebate() {
        let far = |kind, level| barrier(CALL, kind, level, 7.0).value();
        let rebate = 7.0 * libm::exp(-0.06);
        assert!((far(BarrierType::UpAndOut, 1e9) - CALL.value()).abs() < 1e-12);
        assert!((far(BarrierType::DownAndOut, 1e-9) - CALL.value()).abs() < 1e-12);
        assert!((far(BarrierType::UpAndIn, 1e9) - rebate).abs() < 1e-12);
        assert!((far(BarrierType::DownAndIn, 1e-9) - rebate).abs() < 1e-12);
        let nothing = BlackScholes {
            spot: 0.0,
            kind: OptionKind::Put,
            ..CALL
        };
        let out = barrier(nothing, BarrierType::UpAndOut, 120.0, 7.0);
        assert_eq!(out.closed_form(), nothing.closed_form());
        let r#in = barrier(nothing, BarrierType::UpAndIn, 120.0, 7.0).closed_form();
        assert_eq!((r#in.value, r#in.theta), (rebate, 0.03 * rebate));
    }

    #[test]
    fn when_nothing_is_uncertain_the_forward_decides() {
        // The forward is 100·e^(0.02·t).
        let certain = BlackScholes {
            volatility: 0.0,
            ..CALL
        };
        let value = |kind, level| barrier(certain, kind, level, 7.0).value();
        let rebate = 7.0 * libm::exp(-0.06);
        assert_eq!(value(BarrierType::DownAndOut, 99.0), certain.value());
        assert_eq!(value(BarrierType::UpAndOut, 105.0), certain.value());
        assert_eq!(value(BarrierType::UpAndIn, 105.0), rebate);
        assert_eq!(value(BarrierType::UpAndIn, 102.0), certain.value());
        // It is at 102 after ln 1.02/0.02 years, discounted with 3 % a year.
        let want = 7.0 * libm::exp(-0.03 * libm::log(1.02) / 0.02);
        assert!((value(BarrierType::UpAndOut, 102.0) - want).abs() < 1e-14);
    }

    #[test]
    fn little_uncertainty_is_nearly_none() {
        for kind in ALL {
            for level in [99.0, 102.0, 105.0] {
                let value = |volatility| {
                    barrier(BlackScholes { volatility, ..CALL }, kind, level, 7.0).value()
                };
                let error = (value(1e-5) - value(0.0)).abs();
                assert!(error < 1e-3, "{kind:?} {level}: {error}");
            }
        }
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
            let variance = walk.deviation * walk.deviation;
            let decay = rate * 2.0 + 0.5 * walk.mu * walk.mu * variance;
            let (closed, integral) = (walk.discounted_hit(), walk.growing_hit(-decay));
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
        let (hit, probability) = (walk.discounted_hit(), 1.0 - walk.stays());
        assert!(
            hit > probability && hit < probability * libm::exp(0.04),
            "{hit} {probability}"
        );
        // Twelve digits of the sum over a fine grid of times.
        let steps = 400_000;
        let near = walk.distance / walk.deviation;
        let sum: f64 = (0..steps)
            .map(|step| (f64::from(step) + 0.5) / f64::from(steps))
            .map(|t| density(near / t.sqrt()) * near / (t * t.sqrt()) * libm::exp(0.04 * t))
            .sum();
        assert!((hit - sum / f64::from(steps)).abs() < 1e-10);
    }

    #[test]
    fn theta_is_the_passing_of_time() {
        for kind in ALL {
            let level = if kind.is_up() { 130.0 } else { 80.0 };
            let at = |time: f64| {
                let option = BlackScholes {
                    time,
                    log_discount: CALL.log_discount * time / CALL.time,
                    log_yield: CALL.log_yield * time / CALL.time,
                    ..CALL
                };
                barrier(option, kind, level, 7.0).value()
            };
            let theta = barrier(CALL, kind, level, 7.0).closed_form().theta;
            let slope = (at(2.0 - 1e-4) - at(2.0 + 1e-4)) / 2e-4;
            assert!((theta - slope).abs() < 1e-5, "{kind:?} {theta} {slope}");
        }
    }

    #[test]
    fn extremes_stay_within_what_can_be_paid() {
        let extremes = [0.0, 1e-9, 50.0, 100.0, 1e9];
        for kind in [OptionKind::Call, OptionKind::Put] {
            for (spot, strike) in extremes.into_iter().flat_map(|s| extremes.map(|k| (s, k))) {
                for volatility in [0.0, 1e-4, 0.2, 3.0, 1e3] {
                    for (barrier_type, level) in ALL
                        .into_iter()
                        .flat_map(|b| [1e-9, 99.0, 101.0, 1e9].map(|l| (b, l)))
                    {
                        let option = BlackScholes {
                            kind,
                            spot,
                            strike,
                            volatility,
                            ..CALL
                        };
                        let options = barrier(option, barrier_type, level, 3.0);
                        let value = options.value();
                        let most = option.value() + 3.0 + 1e-9 * (spot + strike);
                        assert!((0.0..=most).contains(&value), "{options:?} {value} {most}");
                    }
                }
            }
        }
    }
}
