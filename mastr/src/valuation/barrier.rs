//! Options that come to life or end when the price of the asset reaches a level.

use pulp::{Arch, NullaryFnOnce};

use super::bump::bumped;
use super::walks::Walks;
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
        self.values(&[self.vanilla])[0]
    }

    /// The value where the option without the barrier is another one: in states of the market that differ
    /// in spot, rates and volatility.
    fn values<const N: usize>(&self, states: &[BlackScholes; N]) -> [f64; N] {
        let paths = states.map(|vanilla| Self { vanilla, ..*self }.path());
        let mut values = [0.0; N];
        if paths.iter().any(|path| matches!(path, Path::Open)) {
            values = Arch::new().dispatch(Open(self, states));
        }
        for ((value, path), state) in values.iter_mut().zip(paths).zip(states) {
            if let Some(settled) = self.settled(&path, state) {
                *value = settled;
            }
        }
        values
    }

    /// The value if the level cannot be what is uncertain.
    fn settled(&self, path: &Path, vanilla: &BlackScholes) -> Option<f64> {
        Some(match (path, self.barrier.knock()) {
            (Path::Open, _) => return None,
            (Path::Reached, Knock::Out) => self.rebate,
            (Path::Never | Path::Certain(None), Knock::In) => {
                self.rebate * libm::exp(vanilla.log_discount)
            }
            (Path::Certain(Some(time)), Knock::Out) => {
                self.rebate * libm::exp(vanilla.log_discount * (time / vanilla.time))
            }
            (Path::Reached | Path::Certain(Some(_)), Knock::In)
            | (Path::Never | Path::Certain(None), Knock::Out) => self.units * vanilla.value(),
        })
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
            (Path::Certain(_) | Path::Open, _) => {
                bumped(&self.vanilla, |states| self.values(states))
            }
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

/// The value in states in all of which the level may be reached.
struct Open<'o, const N: usize>(&'o Barrier, &'o [BlackScholes; N]);

impl<const N: usize> NullaryFnOnce for Open<'_, N> {
    type Output = [f64; N];

    /// Compiled for the vectors that the processor has; the bits are the same for all.
    #[inline(always)]
    fn call(self) -> [f64; N] {
        let Self(barrier, states) = self;
        let knock = barrier.barrier.knock();
        let walks = Walks::new(states, barrier.level, barrier.barrier.is_up());
        let mut values = walks.option(knock);
        for value in &mut values {
            *value *= barrier.units;
        }
        if barrier.rebate != 0.0 {
            let rebate = match knock {
                Knock::In => walks.stays(),
                Knock::Out => walks.discounted_hit(),
            };
            for i in 0..N {
                values[i] += barrier.rebate * rebate[i];
            }
        }
        values
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
    fn vectors_of_any_width_give_the_same_bits() {
        let rate = |log_discount| BlackScholes {
            log_discount,
            ..CALL
        };
        let states = [0.02, 0.0, -0.06, -0.2].map(rate);
        for kind in ALL {
            for strike in [80.0, 125.0] {
                let level = if kind.is_up() { 120.0 } else { 85.0 };
                let states = states.map(|state| BlackScholes { strike, ..state });
                let options = barrier(states[0], kind, level, 7.0);
                let without = Open(&options, &states).call();
                assert_eq!(options.values(&states), without);
                for (state, value) in states.iter().zip(without) {
                    assert_eq!(barrier(*state, kind, level, 7.0).value(), value);
                }
            }
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
