//! Options on the average of prices on several days.

use std::array::from_fn;

use super::paths::{State, Sums};
use super::{BlackScholes, ClosedForm};
use crate::portfolio::OptionKind;

/// What the price of the asset is moved by for delta and gamma, of itself.
const SPOT: f64 = 1e-3;
/// What volatility and rates are moved by, and time in years for theta.
const BASIS_POINT: f64 = 1e-4;

/// A European option on one average of prices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Average {
    /// Call or put.
    pub(super) kind: OptionKind,
    /// What the average is compared with.
    pub(super) strike: f64,
    /// Price of the asset today; not negative.
    pub(super) spot: f64,
    /// The prices that are known; not negative.
    pub(super) known: Vec<f64>,
    /// Whether today's price is one of those that count and are not known.
    pub(super) includes_spot: bool,
    /// Those after today, in their order.
    pub(super) to_come: Vec<Observation>,
    /// Lognormal volatility.
    pub(super) volatility: f64,
    /// Years until it is paid; positive.
    pub(super) time: f64,
    /// ln of the discount factor to then.
    pub(super) log_discount: f64,
}

/// A price that is to be observed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Observation {
    /// In so many years; positive.
    pub(super) time: f64,
    /// ln of the forward price over the spot.
    pub(super) growth: f64,
}

/// What a simulation gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Simulated {
    /// Value and greeks.
    pub(super) form: ClosedForm,
    /// The standard error of the value.
    pub(super) standard_error: f64,
}

impl Average {
    fn count(&self) -> f64 {
        (self.known.len() + usize::from(self.includes_spot) + self.to_come.len()) as f64
    }

    /// How many prices follow the spot.
    fn moving(&self) -> f64 {
        (usize::from(self.includes_spot) + self.to_come.len()) as f64
    }

    /// The times of the prices to come.
    pub(super) fn times(&self) -> Vec<f64> {
        self.to_come.iter().map(|price| price.time).collect()
    }

    /// −σ²t/2, by which the median of a price is below its mean.
    fn drift(&self, price: &Observation) -> f64 {
        -0.5 * self.volatility * self.volatility * price.time
    }

    /// The mean of ln G.
    fn log_geometric(&self) -> f64 {
        let known: f64 = self.known.iter().map(|price| libm::log(*price)).sum();
        let to_come = self.to_come.iter();
        let to_come: f64 = to_come.map(|price| price.growth + self.drift(price)).sum();
        // Where none moves the spot does not matter, even if its logarithm is infinite.
        let moving = match self.moving() {
            0.0 => 0.0,
            moving => moving * libm::log(self.spot),
        };
        (known + moving + to_come) / self.count()
    }

    /// Var(ln G)/σ²: Σᵢⱼ min(tᵢ, tⱼ)/n².
    fn variance_time(&self) -> f64 {
        let count = self.to_come.len();
        let sum: f64 = (0..)
            .zip(&self.to_come)
            .map(|(place, price)| (2 * (count - place) - 1) as f64 * price.time)
            .sum();
        sum / (self.count() * self.count())
    }

    /// The option on the geometric average, undiscounted: Black's, on a forward of exp(m + v/2) with m
    /// and v the mean and the variance of ln G.
    fn geometric_option(&self) -> BlackScholes {
        let deviation = self.volatility * self.variance_time().sqrt();
        BlackScholes {
            kind: self.kind,
            spot: libm::exp(self.log_geometric() + 0.5 * deviation * deviation),
            strike: self.strike,
            time: 1.0,
            log_discount: 0.0,
            log_yield: 0.0,
            volatility: deviation,
        }
    }

    /// The value of the option on the geometric average.
    pub(super) fn geometric_value(&self) -> f64 {
        libm::exp(self.log_discount) * self.geometric_option().value()
    }

    /// Value and greeks of the option on the geometric average, which is lognormal: Kemna and Vorst,
    /// "A pricing method for options based on average asset values", *Journal of Banking & Finance* 14
    /// (1990), for prices on given days; the greeks by the chain rule.
    ///
    /// Theta is what passes while no price is observed, at constant rates: with F the forward of G and
    /// a the part of the prices that are to come, ln F loses a·(r − q) a year, and the variance of each
    /// of them σ².
    pub(super) fn geometric(&self) -> ClosedForm {
        let count = self.count();
        let option = self.geometric_option();
        // V by the forward, twice, and by the deviation.
        let black = option.closed_form().times(libm::exp(self.log_discount));
        let (forward, slope, root) = (option.spot, black.delta, self.variance_time().sqrt());
        let sum = |of: fn(&Observation) -> f64| self.to_come.iter().map(of).sum::<f64>();
        let mean_time = sum(|price| price.time) / count;
        let mean_rate = sum(|price| price.growth / price.time) / count;
        // F follows the price to the power of the part that moves with it; ∂²V/∂S² times S².
        let twice = |power: f64| {
            let by_log = power * forward;
            black.gamma * by_log * by_log + slope * by_log * (power - 1.0)
        };
        let power = self.moving() / count;
        let per = |derivative: f64, spot: f64| match derivative {
            0.0 => 0.0,
            derivative => derivative / spot,
        };
        let rate = -self.log_discount / self.time;
        let variance = self.volatility * self.volatility;
        ClosedForm {
            value: black.value,
            delta: per(slope * power * forward, self.spot),
            gamma: per(twice(power), self.spot * self.spot),
            vega: slope * forward * self.volatility * (root * root - mean_time) + black.vega * root,
            theta: rate * black.value
                - slope * forward * mean_rate
                - 0.5 * variance * twice(self.to_come.len() as f64 / count),
            rho: slope * forward * mean_time - self.time * black.value,
            dividend_rho: -slope * forward * mean_time,
        }
    }

