//! A sample built into the library: 240 trades of every type, their market with past fixings, and
//! 250 scenarios.
//!
//! The files stand in `examples/data/`; `mastr generate --trades 240 --seed 1` writes them.

use crate::fault::Faults;
use crate::market::{Fixings, Market, Quotes, Scenarios};
use crate::portfolio::Portfolio;

/// `examples/data/portfolio.json`.
pub const PORTFOLIO: &str = include_str!("../../examples/data/portfolio.json");

/// `examples/data/market.txt`.
pub const MARKET: &str = include_str!("../../examples/data/market.txt");

/// `examples/data/fixings.txt`.
pub const FIXINGS: &str = include_str!("../../examples/data/fixings.txt");

/// `examples/data/scenarios.csv`.
pub const SCENARIOS: &str = include_str!("../../examples/data/scenarios.csv");

/// The sample's portfolio.
///
/// ```
/// assert_eq!(mastr::sample::portfolio().trades().count(), 240);
/// ```
pub fn portfolio() -> Portfolio {
    // Invariant: the sample is valid, which a test holds.
    Portfolio::parse(PORTFOLIO.as_bytes()).expect("the sample portfolio is valid")
}

/// The market that values every trade of [`portfolio`].
pub fn market() -> Market {
    market_of(MARKET).expect("the sample market is valid")
}

/// The market of `quotes`, on the sample's day, in its base currency and with its fixings.
///
/// # Errors
/// Those of [`Quotes::parse`].
pub fn market_of(quotes: &str) -> Result<Market, Faults> {
    let portfolio = portfolio();
    let quotes = Quotes::parse(quotes.as_bytes(), portfolio.as_of())?;
    let fixings = Fixings::parse(FIXINGS.as_bytes())?;
    Ok(Market::with_fixings(&quotes, portfolio.base(), fixings))
}

/// Scenarios of [`market`], in each of which every trade can be valued.
pub fn scenarios() -> Scenarios {
    // Invariant: the sample is valid, which a test holds.
    Scenarios::parse(SCENARIOS.as_bytes(), &market()).expect("the sample scenarios are valid")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::generation::{Files, generate};
    use crate::portfolio::TradeType;
    use crate::valuation::{profit_and_loss, value};

    #[test]
    fn it_shows_what_there_is_and_every_trade_can_be_valued() {
        let (portfolio, market, scenarios) = (portfolio(), market(), scenarios());
        assert_eq!(scenarios.len(), 250);
        assert!(portfolio.faults().is_empty());
        assert_eq!(portfolio.counts().len(), TradeType::ALL.len());
        for trade in portfolio.trades() {
            let valuation = value(trade, &market).unwrap();
            assert!(!valuation.is_past());
            let pnl = profit_and_loss(trade, &valuation, &scenarios).unwrap();
            assert!(pnl.iter().any(|pnl| *pnl > 0.0) && pnl.iter().any(|pnl| *pnl < 0.0));
        }
        let distinct = |dimension: &str| {
            let values: BTreeSet<_> = portfolio.trades().map(|t| t.dimension(dimension)).collect();
            values.len()
        };
        for dimension in ["Currency", "Desk", "Book", "CounterParty", "NettingSetId"] {
            assert!(distinct(dimension) >= 3, "{dimension}");
        }
    }

    #[test]
    fn it_is_what_the_generator_writes() {
        let mut files = Files {
            portfolio: Vec::new(),
            market: Vec::new(),
            scenarios: Vec::new(),
            fixings: Vec::new(),
        };
        generate(240, 1, &mut files, |_| ()).unwrap();
        assert_eq!(files.portfolio, PORTFOLIO.as_bytes());
        assert_eq!(files.market, MARKET.as_bytes());
        assert_eq!(files.scenarios, SCENARIOS.as_bytes());
        assert_eq!(files.fixings, FIXINGS.as_bytes());
    }
}
