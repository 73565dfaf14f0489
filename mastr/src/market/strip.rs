//! Figures of a market in all its scenarios, side by side.
//!
//! A trade that is valued in a thousand scenarios looks up the same few figures in each. Side by
//! side they come from memory in the order in which they are needed, and where on a curve or a
//! surface they stand has to be found only once.

use super::{Curve, PairVolatility, Surface};

/// A figure in each scenario; one alone where it is the same in all.
#[derive(Clone, Debug)]
pub(crate) struct Strip(Box<[f64]>);

/// A curve in each scenario; all have the same pillars.
#[derive(Clone, Debug)]
pub(crate) struct CurveStrip {
    times: Box<[f64]>,
    logs: Box<[Strip]>,
}

/// A surface in each scenario; all have the same expiries and as many strikes at each.
#[derive(Clone, Debug)]
pub(crate) struct SurfaceStrip(Box<[SmileStrip]>);

/// The volatilities of an exchange rate in each scenario.
#[derive(Clone, Debug)]
pub(crate) struct PairStrip {
    surface: SurfaceStrip,
    inverse: bool,
}

#[derive(Clone, Debug)]
struct SmileStrip {
    time: f64,
    strikes: Box<[Strip]>,
    volatilities: Box<[Strip]>,
}

impl Strip {
    /// The figures of the scenarios, of which there is at least one.
    pub(super) fn new(mut figures: Vec<f64>) -> Option<Self> {
        let first = figures.first()?.to_bits();
        if figures.iter().all(|figure| figure.to_bits() == first) {
            figures.truncate(1);
        }
        Some(Self(figures.into()))
    }

    /// The figure in the scenario of this place.
    pub(crate) fn at(&self, scenario: usize) -> f64 {
        self.0[scenario.min(self.0.len() - 1)]
    }

    /// The same in all scenarios.
    fn fixed(&self) -> Option<f64> {
        match *self.0 {
            [figure] => Some(figure),
            _ => None,
        }
    }
}

/// Between two strips, or on one of them.
#[derive(Clone, Copy)]
struct Between<'s> {
    /// Zero where there is none.
    from: Option<&'s Strip>,
    to: &'s Strip,
    /// Where between them; `None` is at the end.
    weight: Option<f64>,
}

impl Between<'_> {
    fn at(self, scenario: usize) -> f64 {
        let to = self.to.at(scenario);
        let Some(weight) = self.weight else {
            return to;
        };
        let from = self.from.map_or(0.0, |from| from.at(scenario));
        from + (to - from) * weight
    }
}

impl CurveStrip {
    /// The curves of the scenarios, of which there is at least one, if their pillars are the same.
    pub(super) fn new(curves: &[&Curve]) -> Option<Self> {
        let times = |curve: &Curve| curve.pillars().iter().map(|pillar| pillar.0).collect();
        let first: Box<[f64]> = times(curves.first()?);
        let log = |pillar: usize| {
            let logs = curves.iter().map(|curve| curve.pillars()[pillar].1);
            Strip::new(logs.collect())
        };
        if !curves.iter().all(|curve| times(curve) == first) {
            return None;
        }
        Some(Self {
            logs: (0..first.len()).map(log).collect::<Option<_>>()?,
            times: first,
        })
    }

    /// The logarithm of the discount factor at `time` in each scenario, as
    /// [`Curve::log_discount`] gives it.
    pub(crate) fn log_discount(&self, time: f64) -> impl Fn(usize) -> f64 {
        let between = self.between(time);
        move |scenario| between.map_or(0.0, |between| between.at(scenario))
    }

    fn between(&self, time: f64) -> Option<Between<'_>> {
        let last = self.times.len().checked_sub(1)?;
        if time <= 0.0 {
            return None;
        }
        let end = self
            .times
            .partition_point(|pillar| *pillar < time)
            .min(last);
        let start = end.checked_sub(1);
        let (from, to) = (
            start.map_or(0.0, |start| self.times[start]),
            self.times[end],
        );
        Some(Between {
            from: start.map(|start| &self.logs[start]),
            to: &self.logs[end],
            weight: (time != to).then(|| (time - from) / (to - from)),
        })
    }
}