    /// What has to be simulated for the value of the option on the arithmetic average.
    pub(super) fn state(&self) -> State {
        self.state_stretched(0.0)
    }

    /// The same with the first step to the power of 1 + `stretch`.
    fn state_stretched(&self, stretch: f64) -> State {
        let share = 1.0 / self.count();
        let weight =
            |price: &Observation| share * self.spot * libm::exp(price.growth + self.drift(price));
        let today = if self.includes_spot { self.spot } else { 0.0 };
        State {
            omega: self.kind.sign(),
            strike: self.strike,
            volatility: self.volatility,
            known: share * (self.known.iter().sum::<f64>() + today),
            weights: self.to_come.iter().map(weight).collect(),
            log_geometric: self.log_geometric(),
            share,
            stretch,
        }
    }

    /// What has to be simulated for its value and greeks; the value's comes first.
    pub(super) fn states(&self) -> Vec<State> {
        let first = self.to_come.first().map_or(0.0, |price| price.time);
        // Of the same random numbers the first step is shorter, or longer.
        let stretch = |moved: &Self| match moved.to_come.first() {
            Some(price) if price.time != first => (price.time / first).sqrt() - 1.0,
            _ => 0.0,
        };
        let moved = self.moved();
        let state = |moved: &Self| moved.state_stretched(stretch(moved));
        moved.iter().map(state).collect()
    }

    /// It itself first; then moved for each greek to either side. Those of the same volatility come
    /// first, as they share most of the work.
    fn moved(&self) -> [Self; 9] {
        let moved = |by: &dyn Fn(&mut Self)| {
            let mut moved = self.clone();
            by(&mut moved);
            moved
        };
        let spot = |part: f64| moved(&|average| average.spot *= 1.0 + part);
        let growth = |rate: f64| {
            moved(&|average| {
                for price in &mut average.to_come {
                    price.growth += rate * price.time;
                }
            })
        };
        let passed = |time: f64| {
            moved(&|average| {
                for price in &mut average.to_come {
                    price.growth -= time * price.growth / price.time;
                    price.time -= time;
                }
                average.log_discount -= time * average.log_discount / average.time;
                average.time -= time;
            })
        };
        let volatility = |step: f64| moved(&|average| average.volatility += step);
        [
            self.clone(),
            spot(SPOT),
            spot(-SPOT),
            growth(BASIS_POINT),
            growth(-BASIS_POINT),
            passed(BASIS_POINT),
            passed(-BASIS_POINT),
            volatility(BASIS_POINT),
            volatility(-BASIS_POINT.min(self.volatility)),
        ]
    }

    /// The value of the option on the arithmetic average, from what `paths` paths of its
    /// [state](Self::state) have added up to.
    ///
    /// The geometric average is the control variate, with the coefficient that leaves the least
    /// variance: Glasserman, *Monte Carlo Methods in Financial Engineering* (2003), section 4.1.
    pub(super) fn arithmetic_value(&self, paths: u32, sums: &Sums) -> f64 {
        Control::new(paths, sums).value(self, sums)
    }

    /// The same with greeks and standard error, from all its [states](Self::states): central differences
    /// with the same random numbers. Theta is what passes while no price is observed, as of the
    /// [geometric](Self::geometric) one.
    pub(super) fn arithmetic(&self, paths: u32, sums: &[Sums]) -> Simulated {
        // Invariant: there is one for each move.
        let sum = |place: usize| sums.get(place).copied().unwrap_or_default();
        let control = Control::new(paths, &sum(0));
        let moved = self.moved();
        let value_of = |place: usize| control.value(&moved[place], &sum(place));
        let [value, up, down, faster, slower, later, earlier, more, less] = from_fn(value_of);
        let step = SPOT * self.spot;
        let growth = (faster - slower) / (2.0 * BASIS_POINT);
        Simulated {
            form: ClosedForm {
                value,
                delta: (up - down) / (2.0 * step),
                gamma: ((up - value) - (value - down)) / (step * step),
                vega: (more - less) / (BASIS_POINT + BASIS_POINT.min(self.volatility)),
                theta: (later - earlier) / (2.0 * BASIS_POINT),
                rho: growth - self.time * value,
                dividend_rho: -growth,
            },
            standard_error: libm::exp(self.log_discount) * control.standard_error,
        }
    }

