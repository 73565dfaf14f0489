//! From quoted volatilities to a surface: strikes that are numbers.

use super::key::{Slot, Strike};
use super::snapshot::Unavailable;
use super::{Quote, Surface};
use crate::results::Shortest;
use crate::time::Date;

/// The surface through the quotes of one underlying, in the order of expiry and strike, with the
/// values that they have by now; `time` counts to an expiry, `spot` and `forward` give the strikes
/// that are not numbers. A single quote at an expiry is flat, wherever its strike is.
pub(super) fn surface(
    quotes: &[(Slot, Quote)],
    values: &[f64],
    time: impl Fn(Date) -> f64,
    spot: impl Fn() -> Result<f64, Unavailable>,
    forward: impl Fn(f64) -> Result<f64, Unavailable>,
) -> Result<Surface, Unavailable> {
    let mut smiles = Vec::new();
    let mut values = values.iter();
    for of_expiry in quotes.chunk_by(|(one, _), (other, _)| one.date == other.date) {
        let time = time(of_expiry[0].0.date);
        let flat = of_expiry.len() == 1;
        let mut points: Vec<(f64, f64)> = Vec::with_capacity(of_expiry.len());
        let mut keys: Vec<&str> = Vec::with_capacity(of_expiry.len());
        for ((slot, Quote { key, .. }), &volatility) in of_expiry.iter().zip(&mut values) {
            if volatility < 0.0 {
                return Err(Unavailable(format!(
                    "{key} is {}: a volatility that is not negative is needed",
                    Shortest(volatility)
                )));
            }
            let strike = match slot.strike {
                Some(Strike::Number(strike)) => strike,
                _ if flat => 0.0,
                Some(Strike::Forward) => forward(time)?,
                Some(Strike::Spot) | None => spot()?,
            };
            // Numbers come in their order, the few strikes that are none after them; no zero is negative.
            let place = points.binary_search_by(|(known, _)| known.total_cmp(&strike.abs()));
            match place {
                Err(place) => {
                    points.insert(place, (strike.abs(), volatility));
                    keys.insert(place, key);
                }
                Ok(first) if points[first].1 == volatility => {}
                Ok(first) => {
                    return Err(Unavailable(format!(
                        "{key} is {}, but {} at the same strike is {}: leave one",
                        Shortest(volatility),
                        keys[first],
                        Shortest(points[first].1)
                    )));
                }
            }
        }
        smiles.push((time, points));
    }
    // Invariant: an underlying that is asked for has a quote.
    Surface::new(smiles).ok_or_else(|| Unavailable("no volatility is quoted".to_owned()))
}
