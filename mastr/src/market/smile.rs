//! From quoted volatilities to a surface: strikes that are numbers.

use std::collections::BTreeMap;

use super::key::Strike;
use super::snapshot::Unavailable;
use super::{Quote, Surface};

/// The volatilities quoted for one underlying, by expiry.
#[derive(Debug, Default)]
pub(super) struct QuotedSmiles<'q> {
    /// By the bits of the time, which is positive, so that they are in the times' order.
    smiles: BTreeMap<u64, Vec<(Strike, &'q Quote)>>,
}

impl<'q> QuotedSmiles<'q> {
    /// Takes the volatility quoted at `time`, which is positive, and `strike`.
    pub(super) fn push(&mut self, time: f64, strike: Strike, quote: &'q Quote) {
        self.smiles
            .entry(time.to_bits())
            .or_default()
            .push((strike, quote));
    }

    /// The surface through the quotes, where `spot` and `forward` give the strikes that are not
    /// numbers. A single quote at an expiry is flat, wherever its strike is.
    pub(super) fn surface(
        self,
        spot: impl Fn() -> Result<f64, Unavailable>,
        forward: impl Fn(f64) -> Result<f64, Unavailable>,
    ) -> Result<Surface, Unavailable> {
        let mut smiles = Vec::with_capacity(self.smiles.len());
        for (time, quotes) in self.smiles {
            let time = f64::from_bits(time);
            let flat = quotes.len() == 1;
            let mut points: Vec<(f64, &Quote)> = Vec::with_capacity(quotes.len());
            for (strike, quote) in quotes {
                if quote.value < 0.0 {
                    return Err(Unavailable(format!(
                        "{} is {}: a volatility that is not negative is needed",
                        quote.key, quote.value
                    )));
                }
                let strike = match strike {
                    Strike::Number(strike) => strike,
                    Strike::Spot | Strike::Forward if flat => 0.0,
                    Strike::Spot => spot()?,
                    Strike::Forward => forward(time)?,
                };
                match points.iter().find(|(known, _)| *known == strike) {
                    None => points.push((strike, quote)),
                    Some((_, first)) if first.value == quote.value => {}
                    Some((_, first)) => {
                        return Err(Unavailable(format!(
                            "{} is {}, but {} at the same strike is {}: leave one",
                            quote.key, quote.value, first.key, first.value
                        )));
                    }
                }
            }
            let points = points
                .into_iter()
                .map(|(strike, quote)| (strike, quote.value));
            smiles.push((time, points.collect()));
        }
        // Invariant: an underlying has an entry here from its first quote on.
        Surface::new(smiles).ok_or_else(|| Unavailable("no volatility is quoted".to_owned()))
    }
}