    /// Value and greeks of the option on the arithmetic average, if nothing is uncertain: all is known,
    /// or the asset is worth nothing.
    pub(super) fn certain(&self) -> Option<ClosedForm> {
        if !self.to_come.is_empty() && self.spot > 0.0 {
            return None;
        }
        let discount = libm::exp(self.log_discount);
        let known: f64 = self.known.iter().sum();
        let by_spot = if self.includes_spot { 1.0 } else { 0.0 };
        let to_come: f64 = self
            .to_come
            .iter()
            .map(|price| libm::exp(price.growth))
            .sum();
        let omega = self.kind.sign();
        let average = (known + by_spot * self.spot) / self.count();
        let paid = (omega * (average - self.strike)).max(0.0);
        let value = discount * paid;
        Some(ClosedForm {
            value,
            delta: if paid > 0.0 {
                omega * discount * (by_spot + to_come) / self.count()
            } else {
                0.0
            },
            theta: -self.log_discount / self.time * value,
            rho: -self.time * value,
            ..ClosedForm::NOTHING
        })
    }
}

/// What the option on the geometric average tells of the one on the arithmetic average.
struct Control {
    paths: f64,
    /// How much of the geometric option's error the difference of both has.
    coefficient: f64,
    /// Of the estimate, before it is discounted.
    standard_error: f64,
}

impl Control {
    fn new(paths: u32, Sums(sums): &Sums) -> Self {
        let paths = f64::from(paths);
        let [d, c, dd, dc, cc] = sums.map(|sum| sum / paths);
        let (of_d, together, of_c) = (dd - d * d, dc - d * c, cc - c * c);
        let coefficient = if of_c > 0.0 { together / of_c } else { 0.0 };
        let left = (of_d - coefficient * together).max(0.0);
        Self {
            paths,
            coefficient,
            standard_error: (left / paths).sqrt(),
        }
    }

    /// The value of the option on this arithmetic average.
    fn value(&self, average: &Average, Sums([d, c, ..]): &Sums) -> f64 {
        let geometric = average.geometric_option().value();
        let paid = geometric + d / self.paths - self.coefficient * (c / self.paths - geometric);
        libm::exp(average.log_discount) * paid
    }
}

#[cfg(test)]
mod tests {
    use super::super::paths::{Block, sums};
    use super::*;

    const RATE: f64 = 0.04;
    const YIELD: f64 = 0.015;

    /// Prices in a quarter of a year and then each quarter, at flat rates; paid a little later.
    fn average(kind: OptionKind, known: &[f64], to_come: usize) -> Average {
        let price = |place: usize| {
            let time = 0.25 * (1 + place) as f64;
            Observation {
                time,
                growth: (RATE - YIELD) * time,
            }
        };
        let time = 0.25 * to_come as f64 + 0.1;
        Average {
            kind,
            strike: 102.0,
            spot: 100.0,
            known: known.into(),
            includes_spot: false,
            to_come: (0..to_come).map(price).collect(),
            volatility: 0.3,
            time,
            log_discount: -RATE * time,
        }
    }

    /// The same when so much time has passed.
    fn later(average: &Average, passed: f64) -> Average {
        let mut average = average.clone();
        for price in &mut average.to_come {
            price.time -= passed;
            price.growth -= (RATE - YIELD) * passed;
        }
        average.time -= passed;
        average.log_discount += RATE * passed;
        average
    }

    fn simulated(average: &Average, paths: u32) -> Simulated {
        let block = Block {
            key: 1,
            number: 0,
            paths: paths.into(),
        };
        let sums = sums(block, &average.times(), &average.states());
        average.arithmetic(paths, &sums)
    }

    fn figures(form: &ClosedForm) -> [f64; 7] {
        [
            form.value,
            form.delta,
            form.gamma,
            form.vega,
            form.theta,
            form.rho,
            form.dividend_rho,
        ]
    }

    fn hold(got: &ClosedForm, want: &ClosedForm, relative: f64) {
        for (got, want) in figures(got).into_iter().zip(figures(want)) {
            let error = (got - want).abs();
            assert!(error <= relative * want.abs().max(1e-3), "{got} {want}");
        }
    }

