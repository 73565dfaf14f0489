//! The engines as `mastr price` and the valuation workers call them.

use std::hint::black_box;

use super::CommandError;
use super::book::{Book, PATHS, SCENARIOS, STEPS};
use super::engine::Engine;
use super::measurement::{Contender, Measured};
use crate::portfolio::Trade;
use crate::valuation::{Valuation, profit_and_loss, value};

/// The engines of mastr.
pub(super) struct Own<'b>(&'b Book);

impl<'b> Own<'b> {
    pub(super) fn new(book: &'b Book) -> Self {
        Self(book)
    }

    fn value(&self, trade: &Trade) -> Valuation {
        // Invariant: the book's market has all that its trades need.
        value(black_box(trade), &self.0.market).expect("the book's trades can be valued")
    }

    /// What a trade is worth in each scenario, in its own currency, together.
    fn in_scenarios(&self, trade: &Trade, today: &Valuation) -> f64 {
        let book = self.0;
        let scenarios = match trade.product.paths() {
            0 => &book.scenarios,
            _ => &book.unmoved,
        };
        let pnl = profit_and_loss(black_box(trade), today, scenarios)
            .expect("the book's trades can be valued in its scenarios");
        let to_base = today.npv_base / today.npv;
        pnl.iter().map(|pnl| today.npv + pnl / to_base).sum()
    }
}

impl Contender for Own<'_> {
    fn name(&self, _: Engine) -> String {
        "mastr".to_owned()
    }

    fn measure(&mut self, engine: Engine, seconds: f64) -> Result<Measured, CommandError> {
        let trades = self.0.trades(engine);
        let measured = match engine {
            // Their value alone is what a scenario asks for, here that in which nothing moves.
            Engine::Asian | Engine::Scenarios => {
                let units = match engine {
                    Engine::Asian => STEPS * PATHS,
                    _ => SCENARIOS,
                };
                let today: Vec<Valuation> = trades.iter().map(|trade| self.value(trade)).collect();
                Measured::over(seconds, trades.len() * units, || {
                    let trades = trades.iter().zip(&today);
                    trades
                        .map(|(trade, today)| self.in_scenarios(trade, today))
                        .sum()
                })
            }
            _ => Measured::over(seconds, trades.len(), || {
                trades
                    .iter()
                    .map(|trade| black_box(self.value(trade)).npv)
                    .sum()
            }),
        };
        Ok(measured)
    }
}
