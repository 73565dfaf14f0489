//! Volatilities over time and strike.

/// Lognormal volatilities: linear in strike and flat outside the strikes quoted at an expiry;
/// between expiries the total variance at one strike is linear in time; before the first and after
/// the last expiry the volatility stays what it is there.
///
/// Time is in years from the as-of date, counted A365F.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    smiles: Vec<Smile>,
}

/// The volatilities at one expiry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Smile {
    pub(super) time: f64,
    /// Strike and volatility, by strike; at least one.
    pub(super) points: Vec<(f64, f64)>,
}

impl Surface {
    /// The surface through `smiles`: times, all different and positive, each with strikes, all
    /// different, and the volatilities there. `None` when a smile, or the surface, is empty.
    ///
    /// ```
    /// use mastr::market::Surface;
    ///
    /// let surface = Surface::new(vec![(1.0, vec![(80.0, 0.3), (120.0, 0.2)])]).unwrap();
    /// assert_eq!(surface.volatility(0.5, 100.0), 0.25);
    /// assert_eq!(surface.volatility(2.0, 200.0), 0.2);
    /// ```
    pub fn new(smiles: Vec<(f64, Vec<(f64, f64)>)>) -> Option<Self> {
        if smiles.is_empty() || smiles.iter().any(|(_, points)| points.is_empty()) {
            return None;
        }
        let mut smiles: Vec<Smile> = smiles
            .into_iter()
            .map(|(time, mut points)| {
                points.sort_by(|a, b| a.0.total_cmp(&b.0));
                Smile { time, points }
            })
            .collect();
        smiles.sort_by(|a, b| a.time.total_cmp(&b.time));
        Some(Self { smiles })
    }

    /// By time; at least one.
    pub(super) fn smiles(&self) -> &[Smile] {
        &self.smiles
    }

    /// The volatility of an option that expires at `time` with this strike.
    pub fn volatility(&self, time: f64, strike: f64) -> f64 {
        let after = self.smiles.partition_point(|smile| smile.time < time);
        let Some(end) = self.smiles.get(after) else {
            return self.smiles[after - 1].volatility(strike);
        };
        if after == 0 || end.time == time {
            return end.volatility(strike);
        }
        let start = &self.smiles[after - 1];
        let variance = |smile: &Smile| {
            let volatility = smile.volatility(strike);
            volatility * volatility * smile.time
        };
        let (from, to) = (variance(start), variance(end));
        let weight = (time - start.time) / (end.time - start.time);
        ((from + (to - from) * weight) / time).sqrt()
    }
}

impl Smile {
    fn volatility(&self, strike: f64) -> f64 {
        let after = self.points.partition_point(|point| point.0 < strike);
        let Some(&(to, to_volatility)) = self.points.get(after) else {
            return self.points[after - 1].1;
        };
        if after == 0 || to == strike {
            return to_volatility;
        }
        let (from, from_volatility) = self.points[after - 1];
        from_volatility + (to_volatility - from_volatility) * ((strike - from) / (to - from))
    }
}