    #[test]
    fn an_average_of_one_price_is_that_price() {
        for kind in [OptionKind::Call, OptionKind::Put] {
            let mut average = average(kind, &[], 1);
            (average.time, average.log_discount) = (0.25, -RATE * 0.25);
            let european = BlackScholes {
                kind,
                spot: 100.0,
                strike: 102.0,
                time: 0.25,
                log_discount: -RATE * 0.25,
                log_yield: -YIELD * 0.25,
                volatility: 0.3,
            };
            let want = european.closed_form();
            hold(&average.geometric(), &want, 1e-12);
            let got = simulated(&average, 1000);
            hold(&got.form, &want, 1e-4);
            assert!((got.form.value / want.value - 1.0).abs() < 1e-12);
            assert!(got.standard_error < 1e-7);
        }
    }

    #[test]
    fn geometric_greeks_are_slopes() {
        for (kind, known) in [
            (OptionKind::Call, &[][..]),
            (OptionKind::Put, &[95.0, 101.0]),
        ] {
            let average = average(kind, known, 4);
            let slope = |step: f64, by: &dyn Fn(&mut Average, f64)| {
                let at = |step| {
                    let mut moved = average.clone();
                    by(&mut moved, step);
                    moved.geometric_value()
                };
                let (up, down) = (at(step), at(-step));
                (
                    (up - down) / (2.0 * step),
                    (up - 2.0 * at(0.0) + down) / (step * step),
                )
            };
            let (delta, gamma) = slope(0.05, &|a, step| a.spot += step);
            let (passed, _) = slope(1e-4, &|a, step| *a = later(a, step));
            let grown = |a: &mut Average, step: f64| {
                a.log_discount -= step * a.time;
                a.to_come.iter_mut().for_each(|p| p.growth += step * p.time);
            };
            let yielded = |a: &mut Average, step: f64| {
                a.to_come.iter_mut().for_each(|p| p.growth -= step * p.time);
            };
            let want = ClosedForm {
                value: average.geometric_value(),
                delta,
                gamma,
                vega: slope(1e-4, &|a, step| a.volatility += step).0,
                theta: passed,
                rho: slope(1e-4, &grown).0,
                dividend_rho: slope(1e-4, &yielded).0,
            };
            hold(&average.geometric(), &want, 1e-4);
        }
    }

    #[test]
    fn arithmetic_theta_is_the_passing_of_time() {
        let average = average(OptionKind::Call, &[99.0], 3);
        let value = |passed| simulated(&later(&average, passed), 1 << 14).form.value;
        let got = simulated(&average, 1 << 14).form.theta;
        let want = (value(1e-3) - value(-1e-3)) / 2e-3;
        assert!((got / want - 1.0).abs() < 0.01, "{got} {want}");
    }

    #[test]
    fn a_call_less_a_put_is_the_average_less_the_strike() {
        let value = |kind| simulated(&average(kind, &[105.0], 5), 1 << 14);
        let (call, put) = (value(OptionKind::Call), value(OptionKind::Put));
        let average = average(OptionKind::Call, &[105.0], 5);
        let forwards = average.to_come.iter().map(|p| 100.0 * libm::exp(p.growth));
        let mean = (105.0 + forwards.sum::<f64>()) / 6.0;
        let want = libm::exp(average.log_discount) * (mean - 102.0);
        let error = call.form.value - put.form.value - want;
        assert!(
            error.abs() < 4.0 * (call.standard_error + put.standard_error),
            "{error}"
        );
        assert!(call.standard_error > 0.0 && call.standard_error < 0.01);
    }

    #[test]
    fn when_nothing_is_uncertain_nothing_is_simulated() {
        let known = average(OptionKind::Call, &[103.0, 105.0], 0);
        let form = known.certain().unwrap();
        assert_eq!(form.value, libm::exp(-0.004) * 2.0);
        assert!((known.geometric_value() / form.value - 1.0).abs() < 0.01);
        assert_eq!(figures(&known.geometric())[1..4], [0.0; 3]);
        let mut worthless = average(OptionKind::Put, &[], 2);
        worthless.spot = 0.0;
        let form = worthless.certain().unwrap();
        assert_eq!(form.value, libm::exp(worthless.log_discount) * 102.0);
        assert!(form.delta < -0.9 && form.delta > -1.1);
        assert_eq!(worthless.geometric_value(), form.value);
        let mut steady = average(OptionKind::Call, &[], 4);
        (steady.volatility, steady.strike) = (0.0, 95.0);
        let got = simulated(&steady, 100);
        let forwards = steady.to_come.iter().map(|p| 100.0 * libm::exp(p.growth));
        let want = libm::exp(steady.log_discount) * (forwards.sum::<f64>() / 4.0 - 95.0);
        assert!((got.form.value / want - 1.0).abs() < 1e-13);
        assert!(got.standard_error < 1e-6);
    }
}