impl SurfaceStrip {
    /// The surfaces of the scenarios, of which there is at least one, if they are of one make.
    pub(super) fn new(surfaces: &[&Surface]) -> Option<Self> {
        let make = |surface: &Surface| -> Vec<(f64, usize)> {
            let smiles = surface.smiles().iter();
            smiles
                .map(|smile| (smile.time, smile.points.len()))
                .collect()
        };
        let first = make(surfaces.first()?);
        if !surfaces.iter().all(|surface| make(surface) == first) {
            return None;
        }
        let smile = |(smile, &(time, points)): (usize, &(f64, usize))| {
            let strips = |of: fn((f64, f64)) -> f64| {
                let strip = |point: usize| {
                    let figures = surfaces.iter().map(|s| of(s.smiles()[smile].points[point]));
                    Strip::new(figures.collect())
                };
                (0..points).map(strip).collect::<Option<Box<[_]>>>()
            };
            Some(SmileStrip {
                time,
                strikes: strips(|(strike, _)| strike)?,
                volatilities: strips(|(_, volatility)| volatility)?,
            })
        };
        first
            .iter()
            .enumerate()
            .map(smile)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The volatility of an option that expires at `time` with this strike in each scenario, as
    /// [`Surface::volatility`] gives it.
    pub(crate) fn volatility(&self, time: f64, strike: f64) -> impl Fn(usize) -> f64 {
        let after = self.0.partition_point(|smile| smile.time < time);
        let last = self.0.len() - 1;
        let alone = after == 0 || after > last || self.0[after].time == time;
        let end = &self.0[after.min(last)];
        let start = if alone { end } else { &self.0[after - 1] };
        let (from, to) = (start.at(strike), end.at(strike));
        let weight = (time - start.time) / (end.time - start.time);
        move |scenario| {
            let volatility = to.volatility(scenario);
            if alone {
                return volatility;
            }
            let variance =
                |volatility: f64, smile: &SmileStrip| volatility * volatility * smile.time;
            let (from, to) = (
                variance(from.volatility(scenario), start),
                variance(volatility, end),
            );
            ((from + (to - from) * weight) / time).sqrt()
        }
    }
}

impl PairStrip {
    pub(super) fn new(pairs: &[PairVolatility<'_>]) -> Option<Self> {
        let surfaces: Vec<&Surface> = pairs.iter().map(|pair| pair.surface).collect();
        Some(Self {
            surface: SurfaceStrip::new(&surfaces)?,
            // It is a matter of which quotes there are, which scenarios do not change.
            inverse: pairs.first()?.inverse,
        })
    }

    /// As [`PairVolatility::volatility`] gives it.
    pub(crate) fn volatility(&self, time: f64, strike: f64) -> impl Fn(usize) -> f64 {
        let strike = if self.inverse { 1.0 / strike } else { strike };
        self.surface.volatility(time, strike)
    }
}

/// A smile at one strike.
enum AtStrike<'s> {
    /// Its own strikes stay where they are.
    Fixed(Between<'s>),
    /// They move with the scenarios.
    Floating(&'s SmileStrip, f64),
}

impl SmileStrip {
    fn at(&self, strike: f64) -> AtStrike<'_> {
        let strikes: Option<Vec<f64>> = self.strikes.iter().map(Strip::fixed).collect();
        match strikes {
            Some(strikes) => AtStrike::Fixed(self.between(strike, |place| strikes[place])),
            None => AtStrike::Floating(self, strike),
        }
    }

    /// Where `strike` is among the strikes of this smile, which are in order.
    fn between(&self, strike: f64, strikes: impl Fn(usize) -> f64) -> Between<'_> {
        let last = self.volatilities.len() - 1;
        let after = (0..=last).find(|place| strikes(*place) >= strike);
        let end = after.unwrap_or(last);
        let on = end == 0 || after.is_none() || strikes(end) == strike;
        let start = end.saturating_sub(1);
        Between {
            from: Some(&self.volatilities[start]),
            to: &self.volatilities[end],
            weight: (!on).then(|| (strike - strikes(start)) / (strikes(end) - strikes(start))),
        }
    }
}

impl AtStrike<'_> {
    fn volatility(&self, scenario: usize) -> f64 {
        match *self {
            Self::Fixed(between) => between.at(scenario),
            Self::Floating(smile, strike) => smile
                .between(strike, |place| smile.strikes[place].at(scenario))
                .at(scenario),
        }
    }
}
