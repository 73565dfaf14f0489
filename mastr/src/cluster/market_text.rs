//! A market as it travels: the text that people wrote.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

use crate::fault::Faults;
use crate::market::{Fixings, Market, Quotes, Scenarios};
use crate::portfolio::Currency;
use crate::time::Date;

/// The texts that a market and its scenarios are made of, with the day and the currency that give them their meaning.
///
/// ```
/// use mastr::cluster::MarketText;
///
/// let portfolio = mastr::sample::portfolio();
/// let text = |quotes: &str| {
///     MarketText::new(portfolio.as_of(), portfolio.base(), quotes.to_owned(), String::new())
/// };
/// let sample = text(mastr::sample::MARKET);
/// assert!(sample.id().starts_with("2026-06-15-EUR-"));
/// assert_eq!(sample.id(), text(mastr::sample::MARKET).id());
/// assert_ne!(sample.id(), text("# nothing is quoted").id());
/// let scenarios = "Scenario,EQUITY/PRICE/*\nfall,*0.9\n".to_owned();
/// assert_ne!(sample.id(), sample.clone().with_scenarios(scenarios).id());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketText {
    as_of: Date,
    base: Currency,
    quotes: String,
    fixings: String,
    /// Empty if there are none.
    scenarios: String,
}

impl MarketText {
    /// The market that `quotes` and `fixings` are on this day, for values in this currency.
    pub fn new(as_of: Date, base: Currency, quotes: String, fixings: String) -> Self {
        Self {
            as_of,
            base,
            quotes,
            fixings,
            scenarios: String::new(),
        }
    }

    /// The same with scenarios.
    #[must_use]
    pub fn with_scenarios(self, scenarios: String) -> Self {
        Self { scenarios, ..self }
    }

    /// What the market is called by: the day, the currency and a hash of the texts.
    ///
    /// Figures of markets with different names never mix.
    pub fn id(&self) -> String {
        let mut hash = Xxh3::new();
        for text in [&self.quotes, &self.fixings, &self.scenarios] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        format!("{}-{}-{:016x}", self.as_of, self.base, hash.digest())
    }

    /// Builds the market, and as it is in each of its scenarios.
    ///
    /// # Errors
    ///
    /// Those of [`Quotes::parse`], [`Fixings::parse`] and [`Scenarios::parse`].
    pub fn build(&self) -> Result<(Market, Scenarios), Faults> {
        let quotes = Quotes::parse(self.quotes.as_bytes(), self.as_of)?;
        let fixings = Fixings::parse(self.fixings.as_bytes())?;
        let market = Market::with_fixings(&quotes, self.base, fixings);
        let scenarios = match self.scenarios.is_empty() {
            true => Scenarios::default(),
            false => Scenarios::parse(self.scenarios.as_bytes(), &market)?,
        };
        Ok((market, scenarios))
    }
}
