//! The scenarios of a market.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::strip::{CurveStrip, PairStrip, Strip, SurfaceStrip};
use super::{Market, Unavailable, scenario_file};
use crate::fault::Faults;
use crate::portfolio::Currency;

/// A state the market may be in. Whatever does not move in it is shared with the market of today.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: Box<str>,
    /// The market as it is then.
    pub market: Market,
}

/// Scenarios of one market, in the order of their file: each as a market of its own, and what is
/// looked up most in all of them side by side.
///
/// ```
/// use mastr::market::{Market, Scenarios};
/// use mastr::portfolio::Currency;
///
/// let as_of = "2026-06-15".parse().unwrap();
/// let text = b"20260615 EQUITY/PRICE/SAP/EUR 200\n20260615 FX/RATE/EUR/USD 1.25\n";
/// let market = Market::parse(text, as_of, Currency::EUR).unwrap();
/// let file = b"Scenario,EQUITY/PRICE/*,FX/RATE/EUR/USD\nfall,*0.9,\nrise,+20,1.5\n";
/// let scenarios = Scenarios::parse(file, &market).unwrap();
/// assert_eq!(&*scenarios[0].name, "fall");
/// assert_eq!(scenarios[0].market.spot("SAP", Currency::EUR), Ok(180.0));
/// assert_eq!(scenarios[1].market.spot("SAP", Currency::EUR), Ok(220.0));
/// ```
#[derive(Debug, Default)]
pub struct Scenarios {
    scenarios: Box<[Scenario]>,
    spots: Found<(Box<str>, Currency), Strip>,
    exchange_rates: Found<(Currency, Currency), Strip>,
    discount_curves: Found<Currency, CurveStrip>,
    dividends: Found<(Box<str>, Currency), CurveStrip>,
    equity_volatilities: Found<(Box<str>, Currency), SurfaceStrip>,
    pair_volatilities: Found<(Currency, Currency), PairStrip>,
}

impl Deref for Scenarios {
    type Target = [Scenario];

    fn deref(&self) -> &[Scenario] {
        &self.scenarios
    }
}

impl Scenarios {
    /// Reads a file of comma-separated values in UTF-8. The first line has a heading for the names
    /// and then, in each column, a key that `market` quotes, or the beginning of several and `/*`.
    /// Every other line is a scenario: its name, and in each column the quote's value, `+x` to add
    /// to it, `*x` to multiply it, or nothing. Columns of the same quote move it one after another.
    ///
    /// # Errors
    /// Every key that the market does not quote or that stands twice, every name that is missing or
    /// stands twice, every cell that says something else, and every line with too many cells or too
    /// few; a file without a scenario.
    pub fn parse(file: &[u8], market: &Market) -> Result<Self, Faults> {
        let scenarios = scenario_file::parse(file, market)?;
        Ok(Self {
            scenarios: scenarios.into(),
            ..Self::default()
        })
    }
}

/// What [`Market`] gives under the same names, in all scenarios. `None` where the markets have to be
/// asked one by one, because it is not available in each of them or is not of one make.
impl Scenarios {
    pub(crate) fn spot(&self, name: &str, currency: Currency) -> Option<Arc<Strip>> {
        self.spots.get((name.into(), currency), || {
            Strip::new(self.all(|market| market.spot(name, currency))?)
        })
    }

    pub(crate) fn exchange_rate(&self, from: Currency, to: Currency) -> Option<Arc<Strip>> {
        self.exchange_rates.get((from, to), || {
            Strip::new(self.all(|market| market.exchange_rate(from, to))?)
        })
    }

    pub(crate) fn discount_curve(&self, currency: Currency) -> Option<Arc<CurveStrip>> {
        self.discount_curves.get(currency, || {
            CurveStrip::new(&self.all(|market| market.discount_curve(currency))?)
        })
    }

    pub(crate) fn dividends(&self, name: &str, currency: Currency) -> Option<Arc<CurveStrip>> {
        self.dividends.get((name.into(), currency), || {
            CurveStrip::new(&self.all(|market| Ok(market.dividends(name, currency)))?)
        })
    }

    pub(crate) fn equity_volatility(
        &self,
        name: &str,
        currency: Currency,
    ) -> Option<Arc<SurfaceStrip>> {
        self.equity_volatilities.get((name.into(), currency), || {
            SurfaceStrip::new(&self.all(|market| market.equity_volatility(name, currency))?)
        })
    }

    pub(crate) fn exchange_volatility(
        &self,
        foreign: Currency,
        domestic: Currency,
    ) -> Option<Arc<PairStrip>> {
        self.pair_volatilities.get((foreign, domestic), || {
            PairStrip::new(&self.all(|market| market.exchange_volatility(foreign, domestic))?)
        })
    }

    /// Something of the market of each scenario.
    fn all<'s, T>(&'s self, of: impl Fn(&'s Market) -> Result<T, Unavailable>) -> Option<Vec<T>> {
        let markets = self.scenarios.iter().map(|scenario| &scenario.market);
        markets.map(|market| of(market).ok()).collect()
    }
}

/// What has been asked for, each put together once; `None` where that cannot be done.
#[derive(Debug)]
struct Found<K, V>(Mutex<HashMap<K, Option<Arc<V>>>>);

impl<K, V> Default for Found<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> Found<K, V> {
    fn get(&self, key: K, make: impl FnOnce() -> Option<V>) -> Option<Arc<V>> {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        found
            .entry(key)
            .or_insert_with(|| make().map(Arc::new))
            .clone()
    }
}
