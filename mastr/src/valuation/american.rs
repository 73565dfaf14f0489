//! American options on an asset that pays a continuous yield.

use std::sync::LazyLock;

use pulp::{Arch, NullaryFnOnce};
use thiserror::Error;

use super::collocation::Collocation;
use super::exercise_boundary::{Boundary, Terms, UnitPut};
use super::{BlackScholes, ClosedForm};
use crate::portfolio::OptionKind;
use crate::results::Shortest;

/// Value and greeks of an American option on one unit, and when it is exercised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct American {
    /// Value and greeks; where it is exercised today they are those of that.
    pub form: ClosedForm,
    /// The price of the asset at which it is exercised today: for a put at or below, for a call at
    /// or above. `None` where early exercise never pays, or nothing is uncertain.
    pub boundary: Option<f64>,
}

/// Why an American option has no value here.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum NoBoundary {
    /// Early exercise pays between two prices of the asset.
    #[error(
        "two exercise boundaries are not supported: {} of {} a year is negative and above {} \
         of {}",
        names(*.kind).0, Shortest(*.rate), names(*.kind).1, Shortest(*.carry)
    )]
    Two {
        /// Call or put.
        kind: OptionKind,
        /// Of a put the rate, of a call the yield.
        rate: f64,
        /// Of a put the yield, of a call the rate.
        carry: f64,
    },
    /// The equations for the boundary have not been solved.
    #[error(
        "the exercise boundary was not found: the volatility {} is out of all \
         proportion to the rate {} and the yield {} a year",
        Shortest(*.volatility), Shortest(*.rate), Shortest(*.carry)
    )]
    NotFound {
        /// The volatility.
        volatility: f64,
        /// The rate.
        rate: f64,
        /// The yield.
        carry: f64,
    },
}

/// What the holder earns once it is exercised, and what until then.
fn names(kind: OptionKind) -> (&'static str, &'static str) {
    match kind {
        OptionKind::Put => ("the rate", "the yield"),
        OptionKind::Call => ("the yield", "the rate"),
    }
}

/// The one that most options take. Its values, and those of the next, are right to 1e-7 of themselves and
/// better.
static MILD: LazyLock<Box<Collocation<12, 16, 48>>> =
    LazyLock::new(|| Box::new(Collocation::new()));
/// The one that the others take.
static USUAL: LazyLock<Box<Collocation<16, 24, 48>>> =
    LazyLock::new(|| Box::new(Collocation::new()));
/// Where the fine one starts from.
static COARSE: LazyLock<Box<Collocation<12, 20, 4>>> =
    LazyLock::new(|| Box::new(Collocation::new()));
/// For a drift that is many times the volatility, and a boundary that is all bend.
static FINE: LazyLock<Box<Collocation<24, 48, 96>>> =
    LazyLock::new(|| Box::new(Collocation::new()));
/// How many times the deviation the drift may be, over the time of the option, for the usual one.
const STEEP: f64 = 3.0;

impl BlackScholes {
    /// Value and greeks of the American option of these terms. Its boundary is found by
    /// collocation; a call is the put with asset and cash exchanged: McDonald and
    /// Schroder, "A parity result for American options", *Journal of Computational Finance* 1 (1998).
    ///
    /// Limits: it is European where early exercise never pays; with a volatility of zero the time of
    /// exercise is the best of all; where it is exercised today its greeks are those of what it pays.
    ///
    /// # Errors
    ///
    /// [`NoBoundary`]: where there are two, or none was found.
    ///
    /// ```
    /// use mastr::portfolio::OptionKind;
    /// use mastr::valuation::BlackScholes;
    ///
    /// let put = BlackScholes {
    ///     kind: OptionKind::Put,
    ///     spot: 100.0,
    ///     strike: 100.0,
    ///     time: 1.0,
    ///     log_discount: -0.05,
    ///     log_yield: -0.05,
    ///     volatility: 0.25,
    /// };
    /// // Andersen, Lake and Offengenden (2016): 0.106952702748 above the European one.
    /// let premium = put.american()?.form.value - put.closed_form().value;
    /// assert!((premium - 0.106_952_702_748).abs() < 1e-9);
    /// # Ok::<(), mastr::valuation::NoBoundary>(())
    /// ```
    pub fn american(&self) -> Result<American, NoBoundary> {
        self.with_boundary(|terms, log_spot| Arch::new().dispatch(Valued::<true>(terms, log_spot)))
    }

