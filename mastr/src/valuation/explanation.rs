//! How a value came about.

use std::fmt;

use super::engine::Inputs;
use super::value::evaluate;
use super::{BlackScholes, Factor, Greek, Valuation};
use crate::fault::Fault;
use crate::market::Market;
use crate::portfolio::{Exercise, Product, Trade};
use crate::results::Shortest;
use crate::time::Date;

/// How the value of one trade came about: what was looked up under which key, and what came of it.
///
/// Displays as lines of name, figure and source.
#[derive(Clone, Debug)]
pub struct Explanation<'t> {
    trade: &'t Trade,
    as_of: Date,
    inputs: Option<Inputs>,
    valuation: Valuation,
}

/// Values `trade` and keeps what the value is made of.
///
/// # Errors
/// Those of [`value`](super::value).
pub fn explain<'t>(trade: &'t Trade, market: &Market) -> Result<Explanation<'t>, Fault> {
    let (valuation, inputs) =
        evaluate(trade, market).map_err(|reason| Fault::of_trade(&trade.id, reason.0))?;
    Ok(Explanation {
        trade,
        as_of: market.as_of(),
        inputs,
        valuation,
    })
}

impl Explanation<'_> {
    /// What the market said; nothing when the trade is past.
    pub fn inputs(&self) -> Option<&Inputs> {
        self.inputs.as_ref()
    }

    /// What the trade is worth.
    pub fn valuation(&self) -> &Valuation {
        &self.valuation
    }

    fn formula(&self) -> &'static str {
        match &self.trade.product {
            Product::EquityOption(option) => match option.exercise {
                Exercise::European => "Black-Scholes-Merton",
                Exercise::American => "Andersen-Lake-Offengenden",
            },
            Product::FxOption(_) => "Garman-Kohlhagen",
            Product::EquityForward(_) | Product::FxForward(_) => "discounted flows",
        }
    }

    /// Where `option` is exercised today, if it is American and that ever pays.
    fn boundary(&self, option: &BlackScholes) -> Option<f64> {
        match &self.trade.product {
            Product::EquityOption(trade) if trade.exercise == Exercise::American => {
                option.american().ok()?.boundary
            }
            _ => None,
        }
    }

    /// The option on one unit, if it is one.
    fn option(&self, inputs: &Inputs, volatility: f64) -> Option<BlackScholes> {
        let (kind, strike) = match &self.trade.product {
            Product::EquityOption(option) => (option.kind, option.strike),
            Product::FxOption(option) => (option.kind, option.sold_amount / option.bought_amount),
            Product::EquityForward(_) | Product::FxForward(_) => return None,
        };
        Some(BlackScholes {
            kind,
            spot: inputs.spot,
            strike,
            time: inputs.time,
            log_discount: inputs.log_discount,
            log_yield: inputs.log_yield,
            volatility,
        })
    }
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = &self.trade.product;
        let valuation = &self.valuation;
        let mut line = |name: &str, figure: &dyn fmt::Display, source: &dyn fmt::Display| {
            let line = format!("{name:<16} {figure:>24}  {source}");
            writeln!(f, "{}", line.trim_end())
        };
        let number = Shortest;
        line("trade", &self.trade.id, &product.trade_type().name())?;
        line("as of", &self.as_of, &"")?;
        line("maturity", &valuation.maturity, &"")?;
        let Some(inputs) = &self.inputs else {
            return line(
                "value",
                &0,
                &"past: all was due on or before the as-of date",
            );
        };
        line("formula", &self.formula(), &"")?;
        line("time", &number(inputs.time), &"years, A365F")?;
        let key = |greek| Factor::of(product, greek);
        line("spot", &number(inputs.spot), &key(Greek::Delta))?;
        line(
            "discount factor",
            &number(libm::exp(inputs.log_discount)),
            &key(Greek::Rho),
        )?;
        line(
            "yield factor",
            &number(libm::exp(inputs.log_yield)),
            &key(Greek::DividendRho),
        )?;
        line("forward", &number(inputs.forward()), &"")?;
        if let Some(volatility) = inputs.volatility {
            line("volatility", &number(volatility), &key(Greek::Vega))?;
            if let Some(option) = self.option(inputs, volatility) {
                let (d1, d2) = option.moneyness();
                line("strike", &number(option.strike), &"")?;
                line("d1", &number(d1), &"")?;
                line("d2", &number(d2), &"")?;
                if let Some(boundary) = self.boundary(&option) {
                    let source = "the price at which it is exercised today";
                    line("exercised at", &number(boundary), &source)?;
                }
            }
        }
        line("npv", &number(valuation.npv), &valuation.currency)?;
        line("npv in base", &number(valuation.npv_base), &"")?;
        line(
            "notional",
            &number(valuation.notional),
            &valuation.notional_currency,
        )?;
        for sensitivity in &valuation.sensitivities {
            let greek = sensitivity.greek;
            line(greek.name(), &number(sensitivity.value), &key(greek))?;
        }
        Ok(())
    }
}