    /// The value alone, which takes less time.
    ///
    /// # Errors
    ///
    /// Those of [`BlackScholes::american`].
    pub fn american_value(&self) -> Result<f64, NoBoundary> {
        let american = self.with_boundary(|terms, log_spot| {
            Arch::new().dispatch(Valued::<false>(terms, log_spot))
        })?;
        Ok(american.form.value)
    }

    /// The limits, and the put that all others come down to.
    fn with_boundary(
        &self,
        solve: impl Fn(Terms, f64) -> Option<(f64, Option<UnitPut>)>,
    ) -> Result<American, NoBoundary> {
        let held = |form| {
            Ok(American {
                form,
                boundary: None,
            })
        };
        if self.volatility == 0.0 || self.spot == 0.0 || self.strike == 0.0 {
            return held(self.at_best_time());
        }
        // Of the put: its strike is what it pays, the asset what is given for it.
        let (strike, spot, log_discount, log_yield) = match self.kind {
            OptionKind::Put => (self.strike, self.spot, self.log_discount, self.log_yield),
            OptionKind::Call => (self.spot, self.strike, self.log_yield, self.log_discount),
        };
        let terms = Terms {
            rate: -log_discount,
            carry: -log_yield,
            deviation: self.volatility * self.time.sqrt(),
        };
        if terms.rate <= 0.0 && terms.rate <= terms.carry {
            return held(self.closed_form());
        }
        if terms.rate < 0.0 {
            return Err(NoBoundary::Two {
                kind: self.kind,
                rate: terms.rate / self.time,
                carry: terms.carry / self.time,
            });
        }
        let solved = solve(terms, libm::log(spot / strike));
        let Some((log_boundary, put)) =
            solved.filter(|(_, put)| put.is_none_or(|put| put.is_finite()))
        else {
            return Err(NoBoundary::NotFound {
                volatility: self.volatility,
                rate: -self.log_discount / self.time,
                carry: -self.log_yield / self.time,
            });
        };
        Ok(American {
            form: match put {
                Some(put) => self.of_put(&put, &terms, strike),
                None => self.exercised(),
            },
            boundary: Some(match self.kind {
                OptionKind::Put => self.strike * libm::exp(log_boundary),
                OptionKind::Call => self.strike * libm::exp(-log_boundary),
            }),
        })
    }

    /// Value and greeks from those of the put with a strike of 1; homogeneous of degree 1 in both
    /// prices.
    fn of_put(&self, put: &UnitPut, terms: &Terms, strike: f64) -> ClosedForm {
        let (delta, gamma, rho, dividend_rho) = match self.kind {
            OptionKind::Put => (
                put.slope * self.strike / self.spot,
                (put.curvature - put.slope) * self.strike / (self.spot * self.spot),
                put.by_rate,
                put.by_carry,
            ),
            OptionKind::Call => (
                put.value - put.slope,
                (put.curvature - put.slope) / self.spot,
                put.by_carry,
                put.by_rate,
            ),
        };
        let passing = terms.rate * put.by_rate
            + terms.carry * put.by_carry
            + 0.5 * terms.deviation * put.by_deviation;
        ClosedForm {
            value: (strike * put.value).max(self.exercised().value),
            delta,
            gamma,
            vega: strike * put.by_deviation * self.time.sqrt(),
            theta: -strike * passing / self.time,
            rho: strike * rho * self.time,
            dividend_rho: strike * dividend_rho * self.time,
        }
    }

    /// What exercise today pays.
    fn exercised(&self) -> ClosedForm {
        let omega = self.kind.sign();
        ClosedForm {
            value: omega * (self.spot - self.strike),
            delta: omega,
            ..ClosedForm::NOTHING
        }
    }

    /// When nothing is uncertain: the best of today, expiry, and the time at which what waiting
    /// brings changes its sign, ln(r·K/(q·S))/(r − q).
    fn at_best_time(&self) -> ClosedForm {
        let omega = self.kind.sign();
        let (rate, carry) = (-self.log_discount / self.time, -self.log_yield / self.time);
        let pays = |time: f64| {
            let asset = self.spot * libm::exp(-carry * time);
            let cash = self.strike * libm::exp(-rate * time);
            (omega * (asset - cash), asset, cash)
        };
        let turn = libm::log(rate * self.strike / (carry * self.spot)) / (rate - carry);
        let mut best = (0.0, 0.0, (0.0, 0.0, 0.0));
        for time in [0.0, turn, self.time] {
            // A time that is no number is not within the option's.
            if (0.0..=self.time).contains(&time) && pays(time).0 > best.2.0 {
                best = (omega, time, pays(time));
            }
        }
        let (omega, time, (value, asset, cash)) = best;
        ClosedForm {
            value,
            delta: omega * libm::exp(-carry * time),
            theta: if time == self.time {
                omega * (carry * asset - rate * cash)
            } else {
                0.0
            },
            rho: omega * time * cash,
            dividend_rho: -omega * time * asset,
            ..ClosedForm::NOTHING
        }
    }
}

/// Finds the boundary of a put with a strike of 1, and values it at a price of the asset of which
/// this is the logarithm; with derivatives, or without.
struct Valued<const DERIVATIVES: bool>(Terms, f64);

impl<const DERIVATIVES: bool> NullaryFnOnce for Valued<DERIVATIVES> {
    /// ln of the boundary today, and the put, if it is not exercised.
    type Output = Option<(f64, Option<UnitPut>)>;

    /// Compiled for the vectors that the processor has; the bits are the same for all.
    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self(terms, log_spot) = self;
        if terms.are_mild() {
            let mild = Boundary::find::<DERIVATIVES>(&MILD, terms);
            if mild.converged {
                return Some(mild.valued::<DERIVATIVES>(log_spot));
            }
        }
        let steep = (terms.rate - terms.carry).abs() > STEEP * terms.deviation;
        if !steep {
            let usual = Boundary::find::<DERIVATIVES>(&USUAL, terms);
            if usual.converged {
                return Some(usual.valued::<DERIVATIVES>(log_spot));
            }
        }
        let coarse = Boundary::find::<false>(&COARSE, terms);
        let fine = Boundary::refine::<DERIVATIVES, _, _, _>(&FINE, &coarse);
        if fine.converged {
            return Some(fine.valued::<DERIVATIVES>(log_spot));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: BlackScholes = BlackScholes {
        kind: OptionKind::Put,
        spot: 100.0,
        strike: 110.0,
        time: 2.0,
        log_discount: -0.08,
        log_yield: -0.02,
        volatility: 0.0,
    };
    const CALL: BlackScholes = BlackScholes {
        kind: OptionKind::Call,
        ..PUT
    };

    fn form(option: &BlackScholes) -> ClosedForm {
        option.american().unwrap().form
    }

    #[test]
    fn vectors_of_any_width_give_the_same_bits() {
        for (rate, carry, deviation, log_spot) in [
            (0.05, 0.01, 0.3, 0.1),
            (0.02, 0.09, 0.2, -0.2),
            (0.5, 0.01, 0.05, 0.01),
        ] {
            let terms = Terms {
                rate,
                carry,
                deviation,
            };
            let without = Valued::<true>(terms, log_spot).call();
            assert!(without.is_some());
            assert_eq!(
                without,
                Arch::new().dispatch(Valued::<true>(terms, log_spot))
            );
        }
    }

    #[test]
    fn when_nothing_is_uncertain_the_best_time_is_taken() {
        // A put in the money is exercised today, one far out of it never.
        assert_eq!(form(&PUT).value, 10.0);
        assert_eq!(form(&PUT).delta, -1.0);
        let out = BlackScholes { spot: 200.0, ..PUT };
        assert_eq!((form(&out).value, form(&out).delta), (0.0, 0.0));
        // A call waits: the strike loses 8 % of itself, the asset 2 %.
        let want = 100.0 * libm::exp(-0.02) - 110.0 * libm::exp(-0.08);
        let call = BlackScholes {
            strike: 95.0,
            ..CALL
        };
        assert!(
            (form(&BlackScholes {
                spot: 120.0,
                ..CALL
            })
            .value
                - want
                - 20.0 * libm::exp(-0.02))
            .abs()
                < 1e-13
        );
        assert!(form(&call).value > 100.0 - 95.0);
        // A yield above the rate: a call waits until what it gains a day is what it loses.
        let turns = BlackScholes {
            spot: 100.0,
            strike: 99.0,
            log_discount: -0.3,
            log_yield: -0.29,
            ..CALL
        };
        let best = (0..=2000)
            .map(|step| f64::from(step) / 1000.0)
            .map(|t| 100.0 * libm::exp(-0.145 * t) - 99.0 * libm::exp(-0.15 * t))
            .fold(0.0, f64::max);
        assert!((form(&turns).value - best).abs() < 1e-6, "{best}");
        assert!(form(&turns).value >= best);
    }

    #[test]
    fn a_price_or_a_strike_of_zero_is_a_limit() {
        for volatility in [0.0, 0.3] {
            let option = |kind, spot, strike| {
                form(&BlackScholes {
                    kind,
                    spot,
                    strike,
                    volatility,
                    ..PUT
                })
                .value
            };
            assert_eq!(option(OptionKind::Put, 0.0, 110.0), 110.0);
            assert_eq!(option(OptionKind::Put, 100.0, 0.0), 0.0);
            assert_eq!(option(OptionKind::Call, 0.0, 110.0), 0.0);
            assert_eq!(option(OptionKind::Call, 100.0, 0.0), 100.0);
            assert_eq!(option(OptionKind::Call, 0.0, 0.0), 0.0);
        }
    }

    #[test]
    fn it_is_european_where_waiting_costs_nothing() {
        let uncertain = BlackScholes {
            volatility: 0.2,
            log_yield: 0.0,
            ..CALL
        };
        let put = BlackScholes {
            log_discount: 0.02,
            log_yield: -0.01,
            volatility: 0.2,
            ..PUT
        };
        for option in [uncertain, put] {
            let american = option.american().unwrap();
            assert_eq!(american.form, option.closed_form());
            assert_eq!(american.boundary, None);
        }
    }

    #[test]
    fn two_boundaries_are_refused_by_name() {
        let put = BlackScholes {
            log_discount: 0.02,
            log_yield: 0.06,
            volatility: 0.2,
            ..PUT
        };
        assert_eq!(
            put.american().unwrap_err().to_string(),
            "two exercise boundaries are not supported: the rate of -0.01 a year is negative and \
             above the yield of -0.03"
        );
        let call = BlackScholes {
            log_discount: 0.06,
            log_yield: 0.02,
            volatility: 0.2,
            ..CALL
        };
        assert!(
            call.american()
                .unwrap_err()
                .to_string()
                .contains("the yield of -0.01 a year")
        );
    }

    #[test]
    fn at_the_boundary_it_pays_what_exercise_pays() {
        for kind in [OptionKind::Put, OptionKind::Call] {
            let option = BlackScholes {
                kind,
                log_yield: -0.1,
                volatility: 0.2,
                ..PUT
            };
            let boundary = option.american().unwrap().boundary.unwrap();
            let omega = kind.sign();
            let exercised = BlackScholes {
                spot: boundary * (1.0 + omega * 1e-9),
                ..option
            };
            let held = BlackScholes {
                spot: boundary * (1.0 - omega * 1e-5),
                ..option
            };
            assert_eq!(form(&exercised), exercised.exercised());
            let (form, paid) = (form(&held), held.exercised());
            assert!(form.value >= paid.value && form.value - paid.value < 1e-7 * boundary);
            assert!((form.delta - omega).abs() < 1e-3, "{form:?}");
            assert!(form.gamma > 0.0 && form.vega.abs() < 1e-2, "{form:?}");
        }
    }

    #[test]
    fn what_is_out_of_proportion_says_so_or_is_a_number() {
        for volatility in [1e-9, 1e-4, 1e-3, 0.01, 5.0, 100.0, 1e6, 1e150] {
            for kind in [OptionKind::Put, OptionKind::Call] {
                for (log_discount, log_yield) in [
                    (-0.08, -0.02),
                    (-0.02, -0.08),
                    (-0.05, -0.05),
                    (-1e-9, 1e-9),
                ] {
                    let option = BlackScholes {
                        kind,
                        volatility,
                        log_discount,
                        log_yield,
                        ..PUT
                    };
                    match option.american() {
                        Ok(american) => {
                            let form = american.form;
                            let european = option.closed_form().value;
                            assert!(
                                form.value >= option.exercised().value,
                                "{option:?} {form:?}"
                            );
                            assert!(form.value >= european * (1.0 - 1e-7), "{option:?} {form:?}");
                            assert!(
                                form.value <= option.spot.max(option.strike),
                                "{option:?} {form:?}"
                            );
                            assert!(
                                form.theta.is_finite() && form.vega.is_finite(),
                                "{option:?} {form:?}"
                            );
                        }
                        Err(reason) => {
                            assert!(reason.to_string().contains("was not found"), "{option:?}")
                        }
                    }
                }
            }
        }
    }
}
